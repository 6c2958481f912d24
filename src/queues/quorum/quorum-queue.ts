/**
 * The quorum queue, on one node: everything is kept on disk, delivered after it is committed, and counted.
 *
 * Beyond what it shares with other kinds (`Entries`, `Roster`, `Lease`) it has a `CommitLine` (nothing is delivered before its
 * record survives a power loss), `Holdings` (who holds what, counts, timeouts, delayed retries) and, for dead letters
 * that may not get lost, a `LetterCourier`. [RabbitMQ 4.3: quorum queues]
 *
 * Invariant: a live entry is uncommitted, ready, in flight, parked for a retry, or dead.
 */

import type { Clock } from '../../base/clock.ts'
import type { MessageDraft } from '../../model/message/message.ts'
import type { Ledger, MessageStore } from '../../model/message/message-store.ts'
import type { EffectivePolicy } from '../../model/policy/policy.ts'
import type { DeadLetterSink } from '../../model/queue/dead-letter.ts'
import {
  ADMIT_DROPPED,
  ADMIT_REFUSED,
  ADMIT_STORED,
  type Admission,
  CANCELLED_LATE,
  type Consumer,
  type ConsumerSink,
  type ConsumerSpec,
  type Outcome,
  type QueueStatus,
  type Refusal,
  type TakeSink,
} from '../../model/queue/queue.ts'
import type { QueueHost } from '../../model/queue/queue-host.ts'
import { ledgerLabel, metadataKeys, type QueueRecord } from '../../model/records/records.ts'
import { booleanArgument, integerArgument } from '../../model/values/arguments.ts'
import { restoreArguments } from '../../model/values/arguments-json.ts'
import { refusesConsumeArguments } from '../common/arguments.ts'
import { DELIVERED_BYTES_PER_TURN, DELIVERIES_PER_TURN } from '../common/budget.ts'
import { announceConsumer, announceConsumerGone, cancelConsumers } from '../common/consumer-events.ts'
import { Contents, type ContentsOwner } from '../common/contents.ts'
import { newCounters } from '../common/counters.ts'
import { noteDelivered } from '../common/delivered.ts'
import { type DeliveryCounts, deliveriesOf, returnsOf } from '../common/delivery-counts.ts'
import { Entries, type EntriesOwner } from '../common/entries.ts'
import { EntryReader } from '../common/entry-reader.ts'
import { Lease, type LeaseHolder } from '../common/lease.ts'
import { Roster } from '../common/roster.ts'
import { statusOf } from '../common/status.ts'
import { Subscription, type SubscriptionHome } from '../common/subscription.ts'
import { Takers, type TakersOwner } from '../common/takers.ts'
import { TurnEnd, type Worker } from '../common/turn-end.ts'
import { CommitLine, type CommitOwner } from './commit-line.ts'
import { Holdings, type HoldingsOwner } from './holdings.ts'
import type { CourierHost } from './letter-courier.ts'
import { lineFor } from './letter-lines.ts'
import { type QuorumSettings, quorumSettings } from './quorum-settings.ts'
import { noConditionalDelete, noTakeWithSingleConsumer } from './refusals.ts'

/** Priorities are always on. */
const LEVEL_COUNT = 32
const LEVEL_DEFAULT = 4

/** What the queue does for its parts. */
type Parts = ContentsOwner & EntriesOwner & TakersOwner & LeaseHolder & CourierHost & CommitOwner & HoldingsOwner

/** A quorum queue. */
export class QuorumQueue implements SubscriptionHome, Worker, Parts {
  readonly kind = 'quorum'
  readonly record: QueueRecord
  readonly name: string
  readonly vhost: string
  readonly counters = newCounters()
  readonly host: QueueHost
  readonly store: MessageStore
  readonly ledger: Ledger
  readonly reader: EntryReader
  readonly recoveredUpTo: number
  #contents: Contents | null = null
  readonly tellsTransient = false
  readonly #entries: Entries
  readonly #roster: Roster
  readonly #lease: Lease
  #takers: Takers | null = null
  readonly #commits: CommitLine
  readonly #holdings: Holdings
  #settings: QuorumSettings
  #isRefusing = false
  readonly #turnEnd: TurnEnd
  #idleSinceMs: number

