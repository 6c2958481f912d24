/**
 * Who may do what: patterns per user and vhost, and patterns on routing keys per user, vhost and exchange.
 *
 * One table per broker, kept current from the metadata. A session asks its own `SessionPermissions`: `OwnPermissions` over
 * this table, which remembers answers until the table's revision moves, or `AskedPermissions` where another system decides.
 * Which operation needs which permission is the sessions' matter. An invalid pattern matches nothing. [permissions]
 */
import type { Authorization, ResourceKind } from './access/authorization.ts'
import type { MetadataOp } from './records/metadata.ts'
import type { PermissionRecord, TopicPermissionRecord } from './records/records.ts'
import { compilePattern, escapePattern, type Pattern } from './values/pattern.ts'

/** Answers remembered per session and kind; more, and it starts over. */
const REMEMBERED_MAX = 256
/** Compiled patterns kept; many users share a few. */
const PATTERNS_MAX = 4096
/** The name by which permissions know the default exchange. */
const DEFAULT_EXCHANGE_NAME = 'amq.default'

const NOTHING = /(?!)/
/** The empty pattern is `^$`: only the empty name, which nothing has. */
const ONLY_EMPTY = /^$/

/** Values for the variables of topic patterns. */
export interface TopicVariables {
  readonly username: string
  readonly vhost: string
  /** MQTT alone has one. */
  readonly clientId?: string
}

/** What one user may do in one vhost. Questions that cannot be answered yet throw `AccessPending`. */
export interface SessionPermissions {
  readonly user: string
  readonly vhost: string
  /** Answers a session keeps itself are void when it moves. */
  readonly revision: number
  /** Whether the user may (still) be in the vhost. */
  mayEnter(): boolean
  canConfigure(kind: ResourceKind, name: string): boolean
  canWrite(kind: ResourceKind, name: string): boolean
  canRead(kind: ResourceKind, name: string): boolean
  /** Whether routing keys matter for this exchange at all. */
  hasTopicRules(exchange: string): boolean
  canWriteTopic(exchange: string, routingKey: string): boolean
  canReadTopic(exchange: string, routingKey: string): boolean
  /** The user showed new credentials: what they allow counts from now on. */
  renew(authorization: Authorization | null): void
}

/** All permissions of a broker. */
export class PermissionTable {
  /** Moves with every change: sessions forget what they remembered. */
  revision = 0
  readonly #records = new Map<string, PermissionRecord>()
  readonly #topicRecords = new Map<string, Map<string, TopicPermissionRecord>>()
  readonly #patterns = new Map<string, Pattern>()

  /** Whether the user has any entry for the vhost, which is what entering it needs. */
  mayEnter(user: string, vhost: string): boolean {
    return this.#records.has(pairKey(vhost, user))
  }

  of(user: string, vhost: string): PermissionRecord | undefined {
    return this.#records.get(pairKey(vhost, user))
  }

  ofTopic(user: string, vhost: string, exchange: string): TopicPermissionRecord | undefined {
    return this.#topicRecords.get(pairKey(vhost, user))?.get(exchange)
  }

  /** Vhosts that the user may enter. */
  vhostsOf(user: string): string[] {
    return [...this.#records.values()].filter((record) => record.user === user).map((record) => record.vhost)
  }

  /** The view of one session. */
  session(user: string, vhost: string, clientId?: string): OwnPermissions {
    return new OwnPermissions(this, user, vhost, clientId)
  }

  /** Whether a pattern matches a name. Compiled patterns are kept. */
  matches(pattern: string, name: string): boolean {
    let compiled = this.#patterns.get(pattern)
    if (compiled === undefined) {
      if (this.#patterns.size >= PATTERNS_MAX) this.#patterns.clear()
      compiled = pattern === '' ? ONLY_EMPTY : (compilePattern(pattern) ?? NOTHING)
      this.#patterns.set(pattern, compiled)
    }
    return compiled.test(name)
  }

  /** Applies one committed change; others than permissions are ignored. */
  apply(op: MetadataOp): void {
    if (op.key[0] === 'permission') this.#applyPermission(op)
    else if (op.key[0] === 'topic-permission') this.#applyTopicPermission(op)
  }

  #applyPermission(op: MetadataOp): void {
    this.revision++
    if (op.op === 'put') {
      // Stored under this kind of key by permission verbs alone.
      const record = op.value as PermissionRecord
      this.#records.set(pairKey(record.vhost, record.user), record)
    } else {
      for (const [key, { vhost, user }] of this.#records) {
        if (startsWith(['permission', vhost, user], op.key)) this.#records.delete(key)
      }
    }
  }

  #applyTopicPermission(op: MetadataOp): void {
    this.revision++
    if (op.op === 'put') {
      // Stored under this kind of key by permission verbs alone.
      const record = op.value as TopicPermissionRecord
      const pair = pairKey(record.vhost, record.user)
      const records = this.#topicRecords.get(pair) ?? new Map<string, TopicPermissionRecord>()
      records.set(record.exchange, record)
      this.#topicRecords.set(pair, records)
    } else {
      for (const [pair, records] of this.#topicRecords) {
        for (const { vhost, user, exchange } of [...records.values()]) {
          if (startsWith(['topic-permission', vhost, user, exchange], op.key)) records.delete(exchange)
        }
        if (records.size === 0) this.#topicRecords.delete(pair)
      }
    }
  }
}

