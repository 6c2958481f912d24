/**
 * Reads a definitions file as RabbitMQ 3.x and 4.x write it: JSON into `Definitions`. Pure.
 *
 * A file describes a whole broker, or one virtual host (then its objects name none). Unknown sections and fields are
 * passed over, so that files of newer versions import. Everything wrong is reported at once. [docs/definitions.md]
 */

import { RATE_LIMITS } from '../../model/limits/limits.ts'
import { refusesPolicy } from '../../model/policy/policies.ts'
import { withoutLegacyKeys } from '../../model/policy/policy-keys.ts'
import type {
  ParameterRecord,
  PermissionRecord,
  PolicyRecord,
  TopicPermissionRecord,
} from '../../model/records/records.ts'
import type { Json } from '../../model/values/arguments-json.ts'
import { compilePattern } from '../../model/values/pattern.ts'
import type { BindingRequest, ExchangeDeclaration, QueueDeclaration } from '../../model/verbs/requests.ts'
import { DEFINITIONS_DEPTH_MAX, nestsTooDeep } from '../http/json-depth.ts'
import {
  type Definitions,
  type InVhost,
  InvalidDefinitions,
  type PolicyDefinition,
  type UserDefinition,
  type VhostDefinition,
  type VhostLimits,
} from './definitions.ts'
import { FieldReader, isJsonObject, type JsonObject, Problems } from './field-reader.ts'

const OPERATOR_POLICY = 'operator_policy'
const VHOST_LIMITS = 'vhost-limits'
/** Identity of the cluster that exported, not a setting to carry over. */
const FOREIGN_GLOBAL_PARAMETERS: ReadonlySet<string> = new Set([
  'internal_cluster_id',
  'imported_definition_hash_value',
])
const BYTE_ORDER_MARK = /^\uFEFF/

/**
 * The definitions in a text. With `vhost`, everything goes into that virtual host, whatever the objects say, and users and
 * other objects outside of virtual hosts are passed over. Throws `InvalidDefinitions`.
 */
export function parseDefinitions(text: string, vhost?: string): Definitions {
  const json = parseJson(text)
  const problems = new Problems()
  const definitions = new FileReader(json, vhost, problems).read()
  if (problems.texts.length > 0) throw new InvalidDefinitions(problems.texts)
  return definitions
}

function parseJson(text: string): JsonObject {
  if (nestsTooDeep(text, DEFINITIONS_DEPTH_MAX)) throw new InvalidDefinitions(['nested too deeply'])
  let json: Json
  try {
    json = JSON.parse(text.replace(BYTE_ORDER_MARK, ''))
  } catch (error) {
    throw new InvalidDefinitions([`this is not JSON: ${error instanceof Error ? error.message : String(error)}`])
  }
  if (!isJsonObject(json)) throw new InvalidDefinitions(['definitions must be a JSON object'])
  return json
}

class FileReader {
  readonly #file: JsonObject
  readonly #vhost: string | undefined
  readonly #problems: Problems

  constructor(file: JsonObject, vhost: string | undefined, problems: Problems) {
    this.#file = file
    this.#vhost = vhost
    this.#problems = problems
  }

