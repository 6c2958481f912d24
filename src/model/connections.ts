/**
 * The connections of a broker, of every protocol: for listings, for limits and for closing them from outside.
 *
 * A connection adds itself once its vhost is open and removes itself when its socket is gone. The registry calls `close`;
 * it never removes. One per broker.
 */

import type { MessageCounters } from './message/message-counters.ts'
import type { MessageBreakdown } from './message/session-tallies.ts'
import type { Events } from './observe/events.ts'
import type { Arguments } from './values/arguments.ts'

/** Why a connection is closed from outside. */
export type CloseReason =
  /** An operator asked for it; the text goes to the client (AMQP 0-9-1: 320 `CONNECTION_FORCED - <text>`). */
  | 'forced'
  /** Its vhost is deleted. */
  | 'vhost-deleted'
  /** Its user is deleted, or may no longer enter. */
  | 'user-gone'
  | 'shutdown'

/** A channel (session, link pair, …) as listed. Counters are read by the management on its own schedule. */
export interface ChannelStatus {
  readonly number: number
  readonly name: string
  readonly confirm: boolean
  readonly transactional: boolean
  readonly consumerCount: number
  readonly prefetchCount: number
  readonly globalPrefetchCount: number
  readonly unackedCount: number
  readonly unconfirmedCount: number
  readonly uncommittedMessages: number
  readonly uncommittedAcks: number
  readonly idleSinceMs: number
  /** The session's own counters; sessions that count nothing have none. */
  readonly counters?: MessageCounters
  /** The same by queue and by exchange, live, where the session tells them apart. */
  readonly breakdown?: MessageBreakdown
}

/** A connection as listed. */
export interface ConnectionStatus {
  readonly state: 'running' | 'blocking' | 'blocked' | 'flow' | 'closing'
  readonly channels: readonly ChannelStatus[]
  /** Channels, or sessions without channels, that ever published. */
  readonly publisherCount: number
  readonly consumerCount: number
  readonly receivedBytes: number
  readonly sentBytes: number
  readonly receivedCount: number
  readonly sentCount: number
  readonly heartbeatSeconds: number
  readonly frameBytesMax: number
  readonly channelCountMax: number
}

/** What a connection's TLS agreed on. */
export interface ConnectionTls {
  readonly version: string
  readonly cipher: string
  /** Of the client; null when it showed none. */
  readonly peerCertificate: {
    readonly distinguishedName: string
    readonly issuer: string
    readonly notBefore: string
    readonly notAfter: string
  } | null
}

/** What the broker knows of a connection. */
export interface ConnectionHandle {
  /** Unique among the brokers of a cluster and over restarts: owner of exclusive queues. */
  readonly id: string
  /** `<peer ip>:<port> -> <ip>:<port>`. */
  readonly name: string
  readonly user: string
  readonly vhost: string
  /** As listed: `AMQP 0-9-1`, `MQTT 5-0`, … */
  readonly protocol: string
  readonly connectedAtMs: number
  readonly peerHost: string
  readonly peerPort: number
  readonly host: string
  readonly port: number
  /** Null without TLS. */
  readonly tls: ConnectionTls | null
  /** SASL mechanism it logged in with. */
  readonly mechanism: string
  readonly clientProperties: Arguments
  readonly channelCount: number
  status(): ConnectionStatus
  /** Says goodbye and closes. Harmless when it is closing already. */
  close(reason: CloseReason, text: string): void
}

/** All connections. */
export class ConnectionRegistry {
  readonly #byId = new Map<string, ConnectionHandle>()
  readonly #countByVhost = new Map<string, number>()
  readonly #countByUser = new Map<string, number>()
  #lastId = 0
  readonly #idPrefix: string
  readonly #events: Events

  /** `idPrefix` tells brokers, and lives of one broker, apart. */
  constructor(idPrefix: string, events: Events) {
    this.#idPrefix = `${idPrefix}.`
    this.#events = events
  }

  /** An id for a new connection. */
  newId(): string {
    return `${this.#idPrefix}${++this.#lastId}`
  }

  add(connection: ConnectionHandle): void {
    this.#byId.set(connection.id, connection)
    count(this.#countByVhost, connection.vhost, 1)
    count(this.#countByUser, connection.user, 1)
    if (this.#events.isObserved) this.#announce(connection)
  }

  /** Harmless when it is not there. */
  remove(connection: ConnectionHandle): void {
    if (!this.#byId.delete(connection.id)) return
    count(this.#countByVhost, connection.vhost, -1)
    count(this.#countByUser, connection.user, -1)
    if (!this.#events.isObserved) return
    const { name, user, vhost, clientProperties } = connection
    const fields = {
      pid: name,
      name,
      user,
      vhost,
      client_properties: clientProperties,
      user_who_performed_action: user,
    }
    this.#events.announce('connection.closed', vhost, fields)
  }

  get(id: string): ConnectionHandle | undefined {
    return this.#byId.get(id)
  }

  get count(): number {
    return this.#byId.size
  }

  countOfVhost(vhost: string): number {
    return this.#countByVhost.get(vhost) ?? 0
  }

  countOfUser(user: string): number {
    return this.#countByUser.get(user) ?? 0
  }

  /** Channels open on all connections of a user: O(connections). */
  channelCountOfUser(user: string): number {
    let channels = 0
    for (const connection of this.#byId.values()) if (connection.user === user) channels += connection.channelCount
    return channels
  }

  all(): Iterable<ConnectionHandle> {
    return this.#byId.values()
  }

  /** Closes those that the test picks; returns how many. */
  closeWhere(picks: (connection: ConnectionHandle) => boolean, reason: CloseReason, text: string): number {
    const picked = [...this.#byId.values()].filter(picks)
    for (const connection of picked) connection.close(reason, text)
    return picked.length
  }

  /** The field names of RabbitMQ's event; `pid` is what tools tell connections by. */
  #announce(connection: ConnectionHandle): void {
    this.#events.announce('connection.created', connection.vhost, {
      pid: connection.name,
      name: connection.name,
      host: connection.host,
      port: connection.port,
      peer_host: connection.peerHost,
      peer_port: connection.peerPort,
      ssl: connection.tls !== null,
      protocol: connection.protocol,
      auth_mechanism: connection.mechanism,
      user: connection.user,
      vhost: connection.vhost,
      connected_at: connection.connectedAtMs,
      client_properties: connection.clientProperties,
      user_who_performed_action: connection.user,
    })
  }
}

function count(counts: Map<string, number>, key: string, by: number): void {
  const now = (counts.get(key) ?? 0) + by
  if (now === 0) counts.delete(key)
  else counts.set(key, now)
}
