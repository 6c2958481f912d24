/**
 * `/api/vhosts`, `/api/vhost-limits`: virtual hosts, their limits and their protection from deletion.
 */

import { plainVhost } from '../../auth/seeding.ts'
import { VHOST_LIMITS, vhostLimits } from '../../model/limits/limits.ts'
import type { VhostRecord } from '../../model/records/records.ts'
import type { Vhost } from '../../model/vhost.ts'
import type { ManagementContext } from '../context.ts'
import { ApiError, notFound, objectNotFound } from '../http/api-error.ts'
import {
  type ApiRequest,
  createdOr204,
  type Endpoint,
  NO_CONTENT,
  ok,
  plain,
  type Reply,
  withBody,
} from '../http/endpoint.ts'
import { columnsOf, type JsonObject, listReply, pick } from '../http/list-reply.ts'
import type { Infer } from '../http/schema.ts'
import {
  CHANNEL_FIELDS,
  CONNECTION_FIELDS,
  isAnySet,
  LENGTH_FIELDS,
  VHOST_FIELDS,
  withDetails,
} from '../stats/fields.ts'
import { type SampleWindows, windowsOf } from '../stats/series.ts'
import { asked, vhostOf } from './scope.ts'
import { withoutStats } from './stats-query.ts'

const TAG = 'Virtual hosts'
const ALL_PERMISSIONS = { configure: '.*', write: '.*', read: '.*' }

const VHOST = {
  type: 'object',
  properties: {
    description: { type: 'any' },
    tags: {
      type: 'union',
      description: 'List, or text with commas.',
      anyOf: [{ type: 'array', items: { type: 'string' } }, { type: 'string' }],
    },
    default_queue_type: { type: 'string', description: 'Type of queues that are declared without one.' },
    tracing: { type: 'boolean', description: 'Copy messages to `amq.rabbitmq.trace`.' },
    protected_from_deletion: { type: 'boolean' },
  },
} as const

const LIMIT = { type: 'object', required: ['value'], properties: { value: { type: 'any' } } } as const

/** The endpoints of this file. */
export function vhostEndpoints(context: ManagementContext): Endpoint[] {
  const group = new Vhosts(context)
  return [...vhostRoutes(group), ...protectionRoutes(group), ...limitRoutes(group)]
}

function vhostRoutes(group: Vhosts): Endpoint[] {
  const { broker } = group.context
  return [
    plain({
      method: 'GET',
      path: '/api/vhosts',
      access: 'management',
      tag: TAG,
      isList: true,
      summary: 'Virtual hosts that the caller sees.',
      handle: (request) => group.list(request),
    }),
    plain({
      method: 'GET',
      path: '/api/vhosts/:vhost',
      access: 'administrator',
      tag: TAG,
      summary: 'One virtual host.',
      handle: (request) => {
        const shown = vhostJson(group.context, vhostOf(broker, request), windowsOf(request.query))
        return ok(pick(shown, columnsOf(request.query)))
      },
    }),
    withBody({
      method: 'PUT',
      path: '/api/vhosts/:vhost',
      access: 'administrator',
      tag: TAG,
      summary: 'Creates or changes a virtual host. Who creates it gets all permissions in it.',
      body: VHOST,
      handle: (request) => group.put(request),
    }),
    plain({
      method: 'DELETE',
      path: '/api/vhosts/:vhost',
      access: 'administrator',
      tag: TAG,
      summary: 'Deletes a virtual host with all that is in it, and closes its connections.',
      handle: (request) => group.delete(request),
    }),
    plain({
      method: 'POST',
      path: '/api/vhosts/:vhost/start/:node',
      access: 'administrator',
      tag: TAG,
      summary: 'Accepted for tools; virtual hosts of a running node run.',
      handle: (request) => {
        vhostOf(broker, request)
        if (request.param('node') !== group.context.node.name) throw objectNotFound()
        return NO_CONTENT
      },
    }),
  ]
}

function protectionRoutes(group: Vhosts): Endpoint[] {
  const path = '/api/vhosts/:vhost/deletion/protection'
  const change = (method: 'POST' | 'DELETE', isProtected: boolean, summary: string): Endpoint =>
    plain({
      method,
      path,
      access: 'administrator',
      tag: TAG,
      summary,
      handle: async (request) => {
        const { record } = vhostOf(group.context.broker, request)
        await group.store({ ...record, protectedFromDeletion: isProtected })
        return NO_CONTENT
      },
    })
  return [
    plain({
      method: 'GET',
      path,
      access: 'administrator',
      tag: TAG,
      summary: 'Whether a virtual host is protected from deletion.',
      handle: (request) => ok({ protected: vhostOf(group.context.broker, request).record.protectedFromDeletion }),
    }),
    change('POST', true, 'Protects a virtual host from deletion.'),
    change('DELETE', false, 'Ends the protection.'),
  ]
}

