/**
 * What goes when something is deleted: its bindings, the auto-delete exchanges that lose their last binding by that,
 * their bindings, and so on. Collected from what is in force, removed in one transaction.
 */

import type { Queue } from '../queue/queue.ts'
import type { MetadataOp } from '../records/metadata.ts'
import { metadataKeys } from '../records/records.ts'
import type { Binding } from '../routing/exchange.ts'
import type { ExchangeState } from '../routing/exchange-state.ts'
import type { Topology } from '../topology.ts'

/** A set of objects to be removed. */
export class Removal {
  readonly #topology: Topology
  readonly #ops: MetadataOp[] = []
  readonly #bindings = new Set<Binding>()
  readonly #exchanges = new Set<ExchangeState>()
  /** Bindings gone so far, by source. */
  readonly #goneBySource = new Map<ExchangeState, number>()
  #touchesDurable = false

  constructor(topology: Topology) {
    this.#topology = topology
  }

  /** The ops of the transaction. */
  get ops(): readonly MetadataOp[] {
    return this.#ops
  }

  /** Whether nothing of it is in the store. */
  get isEphemeral(): boolean {
    return !this.#touchesDurable
  }

  addQueue(queue: Queue): void {
    this.#drop(metadataKeys.queue(queue.vhost, queue.name), queue.record.durable)
    for (const binding of this.#topology.bindingsOf(queue)) this.addBinding(binding)
  }

  addExchange(exchange: ExchangeState): void {
    if (this.#exchanges.has(exchange)) return
    this.#exchanges.add(exchange)
    this.#drop(metadataKeys.exchange(exchange.record.vhost, exchange.name), exchange.record.durable)
    for (const binding of exchange.outgoing) this.addBinding(binding)
    for (const binding of exchange.incoming) this.addBinding(binding)
  }

  addBinding(binding: Binding): void {
    if (this.#bindings.has(binding)) return
    this.#bindings.add(binding)
    this.#drop(metadataKeys.binding(binding.record), isDurableBinding(this.#topology, binding))
    const source = this.#topology.exchanges.get(binding.record.source)
    if (source === undefined) return
    const gone = (this.#goneBySource.get(source) ?? 0) + 1
    this.#goneBySource.set(source, gone)
    if (source.record.autoDelete && gone === source.outgoing.size) this.addExchange(source)
  }

  #drop(key: readonly string[], durable: boolean): void {
    this.#ops.push({ op: 'drop', key })
    if (durable) this.#touchesDurable = true
  }
}

/** A binding is kept over a restart when both of its ends are. */
export function isDurableBinding(topology: Topology, { record, destination }: Binding): boolean {
  const end = destination.kind === 'queue' ? destination.queue.record : destination.exchange.record
  return end.durable && topology.exchanges.get(record.source)?.record.durable === true
}
