// A broker's model without protocols, queues and disks: for tests of what lies between them.
import assert from 'node:assert/strict'
import { ManualClock } from '../../src/base/clock.ts'
import { SILENT_LOGGER } from '../../src/base/log.ts'
import { SeededRandomness } from '../../src/base/random.ts'
import { TimerWheel } from '../../src/base/timer-wheel.ts'
import { Turn } from '../../src/base/turn.ts'
import { Broker } from '../../src/model/broker.ts'
import {
  MessageDraft as Draft,
  type MessageDraft,
  MessageView,
  type RoutingFacts,
} from '../../src/model/message/message.ts'
import type { MessageFormat } from '../../src/model/message/message-format.ts'
import type { Address } from '../../src/model/message/message-store.ts'
import type { EffectivePolicy } from '../../src/model/policy/policy.ts'
import {
  ADMIT_STORED,
  type Admission,
  type Consumer,
  type Queue,
  type QueueCounters,
  type QueueStatus,
  type Refusal,
} from '../../src/model/queue/queue.ts'
import { QUEUE_DEFAULTS, type QueueHost, type QueueKind } from '../../src/model/queue/queue-host.ts'
import type { Metadata } from '../../src/model/records/metadata.ts'
import type { QueueRecord, VhostRecord } from '../../src/model/records/records.ts'
import { exchangeTypes } from '../../src/model/routing/exchange-types.ts'
import type { PublishOutcome } from '../../src/model/routing/route.ts'
import { type Arguments, NO_ARGUMENTS, stringValue, type TypedValue } from '../../src/model/values/arguments.ts'
import { argumentsFromJson, argumentsToJson, type Json } from '../../src/model/values/arguments-json.ts'
import type { Answer, Answered } from '../../src/model/verbs/answer.ts'
import type { Actor, BindingRequest, QueueDeclaration } from '../../src/model/verbs/requests.ts'
import type { Vhost } from '../../src/model/vhost.ts'
import type { ModelSettings } from '../../src/model/world.ts'
import { createMemoryMetadata } from '../../src/storage/metadata-memory.ts'
import { PlainStore } from './plain-store.ts'

/** A message as a test queue got it. */
export interface Received {
  readonly exchange: string
  readonly routingKey: string
  readonly body: string
}

/** A queue that lists what it gets. */
export class ListingQueue implements Queue {
  readonly record: QueueRecord
  readonly name: string
  readonly vhost: string
  readonly kind: string
  readonly counters = {} as QueueCounters
  readonly consumers: readonly Consumer[] = []
  readonly contents = null
  readonly received: Received[] = []
  /** Headers of what was received. */
  readonly headers: Arguments[] = []
  readonly host: QueueHost
  admission: Admission = ADMIT_STORED
  policy: EffectivePolicy
  touches = 0
  closedFor: string | null = null
  /** Called by `admit`: to publish from within. */
  whenAdmitting: () => unknown = () => undefined
  readonly #view = new MessageView()

  constructor(record: QueueRecord, policy: EffectivePolicy, host: QueueHost) {
    this.record = record
    this.name = record.name
    this.vhost = record.vhost
    this.kind = record.type
    this.policy = policy
    this.host = host
  }

  get readyCount(): number {
    return this.received.length
  }

  get bodies(): string[] {
    return this.received.map(({ body }) => body)
  }

  keeps(persistent: boolean): boolean {
    return persistent && this.record.durable
  }

  admit(): Admission {
    this.whenAdmitting()
    return this.admission
  }

  enter(_draft: MessageDraft, _slot: number, address: Address): void {
    const view = this.#view
    assert(this.host.store.open(address, view))
    const body = view.bytes.toString('utf8', view.bodyStart, view.bodyEnd)
    this.received.push({ exchange: view.exchange(), routingKey: view.routingKey(), body })
    this.headers.push(headersOf(view))
  }

  refusesConsumer(): Refusal | undefined {
    return undefined
  }

  subscribe(): Consumer {
    throw new Error('a listing queue has no consumers')
  }

  refusesTake(): Refusal | undefined {
    return undefined
  }

  take(): void {}
  settleTaken(): void {}

  refusesPurge(): Refusal | undefined {
    return undefined
  }

  purge(): number {
    return this.received.splice(0).length
  }

  refusesDelete(_ifUnused: boolean, ifEmpty: boolean): Refusal | undefined {
    return ifEmpty && this.received.length > 0
      ? { code: 'precondition-failed', text: `queue '${this.name}' in vhost '${this.vhost}' not empty` }
      : undefined
  }

  close(reason: string): void {
    this.closedFor = reason
  }

  stop(): void {}