  read(): Definitions {
    if (this.#vhost === undefined && this.#file.rabbitmq_definition_format === 'single_virtual_host') {
      this.#problems.note('this file holds the definitions of a single virtual host: import it into one')
    }
    const parameters = this.#section('parameters', 'parameter', readParameter)
    const isWhole = this.#vhost === undefined
    return {
      users: isWhole ? this.#section('users', 'user', readUser) : [],
      vhosts: isWhole ? this.#section('vhosts', 'vhost', readVhost) : [],
      vhostLimits: [
        ...(isWhole ? this.#section('vhosts', 'vhost', readVhostLimits).filter(hasLimit) : []),
        ...parameters.filter(({ component }) => component === VHOST_LIMITS).map((record) => this.#limits(record)),
      ],
      permissions: isWhole ? this.#section('permissions', 'permission', readPermission) : [],
      topicPermissions: isWhole ? this.#section('topic_permissions', 'topic permission', readTopicPermission) : [],
      policies: [
        ...this.#section('policies', 'policy', (reader, vhost) => readPolicy(reader, vhost, false)),
        ...parameters.filter(({ component }) => component === OPERATOR_POLICY).map((record) => this.#operator(record)),
      ].filter(({ record }) => Object.keys(record.definition).length > 0),
      parameters: parameters.filter(({ component }) => component !== OPERATOR_POLICY && component !== VHOST_LIMITS),
      globalParameters: isWhole
        ? this.#section('global_parameters', 'global parameter', readGlobalParameter).filter(
            ({ name }) => !FOREIGN_GLOBAL_PARAMETERS.has(name),
          )
        : [],
      exchanges: this.#section('exchanges', 'exchange', readExchange),
      queues: this.#section('queues', 'queue', readQueue),
      bindings: this.#section('bindings', 'binding', readBinding),
    }
  }

  #section<T>(section: string, noun: string, read: (reader: FieldReader, vhost: string) => T): T[] {
    const list = this.#file[section] ?? []
    if (!Array.isArray(list)) {
      this.#problems.note(`${section} must be a list`)
      return []
    }
    const items: T[] = []
    list.forEach((json: Json, i) => {
      const what = `${noun} ${describe(json) ?? `number ${i + 1}`}`
      if (!isJsonObject(json)) this.#problems.note(`${what} must be an object`)
      else items.push(this.#item(new FieldReader(json, what, this.#problems), read))
    })
    return items
  }

  #item<T>(reader: FieldReader, read: (reader: FieldReader, vhost: string) => T): T {
    const vhost = this.#vhost ?? (reader.has('vhost') ? reader.text('vhost') : '')
    return read(reader, vhost)
  }

  #operator({ vhost, name, value }: ParameterRecord): PolicyDefinition {
    const what = `operator policy '${name}' in vhost '${vhost}'`
    // A parameter's value is JSON.
    const json = value as Json
    const fields = isJsonObject(json) ? { ...json, name } : { name }
    return readPolicy(new FieldReader(fields, what, this.#problems), vhost, true)
  }

  #limits({ vhost, value }: ParameterRecord): VhostLimits {
    // A parameter's value is JSON.
    const json = value as Json
    const reader = new FieldReader({ limits: json }, `limits of vhost '${vhost}'`, this.#problems)
    return limitsOf(reader, vhost)
  }
}

/** How problems call an object of a section. */
function describe(json: Json): string | undefined {
  if (!isJsonObject(json)) return undefined
  const { name, vhost, user, source, destination } = json
  const where = typeof vhost === 'string' ? ` in vhost '${vhost}'` : ''
  if (typeof name === 'string') return `'${name}'${where}`
  if (typeof user === 'string') return `of user '${user}'${where}`
  if (typeof source === 'string' && typeof destination === 'string')
    return `from '${source}' to '${destination}'${where}`
  return undefined
}

// One function per section

function readUser(reader: FieldReader): UserDefinition {
  const name = reader.text('name')
  if (name === '') reader.problem('the name is empty')
  const limits = reader.object('limits')
  return {
    name,
    password: reader.has('password') ? reader.text('password') : undefined,
    passwordHash: reader.has('password_hash') ? reader.text('password_hash') : undefined,
    hashingAlgorithm: reader.has('hashing_algorithm') ? reader.text('hashing_algorithm') : undefined,
    tags: reader.tags('tags'),
    maxConnections: optionalLimit(reader, limits['max-connections'], 'max-connections'),
    maxChannels: optionalLimit(reader, limits['max-channels'], 'max-channels'),
    laterLimits: limitsNamed(reader, limits, ['max-queues', ...RATE_LIMITS]),
  }
}

function readVhost(reader: FieldReader): VhostDefinition {
  const name = reader.text('name')
  if (name === '') reader.problem('the name is empty')
  // Since 3.11 the same facts are repeated in `metadata`, which wins.
  const metadata = reader.with(reader.object('metadata'))
  const type = metadata.raw('default_queue_type')
  return {
    name,
    description: metadata.has('description') ? metadata.text('description') : undefined,
    tags: metadata.has('tags') ? metadata.tags('tags') : undefined,
    defaultQueueType: typeof type === 'string' && type !== 'undefined' ? type : undefined,
    tracing: metadata.has('tracing') ? metadata.boolean('tracing', false) : undefined,
    protectedFromDeletion: metadata.has('protected_from_deletion')
      ? metadata.boolean('protected_from_deletion', false)
      : undefined,
  }
}

function readVhostLimits(reader: FieldReader): VhostLimits {
  return limitsOf(reader, reader.text('name'))
}

function limitsOf(reader: FieldReader, vhost: string): VhostLimits {
  const limits = reader.object('limits')
  return {
    vhost,
    maxConnections: optionalLimit(reader, limits['max-connections'], 'max-connections'),
    maxQueues: optionalLimit(reader, limits['max-queues'], 'max-queues'),
    rates: limitsNamed(reader, limits, RATE_LIMITS),
  }
}

function hasLimit({ maxConnections, maxQueues, rates }: VhostLimits): boolean {
  return maxConnections !== undefined || maxQueues !== undefined || Object.keys(rates).length > 0
}

function limitsNamed(
  reader: FieldReader,
  limits: Readonly<Record<string, Json>>,
  names: readonly string[],
): Record<string, number> {
  const found: Record<string, number> = {}
  for (const name of names) {
    const limit = optionalLimit(reader, limits[name], name)
    if (limit !== undefined) found[name] = limit
  }
  return found
}

/** Negative limits are none: -1. */
function optionalLimit(reader: FieldReader, value: Json | undefined, name: string): number | undefined {
  if (value === undefined) return undefined
  if (typeof value === 'number' && Number.isSafeInteger(value)) return Math.max(value, -1)
  reader.problem(`${name} must be a whole number, is ${JSON.stringify(value)}`)
  return undefined
}

function readPermission(reader: FieldReader, vhost: string): PermissionRecord {
  return {
    vhost: vhostOf(reader, vhost),
    user: reader.text('user'),
    configure: readPattern(reader, 'configure'),
    write: readPattern(reader, 'write'),
    read: readPattern(reader, 'read'),
  }
}

function readTopicPermission(reader: FieldReader, vhost: string): TopicPermissionRecord {
  return {
    vhost: vhostOf(reader, vhost),
    user: reader.text('user'),
    exchange: reader.text('exchange'),
    write: readPattern(reader, 'write'),
    read: readPattern(reader, 'read'),
  }
}

function readPattern(reader: FieldReader, field: string): string {
  const pattern = reader.text(field)
  if (compilePattern(pattern) === null) reader.problem(`${field} is not a regular expression: ${pattern}`)
  return pattern
}

function readPolicy(reader: FieldReader, vhost: string, operator: boolean): PolicyDefinition {
  const definition = reader.object('definition')
  const record: PolicyRecord = {
    vhost: vhostOf(reader, vhost),
    name: reader.text('name'),
    pattern: reader.text('pattern'),
    // Checked below.
    applyTo: reader.text('apply-to', 'all') as PolicyRecord['applyTo'],
    priority: reader.integer('priority', 0),
    definition: withoutLegacyKeys(definition),
  }
  // Policies of mirrored queues alone say nothing to us; they are dropped, not refused.
  const isLegacy = Object.keys(definition).length > 0 && Object.keys(record.definition).length === 0
  const problem = isLegacy ? undefined : refusesPolicy(record, operator)
  if (problem !== undefined) reader.problem(problem)
  return { record, operator }
}

function readParameter(reader: FieldReader, vhost: string): ParameterRecord {
  const component = reader.text('component')
  return { vhost: vhostOf(reader, vhost), component, name: reader.text('name'), value: reader.raw('value') ?? null }
}

function readGlobalParameter(reader: FieldReader): { readonly name: string; readonly value: unknown } {
  return { name: reader.text('name'), value: reader.raw('value') ?? null }
}

function readExchange(reader: FieldReader, vhost: string): InVhost<ExchangeDeclaration> {
  return {
    vhost: vhostOf(reader, vhost),
    declaration: {
      name: reader.text('name'),
      type: reader.text('type', 'direct'),
      durable: reader.boolean('durable', true),
      autoDelete: reader.boolean('auto_delete', false),
      internal: reader.boolean('internal', false),
      arguments: reader.arguments('arguments'),
    },
  }
}

function readQueue(reader: FieldReader, vhost: string): InVhost<QueueDeclaration> {
  const name = reader.text('name')
  if (name === '') reader.problem('the name is empty')
  const args = reader.arguments('arguments')
  const type = reader.raw('type')
  // Since 4.0 the type is written beside the arguments, too.
  const typed =
    typeof type === 'string' && type !== 'classic' && !args.has('x-queue-type')
      ? new Map([...args, ['x-queue-type', { type: 'longstr', value: type } as const]])
      : args
  return {
    vhost: vhostOf(reader, vhost),
    declaration: {
      name,
      durable: reader.boolean('durable', true),
      exclusive: false,
      autoDelete: reader.boolean('auto_delete', false),
      arguments: typed,
    },
  }
}

function readBinding(reader: FieldReader, vhost: string): InVhost<BindingRequest> {
  const kind = reader.text('destination_type', 'queue')
  if (kind !== 'queue' && kind !== 'exchange') {
    reader.problem(`destination_type must be 'queue' or 'exchange', is '${kind}'`)
  }
  return {
    vhost: vhostOf(reader, vhost),
    declaration: {
      source: reader.text('source'),
      destination: reader.text('destination'),
      destinationKind: kind === 'exchange' ? 'exchange' : 'queue',
      routingKey: reader.text('routing_key', ''),
      arguments: reader.arguments('arguments'),
    },
  }
}

/** Objects of a whole broker's file name their virtual host. */
function vhostOf(reader: FieldReader, vhost: string): string {
  if (vhost === '') reader.problem('vhost is missing; the definitions of a single virtual host are imported into one')
  return vhost
}
