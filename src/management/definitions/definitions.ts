/**
 * What a definitions file says, checked for shape: plain values in the model's words, before they meet a broker.
 */
import type {
  ParameterRecord,
  PermissionRecord,
  PolicyRecord,
  TopicPermissionRecord,
} from '../../model/records/records.ts'
import type { BindingRequest, ExchangeDeclaration, QueueDeclaration } from '../../model/verbs/requests.ts'

/** A user. Undefined: the file does not say. */
export interface UserDefinition {
  readonly name: string
  /** In plain text; rare, hand-written files. */
  readonly password: string | undefined
  readonly passwordHash: string | undefined
  /** Undefined: the broker's own default. */
  readonly hashingAlgorithm: string | undefined
  readonly tags: readonly string[]
  readonly maxConnections: number | undefined
  readonly maxChannels: number | undefined
  /** Those that RabbitMQ does not know, by name; negative: none. */
  readonly laterLimits: Readonly<Record<string, number>>
}

/** A virtual host. Undefined: the file does not say, and an existing one keeps what it has. */
export interface VhostDefinition {
  readonly name: string
  readonly description: string | undefined
  readonly tags: readonly string[] | undefined
  readonly defaultQueueType: string | undefined
  readonly tracing: boolean | undefined
  readonly protectedFromDeletion: boolean | undefined
}

/** Limits of a virtual host. */
export interface VhostLimits {
  readonly vhost: string
  readonly maxConnections: number | undefined
  readonly maxQueues: number | undefined
  /** Those that the file names, by name; negative: none. */
  readonly rates: Readonly<Record<string, number>>
}

/** A policy of either kind. */
export interface PolicyDefinition {
  readonly record: PolicyRecord
  readonly operator: boolean
}

/** A queue, an exchange or a binding with the virtual host it belongs to. */
export interface InVhost<T> {
  readonly vhost: string
  readonly declaration: T
}

/** All of a file. */
export interface Definitions {
  readonly users: readonly UserDefinition[]
  readonly vhosts: readonly VhostDefinition[]
  readonly vhostLimits: readonly VhostLimits[]
  readonly permissions: readonly PermissionRecord[]
  readonly topicPermissions: readonly TopicPermissionRecord[]
  readonly policies: readonly PolicyDefinition[]
  readonly parameters: readonly ParameterRecord[]
  readonly globalParameters: readonly { readonly name: string; readonly value: unknown }[]
  readonly exchanges: readonly InVhost<ExchangeDeclaration>[]
  readonly queues: readonly InVhost<QueueDeclaration>[]
  readonly bindings: readonly InVhost<BindingRequest>[]
}

/** A file that was not taken, and everything that is wrong with it. */
export class InvalidDefinitions extends Error {
  /** One sentence per problem; each names its object. Never empty. */
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    const more = problems.length > 1 ? ` (and ${problems.length - 1} more)` : ''
    super(`${problems[0] ?? 'invalid definitions'}${more}`)
    this.name = 'InvalidDefinitions'
    this.problems = problems
  }
}
