/**
 * `/api/queues`: listing, declaring, deleting and purging queues. Messages of queues are in `messages.ts`.
 */

import type { Queue } from '../../model/queue/queue.ts'
import { argumentsFromJson, type Json } from '../../model/values/arguments-json.ts'
import type { ManagementContext } from '../context.ts'
import { badRequest, granted, objectNotFound } from '../http/api-error.ts'
import {
  ANY_OBJECT,
  type ApiRequest,
  createdOr204,
  type Endpoint,
  NO_CONTENT,
  ok,
  plain,
  type Reply,
  withBody,
} from '../http/endpoint.ts'
import { columnsOf, listReply, pick } from '../http/list-reply.ts'
import type { Infer } from '../http/schema.ts'
import { LENGTH_FIELDS, QUEUE_MESSAGE_FIELDS } from '../stats/fields.ts'
import { reachesFar } from '../stats/series.ts'
import { deliveriesFrom, flowsTo } from './breakdown-json.ts'
import { channelIndex, consumerJson } from './connection-json.ts'
import { queueJson } from './queue-json.ts'
import { actorOf, asked, demand, queueOf, vhostOf, visibleVhosts } from './scope.ts'
import { queueDetail } from './stats-query.ts'

const TAG = 'Queues'

const DECLARATION = {
  type: 'object',
  properties: {
    durable: { type: 'boolean', description: 'Survives a restart; false unless given.' },
    auto_delete: { type: 'boolean', description: 'Goes with its last consumer.' },
    exclusive: { type: 'boolean', description: 'Only false is possible here: no connection would own the queue.' },
    arguments: { ...ANY_OBJECT, description: 'Optional arguments, such as `x-queue-type`.' },
    node: { type: 'string', description: 'Name of this node, if given.' },
  },
} as const

const ACTION = {
  type: 'object',
  required: ['action'],
  properties: { action: { type: 'string', enum: ['sync', 'cancel_sync'] } },
} as const

/** The endpoints of this file. */
export function queueEndpoints(context: ManagementContext): Endpoint[] {
  const group = new Queues(context)
  return [...listRoutes(group), ...itemRoutes(group)]
}

function listRoutes(group: Queues): Endpoint[] {
  const list = (path: string, named: boolean, summary: string): Endpoint =>
    plain({
      method: 'GET',
      path,
      access: named ? 'vhost-visible' : 'management',
      tag: TAG,
      isList: true,
      query: {
        disable_stats: '`true` leaves rates and figures out.',
        enable_queue_totals: '`true` keeps the depths nevertheless.',
      },
      summary,
      handle: (request) => group.list(request, named),
    })
  return [
    list('/api/queues', false, 'Queues of all virtual hosts that the caller sees.'),
    list('/api/queues/detailed', false, 'The same; kept apart for tools of RabbitMQ 4.'),
    list('/api/queues/:vhost', true, 'Queues of a virtual host.'),
  ]
}

function itemRoutes(group: Queues): Endpoint[] {
  const { broker } = group.context
  return [
    plain({
      method: 'GET',
      path: '/api/queues/:vhost/:name',
      access: 'vhost-visible',
      tag: TAG,
      summary: 'One queue, with its consumers.',
      handle: (request) => group.one(request),
    }),
    withBody({
      method: 'PUT',
      path: '/api/queues/:vhost/:name',
      access: 'vhost',
      tag: TAG,
      summary: 'Declares a queue. 201 when it is new, 204 when an equivalent one is there.',
      body: DECLARATION,
      handle: (request) => group.declare(request),
    }),
    plain({
      method: 'DELETE',
      path: '/api/queues/:vhost/:name',
      access: 'vhost',
      tag: TAG,
      query: { 'if-empty': '`true`: only without messages.', 'if-unused': '`true`: only without consumers.' },
      summary: 'Deletes a queue.',
      handle: (request) => group.delete(request),
    }),
    plain({
      method: 'DELETE',
      path: '/api/queues/:vhost/:name/contents',
      access: 'vhost',
      tag: TAG,
      summary: 'Drops the ready messages of a queue.',
      handle: (request) => {
        const queue = queueOf(broker, request)
        demand(request.caller.rights(queue.vhost).canRead('queue', queue.name))
        granted(vhostOf(broker, request).purgeQueue(queue.name, actorOf(request.caller)))
        return NO_CONTENT
      },
    }),
    withBody({
      method: 'POST',
      path: '/api/queues/:vhost/:name/actions',
      access: 'vhost',
      tag: TAG,
      summary: 'Accepted for tools of mirrored queues; does nothing.',
      body: ACTION,
      handle: (request) => {
        queueOf(broker, request)
        return NO_CONTENT
      },
    }),
  ]
}

/** Fields of every queue, as `queueJson` shows them. */
const PLAIN: Readonly<Record<string, (queue: Queue) => unknown>> = {
  name: ({ name }) => name,
  vhost: ({ vhost }) => vhost,
  type: ({ kind }) => kind,
  durable: ({ record }) => record.durable,
  auto_delete: ({ record }) => record.autoDelete,
  exclusive: ({ record }) => record.exclusive,
  state: (queue) => queue.status().state,
}