/** What the table says of one user in one vhost. Answers are remembered until a permission changes. */
export class OwnPermissions implements SessionPermissions {
  readonly user: string
  readonly vhost: string
  readonly #table: PermissionTable
  readonly #clientId: string | undefined
  // Made at the first question: connections may be many, and most ask little.
  #configure: Map<string, boolean> | null = null
  #write: Map<string, boolean> | null = null
  #read: Map<string, boolean> | null = null
  #revision: number

  constructor(table: PermissionTable, user: string, vhost: string, clientId: string | undefined) {
    this.#table = table
    this.user = user
    this.vhost = vhost
    this.#clientId = clientId
    this.#revision = table.revision
  }

  get revision(): number {
    return this.#table.revision
  }

  /** The table alone decides. */
  renew(): void {}

  mayEnter(): boolean {
    return this.#table.mayEnter(this.user, this.vhost)
  }

  canConfigure(_kind: ResourceKind, name: string): boolean {
    if (this.#revision !== this.#table.revision) this.#forget()
    this.#configure ??= new Map()
    return this.#ask(this.#configure, 'configure', name)
  }

  canWrite(_kind: ResourceKind, name: string): boolean {
    if (this.#revision !== this.#table.revision) this.#forget()
    this.#write ??= new Map()
    return this.#ask(this.#write, 'write', name)
  }

  canRead(_kind: ResourceKind, name: string): boolean {
    if (this.#revision !== this.#table.revision) this.#forget()
    this.#read ??= new Map()
    return this.#ask(this.#read, 'read', name)
  }

  /** Without a topic permission every key is allowed. */
  hasTopicRules(exchange: string): boolean {
    return this.#table.ofTopic(this.user, this.vhost, exchange) !== undefined
  }

  canWriteTopic(exchange: string, routingKey: string): boolean {
    return this.#askTopic('write', exchange, routingKey)
  }

  canReadTopic(exchange: string, routingKey: string): boolean {
    return this.#askTopic('read', exchange, routingKey)
  }

  #ask(remembered: Map<string, boolean>, kind: 'configure' | 'write' | 'read', name: string): boolean {
    const known = remembered.get(name)
    if (known !== undefined) return known
    const record = this.#table.of(this.user, this.vhost)
    const asked = name === '' ? DEFAULT_EXCHANGE_NAME : name
    const may = record !== undefined && this.#table.matches(record[kind], asked)
    if (remembered.size >= REMEMBERED_MAX) remembered.clear()
    remembered.set(name, may)
    return may
  }

  #askTopic(kind: 'write' | 'read', exchange: string, routingKey: string): boolean {
    const record = this.#table.ofTopic(this.user, this.vhost, exchange)
    return record === undefined || this.#table.matches(expand(record[kind], this.#variables()), routingKey)
  }

  #variables(): TopicVariables {
    const { user: username, vhost } = this
    const clientId = this.#clientId
    return clientId === undefined ? { username, vhost } : { username, vhost, clientId }
  }

  #forget(): void {
    this.#revision = this.#table.revision
    this.#configure = null
    this.#write = null
    this.#read = null
  }
}

/** Fills in `{username}`, `{vhost}` and `{client_id}`; what has no value stays. The values stand for themselves, not for patterns. */
function expand(pattern: string, { username, vhost, clientId }: TopicVariables): string {
  if (!pattern.includes('{')) return pattern
  const filled = pattern
    .replaceAll('{username}', () => escapePattern(username))
    .replaceAll('{vhost}', () => escapePattern(vhost))
  return clientId === undefined ? filled : filled.replaceAll('{client_id}', () => escapePattern(clientId))
}

/** Names cannot contain U+0000 in any protocol's text, so the pair is unique. */
function pairKey(vhost: string, user: string): string {
  return `${vhost}\u0000${user}`
}

function startsWith(key: readonly string[], prefix: readonly string[]): boolean {
  return prefix.length <= key.length && prefix.every((element, i) => element === key[i])
}
