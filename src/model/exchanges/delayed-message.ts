/**
 * Exchange type `x-delayed-message`: a message with the header `x-delay` (ms) is kept that long, then routed as the type
 * that the argument `x-delayed-type` names would have. Without the header, or with one not above zero, it is routed at once.
 *
 * Kept messages are entries of the exchange's own ledger, so those of a durable exchange survive a restart, whatever
 * their delivery mode. The deadline is the entry's tag (low 16 bits) and remembered number (the 32 above). Memory: 16
 * bytes a message beside the ledger's. Count and delay have no limit but the deadline's 48 bits (the year 10889).
 * Differs: a kept message counts as routed, so `mandatory` does not return it; the plug-in returns it.
 */
import { TimerEntry, type TimerOwner } from '../../base/timer-wheel.ts'
import { TURN_DELIVER, type TurnTask } from '../../base/turn.ts'
import { MessageDraft, type RoutingFacts } from '../message/message.ts'
import type { Address, Ledger, LoadSink } from '../message/message-store.ts'
import { ADMIT_STORED, type Admission } from '../queue/queue.ts'
import { type ExchangeRecord, ledgerLabel, metadataKeys } from '../records/records.ts'
import type {
  Binding,
  ExchangeHost,
  ExchangeIndex,
  ExchangeKeeper,
  ExchangeType,
  RouteSet,
} from '../routing/exchange.ts'
import { type Arguments, isInteger, stringArgument, type TypedValue } from '../values/arguments.ts'
import { DueHeap } from './due-heap.ts'

const DELAY = 'x-delay'
const DELAYED_TYPE = 'x-delayed-type'
const DUE_MS_MAX = 2 ** 48 - 1
const TAG_BITS = 16
const RELEASED_PER_TURN = 256

/** The delay that a message asks for, ms; 0 for none. */
function delayOf(facts: RoutingFacts): number {
  const header = facts.header(DELAY)
  if (header === undefined) return 0
  const isNumber = isInteger(header) || header.type === 'double' || header.type === 'float'
  const delayMs = isNumber ? Math.ceil(Number(header.value)) : 0
  return Math.max(delayMs, 0)
}

/** Facts of a message that has waited: its delay is negative, so that no exchange on its way delays it again. */
class ReleasedFacts implements RoutingFacts {
  readonly #facts: RoutingFacts

  constructor(facts: RoutingFacts) {
    this.#facts = facts
  }

