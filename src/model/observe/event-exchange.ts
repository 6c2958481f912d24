/**
 * The event exchange `amq.rabbitmq.event` of the default vhost: what happens to the broker's objects, as messages.
 *
 * The routing key is the event's name, the headers are its fields, the body is empty. Events come while the topology
 * changes, so they are kept until the turn's end and published then. [RabbitMQ: rabbitmq_event_exchange; docs/events.md]
 *
 * Invariant: nothing is kept, and no fields are built, while nothing is bound to the exchange.
 */
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import { TURN_DELIVER, type Turn, type TurnTask } from '../../base/turn.ts'
import { MessageDraft, NO_FACTS, type RoutingFacts } from '../message/message.ts'
import { DEFAULT_VHOST, EVENT_EXCHANGE } from '../routing/system-exchanges.ts'
import { booleanValue, integerValue, stringValue, type TypedValue } from '../values/arguments.ts'
import type { Vhost } from '../vhost.ts'
import type { PropertiesEncoder } from '../world.ts'
import type { AlarmListener, AlarmName, Alarms } from './alarms.ts'
import type { EventFields, EventSink, Events } from './events.ts'

/** Events published in one turn; the others follow in the next ones. */
const EVENTS_PER_TURN = 1_000
/** Events that wait at most; what comes beyond is lost, and logged. */
const WAITING_MAX = 100_000

/** What the event exchange needs of its broker. */
export interface EventExchangeHost {
  readonly turn: Turn
  readonly clock: Clock
  readonly encoder: PropertiesEncoder
  readonly log: Logger
  vhost(name: string): Vhost | undefined
}

interface WaitingEvent {
  readonly name: string
  readonly fields: EventFields
  readonly atMs: number
}

/** Publishes events. One per broker. */
export class EventExchange implements EventSink, TurnTask {
  readonly #host: EventExchangeHost
  readonly #draft = new MessageDraft()
  #waiting: WaitingEvent[] = []
  #isMarked = false
  #lostCount = 0

  constructor(host: EventExchangeHost) {
    this.#host = host
  }

  /** Whether something is bound. */
  get isListening(): boolean {
    const exchange = this.#host.vhost(DEFAULT_VHOST)?.exchange(EVENT_EXCHANGE)
    return exchange !== undefined && exchange.outgoing.size > 0
  }

  onEvent(name: string, vhost: string | null, fields: EventFields): void {
    if (this.#waiting.length >= WAITING_MAX) {
      this.#lostCount++
      return
    }
    const all = vhost === null || 'vhost' in fields ? fields : { ...fields, vhost }
    this.#waiting.push({ name, fields: all, atMs: this.#host.clock.nowMs() })
    if (this.#isMarked) return
    this.#isMarked = true
    this.#host.turn.mark(TURN_DELIVER, this)
  }

  onTurnEnd(): void {
    this.#isMarked = false
    const due = this.#waiting.splice(0, EVENTS_PER_TURN)
    for (const event of due) this.#publish(event)
    if (this.#waiting.length > 0) {
      this.#isMarked = true
      this.#host.turn.again(TURN_DELIVER, this)
    } else if (this.#lostCount > 0) {
      this.#host.log.warning(`${this.#lostCount} events are lost: more than ${WAITING_MAX} waited to be published`)
      this.#lostCount = 0
    }
  }

  #publish({ name, fields, atMs }: WaitingEvent): void {
    const { encoder } = this.#host
    const headers = new Map<string, TypedValue>()
    for (const [field, value] of Object.entries(fields)) headers.set(field, typed(value))
    headers.set('timestamp_in_ms', integerValue(atMs))
    const draft = this.#draft
    draft.address(EVENT_EXCHANGE, name)
    draft.protocol = encoder.protocol
    draft.properties = encoder.encode(headers, true, atMs)
    draft.propertiesStart = 0
    draft.propertiesEnd = draft.properties.length
    draft.persistent = true
    draft.publishedAtMs = atMs
    draft.facts = factsOf(headers)
    this.#host.vhost(DEFAULT_VHOST)?.publishInternally(EVENT_EXCHANGE, draft)
  }
}

/** Announces alarms as events: `alarm.set`, `alarm.cleared`. */
export class AlarmEvents implements AlarmListener {
  readonly #events: Events
  readonly #nodeName: string
  #before: readonly AlarmName[]

  constructor(events: Events, alarms: Alarms, nodeName: string) {
    this.#events = events
    this.#nodeName = nodeName
    this.#before = alarms.raised
    alarms.listen(this)
  }

  onAlarms({ raised }: Alarms): void {
    const before = this.#before
    this.#before = raised
    if (!this.#events.isObserved) return
    for (const name of raised) if (!before.includes(name)) this.#announce('alarm.set', name)
    for (const name of before) if (!raised.includes(name)) this.#announce('alarm.cleared', name)
  }

  #announce(event: string, name: AlarmName): void {
    this.#events.announce(event, null, { alarm: name, node: this.#nodeName })
  }
}

function typed(value: EventFields[string]): TypedValue {
  if (typeof value === 'string') return stringValue(value)
  if (typeof value === 'number') return integerValue(value)
  if (typeof value === 'boolean') return booleanValue(value)
  return value === null ? { type: 'void', value: null } : { type: 'table', value }
}

/** Bindings with arguments, on exchanges behind this one, see the fields. */
function factsOf(headers: ReadonlyMap<string, TypedValue>): RoutingFacts {
  return { ...NO_FACTS, header: (name) => headers.get(name), headers: () => headers }
}