/** Those that come with figures. */
const PLAIN_FIGURES: Readonly<Record<string, (queue: Queue) => unknown>> = {
  messages: (queue) => depthOf(queue),
  messages_ready: ({ readyCount }) => readyCount,
  messages_unacknowledged: (queue) => queue.status().unackedCount,
  consumers: (queue) => queue.status().consumerCount,
}

/** What the endpoints do. */
class Queues {
  readonly context: ManagementContext

  constructor(context: ManagementContext) {
    this.context = context
  }

  list(request: ApiRequest, named: boolean): Promise<Reply> {
    const detail = queueDetail(this.context, request.query)
    const sources: Queue[] = []
    for (const vhost of visibleVhosts(this.context.broker, request, named)) sources.push(...vhost.queues())
    return listReply(request.query, {
      sources,
      nameOf: ({ name }) => name,
      build: (queue) => queueJson(this.context, queue, detail),
      plain: detail.withoutStats ? PLAIN : { ...PLAIN, ...PLAIN_FIGURES },
      cheap: {
        name: ({ name }) => name,
        vhost: ({ vhost }) => vhost,
        type: ({ kind }) => kind,
        durable: ({ record }) => record.durable,
        messages_ready: ({ readyCount }) => readyCount,
        messages: (queue) => depthOf(queue),
        messages_unacknowledged: (queue) => queue.status().unackedCount,
        consumers: ({ consumers }) => consumers.length,
        head_message_timestamp: (queue) => queue.status().oldestReadyAtMs || null,
        // The age of none is less than any.
        oldest_message_age_ms: (queue) => -queue.status().oldestReadyAtMs || null,
        ...this.#rates(),
      },
    })
  }

  /** Rates by the names of their columns, from the history alone. */
  #rates(): Record<string, (queue: Queue) => number> {
    const { statistics } = this.context
    const rateOf = (field: number) => (queue: Queue) =>
      statistics.ofQueue(queue).details(field, statistics.everyMs, null).rate
    const first = QUEUE_MESSAGE_FIELDS.length
    return Object.fromEntries([
      ...QUEUE_MESSAGE_FIELDS.map((name, field) => [`message_stats.${name}_details.rate`, rateOf(field)]),
      ...LENGTH_FIELDS.map((name, i) => [`${name}_details.rate`, rateOf(first + i)]),
    ])
  }

  async one(request: ApiRequest): Promise<Reply> {
    const queue = queueOf(this.context.broker, request)
    const detail = queueDetail(this.context, request.query)
    if (!detail.withoutStats) await this.context.statistics.coldHeads.see(queue)
    const { queueHistory, clock, statistics } = this.context
    const nowMs = clock.nowMs()
    const isFar =
      queueHistory !== null && !detail.withoutStats && reachesFar(detail.windows, nowMs - statistics.startedAtMs)
    const past = isFar ? await queueHistory.of(queue.record.ledgerId, nowMs) : null
    const shown = queueJson(this.context, queue, detail, past)
    if (detail.withoutStats) return ok(pick(shown, columnsOf(request.query)))
    const index = channelIndex(this.context)
    const details = {
      consumer_details: queue.consumers.map((consumer) => consumerJson(this.context, consumer, index)),
      ...shown,
      deliveries: deliveriesFrom(this.context, queue.vhost, queue.name, detail.windows),
      incoming: flowsTo(this.context, queue, detail.windows),
    }
    return ok(pick(details, columnsOf(request.query)))
  }

  async declare(request: ApiRequest<Infer<typeof DECLARATION>>): Promise<Reply> {
    const { broker, node } = this.context
    const { body, caller } = request
    const vhost = vhostOf(broker, request, true)
    const name = request.param('name')
    demand(caller.rights(vhost.name).canConfigure('queue', name))
    if (body.node !== undefined && body.node !== node.name) {
      throw badRequest(`Node ${body.node} could not be contacted`)
    }
    if (body.exclusive === true) throw badRequest('a queue of the HTTP API cannot be exclusive')
    const declaration = {
      name,
      durable: body.durable ?? false,
      exclusive: false,
      autoDelete: body.auto_delete ?? false,
      // Parsed JSON.
      arguments: argumentsFromJson((body.arguments ?? {}) as { readonly [name: string]: Json }),
    }
    const { created } = await asked<{ readonly created: boolean }>((answered) =>
      vhost.declareQueue(declaration, actorOf(caller), answered),
    )
    return createdOr204(created)
  }

  async delete(request: ApiRequest): Promise<Reply> {
    const { query, caller } = request
    const vhost = vhostOf(this.context.broker, request)
    const name = request.param('name')
    demand(caller.rights(vhost.name).canConfigure('queue', name))
    if (vhost.queue(name) === undefined) throw objectNotFound()
    const conditions = { ifUnused: query.get('if-unused') === 'true', ifEmpty: query.get('if-empty') === 'true' }
    await asked<number>((answered) => vhost.deleteQueue(name, conditions, actorOf(caller), answered))
    return NO_CONTENT
  }
}

function depthOf(queue: Queue): number {
  const { readyCount, unackedCount } = queue.status()
  return readyCount + unackedCount
}
