/**
 * MQTT on a broker: takes transports and makes connections of them, and keeps the sessions between them. One per broker.
 */
import type { Logger } from '../../base/log.ts'
import type { Metadata } from '../../model/records/metadata.ts'
import type { Transport } from '../../net/transport.ts'
import { type ConnectionOwner, MqttConnection } from './connection.ts'
import { type RetainedLimits, RetainedMessages } from './retained.ts'
import { MqttSessions } from './sessions.ts'
import { TopicNames } from './topics.ts'
import { type MqttOptions, MqttWorld } from './world.ts'

/** What retained messages need, beyond what connections do. */
export interface RetainedOptions {
  readonly metadata: Metadata
  readonly limits: RetainedLimits
  readonly escapesSparkplug: boolean
  readonly logger: Logger
}

/** The protocol, ready to serve. */
export class Mqtt implements ConnectionOwner {
  readonly sessions: MqttSessions
  readonly retained: RetainedMessages
  readonly #connections = new Set<MqttConnection>()
  #isStopping = false
  #onEmpty: (() => void) | null = null

  /** To be made before the broker starts: kept sessions claim their part of the message store. */
  constructor(options: Omit<MqttOptions, 'names' | 'retained'>, retained: RetainedOptions) {
    this.retained = new RetainedMessages(retained.metadata, retained.limits, retained.logger)
    const names = new TopicNames(retained.escapesSparkplug)
    this.sessions = new MqttSessions(new MqttWorld({ ...options, names, retained: this.retained }))
    this.sessions.recover()
  }

  /** The broker has started. */
  start(): void {
    this.sessions.start()
  }

  /** Sockets, logged in or not. */
  get connectionCount(): number {
    return this.#connections.size
  }

  /** Serves a client. */
  accept(transport: Transport): void {
    if (this.#isStopping) return transport.destroy()
    const connection = new MqttConnection(transport, this.sessions, this)
    this.#connections.add(connection)
    connection.open()
  }

  /** Closes every connection; resolves when their sockets are gone. */
  stop(): Promise<void> {
    this.#isStopping = true
    for (const connection of [...this.#connections]) connection.close('shutdown', 'the broker is shutting down')
    this.sessions.stop()
    if (this.#connections.size === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onEmpty = resolve
    })
  }

  /** Drops what is still there: for a stop that takes too long. */
  destroyAll(): void {
    for (const connection of [...this.#connections]) connection.destroy()
  }

  onGone(connection: MqttConnection): void {
    this.#connections.delete(connection)
    if (this.#connections.size === 0) this.#onEmpty?.()
  }
}
