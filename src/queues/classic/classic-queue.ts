/**
 * The classic queue: on one node, durable or not, delivering without waiting for the disk.
 *
 * Published entries become ready at once and leave at the end of the turn, to whoever has credit. The parts work by
 * themselves: `Entries` (order, expiry, limits, dead letters), `Roster` (consumers), `Lease`. [RabbitMQ: classic queues]
 *
 * Invariant: a live entry is ready, dead or unacked; which sessions hold unacked entries is the sessions' knowledge.
 */

import type { Clock } from '../../base/clock.ts'
import type { MessageDraft } from '../../model/message/message.ts'
import type { Ledger, MessageStore } from '../../model/message/message-store.ts'
import { type EffectivePolicy, NO_POLICY } from '../../model/policy/policy.ts'
import type { DeadLetterSink, DeadLetterTarget } from '../../model/queue/dead-letter.ts'
import {
  ADMIT_DROPPED,
  ADMIT_REFUSED,
  ADMIT_STORED,
  type Admission,
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
import { DeadLetterLine, type LetterHost } from '../common/dead-letter-line.ts'
import { noteDelivered } from '../common/delivered.ts'
import { type DeliveryCounts, NO_COUNTS } from '../common/delivery-counts.ts'
import { Entries } from '../common/entries.ts'
import { EntryReader } from '../common/entry-reader.ts'
import { Lease, type LeaseHolder } from '../common/lease.ts'
import type { LengthLimit, Overflow } from '../common/length-limit.ts'
import type { Ordering } from '../common/ready-order.ts'
import { inUse, notEmpty } from '../common/refusals.ts'
import { Roster } from '../common/roster.ts'
import { Settings } from '../common/settings.ts'
import { statusOf } from '../common/status.ts'
import { Subscription, type SubscriptionHome } from '../common/subscription.ts'
import { Takers, type TakersOwner } from '../common/takers.ts'
import { TurnEnd, type Worker } from '../common/turn-end.ts'

/** The order without priorities. */
/** Of most queues. */
const NOTHING_EFFECTIVE: QueueStatus['effective'] = {}
const PLAIN: Ordering = { levelCount: 1, defaultLevel: 0, returnsFirst: false, dropsLowest: false }

/** A classic queue. */
export class ClassicQueue implements SubscriptionHome, Worker, ContentsOwner, TakersOwner, LetterHost, LeaseHolder {
  readonly kind = 'classic'
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
  readonly tellsTransient: boolean
  readonly #entries: Entries
  readonly #roster: Roster
  readonly #lease: Lease
  #takers: Takers | null = null
  #line: DeadLetterLine | null = null
  #effective = NOTHING_EFFECTIVE
  readonly #turnEnd: TurnEnd
  #isDeleteRequested = false
  #idleSinceMs: number

  constructor(record: QueueRecord, policy: EffectivePolicy, host: QueueHost) {
    const args = restoreArguments(record.arguments)
    this.record = record
    this.name = record.name
    this.vhost = record.vhost
    this.host = host
    this.store = host.store
    const label = record.durable ? ledgerLabel(metadataKeys.queue(record.vhost, record.name)) : ''
    this.ledger = host.store.ledger(record.ledgerId, record.durable, label)
    this.reader = new EntryReader(host.store, this.ledger, this)
    this.recoveredUpTo = this.ledger.deliveredUpTo
    this.tellsTransient = record.durable
    this.#idleSinceMs = host.clock.nowMs()
    this.#turnEnd = new TurnEnd(host.turn, this)
    const maxPriority = integerArgument(args, 'x-max-priority') ?? 0
    this.#entries = new Entries(this, maxPriority === 0 ? PLAIN : { ...PLAIN, levelCount: maxPriority + 1 })
    this.#roster = new Roster(booleanArgument(args, 'x-single-active-consumer') === true ? 'single' : 'shared')
    this.#lease = new Lease(host.timers, this)
    this.#entries.recover()
    this.applyPolicy(policy)
  }

  // Publishing

  keeps(persistent: boolean): boolean {
    return persistent && this.record.durable
  }

  admit(draft: MessageDraft): Admission {
    const limit = this.#entries.limit
    if (this.#turnEnd.isStopped) return ADMIT_DROPPED
    return limit === null || !limit.refuses || this.#hasRoom(limit, draft) ? ADMIT_STORED : ADMIT_REFUSED
  }

  enter(draft: MessageDraft, slot: number): void {
    const entries = this.#entries
    entries.addNew(entries.enter(draft, slot), draft)
    this.counters.published++
    const limit = entries.limit
    if (limit?.isExceededBy(entries.readyCount, entries.readyBytes)) this.#keepTo(limit)
    this.#turnEnd.mark()
  }

  // Consumers

  get consumers(): readonly Consumer[] {
    return this.#roster.all
  }

  get hasConsumers(): boolean {
    return this.#roster.count > 0
  }

  refusesConsumer(spec: ConsumerSpec): Refusal | undefined {
    return refusesConsumeArguments(this, this.kind, spec.args) ?? this.#roster.refuses(this, spec.exclusive)
  }

  subscribe(spec: ConsumerSpec, sink: ConsumerSink): Consumer {
    const subscription = new Subscription(this, spec, sink, this.#roster.nextId())
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
    this.#lease.renew()
    this.wake()
    if (this.record.autoDelete && !this.hasConsumers) this.#requestDelete('unused')
  }

  isActive(subscription: Subscription): boolean {
    return !this.#roster.isSingle || this.#roster.active === subscription
  }

  onSettle(_subscription: Subscription, sequence: number, outcome: Outcome): void {
    this.settleTaken(sequence, outcome)
  }

  // Taking

  refusesTake(): Refusal | undefined {
    return undefined
  }

  take(noAck: boolean, sink: TakeSink): void {
    this.#lease.renew()
    this.#turnEnd.catchUp()
    this.#takers ??= new Takers(this, this.#entries)
    this.#takers.take(noAck, sink)
  }

  onTaken(sequence: number, noAck: boolean): void {
    if (noAck) this.#entries.settle(sequence)
    else if (sequence > this.ledger.deliveredUpTo) this.ledger.markDelivered(sequence)
  }

  settleTaken(sequence: number, outcome: Outcome): void {
    const entries = this.#entries
    switch (outcome) {
      case 'accepted':
        this.counters.acked++
        return entries.settle(sequence)
      case 'rejected':
      case 'discarded':
        if (this.ledger.addressOf(sequence) === 0) return
        this.counters.rejected++
        return entries.die(sequence, 'rejected')
      case 'returned':
      case 'returned-failed':
        if (this.ledger.addressOf(sequence) === 0) return
        entries.giveBack(sequence)
        return this.wake()
    }
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
    return this.ledger.nextSequence
  }

  refusesPurge(): Refusal | undefined {
    return undefined
  }

  purge(): number {
    this.#turnEnd.catchUp()
    return this.#entries.purge()
  }

  refusesDelete(ifUnused: boolean, ifEmpty: boolean): Refusal | undefined {
    if (ifUnused && this.hasConsumers) return inUse(this)
    return ifEmpty && this.readyCount > 0 ? notEmpty(this) : undefined
  }

  close(reason: string): void {
    if (this.#turnEnd.isStopped) return
    // Who rejected entries and then deleted the queue still gets the dead letters.
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
  }

  touch(): void {
    this.#lease.renew()
  }

  applyPolicy(policy: EffectivePolicy = NO_POLICY): void {
    const settings = new Settings(restoreArguments(this.record.arguments), policy)
    const entries = this.#entries
    this.#lease.setLength(settings.leaseMs())
    entries.setQueueTtl(settings.queueTtlMs())
    this.#setTarget(settings.deadLetterTarget())
    entries.limit = settings.lengthLimit((settings.argumentFirst('overflow') ?? 'drop-head') as Overflow)
    this.#effective = Object.keys(settings.effective).length === 0 ? NOTHING_EFFECTIVE : settings.effective
    this.wake()
  }

  status(): QueueStatus {
    const { ledger, reader } = this
    return statusOf({
      ledger,
      reader,
      entries: this.#entries,
      roster: this.#roster,
      isStopped: this.#turnEnd.isStopped,
      idleSinceMs: this.#idleSinceMs,
      effective: this.#effective,
      heldCount: 0,
      heldBytes: 0,
      delayedCount: 0,
      persistentCount: this.record.durable ? ledger.liveCount - this.#entries.transientCount : 0,
    })
  }

  // The turn's end

  wake(): void {
    this.#turnEnd.mark()
  }

  onEntriesRead(damaged: boolean): void {
    if (this.#turnEnd.isStopped) return
    if (damaged) this.#entries.recount(this.ledger.nextSequence)
    this.#takers?.serve()
    this.wake()
  }

  onLeaseEnded(): void {
    this.#requestDelete('expired')
  }

  get clock(): Clock {
    return this.host.clock
  }

  get deadLetters(): DeadLetterSink {
    return this.host.deadLetters
  }

  countsOf(): DeliveryCounts {
    return NO_COUNTS
  }

  settleDead(sequence: number): void {
    this.#entries.settle(sequence)
  }

  work(): boolean {
    const { expiry, limit, line } = this.#entries
    this.#idleSinceMs = this.host.clock.nowMs()
    let isDone = expiry === null || expiry.run(this.#idleSinceMs)
    if (!this.#deliver()) isDone = false
    // What is being read for a consumer leaves first.
    else if (!this.reader.isLoading || this.#roster.next() === null) {
      if (limit !== null && !limit.refuses) this.#entries.makeRoom(limit)
      expiry?.expireInstant()
    }
    return (line === null || line.run()) && isDone
  }

  // Helpers

  /** Matches ready entries with consumers that have credit, until either runs dry; false when the budget did. */
  #deliver(): boolean {
    if (this.#contents?.isPaused) return true
    const { store, ledger } = this
    const roster = this.#roster
    const entries = this.#entries
    if (entries.readyCount === 0) return true
    const { order, expiry } = entries
    const view = this.reader.view
    const nowMs = expiry === null ? 0 : this.host.clock.nowMs()
    let deliveredUpTo = 0
    let bytesLeft = DELIVERED_BYTES_PER_TURN
    let countLeft = DELIVERIES_PER_TURN
    while (countLeft > 0 && bytesLeft > 0) {
      const consumer = roster.next()
      if (consumer === null) break
      const sequence = order.peek()
      if (sequence === 0) break
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
      const weight = view.bodyBytes
      entries.shift(weight)
      countLeft--
      bytesLeft -= weight
      if (redelivered) this.counters.redelivered++
      consumer.sink.deliver(view, sequence, address, redelivered, 0, 0)
      if (consumer.noAck) {
        this.counters.deliveredNoAck++
        entries.settle(sequence)
      } else {
        this.counters.delivered++
        if (sequence > deliveredUpTo) deliveredUpTo = sequence
      }
      roster.served(consumer)
    }
    if (deliveredUpTo > ledger.deliveredUpTo) ledger.markDelivered(deliveredUpTo)
    const count = DELIVERIES_PER_TURN - countLeft
    if (count > 0) noteDelivered(this.host, view, count, entries.readyCount)
    return countLeft > 0 && bytesLeft > 0
  }

  /** Whether a queue that refuses can take the message, after those of this turn have found their consumers. */
  #hasRoom(limit: LengthLimit, draft: MessageDraft): boolean {
    if (!this.#isTooMuch(limit, draft)) return true
    if (this.#turnEnd.isMarked) this.#deliver()
    if (!this.#isTooMuch(limit, draft)) return true
    const line = this.#line
    if (limit.overflow === 'reject-publish-dlx' && line !== null && line.target !== null) {
      line.pushRefused(draft)
      this.wake()
    }
    return false
  }

  #isTooMuch(limit: LengthLimit, draft: MessageDraft): boolean {
    return limit.isExceededBy(this.#entries.readyCount + 1, this.#entries.readyBytes + draft.bodyBytes)
  }

  /** Drops what is too much, after consumers had their chance. */
  #keepTo(limit: LengthLimit): void {
    if (limit.refuses || (this.#roster.next() !== null && !this.#deliver())) return
    this.#entries.makeRoom(limit)
  }

  #setTarget(target: DeadLetterTarget | null): void {
    if (this.#line !== null) this.#line.target = target
    else if (target !== null) {
      this.#line = new DeadLetterLine(this, target)
      this.#entries.line = this.#line
    }
  }

  #requestDelete(reason: 'unused' | 'expired'): void {
    if (this.#isDeleteRequested || this.#turnEnd.isStopped) return
    this.#isDeleteRequested = true
    this.host.requestDelete(this, reason)
  }
}
