/**
 * The log exchange `amq.rabbitmq.log` of the default vhost: lines of the log as messages, with the level as routing key.
 *
 * A line may come in the middle of anything, so lines are kept until the turn's end and published then. What publishing
 * itself has to say is not published: it would never end. [RabbitMQ: logging to an exchange]
 *
 * Invariant: nothing is kept while nothing is bound to the exchange.
 */
import type { LogRecord, LogSink } from '../../base/log.ts'
import { TURN_DELIVER, type Turn, type TurnTask } from '../../base/turn.ts'
import { MessageDraft, NO_FACTS } from '../message/message.ts'
import { DEFAULT_VHOST, LOG_EXCHANGE } from '../routing/system-exchanges.ts'
import { stringValue } from '../values/arguments.ts'
import type { Vhost } from '../vhost.ts'
import type { PropertiesEncoder } from '../world.ts'

/** Lines published in one turn; the others follow in the next ones. */
const LINES_PER_TURN = 1_000
/** Lines that wait at most; what comes beyond is lost here, and stays in the other outputs. */
const WAITING_MAX = 10_000

/** What the log exchange needs of its broker. */
export interface LogExchangeHost {
  readonly turn: Turn
  readonly encoder: PropertiesEncoder
  readonly nodeName: string
  /** A line as text, as the settings want it. */
  readonly format: (record: LogRecord) => string
  vhost(name: string): Vhost | undefined
}

/** Publishes the log. One per broker that is asked to. */
export class LogExchange implements LogSink, TurnTask {
  readonly #host: LogExchangeHost
  readonly #draft = new MessageDraft()
  #waiting: LogRecord[] = []
  #isMarked = false
  #isPublishing = false
  /** Lines that had no room. */
  lostCount = 0

  constructor(host: LogExchangeHost) {
    this.#host = host
  }

  write(record: LogRecord): void {
    if (this.#isPublishing || !this.#isListening()) return
    if (this.#waiting.length >= WAITING_MAX) {
      this.lostCount++
      return
    }
    this.#waiting.push(record)
    if (this.#isMarked) return
    this.#isMarked = true
    this.#host.turn.mark(TURN_DELIVER, this)
  }

  onTurnEnd(): void {
    this.#isMarked = false
    this.#isPublishing = true
    try {
      for (const record of this.#waiting.splice(0, LINES_PER_TURN)) this.#publish(record)
    } finally {
      this.#isPublishing = false
    }
    if (this.#waiting.length === 0) return
    this.#isMarked = true
    this.#host.turn.again(TURN_DELIVER, this)
  }

  #isListening(): boolean {
    return (this.#host.vhost(DEFAULT_VHOST)?.exchange(LOG_EXCHANGE)?.outgoing.size ?? 0) > 0
  }

  #publish(record: LogRecord): void {
    const { encoder, nodeName, format, vhost } = this.#host
    const headers = new Map([['node', stringValue(nodeName)]])
    const draft = this.#draft
    draft.address(LOG_EXCHANGE, record.level)
    draft.protocol = encoder.protocol
    draft.properties = encoder.encode(headers, false, record.timeMs)
    draft.propertiesStart = 0
    draft.propertiesEnd = draft.properties.length
    draft.publishedAtMs = record.timeMs
    draft.facts = { ...NO_FACTS, header: (name) => headers.get(name), headers: () => headers }
    draft.setBody(Buffer.from(format(record).trimEnd()))
    vhost(DEFAULT_VHOST)?.publishInternally(LOG_EXCHANGE, draft)
  }
}
