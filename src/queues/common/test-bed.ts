/**
 * A bed for the tests of queues: one queue of a kind over a memory store, a clock that the test moves, turns that the test
 * ends, and sessions that note what they get.
 */
import { ManualClock } from '../../base/clock.ts'
import { Histogram, WAIT_MS_BOUNDS } from '../../base/histogram.ts'
import { SILENT_LOGGER } from '../../base/log.ts'
import { TimerWheel } from '../../base/timer-wheel.ts'
import { Turn } from '../../base/turn.ts'
import { MessageDraft, type MessageView, NO_EXPIRATION, writeMessage } from '../../model/message/message.ts'
import { DeathCounters } from '../../model/observe/deaths.ts'
import { Events } from '../../model/observe/events.ts'
import { type EffectivePolicy, NO_POLICY } from '../../model/policy/policy.ts'
import {
  DEAD_LETTER_TAKEN,
  type DeadLetterOutcome,
  type DeadLetterSink,
  type DeadLetterSource,
  type DeadLetterTarget,
  type DeathReason,
} from '../../model/queue/dead-letter.ts'
import {
  ADMIT_STORED,
  type Admission,
  type Consumer,
  type ConsumerSink,
  type ConsumerSpec,
  type Outcome,
  type Queue,
  type Taken,
} from '../../model/queue/queue.ts'
import { type DeleteReason, QUEUE_DEFAULTS, type QueueHost, type QueueKind } from '../../model/queue/queue-host.ts'
import type { QueueRecord } from '../../model/records/records.ts'
import {
  type Arguments,
  booleanValue,
  integerValue,
  NO_ARGUMENTS,
  stringValue,
  type TypedValue,
} from '../../model/values/arguments.ts'
import { storeArguments } from '../../model/values/arguments-json.ts'
import { MemoryStore } from './memory-store.ts'

/** Arguments from plain values. */
export function argumentsOf(values: Readonly<Record<string, string | number | boolean>>): Arguments {
  return new Map(Object.entries(values).map(([name, value]) => [name, typed(value)]))
}

function typed(value: string | number | boolean): TypedValue {
  if (typeof value === 'string') return stringValue(value)
  return typeof value === 'number' ? integerValue(value) : booleanValue(value)
}

/** A policy of this definition. */
export function policyOf(definition: Readonly<Record<string, unknown>>): EffectivePolicy {
  return { policyName: 'p', operatorPolicyName: null, definition }
}

/** A dead letter that the bed's sink took. */
export interface NotedLetter {
  readonly body: string
  readonly reason: DeathReason
  readonly target: DeadLetterTarget
  readonly deliveryCount: number
  readonly acquiredCount: number
}

/** Takes dead letters and notes them. */
export class NotingDeadLetters implements DeadLetterSink {
  readonly letters: NotedLetter[] = []
  outcome: DeadLetterOutcome = DEAD_LETTER_TAKEN
  /** Called before a letter is noted, for what a target would do. */
  onLetter: (view: MessageView) => void = () => undefined

  deadLetter(
    _source: DeadLetterSource,
    view: MessageView,
    reason: DeathReason,
    target: DeadLetterTarget,
    deliveryCount: number,
    acquiredCount: number,
  ): DeadLetterOutcome {
    this.letters.push({ body: bodyOf(view), reason, target, deliveryCount, acquiredCount })
    this.onLetter(view)
    return this.outcome
  }

  /** `body:reason` of all letters. */
  get summary(): string[] {
    return this.letters.map((letter) => `${letter.body}:${letter.reason}`)
  }
}

/** The body as text. */
export function bodyOf(view: MessageView): string {
  return view.bytes.toString('utf8', view.bodyStart, view.bodyEnd)
}

/** A delivery as a session noted it. */
export interface NotedDelivery {
  readonly body: string
  readonly sequence: number
  readonly redelivered: boolean
  readonly deliveryCount: number
  readonly acquiredCount: number
}

/** A session with one consumer: takes as many entries as it has prefetch for. */
export class NotingSink implements ConsumerSink {
  hasCredit = true
  consumer: Consumer | null = null
  readonly deliveries: NotedDelivery[] = []
  readonly unacked: number[] = []
  cancelledBecause: string | null = null
  readonly #prefetch: number
  readonly #noAck: boolean

  constructor(prefetch: number, noAck: boolean) {
    this.#prefetch = prefetch
    this.#noAck = noAck
  }

  /** Bodies in the order of their delivery. */
  get bodies(): string[] {
    return this.deliveries.map((delivery) => delivery.body)
  }

