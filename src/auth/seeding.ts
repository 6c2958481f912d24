/**
 * What a new broker starts with: a virtual host, a user who may do everything in it, and users that the configuration
 * names for virtual hosts. [RabbitMQ: default_vhost, default_user, default_users.*]
 *
 * Called once at boot, before sessions come, and by whoever creates a virtual host.
 */
import type { Randomness } from '../base/random.ts'
import type { Metadata, MetadataOp } from '../model/metadata.ts'
import { compilePattern } from '../model/pattern.ts'
import { metadataKeys, type PermissionRecord, type UserRecord, type VhostRecord } from '../model/records.ts'
import { type HashingAlgorithm, hashPassword } from './passwords.ts'

/** Patterns of a permission. */
export interface PermissionPatterns {
  readonly configure: string
  readonly write: string
  readonly read: string
}

/** A user that exists in every virtual host whose name matches (`default_users.<n>.*`). */
export interface DefaultUser {
  readonly name: string
  /** Empty: no password is accepted. */
  readonly password: string
  readonly tags: readonly string[]
  readonly vhostPattern: string
  readonly permissions: PermissionPatterns
}

/** Settings of the first start. */
export interface DefaultObjects {
  readonly vhost: string
  readonly user: string
  readonly password: string
  readonly tags: readonly string[]
  readonly permissions: PermissionPatterns
  readonly users: readonly DefaultUser[]
}

/** How passwords are hashed. */
export interface Hashing {
  readonly algorithm: HashingAlgorithm
  readonly randomness: Randomness
}

/** A virtual host with nothing special about it. */
export function plainVhost(name: string, description: string): VhostRecord {
  return {
    name,
    description,
    tags: [],
    defaultQueueType: '',
    tracing: false,
    protectedFromDeletion: false,
    maxConnections: -1,
    maxQueues: -1,
  }
}

/** What belongs into the transaction that creates a virtual host: the configured users, and what they may do there. */
export function defaultUserOps(
  metadata: Metadata,
  vhost: string,
  users: readonly DefaultUser[],
  hashing: Hashing,
): MetadataOp[] {
  const ops: MetadataOp[] = []
  for (const user of users) {
    if (compilePattern(user.vhostPattern)?.test(vhost) !== true) continue
    const key = metadataKeys.user(user.name)
    if (metadata.get(key) === undefined) ops.push({ op: 'put', key, value: userRecord(user, hashing) })
    ops.push(permissionOp(vhost, user.name, user.permissions))
  }
  return ops
}

/**
 * Gives an empty store its first virtual host and users, in one transaction; a store that has any is left alone.
 * Resolves with whether it did. Rejects when the store is unavailable.
 */
export function seedDefaults(metadata: Metadata, defaults: DefaultObjects, hashing: Hashing): Promise<boolean> {
  if (!isEmpty(metadata, 'vhost') || !isEmpty(metadata, 'user')) return Promise.resolve(false)
  const { vhost, user, password, tags } = defaults
  const ops: MetadataOp[] = [
    { op: 'put', key: metadataKeys.vhost(vhost), value: plainVhost(vhost, 'Default virtual host') },
    { op: 'put', key: metadataKeys.user(user), value: userRecord({ name: user, password, tags }, hashing) },
    permissionOp(vhost, user, defaults.permissions),
    ...defaultUserOps(
      metadata,
      vhost,
      defaults.users.filter(({ name }) => name !== user),
      hashing,
    ),
  ]
  return new Promise((resolve, reject) => {
    metadata.transact([{ key: metadataKeys.vhost(vhost), expect: 'absent' }], ops, (result) => {
      if (!result.ok && result.reason === 'unavailable') reject(result.error)
      else resolve(result.ok)
    })
  })
}

function isEmpty(metadata: Metadata, kind: string): boolean {
  return metadata.list([kind])[Symbol.iterator]().next().done === true
}

function userRecord(
  { name, password, tags }: Pick<DefaultUser, 'name' | 'password' | 'tags'>,
  { algorithm, randomness }: Hashing,
): UserRecord {
  const passwordHash = hashPassword(password, algorithm, randomness)
  return { name, passwordHash, hashingAlgorithm: algorithm, tags, maxConnections: -1, maxChannels: -1 }
}

function permissionOp(vhost: string, user: string, patterns: PermissionPatterns): MetadataOp {
  const record: PermissionRecord = { vhost, user, ...patterns }
  return { op: 'put', key: metadataKeys.permission(vhost, user), value: record }
}
