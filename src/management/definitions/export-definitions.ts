/**
 * Exports definitions in RabbitMQ's format: of the whole broker, or of one virtual host. Pure: reads the metadata only.
 *
 * Left out are exclusive queues, built-in exchanges and bindings to what is left out. Objects come in key order, so that
 * two exports of the same state are the same text.
 */

import { userLimits, vhostLimits } from '../../model/limits/limits.ts'
import type { Metadata } from '../../model/records/metadata.ts'
import type {
  BindingRecord,
  ExchangeRecord,
  ParameterRecord,
  PermissionRecord,
  PolicyRecord,
  QueueRecord,
  StoredArguments,
  TopicPermissionRecord,
  UserRecord,
  VhostRecord,
} from '../../model/records/records.ts'
import { argumentsToJson, type Json, restoreArguments } from '../../model/values/arguments-json.ts'
import type { JsonObject } from './field-reader.ts'

/** How the exporting broker calls itself. */
export interface ExportOrigin {
  /** The dialect spoken: `RabbitMQ` and the version whose behaviour is implemented. */
  readonly product: string
  readonly version: string
  readonly clusterName: string
}

/** Global parameters that describe this broker rather than its configuration. */
const OWN_GLOBAL_PARAMETERS: ReadonlySet<string> = new Set(['internal_cluster_id', 'imported_definition_hash_value'])

/** Definitions of the whole broker. */
export function exportDefinitions(metadata: Metadata, origin: ExportOrigin): JsonObject {
  const vhosts = records<VhostRecord>(metadata, 'vhost')
  const perVhost = vhosts.map((vhost) => vhostObjects(metadata, vhost))
  const all = (section: keyof VhostObjects): Json[] =>
    perVhost.flatMap((objects, i) => objects[section].map((object) => ({ vhost: vhosts[i]!.name, ...object })))
  return {
    ...header(origin, 'cluster'),
    original_cluster_name: origin.clusterName,
    explanation: `Definitions of cluster '${origin.clusterName}'`,
    users: records<UserRecord>(metadata, 'user').map(userJson),
    vhosts: vhosts.map(vhostJson),
    permissions: records<PermissionRecord>(metadata, 'permission').map(permissionJson),
    topic_permissions: records<TopicPermissionRecord>(metadata, 'topic-permission').map(topicPermissionJson),
    parameters: all('parameters'),
    global_parameters: globalParameters(metadata),
    policies: all('policies'),
    queues: all('queues'),
    exchanges: all('exchanges'),
    bindings: all('bindings'),
  }
}

/** Definitions of one virtual host, whose objects name none; undefined when there is no such vhost. */
export function exportVhostDefinitions(
  metadata: Metadata,
  vhost: string,
  origin: ExportOrigin,
): JsonObject | undefined {
  const record = records<VhostRecord>(metadata, 'vhost').find(({ name }) => name === vhost)
  if (record === undefined) return undefined
  const { description, metadata: vhostMetadata, limits } = vhostJson(record)
  return {
    ...header(origin, 'single_virtual_host'),
    original_vhost_name: vhost,
    explanation: `Definitions of virtual host '${vhost}'`,
    description: description!,
    metadata: vhostMetadata!,
    limits: limits!,
    ...vhostObjects(metadata, record),
  }
}

function header(origin: ExportOrigin, format: string): JsonObject {
  return {
    rabbit_version: origin.version,
    rabbitmq_version: origin.version,
    product_name: origin.product,
    product_version: origin.version,
    rabbitmq_definition_format: format,
  }
}

type VhostObjects = {
  readonly [S in 'parameters' | 'policies' | 'queues' | 'exchanges' | 'bindings']: readonly JsonObject[]
}

function vhostObjects(metadata: Metadata, vhost: VhostRecord): VhostObjects {
  const { name } = vhost
  const queues = records<QueueRecord>(metadata, 'queue', name)
  const hidden = new Set(queues.filter(({ exclusive }) => exclusive).map((queue) => queue.name))
  return {
    parameters: [
      ...records<PolicyRecord>(metadata, 'operator-policy', name).map(operatorPolicyJson),
      ...limitsParameter(vhost),
      ...records<ParameterRecord>(metadata, 'parameter', name).map(parameterJson),
    ],
    policies: records<PolicyRecord>(metadata, 'policy', name).map(policyJson),
    queues: queues.filter(({ exclusive }) => !exclusive).map((queue) => queueJson(queue, vhost)),
    exchanges: records<ExchangeRecord>(metadata, 'exchange', name).map(exchangeJson),
    bindings: records<BindingRecord>(metadata, 'binding', name)
      .filter((binding) => binding.destinationKind === 'exchange' || !hidden.has(binding.destination))
      .map(bindingJson),
  }
}

