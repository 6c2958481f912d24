/**
 * A connection as listings and operators know it. Made when it has logged in; everything is read when it is asked for.
 */

import type { CloseReason, ConnectionHandle, ConnectionStatus } from '../../model/connections.ts'
import type { MessageCounters } from '../../model/message/message-counters.ts'
import { type Arguments, stringValue } from '../../model/values/arguments.ts'
import type { Socket } from '../../net/socket.ts'
import type { TlsFacts } from '../../net/transport.ts'
import { LEVEL_5, LEVEL_311, type ProtocolLevel } from './spec.ts'
import type { Member } from './world.ts'

/** The connection behind a listing. */
export interface ListedSource {
  readonly name: string
  readonly level: ProtocolLevel
  readonly socket: Socket
  /** Null: it has neither published nor been delivered to. */
  readonly counted: MessageCounters | null
  readonly connectedAtMs: number
  readonly keepAliveSeconds: number
  readonly isOpen: boolean
  readonly isBlocked: boolean
  close(reason: CloseReason, text: string): void
}

/** One connection in the registry. */
export class ListedConnection implements ConnectionHandle {
  readonly id: string
  readonly channelCount = 0
  readonly #source: ListedSource
  readonly #subscriptions: () => number
  readonly #member: Member

  /** `subscriptions`: how many there are now. */
  constructor(id: string, source: ListedSource, member: Member, subscriptions: () => number) {
    this.#subscriptions = subscriptions
    this.id = id
    this.#source = source
    this.#member = member
  }

  get name(): string {
    return this.#source.name
  }

  get user(): string {
    return this.#member.identity.user
  }

  get vhost(): string {
    return this.#member.vhost.name
  }

  get protocol(): string {
    const { level } = this.#source
    return level === LEVEL_5 ? 'MQTT 5-0' : level === LEVEL_311 ? 'MQTT 3-1-1' : 'MQTT 3-1-0'
  }

  get connectedAtMs(): number {
    return this.#source.connectedAtMs
  }

  get peerHost(): string {
    return this.#source.socket.ends.peerHost
  }

  get peerPort(): number {
    return this.#source.socket.ends.peerPort
  }

  get host(): string {
    return this.#source.socket.ends.host
  }

  get port(): number {
    return this.#source.socket.ends.port
  }

  get tls(): TlsFacts | null {
    return this.#source.socket.ends.tls
  }

  get mechanism(): string {
    return this.#member.mechanism
  }

  get clientProperties(): Arguments {
    return new Map([['client_id', stringValue(this.#member.clientId)]])
  }

  status(): ConnectionStatus {
    const { socket, counted, keepAliveSeconds, isOpen, isBlocked } = this.#source
    return {
      state: isOpen ? (isBlocked ? 'blocked' : 'running') : 'closing',
      channels: [],
      publisherCount: counted !== null && counted.published > 0 ? 1 : 0,
      consumerCount: this.#subscriptions() > 0 ? 1 : 0,
      receivedBytes: socket.receivedBytes,
      sentBytes: socket.sentBytes,
      receivedCount: counted === null ? 0 : counted.published,
      sentCount: counted === null ? 0 : counted.delivered + counted.deliveredNoAck,
      heartbeatSeconds: keepAliveSeconds,
      frameBytesMax: 0,
      channelCountMax: 0,
    }
  }

  close(reason: CloseReason, text: string): void {
    this.#source.close(reason, text)
  }
}
