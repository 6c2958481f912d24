/**
 * A connection as the broker's registry knows it: for listings, limits, and closing from outside.
 */

import type { CloseReason, ConnectionHandle, ConnectionStatus } from '../../model/connections.ts'
import type { Arguments } from '../../model/values/arguments.ts'
import type { TlsFacts, TransportEnds } from '../../net/transport.ts'

/** What a listing asks of the live connection. */
export interface ListedConnection {
  readonly channelCount: number
  status(): ConnectionStatus
  closeFromOutside(reason: CloseReason, text: string): void
}

/** Facts that never change once the vhost is open. */
export interface ConnectionFacts {
  readonly id: string
  readonly name: string
  readonly user: string
  readonly vhost: string
  readonly connectedAtMs: number
  readonly mechanism: string
  readonly clientProperties: Arguments
}

/** `<peer ip>:<port> -> <ip>:<port>`; within the process there are no addresses, so the id stands in. */
export function connectionName(ends: TransportEnds, id: string): string {
  if (ends.peerHost === '') return `in-process ${id}`
  return `${ends.peerHost}:${ends.peerPort} -> ${ends.host}:${ends.port}`
}

/** One per open connection. */
export class ListedHandle implements ConnectionHandle {
  readonly id: string
  readonly name: string
  readonly user: string
  readonly vhost: string
  readonly protocol = 'AMQP 0-9-1'
  readonly connectedAtMs: number
  readonly peerHost: string
  readonly peerPort: number
  readonly host: string
  readonly port: number
  readonly tls: TlsFacts | null
  readonly mechanism: string
  readonly clientProperties: Arguments
  readonly #connection: ListedConnection

  constructor(facts: ConnectionFacts, ends: TransportEnds, connection: ListedConnection) {
    this.id = facts.id
    this.name = facts.name
    this.user = facts.user
    this.vhost = facts.vhost
    this.connectedAtMs = facts.connectedAtMs
    this.mechanism = facts.mechanism
    this.clientProperties = facts.clientProperties
    this.peerHost = ends.peerHost
    this.peerPort = ends.peerPort
    this.host = ends.host
    this.port = ends.port
    this.tls = ends.tls
    this.#connection = connection
  }

  get channelCount(): number {
    return this.#connection.channelCount
  }

  status(): ConnectionStatus {
    return this.#connection.status()
  }

  close(reason: CloseReason, text: string): void {
    this.#connection.closeFromOutside(reason, text)
  }
}
