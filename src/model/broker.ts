/**
 * The broker's model: all virtual hosts, who is connected, what everybody may do. One per process or test.
 *
 * It applies every change of the metadata store, and nothing else changes the topology. The composition root makes it;
 * sessions ask it for their vhost and their permissions; the HTTP API lists and administers through it.
 */
import type { Answered } from './answer.ts'
import type { ConnectionRegistry } from './connections.ts'
import type { BrokerCounters } from './counters.ts'
import type { Events } from './events.ts'
import type { Parameters } from './parameters.ts'
import type { PermissionTable, SessionPermissions } from './permissions.ts'
import type { Policies } from './policies.ts'
import type { Vhost } from './vhost.ts'
import type { VhostRecord } from './records.ts'
import type { World, WorldOptions } from './world.ts'

export class Broker {
  readonly connections: ConnectionRegistry
  readonly permissions: PermissionTable
  readonly policies: Policies
  readonly parameters: Parameters
  readonly events: Events
  readonly counters: BrokerCounters

  constructor(options: WorldOptions)
  /** Applies what the metadata store holds: queues find their entries again. Afterwards sessions may come. */
  start(): void
  /** Queues and exchanges stop; nothing is settled. */
  stop(): void
  vhost(name: string): Vhost | undefined
  vhosts(): Iterable<Vhost>
  /** What a user may do in a vhost: one per session. `mayEnter()` of it is the check of connection.open. */
  sessionPermissions(user: string, vhost: string, clientId?: string): SessionPermissions
  /** Makes a vhost or changes the description, tags, … of one that is there. */
  putVhost(record: VhostRecord, answered: Answered<Vhost>): void
  /** Deletes a vhost with all that is in it, and closes its connections. */
  deleteVhost(name: string, answered: Answered<null>): void
}
