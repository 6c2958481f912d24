/**
 * Cleans up after changes that crossed each other: bindings whose ends are gone, and auto-delete exchanges that two
 * changes left without bindings, neither of them seeing that it took the last. One per vhost; rarely has work.
 *
 * It looks at the end of the turn, when the change that led here is applied as a whole.
 */
import { TURN_DELIVER, type TurnTask } from '../../base/turn.ts'
import { type BindingRecord, metadataKeys } from '../records/records.ts'
import type { Topology } from '../topology.ts'
import type { World } from '../world.ts'
import { Removal } from './removal.ts'

/** What is to be looked at. */
export class Leftovers implements TurnTask {
  readonly #topology: Topology
  readonly #world: World
  readonly #exchanges = new Set<string>()
  readonly #bindings: BindingRecord[] = []
  #isMarked = false

  constructor(topology: Topology, world: World) {
    this.#topology = topology
    this.#world = world
  }

  addExchange(name: string): void {
    this.#exchanges.add(name)
    this.#mark()
  }

  addBinding(record: BindingRecord): void {
    this.#bindings.push(record)
    this.#mark()
  }

  #mark(): void {
    if (this.#isMarked) return
    this.#isMarked = true
    this.#world.turn.mark(TURN_DELIVER, this)
  }

  onTurnEnd(): void {
    this.#isMarked = false
    const exchanges = [...this.#exchanges]
    this.#exchanges.clear()
    for (const name of exchanges) this.#dropIfEmpty(name)
    for (const record of this.#bindings.splice(0)) this.#dropRecord(record)
  }

  #dropIfEmpty(name: string): void {
    const exchange = this.#topology.exchanges.get(name)
    if (exchange === undefined || !exchange.record.autoDelete || exchange.outgoing.size > 0) return
    const removal = new Removal(this.#topology)
    removal.addExchange(exchange)
    const guards = [{ key: metadataKeys.exchange(this.#topology.vhost, name), expect: 'present' as const }]
    // Refused means gone already, or not to be stored now: then the next binding that goes tries again.
    if (removal.isEphemeral) this.#world.metadata.transactEphemeral(guards, removal.ops, () => undefined)
    else this.#world.metadata.transact(guards, removal.ops, () => undefined)
  }

  /** Unless the end that is missing came again, and the binding with it. */
  #dropRecord(record: BindingRecord): void {
    const { vhost } = this.#topology
    const key = metadataKeys.binding(record)
    if (this.#world.metadata.get(key) === undefined) return
    const end = record.destinationKind === 'queue' ? metadataKeys.queue : metadataKeys.exchange
    const isSourceMissing = !this.#topology.exchanges.has(record.source)
    const missing = isSourceMissing ? metadataKeys.exchange(vhost, record.source) : end(vhost, record.destination)
    this.#world.metadata.transact([{ key: missing, expect: 'absent' }], [{ op: 'drop', key }], () => undefined)
  }
}
