/**
 * Deletes what is too much for one transaction in steps, each in a turn of its own: a million bindings, the queues of a
 * whole vhost. Called by the verbs that delete, before the transaction that deletes what is left and gives the answer.
 *
 * Bindings go before their ends, so whatever happens between two steps leaves nothing without an owner. A deletion that is
 * cut off (the broker stops, the disk is full) has removed some of what it was to remove; its client got no answer.
 */
import { TURN_DELIVER, type TurnTask } from '../../base/turn.ts'
import type { Queue } from '../queue/queue.ts'
import type { Binding } from '../routing/exchange.ts'
import type { ExchangeState } from '../routing/exchange-state.ts'
import type { Topology } from '../topology.ts'
import type { World } from '../world.ts'
import { Removal } from './removal.ts'

/** Objects of one step. What is smaller is deleted without steps. A binding takes 5 to 15 µs. */
export const STEP_COUNT = 1_000

/** A set, or the values of a map. */
interface Bindings {
  readonly size: number
  values(): Iterable<Binding>
}

/** Removes all but one step's worth of bindings. */
export function* bindingSteps(topology: Topology, bindings: () => Bindings): Generator<Removal> {
  while (bindings().size > STEP_COUNT) {
    const removal = new Removal(topology)
    for (const binding of bindings().values()) {
      removal.addBinding(binding)
      if (removal.ops.length >= STEP_COUNT) break
    }
    yield removal
  }
}

/** Removes queues with their bindings; nothing, when one step's worth is all there is. */
export function* queueSteps(topology: Topology, queues: readonly Queue[]): Generator<Removal> {
  let count = 0
  for (const queue of queues) count += 1 + topology.bindingsOf(queue).size
  if (count <= STEP_COUNT) return
  let removal = new Removal(topology)
  for (const queue of queues) {
    if (removal.ops.length + topology.bindingsOf(queue).size >= STEP_COUNT) {
      if (removal.ops.length > 0) yield removal
      removal = new Removal(topology)
      yield* bindingSteps(topology, () => topology.bindingsOf(queue))
    }
    // Somebody else may have deleted it meanwhile.
    if (topology.queues.get(queue.name) === queue) removal.addQueue(queue)
  }
  yield removal
}

/** Removes nearly everything of a vhost. */
export function* vhostSteps(topology: Topology): Generator<Removal> {
  yield* queueSteps(topology, [...topology.queues.values()])
  yield* bindingSteps(topology, () => topology.bindings)
  const exchanges = [...topology.exchanges.values()].filter(({ isSystem }) => !isSystem)
  for (let from = 0; from + STEP_COUNT < exchanges.length; from += STEP_COUNT) {
    yield removalOf(topology, exchanges.slice(from, from + STEP_COUNT))
  }
}

function removalOf(topology: Topology, exchanges: readonly ExchangeState[]): Removal {
  const removal = new Removal(topology)
  for (const exchange of exchanges) {
    if (topology.exchanges.get(exchange.name) === exchange) removal.addExchange(exchange)
  }
  return removal
}

/** Takes the steps, then calls `then`: before return when there are none. A step that fails is the last. */
export function stepwise(world: World, steps: Iterator<Removal>, then: () => void): void {
  new Steps(world, steps, then).take()
}

class Steps implements TurnTask {
  readonly #world: World
  readonly #steps: Iterator<Removal>
  readonly #then: () => void

  constructor(world: World, steps: Iterator<Removal>, then: () => void) {
    this.#world = world
    this.#steps = steps
    this.#then = then
  }

  take(): void {
    const { done, value } = this.#steps.next()
    if (done === true) return this.#then()
    const { metadata, turn } = this.#world
    const transact = value.isEphemeral ? metadata.transactEphemeral : metadata.transact
    transact.call(metadata, [], value.ops, ({ ok }) => {
      // The transaction that follows tells why.
      if (ok) turn.again(TURN_DELIVER, this)
      else this.#then()
    })
  }

  onTurnEnd(): void {
    this.take()
  }
}