  touch(): void {
    this.touches++
  }

  applyPolicy(policy: EffectivePolicy): void {
    this.policy = policy
  }

  status(): QueueStatus {
    throw new Error('a listing queue has no status')
  }
}

function kind(name: string, onlyDurable: boolean): QueueKind {
  return {
    name,
    isServerNamed: !onlyDurable,
    comparedArguments: ['x-max-length', 'x-overflow'],
    unsupportedPolicyKeys: new Set(onlyDurable ? ['queue-mode'] : ['delivery-limit']),
    refusesDeclaration: ({ vhost, name: queue, durable }) =>
      onlyDurable && !durable
        ? {
            code: 'precondition-failed',
            text: `invalid property 'non-durable' for queue '${queue}' in vhost '${vhost}'`,
          }
        : undefined,
    create: (record, policy, host) => new ListingQueue(record, policy, host),
  }
}

/** Facts from plain values. */
export function factsOf(headers: Arguments, properties: Readonly<Record<string, string>> = {}): RoutingFacts {
  return {
    header: (name) => headers.get(name),
    headers: () => headers,
    property: (name) => properties[name],
  }
}

/** Properties are JSON of the headers; `CC` and `BCC` are arrays of text. */
export const JSON_FORMAT: MessageFormat = {
  protocol: 1,
  facts: (view) => factsOf(headersOf(view)),
  extraKeys: (view) => ({ cc: keysOf(headersOf(view).get('CC')), bcc: keysOf(headersOf(view).get('BCC')) }),
  withoutExpiration: (view) => view.bytes.subarray(view.propertiesStart, view.propertiesEnd),
  neutral: () => {
    throw new Error('not needed here')
  },
}

/** The headers of a message whose properties are JSON. */
export function headersOf(view: MessageView): Arguments {
  const text = view.bytes.toString('utf8', view.propertiesStart, view.propertiesEnd)
  return text === '' ? NO_ARGUMENTS : argumentsFromJson(JSON.parse(text) as Record<string, Json>)
}

function keysOf(value: TypedValue | undefined): string[] {
  return Array.isArray(value?.value) ? value.value.map((key: TypedValue) => String(key.value)) : []
}

/** What a test says of a message. */
export interface MessageSketch {
  readonly exchange?: string
  readonly key?: string
  readonly body?: string
  readonly headers?: Readonly<Record<string, Json>>
  readonly properties?: Readonly<Record<string, string>>
  readonly persistent?: boolean
}

/** A draft of it. */
export function draftOf(sketch: MessageSketch): MessageDraft {
  const draft = new Draft()
  draft.address(sketch.exchange ?? '', sketch.key ?? '')
  draft.setBody(Buffer.from(sketch.body ?? ''))
  draft.persistent = sketch.persistent ?? false
  const headers = argumentsFromJson(sketch.headers ?? {})
  draft.facts = factsOf(headers, sketch.properties)
  const keys = [...keysOf(headers.get('CC')), ...keysOf(headers.get('BCC'))]
  draft.extraKeys = keys.length === 0 ? null : keys
  if (sketch.headers !== undefined) {
    draft.properties = Buffer.from(JSON.stringify(sketch.headers))
    draft.propertiesEnd = draft.properties.length
  }
  return draft
}

export const SETTINGS: ModelSettings = {
  nodeName: 'warren@test',
  defaultQueueType: 'classic',
  permitsTransientQueues: true,
  queueCountMax: Number.POSITIVE_INFINITY,
  exchangeCountMax: Number.POSITIVE_INFINITY,
  vhostCountMax: Number.POSITIVE_INFINITY,
  connectionCountMax: Number.POSITIVE_INFINITY,
  queueDefaults: QUEUE_DEFAULTS,
}

export const VHOST: VhostRecord = {
  name: '/',
  description: '',
  tags: [],
  defaultQueueType: '',
  tracing: false,
  protectedFromDeletion: false,
  maxConnections: -1,
  maxQueues: -1,
}

/** The connection that most tests speak for. */
export const ALICE: Actor = { user: 'alice', connectionId: 'c1' }
export const BOB: Actor = { user: 'bob', connectionId: 'c2' }

/** What a test may choose. */
export interface WorldChoices {
  readonly metadata?: Metadata
  readonly store?: PlainStore
  readonly clock?: ManualClock
  readonly settings?: Partial<ModelSettings>
}

/** A broker with one vhost, `/`, and hands to move it. */
export class TestWorld {
  readonly metadata: Metadata
  readonly store: PlainStore
  readonly clock: ManualClock
  readonly turn: Turn
  readonly broker: Broker
  readonly #waiting: (() => void)[] = []