  constructor(record: QueueRecord, policy: EffectivePolicy, host: QueueHost) {
    const args = restoreArguments(record.arguments)
    this.record = record
    this.name = record.name
    this.vhost = record.vhost
    this.host = host
    this.store = host.store
    this.ledger = host.store.ledger(record.ledgerId, true, ledgerLabel(metadataKeys.queue(record.vhost, record.name)))
    this.reader = new EntryReader(host.store, this.ledger, this)
    this.recoveredUpTo = this.ledger.deliveredUpTo
    this.#idleSinceMs = host.clock.nowMs()
    this.#turnEnd = new TurnEnd(host.turn, this)
    const ordering = { levelCount: LEVEL_COUNT, defaultLevel: LEVEL_DEFAULT, returnsFirst: true, dropsLowest: true }
    this.#entries = new Entries(this, ordering)
    this.#roster = new Roster(
      booleanArgument(args, 'x-single-active-consumer') === true ? 'single-by-priority' : 'shared',
    )
    this.#lease = new Lease(host.timers, this)
    this.#commits = new CommitLine(this)
    this.#holdings = new Holdings(this, this.#entries)
    this.#settings = quorumSettings(args, policy, host.defaults)
    this.#apply(this.#settings)
    this.#entries.recover()
    this.#holdings.recover(this.recoveredUpTo)
  }

  // Publishing

  keeps(): boolean {
    return true
  }

  admit(): Admission {
    if (this.#turnEnd.isStopped) return ADMIT_DROPPED
    if (this.#isRefusing) this.#judgeLength()
    return this.#isRefusing ? ADMIT_REFUSED : ADMIT_STORED
  }

  enter(draft: MessageDraft, slot: number): void {
    this.#entries.enter(draft, slot)
    this.#commits.uncommittedBytes += draft.bodyBytes
    this.counters.published++
    this.#turnEnd.mark()
  }

  onCommitted(sequence: number): void {
    this.#entries.addEntered(sequence)
  }

  // Consumers

  get consumers(): readonly Consumer[] {
    return this.#roster.all
  }

  get hasConsumers(): boolean {
    return this.#roster.count > 0
  }

  /** An exclusive consumer is one like any other here. */
  refusesConsumer(spec: ConsumerSpec): Refusal | undefined {
    if (spec.sharesPrefetch === true) {
      const text = `queue '${this.name}' in vhost '${this.vhost}' does not support global qos`
      return { code: 'not-implemented', text }
    }
    return refusesConsumeArguments(this, this.kind, spec.args)
  }

  subscribe(spec: ConsumerSpec, sink: ConsumerSink): Consumer {
    const subscription = new Subscription(this, spec, sink, this.#roster.nextId())
    subscription.ackTimeoutMs = this.#ackTimeoutOf(spec)
    this.#holdings.add(subscription)
    this.#roster.add(subscription)
    announceConsumer(this, spec)
    this.#lease.renew()
    this.wake()
    return subscription
  }

  onCredited(subscription: Subscription): void {
    this.#roster.wake(subscription)
    if (this.#entries.readyCount > 0) this.wake()
  }

  onCancel(subscription: Subscription): void {
    subscription.isCancelled = true
    this.#roster.remove(subscription)
    announceConsumerGone(this, subscription.spec)
    this.#holdings.end(subscription)
    this.#lease.renew()
    this.wake()
  }

  isActive(subscription: Subscription): boolean {
    return !this.#roster.isSingle || this.#roster.active === subscription
  }

  onSettle(subscription: Subscription, sequence: number, outcome: Outcome): void {
    this.#holdings.settle(subscription, sequence, outcome)
  }

  onFree(): void {
    // An outranked single active consumer hands over when it has settled everything.
    if (this.#roster.isSingle && this.#roster.elect()) this.wake()
  }

  onLate(subscription: Subscription): void {
    this.onCancel(subscription)
    subscription.sink.cancelled(CANCELLED_LATE)
  }

  // Taking

  refusesTake(): Refusal | undefined {
    return this.#roster.isSingle ? noTakeWithSingleConsumer(this) : undefined
  }

  take(noAck: boolean, sink: TakeSink): void {
    this.#lease.renew()
    this.#turnEnd.catchUp()
    this.#takers ??= new Takers(this, this.#entries)
    this.#takers.take(noAck, sink)
  }

  onTaken(sequence: number, noAck: boolean): void {
    if (noAck) return this.#entries.settle(sequence)
    this.#holdings.holdTaken(sequence)
    if (sequence > this.ledger.deliveredUpTo) this.ledger.markDelivered(sequence)
  }

  settleTaken(sequence: number, outcome: Outcome): void {
    this.#holdings.settleTaken(sequence, outcome)
  }

  // Administration

  get contents(): Contents {
    this.#contents ??= new Contents(this, this.#entries)
    return this.#contents
  }

  get readyCount(): number {
    return this.#entries.readyCount
  }

  get readyEnd(): number {
    return this.#commits.committedUpTo + 1
  }

  refusesPurge(): Refusal | undefined {
    return undefined
  }

  /** Clears dead letters that wait to be safe, too. */
  purge(): number {
    this.#turnEnd.catchUp()
    const count = this.#entries.purge()
    if (this.#settings.keepsLetters) this.#entries.line?.clear()
    return count
  }

  refusesDelete(ifUnused: boolean, ifEmpty: boolean): Refusal | undefined {
    if (ifUnused) return noConditionalDelete(this, 'if-unused')
    return ifEmpty ? noConditionalDelete(this, 'if-empty') : undefined
  }

  close(reason: string): void {
    if (this.#turnEnd.isStopped) return
    while (this.#entries.line?.run() === false);
    this.stop()
    cancelConsumers(this, this.#roster.clear(), reason)
    this.#takers?.close()
    this.ledger.delete()
  }

  stop(): void {
    this.#turnEnd.isStopped = true
    this.#entries.stop()
    this.#lease.stop()
    this.#holdings.stop()
  }

  /** A redeclaration does not renew the lease of a quorum queue. */
  touch(): void {}

  applyPolicy(policy: EffectivePolicy): void {
    this.#apply(quorumSettings(restoreArguments(this.record.arguments), policy, this.host.defaults))
    for (const subscription of this.#roster.all) subscription.ackTimeoutMs = this.#ackTimeoutOf(subscription.spec)
    this.wake()
  }

  status(): QueueStatus {
    const { ledger, reader } = this
    const holdings = this.#holdings
    const commits = this.#commits
    return statusOf({
      ledger,
      reader,
      entries: this.#entries,
      roster: this.#roster,
      isStopped: this.#turnEnd.isStopped,
      idleSinceMs: this.#idleSinceMs,
      effective: this.#settings.effective,
      heldCount: holdings.parkedCount + commits.uncommittedCount,
      heldBytes: holdings.parkedBytes + commits.uncommittedBytes,
      delayedCount: holdings.parkedCount,
      persistentCount: ledger.liveCount,
    })
  }

  // The turn's end

  wake(): void {
    this.#turnEnd.mark()
  }

  onEntriesRead(damaged: boolean): void {
    if (this.#turnEnd.isStopped) return
    if (damaged) this.#entries.recount(this.#commits.committedUpTo + 1)
    this.#takers?.serve()
    this.wake()
  }

  onLeaseEnded(): void {
    if (!this.#turnEnd.isStopped) this.host.requestDelete(this, 'expired')
  }

  get clock(): Clock {
    return this.host.clock
  }

  get deadLetters(): DeadLetterSink {
    return this.host.deadLetters
  }

  get timers(): QueueHost['timers'] {
    return this.host.timers
  }

  countsOf(sequence: number): DeliveryCounts {
    const word = this.ledger.recall(sequence)
    return { deliveries: deliveriesOf(word), returns: returnsOf(word) }
  }

  settleDead(sequence: number): void {
    this.#entries.settle(sequence)
  }

  work(): boolean {
    const entries = this.#entries
    const nowMs = this.host.clock.nowMs()
    this.#idleSinceMs = nowMs
    this.#commits.advance()
    this.#holdings.returnParked(nowMs)
    const { expiry, limit } = entries
    let isDone = expiry === null || expiry.run(nowMs)
    if (!this.#deliver(nowMs)) isDone = false
    // What is being read for a consumer leaves first.
    else if (!this.reader.isLoading || this.#roster.next() === null) {
      if (limit !== null && !limit.refuses) entries.makeRoom(limit)
      expiry?.expireInstant()
    }
    this.#judgeLength()
    return (entries.line === null || entries.line.run()) && isDone
  }

  // Helpers

  /** Matches ready entries with consumers that have credit, until either runs dry; false when the budget did. */
  #deliver(nowMs: number): boolean {
    if (this.#contents?.isPaused) return true
    const { store, ledger, counters } = this
    const roster = this.#roster
    const entries = this.#entries
    const { order, expiry } = entries
    const view = this.reader.view
    let deliveredUpTo = 0
    let bytesLeft = DELIVERED_BYTES_PER_TURN
    let countLeft = DELIVERIES_PER_TURN
    for (; countLeft > 0 && bytesLeft > 0; countLeft--) {
      const consumer = roster.next()
      const sequence = consumer === null ? 0 : order.peek()
      if (consumer === null || sequence === 0) break
      const address = ledger.addressOf(sequence)
      if (!store.open(address, view)) {
        this.reader.open(sequence)
        break
      }
      if (expiry?.hasExpired(view, nowMs)) {
        entries.onExpired(sequence)
        continue
      }
      const redelivered = order.isHeadReturned || sequence <= this.recoveredUpTo
      const counts = redelivered ? ledger.recall(sequence) : 0
      entries.shift(view.bodyBytes)
      bytesLeft -= view.bodyBytes
      if (redelivered) counters.redelivered++
      if (!consumer.noAck) {
        if (sequence > deliveredUpTo) deliveredUpTo = sequence
        counters.delivered++
        this.#holdings.hold(consumer, sequence, nowMs)
      }
      consumer.sink.deliver(view, sequence, address, redelivered, deliveriesOf(counts), returnsOf(counts))
      if (consumer.noAck) {
        counters.deliveredNoAck++
        entries.settle(sequence)
      }
      roster.served(consumer)
    }
    if (deliveredUpTo > ledger.deliveredUpTo) ledger.markDelivered(deliveredUpTo)
    const count = DELIVERIES_PER_TURN - countLeft
    if (count > 0) noteDelivered(this.host, view, count, entries.readyCount)
    return countLeft > 0 && bytesLeft > 0
  }

  /** Refuses from the limit on, until the queue has come down well below it. Dead letters that wait count. */
  #judgeLength(): void {
    const { limit, readyCount, readyBytes, deadCount, deadBytes } = this.#entries
    if (limit === null || !limit.refuses) this.#isRefusing = false
    else if (this.#isRefusing) this.#isRefusing = !limit.isRelaxedAt(readyCount + deadCount, readyBytes + deadBytes)
    else this.#isRefusing = limit.isExceededBy(readyCount + deadCount, readyBytes + deadBytes)
  }

  #ackTimeoutOf(spec: ConsumerSpec): number {
    return integerArgument(spec.args, 'x-consumer-timeout') ?? this.#settings.ackTimeoutMs
  }

  #apply(settings: QuorumSettings): void {
    this.#settings = settings
    const entries = this.#entries
    for (const warning of settings.warnings) this.host.log.warning(warning, { queue: this.name, vhost: this.vhost })
    this.#lease.setLength(settings.leaseMs)
    entries.setQueueTtl(settings.queueTtlMs)
    entries.limit = settings.limit
    this.#holdings.delay = settings.delay
    this.#holdings.deliveryLimit = settings.deliveryLimit
    entries.line = lineFor(this, entries.line, settings)
  }
}
