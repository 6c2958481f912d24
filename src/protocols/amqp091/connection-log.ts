/**
 * What connections write to the log, in the words that operators search for. [RabbitMQ: logging]
 */
import type { Logger } from '../../base/log.ts'
import { stringArgument } from '../../model/values/arguments.ts'
import type { ChannelError, ConnectionError } from './errors.ts'
import type { FieldTable } from './fields.ts'

/** The lines of one connection. */
export class ConnectionLog {
  readonly #logger: Logger
  readonly #name: string

  constructor(logger: Logger, name: string) {
    this.#logger = logger
    this.#name = name
  }

  accepting(): void {
    this.#logger.debug(`accepting AMQP connection ${this.#name}`)
  }

  badHeader(): void {
    this.#logger.warning(`closing AMQP connection (${this.#name}): bad header`)
  }

  opened(user: string, vhost: string, clientProperties: FieldTable): void {
    const given = stringArgument(clientProperties, 'connection_name')
    const shown = given === undefined ? this.#name : `${this.#name} - ${given}`
    this.#logger.info(`connection ${shown}: user '${user}' authenticated and granted access to vhost '${vhost}'`)
  }

  loginRefused(why: string, user: string): void {
    this.#logger.notice(`login of ${this.#name} refused: ${why}`, { user })
  }

  handshakeTimeout(state: string): void {
    this.#logger.warning(`closing AMQP connection (${this.#name}): handshake timeout in state ${state}`)
  }

  missedHeartbeats(timeoutSeconds: number): void {
    this.#logger.warning(
      `closing AMQP connection (${this.#name}): missed heartbeats from client, timeout: ${timeoutSeconds}s`,
    )
  }

  closedByClient(user: string): void {
    this.#logger.info(`closing AMQP connection (${this.#name}, user: '${user}')`)
  }

  closedFromOutside(reason: string, text: string): void {
    this.#logger.notice(`closing AMQP connection (${this.#name}): ${reason}: ${text}`)
  }

  /** The socket is gone and nobody had said goodbye. */
  lost(error: Error | null): void {
    const why = error === null ? 'client unexpectedly closed TCP connection' : error.message
    this.#logger.warning(`closing AMQP connection (${this.#name}): ${why}`)
  }

  channelError(channel: number, { replyCode, replyText }: ChannelError): void {
    this.#logger.error(`Channel error on connection ${this.#name}, channel ${channel}: ${replyCode} ${replyText}`)
  }

  connectionError(state: string, { replyCode, replyText }: ConnectionError): void {
    this.#logger.error(`Error on AMQP connection ${this.#name} (state: ${state}): ${replyCode} ${replyText}`)
  }

  /** A bug of ours. */
  bug(error: unknown): void {
    const stack = error instanceof Error ? error.stack : String(error)
    this.#logger.error(`internal error in AMQP connection (${this.#name}): ${stack}`)
  }
}
