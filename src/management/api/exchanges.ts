/**
 * `/api/exchanges`: listing, declaring and deleting exchanges. Publishing is in `messages.ts`.
 */

import type { Exchange } from '../../model/routing/exchange.ts'
import { argumentsFromJson, argumentsToJson, type Json } from '../../model/values/arguments-json.ts'
import type { ManagementContext } from '../context.ts'
import { notAuthorised, objectNotFound } from '../http/api-error.ts'
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
import { columnsOf, type JsonObject, listReply, pick } from '../http/list-reply.ts'
import type { Infer } from '../http/schema.ts'
import { EXCHANGE_FIELDS, isAnySet, withDetails } from '../stats/fields.ts'
import { type SampleWindows, windowsOf } from '../stats/series.ts'
import { flowsFrom, publishesTo } from './breakdown-json.ts'
import { asked, demand, exchangeName, exchangeOf, vhostOf, visibleVhosts } from './scope.ts'
import { withoutStats } from './stats-query.ts'

const TAG = 'Exchanges'

const DECLARATION = {
  type: 'object',
  properties: {
    type: { type: 'string', description: '`direct` unless given.' },
    durable: { type: 'boolean', description: 'Survives a restart; false unless given.' },
    auto_delete: { type: 'boolean', description: 'Goes with its last binding.' },
    internal: { type: 'boolean', description: 'Clients cannot publish to it.' },
    arguments: { ...ANY_OBJECT, description: 'Optional arguments, such as `alternate-exchange`.' },
  },
} as const

/** The endpoints of this file. */
export function exchangeEndpoints(context: ManagementContext): Endpoint[] {
  const group = new Exchanges(context)
  const list = (path: string, named: boolean, summary: string): Endpoint =>
    plain({
      method: 'GET',
      path,
      access: named ? 'vhost-visible' : 'management',
      tag: TAG,
      isList: true,
      summary,
      handle: (request) => group.list(request, named),
    })
  return [
    list('/api/exchanges', false, 'Exchanges of all virtual hosts that the caller sees.'),
    list('/api/exchanges/:vhost', true, 'Exchanges of a virtual host.'),
    plain({
      method: 'GET',
      path: '/api/exchanges/:vhost/:name',
      access: 'vhost-visible',
      tag: TAG,
      summary: 'One exchange. `amq.default` is the default exchange.',
      handle: (request) => {
        const exchange = exchangeOf(context.broker, request)
        context.broker.vhost(exchange.record.vhost)?.flows.collect()
        const windows = windowsOf(request.query)
        const shown = {
          ...exchangeJson(context, exchange, windows),
          incoming: publishesTo(context, exchange.record.vhost, exchange.name, windows),
          outgoing: flowsFrom(context, exchange.record.vhost, exchange.name, windows),
        }
        return ok(pick(shown, columnsOf(request.query)))
      },
    }),
    withBody({
      method: 'PUT',
      path: '/api/exchanges/:vhost/:name',
      access: 'vhost',
      tag: TAG,
      summary: 'Declares an exchange. 201 when it is new, 204 when an equivalent one is there.',
      body: DECLARATION,
      handle: (request) => group.declare(request),
    }),
    plain({
      method: 'DELETE',
      path: '/api/exchanges/:vhost/:name',
      access: 'vhost',
      tag: TAG,
      query: { 'if-unused': '`true`: only without bindings.' },
      summary: 'Deletes an exchange.',
      handle: (request) => group.delete(request),
    }),
  ]
}

/** An exchange of a list. */
export function exchangeJson(
  { statistics }: ManagementContext,
  exchange: Exchange,
  windows: SampleWindows,
  isPlain = false,
): JsonObject {
  const { record, counters, policyName } = exchange
  const row = Float64Array.of(counters.publishedIn, counters.publishedOut)
  const hasStats = !isPlain && isAnySet(EXCHANGE_FIELDS, EXCHANGE_FIELDS, row)
  const series = statistics.ofExchange(exchange)
  const { everyMs } = statistics
  return {
    arguments: argumentsToJson(exchange.arguments),
    auto_delete: record.autoDelete,
    durable: record.durable,
    internal: record.internal,
    ...(hasStats
      ? { message_stats: withDetails(EXCHANGE_FIELDS, EXCHANGE_FIELDS, row, series, everyMs, windows.msg_rates) }
      : {}),
    name: record.name,
    ...(policyName === null ? {} : { policy: policyName }),
    type: record.type,
    user_who_performed_action: 'rmq-internal',
    vhost: record.vhost,
  }
}

/** What the endpoints do. */
class Exchanges {
  readonly #context: ManagementContext

  constructor(context: ManagementContext) {
    this.#context = context
  }

  list(request: ApiRequest, named: boolean): Promise<Reply> {
    const windows = windowsOf(request.query)
    const isPlain = withoutStats(this.#context, request.query)
    const sources: Exchange[] = []
    for (const vhost of visibleVhosts(this.#context.broker, request, named)) {
      vhost.flows.collect()
      sources.push(...vhost.exchanges())
    }
    return listReply(request.query, {
      sources,
      nameOf: ({ name }) => name,
      build: (exchange) => exchangeJson(this.#context, exchange, windows, isPlain),
      cheap: {
        name: ({ name }) => name,
        vhost: ({ record }) => record.vhost,
        type: ({ record }) => record.type,
      },
    })
  }

  async declare(request: ApiRequest<Infer<typeof DECLARATION>>): Promise<Reply> {
    const { body, caller } = request
    const vhost = vhostOf(this.#context.broker, request, true)
    const name = exchangeName(request.param('name'))
    demand(caller.rights(vhost.name).canConfigure('exchange', name))
    const isNew = vhost.exchange(name) === undefined
    await asked<unknown>((answered) =>
      vhost.declareExchange(
        {
          name,
          type: body.type ?? 'direct',
          durable: body.durable ?? false,
          autoDelete: body.auto_delete ?? false,
          internal: body.internal ?? false,
          // Parsed JSON.
          arguments: argumentsFromJson((body.arguments ?? {}) as { readonly [name: string]: Json }),
        },
        answered,
      ),
    )
    return createdOr204(isNew)
  }

  async delete(request: ApiRequest): Promise<Reply> {
    const vhost = vhostOf(this.#context.broker, request)
    const name = exchangeName(request.param('name'))
    demand(request.caller.rights(vhost.name).canConfigure('exchange', name))
    if (name === '') throw notAuthorised('Access refused.')
    if (vhost.exchange(name) === undefined) throw objectNotFound()
    const ifUnused = request.query.get('if-unused') === 'true'
    await asked<null>((answered) => vhost.deleteExchange(name, ifUnused, answered))
    return NO_CONTENT
  }
}
