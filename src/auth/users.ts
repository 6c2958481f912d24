/**
 * Verbs on users and on what they may do: for the HTTP API, the command line and the first start.
 *
 * Users and permissions are records of the metadata store; verbs build guarded transactions and resolve when the change is
 * in force. They reject only when the store is unavailable. [docs/access-control.md]
 */
import type { Randomness } from '../base/random.ts'
import type { Refusal } from '../model/queue/queue.ts'
import type { Guard, Metadata, MetadataEntry, MetadataOp, TransactionResult } from '../model/records/metadata.ts'
import {
  metadataKeys,
  type PermissionRecord,
  type TopicPermissionRecord,
  type UserRecord,
} from '../model/records/records.ts'
import { compilePattern } from '../model/values/pattern.ts'
import { type Answer, granted, refused } from '../model/verbs/answer.ts'
import type { CredentialValidator } from './credential-validator.ts'
import { type HashingAlgorithm, hashPassword, isHashingAlgorithm, refusesHash } from './passwords.ts'

/** Tags of a user at most. */
export const TAG_COUNT_MAX = 32
const UNLIMITED = -1
/** A change that meets this many concurrent ones gives up. */
const TRIES_MAX = 16

/** How a user will log in. */
export type NewPassword =
  /** Hashed with a fresh salt. The empty one is as `none`. */
  | { readonly kind: 'password'; readonly password: string }
  /** A hash as exported; the validator cannot judge it. */
  | { readonly kind: 'hash'; readonly hash: string; readonly algorithm: string }
  /** No password is accepted: the user comes in by certificate or token alone. */
  | { readonly kind: 'none' }

/** What `put` sets. Undefined leaves what a user has, and gives a new one nothing. */
export interface UserChange {
  readonly password?: NewPassword
  readonly tags?: readonly string[]
  /** -1 is no limit. */
  readonly maxConnections?: number
  readonly maxChannels?: number
}

/** What the verbs need. */
export interface UsersOptions {
  readonly metadata: Metadata
  readonly validator: CredentialValidator
  readonly algorithm: HashingAlgorithm
  readonly randomness: Randomness
}

/** Why this cannot be a name of a user, or undefined. */
export function refusesUserName(name: string): string | undefined {
  return name === '' ? 'user name cannot be blank' : undefined
}

/** Why these tags cannot be, or undefined. */
export function refusesTags(tags: readonly string[]): string | undefined {
  if (tags.length > TAG_COUNT_MAX) return `a user can have at most ${TAG_COUNT_MAX} tags`
  return tags.some((tag) => tag === '') ? 'a tag cannot be empty' : undefined
}

/** Why this pattern cannot be, or undefined. */
export function refusesPattern(pattern: string): string | undefined {
  return compilePattern(pattern) === null ? `'${pattern}' is not a valid regular expression` : undefined
}

/** The users of a broker. */
export class Users {
  readonly #options: UsersOptions
  readonly #metadata: Metadata

  constructor(options: UsersOptions) {
    this.#options = options
    this.#metadata = options.metadata
  }

  // Looking up