  deliver(
    view: MessageView,
    sequence: number,
    _address: number,
    redelivered: boolean,
    deliveryCount: number,
    acquiredCount: number,
  ): void {
    this.deliveries.push({ body: bodyOf(view), sequence, redelivered, deliveryCount, acquiredCount })
    if (this.#noAck) return
    this.unacked.push(sequence)
    if (this.#prefetch > 0 && this.unacked.length >= this.#prefetch) this.hasCredit = false
  }

  cancelled(reason: string): void {
    this.cancelledBecause = reason
  }

  /** Settles the oldest unacked entry, or the given one. */
  settle(outcome: Outcome, sequence = this.unacked[0]!): void {
    this.unacked.splice(this.unacked.indexOf(sequence), 1)
    this.consumer!.settle(sequence, outcome)
    if (this.hasCredit) return
    this.hasCredit = true
    this.consumer!.credited()
  }
}

/** What a test may say about a message. */
export interface TestMessage {
  readonly priority?: number
  readonly expirationMs?: number
  readonly transient?: boolean
}

/** How a queue is declared; durable by default. */
export interface TestQueue {
  readonly args?: Arguments
  readonly policy?: EffectivePolicy
  readonly durable?: boolean
  readonly autoDelete?: boolean
}

/** One queue and its world. */
export class QueueBed {
  readonly clock: ManualClock
  readonly timers: TimerWheel
  readonly turn: Turn
  readonly deadLetters = new NotingDeadLetters()
  readonly deleteRequests: DeleteReason[] = []
  readonly host: QueueHost
  readonly queue: Queue
  store: MemoryStore
  readonly #kind: QueueKind
  readonly #options: TestQueue
  readonly #draft = new MessageDraft()
  readonly #record: QueueRecord

  constructor(kind: QueueKind, options: TestQueue = {}, store = new MemoryStore(), clock = new ManualClock()) {
    this.#kind = kind
    this.#options = options
    this.store = store
    this.clock = clock
    const fail = (error: unknown): never => {
      throw error
    }
    this.timers = new TimerWheel(clock, fail)
    this.turn = new Turn(fail, () => undefined)
    this.host = {
      turn: this.turn,
      clock,
      timers: this.timers,
      store,
      deadLetters: this.deadLetters,
      defaults: QUEUE_DEFAULTS,
      log: SILENT_LOGGER,
      events: new Events(),
      waitMs: new Histogram(WAIT_MS_BOUNDS),
      deaths: new DeathCounters(),
      requestDelete: (_queue, reason) => {
        this.deleteRequests.push(reason)
      },
    }
    this.#record = {
      vhost: '/',
      name: 'q',
      type: kind.name,
      durable: options.durable ?? true,
      autoDelete: options.autoDelete ?? false,
      exclusive: false,
      arguments: storeArguments(options.args ?? NO_ARGUMENTS),
      ledgerId: 1,
      owner: null,
      declaredBy: 'guest',
    }
    this.queue = kind.create(this.#record, options.policy ?? NO_POLICY, this.host)
  }

  /** The same queue after the broker stopped and started again; deliveries may come before records are loaded. */
  restarted(): QueueBed {
    this.queue.stop()
    return new QueueBed(this.#kind, this.#options, this.store.restart(), this.clock)
  }

  /** Publishes one message to the queue alone. */
  publish(body: string, message: TestMessage = {}): Admission {
    const draft = this.#draft
    draft.address('', 'q')
    draft.setBody(Buffer.from(body))
    draft.persistent = message.transient !== true
    draft.hasPriority = message.priority !== undefined
    draft.priority = message.priority ?? 0
    draft.expirationMs = message.expirationMs ?? NO_EXPIRATION
    draft.publishedAtMs = this.clock.nowMs()
    const admission = this.queue.admit(draft)
    if (admission !== ADMIT_STORED) return admission
    const address = this.store.reserve(this.queue.keeps(draft.persistent), 1, draft.payloadBytes())
    writeMessage(draft, this.store.bytes, this.store.words, this.store.payloadAt)
    this.queue.enter(draft, 0, address)
    return admission
  }

  /** Publishes bodies and ends the turn. */
  publishAll(...bodies: string[]): void {
    for (const body of bodies) this.publish(body)
    this.endTurns()
  }

  /** Subscribes a session. */
  subscribe(spec: Partial<ConsumerSpec> = {}): NotingSink {
    const full: ConsumerSpec = {
      tag: 'c',
      noAck: false,
      exclusive: false,
      priority: 0,
      prefetchCount: 0,
      args: new Map(),
      sessionName: 's',
      user: 'guest',
      ...spec,
    }
    const sink = new NotingSink(full.prefetchCount, full.noAck)
    sink.consumer = this.queue.subscribe(full, sink)
    return sink
  }

  /** Takes one entry; null when the queue is empty. Loads what is not in memory. */
  take(noAck = false): Taken | null {
    let answer: Taken | null | undefined
    this.queue.take(noAck, {
      onTaken: (taken) => {
        answer = taken
      },
    })
    while (answer === undefined && this.store.finishLoads() > 0) this.turn.end()
    if (answer === undefined) throw new Error('take was not answered')
    return answer
  }

  /** Takes everything that is ready, without acknowledgement. */
  takeAll(): string[] {
    const bodies: string[] = []
    for (let taken = this.take(true); taken !== null; taken = this.take(true)) bodies.push(bodyOf(taken.view))
    return bodies
  }

  /** Moves time on and ends the turns that follow. */
  advance(ms: number): void {
    this.clock.advance(ms)
    this.endTurns()
  }

  /** Ends turns, and answers loads and syncs, until nothing happens any more. */
  endTurns(): void {
    for (let quiet = 0; quiet < 2; quiet++) {
      this.turn.end()
      if (this.store.isAlwaysDurable) this.store.sync()
      if (this.store.finishLoads() > 0) quiet = -1
    }
  }
}