  header(name: string): TypedValue | undefined {
    if (name !== DELAY) return this.#facts.header(name)
    return { type: 'long', value: -delayOf(this.#facts) }
  }

  headers(): Arguments {
    return new Map([...this.#facts.headers(), [DELAY, { type: 'long', value: -delayOf(this.#facts) }]])
  }

  property(name: string): string | undefined {
    return this.#facts.property(name)
  }
}

/** The messages that wait in one exchange. */
class DelayedMessages implements ExchangeKeeper, TimerOwner, TurnTask, LoadSink {
  readonly name = ''
  readonly #record: ExchangeRecord
  readonly #host: ExchangeHost
  readonly #ledger: Ledger
  readonly #due = new DueHeap()
  readonly #timer = new TimerEntry(this)
  readonly #draft = new MessageDraft()
  #isLoading = false
  #isStopped = false

  constructor(record: ExchangeRecord, host: ExchangeHost) {
    this.#record = record
    this.#host = host
    this.#ledger = host.store.ledger(
      record.ledgerId,
      record.durable,
      ledgerLabel(metadataKeys.exchange(record.vhost, record.name)),
    )
  }

  get keptCount(): number {
    return this.#ledger.liveCount
  }

  keeps(): boolean {
    return this.#record.durable
  }

  admit(): Admission {
    return ADMIT_STORED
  }

  enter(draft: MessageDraft, slot: number, _address: Address): void {
    const dueMs = Math.min(this.#host.timers.clock.nowMs() + delayOf(draft.facts), DUE_MS_MAX)
    const sequence = this.#ledger.enter(slot, draft.bodyBytes, dueMs % 2 ** TAG_BITS)
    this.#ledger.remember(sequence, Math.floor(dueMs / 2 ** TAG_BITS))
    this.#due.push(dueMs, sequence)
    if (this.#due.firstNumber === sequence) this.#host.timers.schedule(this.#timer, dueMs)
  }

  start(): void {
    const ledger = this.#ledger
    for (let at = ledger.nextLive(1); at < ledger.nextSequence; at = ledger.nextLive(at + 1)) {
      this.#due.push(ledger.recall(at) * 2 ** TAG_BITS + ledger.tagOf(at), at)
    }
    if (this.#due.count > 0) this.#host.timers.schedule(this.#timer, this.#due.firstDueMs)
  }

  bound(): void {}

  stop(): void {
    this.#isStopped = true
    this.#host.timers.cancel(this.#timer)
  }

  close(): void {
    this.stop()
    this.#due.clear()
    this.#ledger.delete()
  }

  // Releasing

  onTimer(): void {
    this.#release()
  }

  onTurnEnd(): void {
    this.#release()
  }

  onLoaded(): void {
    // What could not be read is settled by now: its address is 0.
    this.#isLoading = false
    this.#release()
  }

  #release(): void {
    if (this.#isStopped || this.#isLoading) return
    const nowMs = this.#host.timers.clock.nowMs()
    for (let budget = RELEASED_PER_TURN; this.#due.firstDueMs <= nowMs; budget--) {
      if (budget === 0) return this.#host.turn.again(TURN_DELIVER, this)
      if (!this.#releaseFirst()) return
    }
    if (this.#due.count > 0) this.#host.timers.schedule(this.#timer, this.#due.firstDueMs)
  }

  /** False when the message has to be read first. */
  #releaseFirst(): boolean {
    const sequence = this.#due.firstNumber
    const address = this.#ledger.addressOf(sequence)
    if (address !== 0) {
      if (!this.#host.restore(address, this.#draft)) {
        this.#isLoading = true
        this.#host.store.load(this.#ledger, sequence, this)
        return false
      }
      this.#draft.facts = new ReleasedFacts(this.#draft.facts)
      this.#host.publishThrough(this.#record, this.#draft)
      this.#ledger.settle(sequence)
    }
    this.#due.pop()
    return true
  }
}

class DelayedIndex implements ExchangeIndex {
  readonly usesEveryKey: boolean
  readonly keeper: DelayedMessages
  readonly #inner: ExchangeIndex

  constructor(inner: ExchangeIndex, keeper: DelayedMessages) {
    this.usesEveryKey = inner.usesEveryKey
    this.keeper = keeper
    this.#inner = inner
  }

  bind(binding: Binding): void {
    this.#inner.bind(binding)
  }

  unbind(binding: Binding): void {
    this.#inner.unbind(binding)
  }

  route(routingKey: string, facts: RoutingFacts, into: RouteSet): void {
    if (delayOf(facts) > 0) into.addTarget(this.keeper)
    else this.#inner.route(routingKey, facts, into)
  }
}

/** The type, over the types that it may wrap. */
export function delayedMessage(types: ReadonlyMap<string, ExchangeType>): ExchangeType {
  /** Types that keep messages themselves are none to wrap: there is one ledger. */
  const innerType = (args: Arguments): ExchangeType | undefined => {
    const type = types.get(stringArgument(args, DELAYED_TYPE) ?? '')
    return type?.keepsMessages === true ? undefined : type
  }
  return {
    name: 'x-delayed-message',
    description: 'Delayed Message Exchange.',
    routesByKeyAlone: false,
    keepsMessages: true,
    refusesArguments: (args) =>
      innerType(args) === undefined
        ? `Invalid argument, '${DELAYED_TYPE}' must be an existing exchange type`
        : innerType(args)!.refusesArguments(args),
    refusesBinding: (binding, source) => innerType(source.arguments)?.refusesBinding(binding, source),
    create: (record, args, host) => {
      const inner = innerType(args)
      if (inner === undefined) throw new Error(`exchange '${record.name}' delays for an unknown exchange type`)
      return new DelayedIndex(inner.create(record, args, host), new DelayedMessages(record, host))
    },
  }
}