  get(name: string): UserRecord | undefined {
    return recordOf<UserRecord>(this.#metadata.get(metadataKeys.user(name)))
  }

  /** In order of their names. */
  list(): UserRecord[] {
    return recordsBelow<UserRecord>(this.#metadata, 'user')
  }

  permission(vhost: string, user: string): PermissionRecord | undefined {
    return recordOf<PermissionRecord>(this.#metadata.get(metadataKeys.permission(vhost, user)))
  }

  /** In order of vhost and user; of one vhost when given. */
  permissions(vhost?: string): PermissionRecord[] {
    return recordsBelow<PermissionRecord>(this.#metadata, 'permission', vhost)
  }

  /** In order of vhost, user and exchange; of one vhost when given. */
  topicPermissions(vhost?: string): TopicPermissionRecord[] {
    return recordsBelow<TopicPermissionRecord>(this.#metadata, 'topic-permission', vhost)
  }

  // Users

  /** Creates or changes a user. */
  async put(name: string, change: UserChange): Promise<Answer<UserRecord>> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const entry = this.#metadata.get(metadataKeys.user(name))
      const present = recordOf<UserRecord>(entry)
      const reason = refusesUserName(name) ?? this.#refusesChange(name, change)
      if (reason !== undefined) return refused(precondition(reason))
      const record = this.#changed(name, present, change)
      const guard: Guard = { key: metadataKeys.user(name), expect: entry?.revision ?? 'absent' }
      const result = await this.#transact([guard], [{ op: 'put', key: guard.key, value: record }])
      if (result.ok) return granted(record)
    }
    return refused(precondition(`user '${name}' is being changed by others`))
  }

  /** Creates a user; refuses when there is one of this name. */
  async add(name: string, change: UserChange): Promise<Answer<UserRecord>> {
    const reason = refusesUserName(name) ?? this.#refusesChange(name, change)
    if (reason !== undefined) return refused(precondition(reason))
    const record = this.#changed(name, undefined, change)
    const guard: Guard = { key: metadataKeys.user(name), expect: 'absent' }
    const result = await this.#transact([guard], [{ op: 'put', key: guard.key, value: record }])
    return result.ok ? granted(record) : refused(precondition(`user '${name}' already exists`))
  }

  /** Deletes a user and everything it may do. Its connections are the caller's to close. */
  async delete(name: string): Promise<Answer<null>> {
    const guard: Guard = { key: metadataKeys.user(name), expect: 'present' }
    const result = await this.#transact([guard], [{ op: 'drop', key: guard.key }, ...this.#permissionDrops(name)])
    if (!result.ok) return refused(noUser(name))
    // A permission may have been granted while the deletion was on its way; from now on none can be.
    const late = this.#permissionDrops(name)
    if (late.length > 0) await this.#transact([{ key: guard.key, expect: 'absent' }], late)
    return granted(null)
  }

  // Permissions

  setPermission(record: PermissionRecord): Promise<Answer<null>> {
    const { vhost, user, configure, write, read } = record
    return this.#putPermission(vhost, user, [configure, write, read], {
      op: 'put',
      key: metadataKeys.permission(vhost, user),
      value: record,
    })
  }

  setTopicPermission(record: TopicPermissionRecord): Promise<Answer<null>> {
    const { vhost, user, exchange, write, read } = record
    return this.#putPermission(vhost, user, [write, read], {
      op: 'put',
      key: metadataKeys.topicPermission(vhost, user, exchange),
      value: record,
    })
  }

  /** Clearing what is not there is fine. */
  async clearPermission(vhost: string, user: string): Promise<void> {
    await this.#transact([], [{ op: 'drop', key: metadataKeys.permission(vhost, user) }])
  }

  /** Of one exchange, or of all. */
  async clearTopicPermissions(vhost: string, user: string, exchange?: string): Promise<void> {
    const key = exchange === undefined ? ['topic-permission', vhost, user] : ['topic-permission', vhost, user, exchange]
    await this.#transact([], [{ op: 'drop-prefix', key }])
  }

  async #putPermission(
    vhost: string,
    user: string,
    patterns: readonly string[],
    op: MetadataOp,
  ): Promise<Answer<null>> {
    for (const pattern of patterns) {
      const reason = refusesPattern(pattern)
      if (reason !== undefined) return refused(precondition(reason))
    }
    const guards: Guard[] = [
      { key: metadataKeys.vhost(vhost), expect: 'present' },
      { key: metadataKeys.user(user), expect: 'present' },
    ]
    const result = await this.#transact(guards, [op])
    if (result.ok) return granted(null)
    return refused(result.key[0] === 'user' ? noUser(user) : { code: 'not-found', text: `no vhost '${vhost}'` })
  }

  #permissionDrops(user: string): MetadataOp[] {
    const kinds = ['permission', 'topic-permission']
    const entries = kinds.flatMap((kind) => [...this.#metadata.list([kind])])
    return entries.filter(({ key }) => key[2] === user).map(({ key }) => ({ op: 'drop', key }))
  }

  // Changing

  #refusesChange(name: string, { password, tags }: UserChange): string | undefined {
    return this.#refusesPassword(name, password) ?? (tags === undefined ? undefined : refusesTags(tags))
  }

  #refusesPassword(name: string, password: NewPassword | undefined): string | undefined {
    if (password?.kind === 'password') {
      return this.#options.validator(name, password.password)
    }
    if (password?.kind !== 'hash') return undefined
    return isHashingAlgorithm(password.algorithm)
      ? refusesHash(password.hash, password.algorithm)
      : `unknown hashing algorithm '${password.algorithm}'`
  }

  #changed(name: string, present: UserRecord | undefined, change: UserChange): UserRecord {
    return {
      name,
      ...this.#hashOf(present, change.password),
      tags: change.tags ?? present?.tags ?? [],
      maxConnections: change.maxConnections ?? present?.maxConnections ?? UNLIMITED,
      maxChannels: change.maxChannels ?? present?.maxChannels ?? UNLIMITED,
      ...laterLimits(present),
    }
  }

  #hashOf(
    present: UserRecord | undefined,
    password: NewPassword | undefined,
  ): Pick<UserRecord, 'passwordHash' | 'hashingAlgorithm'> {
    const { algorithm, randomness } = this.#options
    if (password?.kind === 'hash') return { passwordHash: password.hash, hashingAlgorithm: password.algorithm }
    if (password?.kind === 'password') {
      return { passwordHash: hashPassword(password.password, algorithm, randomness), hashingAlgorithm: algorithm }
    }
    if (password === undefined && present !== undefined) {
      return { passwordHash: present.passwordHash, hashingAlgorithm: present.hashingAlgorithm }
    }
    return { passwordHash: '', hashingAlgorithm: algorithm }
  }

  #transact(
    guards: readonly Guard[],
    ops: readonly MetadataOp[],
  ): Promise<Exclude<TransactionResult, { readonly reason: 'unavailable' }>> {
    return new Promise((resolve, reject) => {
      this.#metadata.transact(guards, ops, (result) => {
        if (!result.ok && result.reason === 'unavailable') reject(result.error)
        else resolve(result)
      })
    })
  }
}

/** Limits that records of former brokers do not have. */
export function laterLimits(user: UserRecord | undefined): Pick<UserRecord, 'maxQueues' | 'rates'> {
  return {
    ...(user?.maxQueues === undefined ? {} : { maxQueues: user.maxQueues }),
    ...(user?.rates === undefined ? {} : { rates: user.rates }),
  }
}

function noUser(name: string): Refusal {
  return { code: 'not-found', text: `no user '${name}'` }
}

function precondition(text: string): Refusal {
  return { code: 'precondition-failed', text }
}

/** A record under a key of its kind: written by the verbs above, or by an import that checked it. */
function recordOf<T>(entry: MetadataEntry | undefined): T | undefined {
  return entry?.value as T | undefined
}

function recordsBelow<T>(metadata: Metadata, kind: string, vhost?: string): T[] {
  const prefix = vhost === undefined ? [kind] : [kind, vhost]
  return [...metadata.list(prefix)].map((entry) => entry.value as T)
}