function limitRoutes(group: Vhosts): Endpoint[] {
  const { broker } = group.context
  const path = '/api/vhost-limits/:vhost/:limit'
  return [
    plain({
      method: 'GET',
      path: '/api/vhost-limits',
      access: 'management',
      tag: TAG,
      summary: 'Limits of all virtual hosts that have any.',
      handle: ({ caller }) =>
        ok([...broker.vhosts()].filter(({ name }) => caller.maySee(name)).flatMap(({ record }) => limitsJson(record))),
    }),
    plain({
      method: 'GET',
      path: '/api/vhost-limits/:vhost',
      access: 'vhost-visible',
      tag: TAG,
      summary: 'Limits of a virtual host.',
      handle: (request) => ok(limitsJson(vhostOf(broker, request).record)),
    }),
    withBody({
      method: 'PUT',
      path,
      access: 'administrator',
      tag: TAG,
      summary: `Sets a limit: ${VHOST_LIMITS.join(', ')}; -1 is no limit.`,
      body: LIMIT,
      handle: async (request) => {
        const { name } = vhostOf(broker, request, true)
        await group.setLimit(name, request.param('limit'), request.body.value)
        return NO_CONTENT
      },
    }),
    plain({
      method: 'DELETE',
      path,
      access: 'administrator',
      tag: TAG,
      summary: 'Lifts a limit.',
      handle: async (request) => {
        const { name } = vhostOf(broker, request)
        const limit = request.param('limit')
        if (VHOST_LIMITS.includes(limit)) await group.setLimit(name, limit, null)
        return NO_CONTENT
      },
    }),
  ]
}

function limitsJson(record: VhostRecord): JsonObject[] {
  const value = vhostLimits(record)
  return Object.keys(value).length === 0 ? [] : [{ vhost: record.name, value }]
}

/** A virtual host of a list. */
export function vhostJson(
  context: ManagementContext,
  vhost: Vhost,
  windows: SampleWindows,
  isPlain = false,
): JsonObject {
  const { record } = vhost
  const defaultQueueType = record.defaultQueueType === '' ? 'undefined' : record.defaultQueueType
  return {
    cluster_state: { [context.node.name]: 'running' },
    default_queue_type: defaultQueueType,
    description: record.description,
    metadata: {
      description: record.description,
      tags: record.tags,
      ...(record.defaultQueueType === '' ? {} : { default_queue_type: record.defaultQueueType }),
    },
    name: record.name,
    protected_from_deletion: record.protectedFromDeletion,
    tags: record.tags,
    tracing: record.tracing,
    ...(isPlain ? {} : figures(context, vhost, windows)),
  }
}

function figures({ statistics }: ManagementContext, vhost: Vhost, windows: SampleWindows): JsonObject {
  const row = statistics.vhostRow(vhost)
  const series = statistics.ofVhost(vhost.name)
  const { everyMs } = statistics
  const details = (names: readonly string[], window: SampleWindows[keyof SampleWindows]): JsonObject =>
    withDetails(VHOST_FIELDS, names, row, series, everyMs, window)
  return {
    ...details(LENGTH_FIELDS, windows.lengths),
    ...details(CONNECTION_FIELDS, windows.data_rates),
    ...(isAnySet(VHOST_FIELDS, CHANNEL_FIELDS, row) || (windows.msg_rates !== null && series?.hasPast === true)
      ? { message_stats: details(CHANNEL_FIELDS, windows.msg_rates) }
      : {}),
  }
}

/** What the endpoints do. */
class Vhosts {
  readonly context: ManagementContext

  constructor(context: ManagementContext) {
    this.context = context
  }

  list(request: ApiRequest): Promise<Reply> {
    const windows = windowsOf(request.query)
    const isPlain = withoutStats(this.context, request.query)
    return listReply(request.query, {
      sources: [...this.context.broker.vhosts()].filter(({ name }) => request.caller.maySee(name)),
      nameOf: ({ name }) => name,
      build: (vhost) => vhostJson(this.context, vhost, windows, isPlain),
      cheap: { name: ({ name }) => name },
    })
  }

  async put(request: ApiRequest<Infer<typeof VHOST>>): Promise<Reply> {
    const { body, caller } = request
    const name = request.param('vhost')
    const { broker, users } = this.context
    const present = broker.vhost(name)?.record
    const before = present ?? plainVhost(name, '')
    await this.store({
      ...before,
      description: body.description === undefined ? before.description : String(body.description),
      tags: body.tags === undefined ? before.tags : tagsOf(body.tags),
      defaultQueueType: queueTypeOf(body.default_queue_type) ?? before.defaultQueueType,
      tracing: body.tracing ?? before.tracing,
      protectedFromDeletion: body.protected_from_deletion ?? before.protectedFromDeletion,
    })
    if (present === undefined && users.get(caller.user) !== undefined) {
      await users.setPermission({ vhost: name, user: caller.user, ...ALL_PERMISSIONS })
    }
    return createdOr204(present === undefined)
  }

  async delete(request: ApiRequest): Promise<Reply> {
    const { name, record } = vhostOf(this.context.broker, request)
    if (record.protectedFromDeletion) {
      const reason = `Refusing to delete virtual host '${name}' because it is protected from deletion`
      throw new ApiError(412, 'precondition_failed', reason)
    }
    await asked<null>((answered) => this.context.broker.deleteVhost(name, answered))
    return NO_CONTENT
  }

  async store(record: VhostRecord): Promise<void> {
    await asked<unknown>((answered) => this.context.broker.putVhost(record, answered))
  }

  async setLimit(vhost: string, limit: string, value: unknown): Promise<void> {
    const { parameters } = this.context.broker
    await new Promise<void>((resolve, reject) => {
      parameters.setVhostLimits(vhost, { [limit]: value }, ({ refusal }) => {
        if (refusal === null) resolve()
        else if (refusal.code === 'not-found') reject(notFound('vhost_not_found'))
        else reject(new ApiError(400, 'bad_request', `Validation failed\n\n${refusal.text}\n`))
      })
    })
  }
}

function queueTypeOf(type: string | undefined): string | undefined {
  return type === 'undefined' ? '' : type
}

function tagsOf(tags: string | readonly string[]): readonly string[] {
  const list = typeof tags === 'string' ? tags.split(',') : tags
  return [...new Set(list.map((tag) => tag.trim()).filter((tag) => tag !== ''))]
}