/** Records of a kind, of one vhost when given. The kind of the key tells the kind of the record. */
function records<T>(metadata: Metadata, ...prefix: readonly string[]): T[] {
  return [...metadata.list(prefix)].map((entry) => entry.value as T)
}

// One function per kind

function userJson(user: UserRecord): JsonObject {
  return {
    name: user.name,
    password_hash: user.passwordHash,
    hashing_algorithm: user.hashingAlgorithm,
    tags: [...user.tags],
    limits: userLimits(user),
  }
}

function vhostJson(vhost: VhostRecord): JsonObject {
  const { name, description, protectedFromDeletion, tracing } = vhost
  const tags = [...vhost.tags]
  const typed: JsonObject = vhost.defaultQueueType === '' ? {} : { default_queue_type: vhost.defaultQueueType }
  return {
    name,
    description,
    tags,
    ...typed,
    tracing,
    metadata: { description, tags, ...typed, protected_from_deletion: protectedFromDeletion },
    limits: vhostLimits(vhost),
  }
}

/** RabbitMQ keeps the limits of a vhost as a parameter, and versions before 3.12 read them there. */
function limitsParameter(vhost: VhostRecord): JsonObject[] {
  const value = vhostLimits(vhost)
  return Object.keys(value).length === 0 ? [] : [{ component: 'vhost-limits', name: 'limits', value }]
}

function permissionJson({ user, vhost, configure, write, read }: PermissionRecord): JsonObject {
  return { user, vhost, configure, write, read }
}

function topicPermissionJson({ user, vhost, exchange, write, read }: TopicPermissionRecord): JsonObject {
  return { user, vhost, exchange, write, read }
}

function policyJson(policy: PolicyRecord): JsonObject {
  const { name, pattern, applyTo, priority } = policy
  return { name, pattern, 'apply-to': applyTo, definition: definitionJson(policy), priority }
}

function operatorPolicyJson(policy: PolicyRecord): JsonObject {
  const { name, ...value } = policyJson(policy)
  return { component: 'operator_policy', name: name!, value }
}

/** Definitions came as JSON. */
function definitionJson({ definition }: PolicyRecord): JsonObject {
  return definition as JsonObject
}

function parameterJson({ component, name, value }: ParameterRecord): JsonObject {
  // Values came as JSON.
  return { component, name, value: value as Json }
}

/** Stored as bare values under their names; they came as JSON. */
function globalParameters(metadata: Metadata): JsonObject[] {
  return [...metadata.list(['global-parameter'])]
    .map(({ key, value }) => ({ name: key[1]!, value: value as Json }))
    .filter(({ name }) => !OWN_GLOBAL_PARAMETERS.has(name))
}

/** The type is an argument where the vhost's default would give another one on import elsewhere. */
function queueJson(queue: QueueRecord, vhost: VhostRecord): JsonObject {
  const args = argumentsOf(queue.arguments)
  const typed = args['x-queue-type'] === undefined && (vhost.defaultQueueType !== '' || queue.type !== 'classic')
  return {
    name: queue.name,
    durable: queue.durable,
    auto_delete: queue.autoDelete,
    type: queue.type,
    arguments: typed ? { ...args, 'x-queue-type': queue.type } : args,
  }
}

function exchangeJson(exchange: ExchangeRecord): JsonObject {
  return {
    name: exchange.name,
    type: exchange.type,
    durable: exchange.durable,
    auto_delete: exchange.autoDelete,
    internal: exchange.internal,
    arguments: argumentsOf(exchange.arguments),
  }
}

function bindingJson(binding: BindingRecord): JsonObject {
  return {
    source: binding.source,
    destination: binding.destination,
    destination_type: binding.destinationKind,
    routing_key: binding.routingKey,
    arguments: argumentsOf(binding.arguments),
  }
}

function argumentsOf(stored: StoredArguments): JsonObject {
  return argumentsToJson(restoreArguments(stored))
}
