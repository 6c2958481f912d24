/**
 * What a new broker starts with: a virtual host, a user who may do everything in it; and what the configuration gives to
 * every new virtual host: users, limits, operator policies.
 * [RabbitMQ: default_vhost, default_user, default_users.*, default_limits.vhosts.*, default_policies.operator.*]
 *
 * Called once at boot, before sessions come, and by whoever creates a virtual host.
 */
import type { Randomness } from '../base/random.ts'
import type { Settings } from '../config/settings.ts'
import type { Metadata, MetadataOp } from '../model/records/metadata.ts'
import {
  metadataKeys,
  type PermissionRecord,
  type PolicyRecord,
  type UserRecord,
  type VhostRecord,
} from '../model/records/records.ts'
import { compilePattern } from '../model/values/pattern.ts'
import { type HashingAlgorithm, hashPassword } from './passwords.ts'

const EVERY_VHOST = '.*'

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

/** Limits of the virtual hosts whose name matches; null leaves one open. */
export interface DefaultLimits {
  readonly vhostPattern: string
  readonly maxConnections: number | null
  readonly maxQueues: number | null
}

/** An operator policy of the virtual hosts whose name matches. */
export interface DefaultOperatorPolicy {
  readonly name: string
  readonly vhostPattern: string
  readonly queuePattern: string
  readonly definition: Readonly<Record<string, number>>
}

/** What every new virtual host is given. */
export interface VhostDefaults {
  readonly users: readonly DefaultUser[]
  readonly limits: readonly DefaultLimits[]
  readonly operatorPolicies: readonly DefaultOperatorPolicy[]
}

/** Settings of the first start. */
export interface DefaultObjects extends VhostDefaults {
  readonly vhost: string
  readonly user: string
  readonly password: string
  readonly tags: readonly string[]
  readonly permissions: PermissionPatterns
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

/** The settings as this file wants them. */
export function defaultObjects(defaults: Settings['defaults']): DefaultObjects {
  const { vhost, user, password, userTags, configure, write, read } = defaults
  return {
    vhost,
    user,
    password,
    tags: [...userTags],
    permissions: { configure, write, read },
    users: Object.entries(defaults.users).map(([name, given]) => ({
      name,
      password: given.password ?? '',
      tags: given.tags,
      vhostPattern: given.vhostPattern ?? EVERY_VHOST,
      permissions: { configure: given.configure, write: given.write, read: given.read },
    })),
    limits: Object.values(defaults.vhostLimits).map(({ pattern, connectionCountMax, queueCountMax }) => ({
      vhostPattern: pattern,
      maxConnections: connectionCountMax,
      maxQueues: queueCountMax,
    })),
    operatorPolicies: Object.entries(defaults.operatorPolicies).map(([name, policy]) => ({
      name,
      vhostPattern: policy.vhostPattern,
      queuePattern: policy.queuePattern,
      definition: withoutNulls({
        expires: policy.expiresMs,
        'message-ttl': policy.messageTtlMs,
        'max-length': policy.lengthMax,
        'max-length-bytes': policy.bytesMax,
        'delivery-limit': policy.deliveryLimit,
      }),
    })),
  }
}

function withoutNulls(values: Readonly<Record<string, number | null>>): Record<string, number> {
  const given = Object.entries(values).filter((entry): entry is [string, number] => entry[1] !== null)
  return Object.fromEntries(given)
}

/** The record of a new virtual host with the first limits that are meant for it. */
export function limitedVhost(record: VhostRecord, limits: readonly DefaultLimits[]): VhostRecord {
  const found = limits.find(({ vhostPattern }) => matches(vhostPattern, record.name))
  if (found === undefined) return record
  return {
    ...record,
    maxConnections: found.maxConnections ?? record.maxConnections,
    maxQueues: found.maxQueues ?? record.maxQueues,
  }
}

/** What belongs into the transaction that creates a virtual host, beside its record: users, permissions, operator policies. */
export function vhostDefaultOps(
  metadata: Metadata,
  vhost: string,
  { users, operatorPolicies }: Pick<VhostDefaults, 'users' | 'operatorPolicies'>,
  hashing: Hashing,
): MetadataOp[] {
  const ops: MetadataOp[] = []
  for (const user of users) {
    if (!matches(user.vhostPattern, vhost)) continue
    const key = metadataKeys.user(user.name)
    if (metadata.get(key) === undefined) ops.push({ op: 'put', key, value: userRecord(user, hashing) })
    ops.push(permissionOp(vhost, user.name, user.permissions))
  }
  for (const { name, vhostPattern, queuePattern, definition } of operatorPolicies) {
    if (!matches(vhostPattern, vhost) || Object.keys(definition).length === 0) continue
    const value: PolicyRecord = { vhost, name, pattern: queuePattern, applyTo: 'queues', priority: 0, definition }
    ops.push({ op: 'put', key: metadataKeys.operatorPolicy(vhost, name), value })
  }
  return ops
}

function matches(pattern: string, name: string): boolean {
  return compilePattern(pattern)?.test(name) === true
}

/**
 * Gives an empty store its first virtual host and users, in one transaction; a store that has any is left alone.
 * Resolves with whether it did. Rejects when the store is unavailable.
 */
export function seedDefaults(metadata: Metadata, defaults: DefaultObjects, hashing: Hashing): Promise<boolean> {
  if (!isEmpty(metadata, 'vhost') || !isEmpty(metadata, 'user')) return Promise.resolve(false)
  const { vhost, user, password, tags } = defaults
  const plain = plainVhost(vhost, 'Default virtual host')
  const others = defaults.users.filter(({ name }) => name !== user)
  const ops: MetadataOp[] = [
    { op: 'put', key: metadataKeys.vhost(vhost), value: limitedVhost(plain, defaults.limits) },
    { op: 'put', key: metadataKeys.user(user), value: userRecord({ name: user, password, tags }, hashing) },
    permissionOp(vhost, user, defaults.permissions),
    ...vhostDefaultOps(metadata, vhost, { ...defaults, users: others }, hashing),
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
