/**
 * What sessions and the HTTP API ask of a vhost's topology, in the domain's words.
 */

import type { Queue } from '../queue/queue.ts'
import type { Arguments } from '../values/arguments.ts'

/** Who asks. */
export interface Actor {
  /** The user, for limits and listings. */
  readonly user: string
  /** Id of the connection, which owns exclusive queues; null for requests that come over none (HTTP, boot). */
  readonly connectionId: string | null
}

/** Declares a queue. */
export interface QueueDeclaration {
  /** Empty: the broker makes a name. */
  readonly name: string
  readonly durable: boolean
  readonly exclusive: boolean
  readonly autoDelete: boolean
  readonly arguments: Arguments
}

/** A queue that is there, now or before. */
export interface DeclaredQueue {
  readonly queue: Queue
  /** Whether this declaration made it. */
  readonly created: boolean
}

/** Declares an exchange. */
export interface ExchangeDeclaration {
  readonly name: string
  readonly type: string
  readonly durable: boolean
  readonly autoDelete: boolean
  readonly internal: boolean
  readonly arguments: Arguments
}

/** Names a binding, to make it or to remove it. */
export interface BindingRequest {
  readonly source: string
  readonly destination: string
  readonly destinationKind: 'queue' | 'exchange'
  readonly routingKey: string
  readonly arguments: Arguments
}

/** Conditions under which something may be deleted. */
export interface DeleteConditions {
  readonly ifUnused: boolean
  readonly ifEmpty: boolean
}

/** Removes CR and LF, which RabbitMQ does silently with names of queues and exchanges. */
export function cleanName(name: string): string {
  return name.includes('\n') || name.includes('\r') ? name.replaceAll(/[\r\n]/g, '') : name
}
