// What tests ask of a broker beyond AMQP: virtual hosts, users, permissions, policies, limits. One contract, two
// implementations: RabbitMQ's HTTP API (administration-http.ts) and direct calls (administration-in-process.ts).

/** A policy or an operator policy. */
export interface PolicySpec {
  readonly pattern: string
  readonly definition: Readonly<Record<string, string | number>>
  readonly priority?: number
  readonly applyTo?: string
}

/** Patterns of a permission. */
export interface PermissionSpec {
  readonly configure: string
  readonly write: string
  readonly read: string
}

/** Patterns of a topic permission. */
export interface TopicPermissionSpec {
  readonly exchange: string
  readonly write: string
  readonly read: string
}

/** Administrative verbs; each resolves once the change is in force for new operations. */
export interface Administration {
  declareVhost(vhost: string): Promise<void>
  deleteVhost(vhost: string): Promise<void>
  declareUser(user: string, password: string, tags?: readonly string[]): Promise<void>
  deleteUser(user: string): Promise<void>
  setPermissions(vhost: string, user: string, spec: PermissionSpec): Promise<void>
  clearPermissions(vhost: string, user: string): Promise<void>
  setTopicPermissions(vhost: string, user: string, spec: TopicPermissionSpec): Promise<void>
  setPolicy(vhost: string, name: string, spec: PolicySpec): Promise<void>
  deletePolicy(vhost: string, name: string): Promise<void>
  setOperatorPolicy(vhost: string, name: string, spec: PolicySpec): Promise<void>
  deleteOperatorPolicy(vhost: string, name: string): Promise<void>
  /** `max-connections` or `max-queues`. */
  setVhostLimit(vhost: string, limit: string, value: number): Promise<void>
  /** `max-connections` or `max-channels`. */
  setUserLimit(user: string, limit: string, value: number): Promise<void>
}

/** A change the broker refused; the message is its reason. */
export class AdministrationError extends Error {}