  constructor(choices: WorldChoices = {}) {
    this.metadata = choices.metadata ?? createMemoryMetadata()
    this.store = choices.store ?? new PlainStore()
    this.clock = choices.clock ?? new ManualClock()
    this.turn = new Turn(rethrow, (run) => this.#waiting.push(run))
    this.broker = new Broker({
      metadata: this.metadata,
      store: this.store,
      turn: this.turn,
      timers: new TimerWheel(this.clock, rethrow),
      clock: this.clock,
      randomness: new SeededRandomness(1),
      logger: SILENT_LOGGER,
      exchangeTypes: exchangeTypes(),
      queueKinds: new Map([
        ['classic', kind('classic', false)],
        ['quorum', kind('quorum', true)],
      ]),
      formats: new Map([[JSON_FORMAT.protocol, JSON_FORMAT]]),
      encoder: { protocol: 1, encode: (headers) => Buffer.from(JSON.stringify(argumentsToJson(headers))) },
      settings: { ...SETTINGS, ...choices.settings },
    })
    this.broker.start()
    if (this.broker.vhost('/') === undefined) answerOf((answered) => this.broker.putVhost(VHOST, answered))
  }

  get vhost(): Vhost {
    return this.broker.vhost('/')!
  }

  /** Runs turns until nobody wants another. */
  settle(): void {
    for (let run = this.#waiting.shift(); run !== undefined; run = this.#waiting.shift()) run()
  }

  /** Declares a queue, durable unless said otherwise. */
  queue(name: string, changes: Partial<QueueDeclaration> = {}, actor: Actor = ALICE): ListingQueue {
    const declaration = { ...queueDeclaration(name), ...changes }
    return value<{ readonly queue: Queue }>((answered) => this.vhost.declareQueue(declaration, actor, answered))
      .queue as ListingQueue
  }

  exchange(name: string, type: string, args: Readonly<Record<string, Json>> = {}, autoDelete = false): void {
    const declaration = { name, type, durable: true, autoDelete, internal: false, arguments: argumentsFromJson(args) }
    value((answered) => this.vhost.declareExchange(declaration, answered))
  }

  bind(source: string, destination: string, routingKey = '', args: Readonly<Record<string, Json>> = {}): void {
    value((answered) => this.vhost.bind(binding(source, destination, routingKey, args), ALICE, answered))
  }

  bindExchange(source: string, destination: string, routingKey = ''): void {
    const request: BindingRequest = { ...binding(source, destination, routingKey), destinationKind: 'exchange' }
    value((answered) => this.vhost.bind(request, ALICE, answered))
  }

  publish(sketch: MessageSketch): PublishOutcome {
    const draft = draftOf(sketch)
    return this.vhost.publishTo(this.vhost.routeOf(this.vhost.exchange(draft.exchange)!, draft), draft)
  }

  /** Names of the targets of a message, sorted; an exchange that keeps it is an empty name. */
  targets(sketch: MessageSketch): string[] {
    const draft = draftOf(sketch)
    const route = this.vhost.routeOf(this.vhost.exchange(draft.exchange)!, draft)
    return route.targets.map((target) => target.name).sort()
  }
}

export function queueDeclaration(name: string): QueueDeclaration {
  return { name, durable: true, exclusive: false, autoDelete: false, arguments: NO_ARGUMENTS }
}

export function binding(
  source: string,
  destination: string,
  routingKey = '',
  args: Readonly<Record<string, Json>> = {},
): BindingRequest {
  return { source, destination, destinationKind: 'queue', routingKey, arguments: argumentsFromJson(args) }
}

/** Arguments of longstr values. */
export function texts(values: Readonly<Record<string, string>>): Arguments {
  return new Map(Object.entries(values).map(([name, text]) => [name, stringValue(text)]))
}

/** What a verb answered, which it must have done by now. */
export function answerOf<T>(verb: (answered: Answered<T>) => void): Answer<T> {
  const answers: Answer<T>[] = []
  verb((answer) => answers.push(answer))
  assert.equal(answers.length, 1, 'the verb answered once')
  return answers[0]!
}

/** The value that a verb answered. */
export function value<T>(verb: (answered: Answered<T>) => void): T {
  const answer = answerOf(verb)
  if (answer.refusal !== null) throw new Error(`refused: ${answer.refusal.text}`)
  return answer.value
}

/** `code: text` of a refusal. */
export function refusalOf<T>(verb: (answered: Answered<T>) => void): string {
  const { refusal } = answerOf(verb)
  assert(refusal !== null, 'the verb was refused')
  return `${refusal.code}: ${refusal.text}`
}

function rethrow(error: unknown): never {
  throw error
}
