/**
 * A connection as listings and operators know it. Made when it has logged in; everything is read when it is asked for.
 */

import type { ChannelStatus, CloseReason, ConnectionHandle, ConnectionStatus } from '../../model/connections.ts'
import type { SessionTallies } from '../../model/message/session-tallies.ts'
import { type Arguments, stringValue, type TypedValue } from '../../model/values/arguments.ts'
import type { Socket } from '../../net/socket.ts'
import type { TlsFacts } from '../../net/transport.ts'
import { VERSION_NAMES, type Version } from './spec.ts'

/** The connection behind a listing. */
export interface ListedSource {
  readonly id: string
  readonly name: string
  readonly version: Version
  readonly socket: Socket
  readonly tallies: SessionTallies
  readonly connectedAtMs: number
  readonly heartbeatSeconds: number
  readonly isOpen: boolean
  readonly isBlocked: boolean
  channelStatus(): ChannelStatus | null
  close(reason: CloseReason, text: string): void
}

/** What the login says of it. */
export interface ListedLogin {
  readonly user: string
  readonly vhost: string
  readonly mechanism: string
  readonly frameBytesMax: number
}

/** One connection in the registry. */
export class ListedConnection implements ConnectionHandle {
  readonly channelCount = 1
  readonly #source: ListedSource
  readonly #login: ListedLogin

  constructor(source: ListedSource, login: ListedLogin) {
    this.#source = source
    this.#login = login
  }

  get id(): string {
    return this.#source.id
  }

  get name(): string {
    return this.#source.name
  }

  get user(): string {
    return this.#login.user
  }

  get vhost(): string {
    return this.#login.vhost
  }

  get protocol(): string {
    return `STOMP ${VERSION_NAMES[this.#source.version]}`
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
    return this.#login.mechanism
  }

  get clientProperties(): Arguments {
    return new Map<string, TypedValue>([['product', stringValue('STOMP client')]])
  }

  status(): ConnectionStatus {
    const { socket, tallies, heartbeatSeconds, isOpen, isBlocked } = this.#source
    const channel = this.#source.channelStatus()
    const counters = tallies.sum()
    return {
      state: isOpen ? (isBlocked ? 'blocked' : 'running') : 'closing',
      channels: channel === null ? [] : [channel],
      publisherCount: counters.published > 0 ? 1 : 0,
      consumerCount: channel?.consumerCount ?? 0,
      receivedBytes: socket.receivedBytes,
      sentBytes: socket.sentBytes,
      receivedCount: counters.published,
      sentCount: counters.delivered + counters.deliveredNoAck,
      heartbeatSeconds,
      frameBytesMax: this.#login.frameBytesMax,
      channelCountMax: 1,
    }
  }

  close(reason: CloseReason, text: string): void {
    this.#source.close(reason, text)
  }
}
