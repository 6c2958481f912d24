/**
 * `/api/bindings`, and the bindings of queues and exchanges. [RabbitMQ: management HTTP API]
 *
 * The last part of an item's path is its properties key: `~` for an empty routing key, else the routing key
 * percent-encoded, and `~` with a hash when the binding has arguments.
 */

import type { BindingRecord } from '../../model/records/records.ts'
import {
  argumentsFromJson,
  argumentsToJson,
  type Json,
  restoreArguments,
  storeArguments,
} from '../../model/values/arguments-json.ts'
import { propertiesKeyOf } from '../../model/verbs/binding-verbs.ts'
import type { BindingRequest } from '../../model/verbs/requests.ts'
import type { ManagementContext } from '../context.ts'
import { objectNotFound } from '../http/api-error.ts'
import {
  ANY_OBJECT,
  type ApiRequest,
  type Endpoint,
  NO_CONTENT,
  ok,
  plain,
  type Reply,
  withBody,
} from '../http/endpoint.ts'
import { type JsonObject, listReply } from '../http/list-reply.ts'
import type { Infer } from '../http/schema.ts'
import { actorOf, asked, demand, exchangeName, exchangeOf, queueOf, vhostOf, visibleVhosts } from './scope.ts'

const TAG = 'Bindings'
const NO_KEY = '~'

const BINDING = {
  type: 'object',
  properties: {
    routing_key: { type: 'string', description: 'Empty unless given.' },
    arguments: ANY_OBJECT,
  },
} as const

type Kind = 'queue' | 'exchange'

/** The properties key of a binding. */
export function propertiesKey({ routingKey, arguments: args, propertiesKey }: BindingRecord): string {
  const quoted = encodeURIComponent(routingKey).replaceAll('~', '%7E')
  if (args.length > 0) return `${quoted}~${propertiesKey}`
  return routingKey === '' ? NO_KEY : quoted
}

/** A binding of a list. */
export function bindingJson(record: BindingRecord): JsonObject {
  return {
    source: record.source,
    vhost: record.vhost,
    destination: record.destination,
    destination_type: record.destinationKind,
    routing_key: record.routingKey,
    arguments: argumentsToJson(restoreArguments(record.arguments)),
    properties_key: propertiesKey(record),
  }
}

/** The endpoints of this file. */
export function bindingEndpoints(context: ManagementContext): Endpoint[] {
  const group = new Bindings(context)
  return [...listRoutes(group), ...pairRoutes(group, 'queue', 'q'), ...pairRoutes(group, 'exchange', 'e')]
}

function listRoutes(group: Bindings): Endpoint[] {
  const { broker } = group.context
  const list = (path: string, named: boolean, summary: string): Endpoint =>
    plain({
      method: 'GET',
      path,
      access: named ? 'vhost-visible' : 'management',
      tag: TAG,
      isList: true,
      summary,
      handle: (request) => {
        const vhosts = visibleVhosts(broker, request, named)
        return reply(
          request,
          vhosts.flatMap((vhost) => [...vhost.bindings()]),
        )
      },
    })
  const of = (path: string, summary: string, records: (request: ApiRequest) => BindingRecord[]): Endpoint =>
    plain({
      method: 'GET',
      path,
      access: 'vhost-visible',
      tag: TAG,
      isList: true,
      summary,
      handle: (request) => reply(request, records(request)),
    })
  return [
    list('/api/bindings', false, 'Bindings of all virtual hosts that the caller sees.'),
    list('/api/bindings/:vhost', true, 'Bindings of a virtual host.'),
    of('/api/queues/:vhost/:name/bindings', 'Bindings of a queue.', (request) => {
      const { name } = queueOf(broker, request)
      return group.all(request, (record) => record.destinationKind === 'queue' && record.destination === name)
    }),
    of('/api/exchanges/:vhost/:name/bindings/source', 'Bindings that leave an exchange.', (request) => {
      const { name } = exchangeOf(broker, request)
      return group.all(request, (record) => record.source === name)
    }),
    of('/api/exchanges/:vhost/:name/bindings/destination', 'Bindings that arrive at an exchange.', (request) => {
      const { name } = exchangeOf(broker, request)
      return group.all(request, (record) => record.destinationKind === 'exchange' && record.destination === name)
    }),
  ]
}

function pairRoutes(group: Bindings, kind: Kind, letter: string): Endpoint[] {
  const path = `/api/bindings/:vhost/e/:source/${letter}/:destination`
  return [
    plain({
      method: 'GET',
      path,
      access: 'vhost-visible',
      tag: TAG,
      isList: true,
      summary: `Bindings between an exchange and a${kind === 'queue' ? ' queue' : 'nother'}.`,
      handle: (request) => reply(request, group.between(request, kind)),
    }),
    withBody({
      method: 'POST',
      path,
      access: 'vhost',
      tag: TAG,
      summary: 'Binds. 201, with the path of the binding in `Location`.',
      body: BINDING,
      handle: (request) => group.bind(request, kind),
    }),
    plain({
      method: 'GET',
      path: `${path}/:props`,
      access: 'vhost-visible',
      tag: TAG,
      summary: 'One binding.',
      handle: (request) => ok(bindingJson(group.one(request, kind))),
    }),
    plain({
      method: 'DELETE',
      path: `${path}/:props`,
      access: 'vhost',
      tag: TAG,
      summary: 'Unbinds.',
      handle: (request) => group.unbind(request, kind),
    }),
  ]
}

function reply(request: ApiRequest, sources: readonly BindingRecord[]): Promise<Reply> {
  return listReply(request.query, {
    sources,
    nameOf: ({ source }) => source,
    build: bindingJson,
    cheap: {
      source: ({ source }) => source,
      destination: ({ destination }) => destination,
      routing_key: ({ routingKey }) => routingKey,
      vhost: ({ vhost }) => vhost,
    },
    order: [
      ({ vhost }) => vhost,
      ({ source }) => source,
      ({ destinationKind }) => destinationKind,
      ({ destination }) => destination,
      ({ routingKey }) => routingKey,
    ],
  })
}

/** What the endpoints do. */
class Bindings {
  readonly context: ManagementContext

  constructor(context: ManagementContext) {
    this.context = context
  }

  all(request: ApiRequest, wanted: (record: BindingRecord) => boolean): BindingRecord[] {
    return [...vhostOf(this.context.broker, request).bindings()].filter(wanted)
  }

  between(request: ApiRequest, kind: Kind): BindingRecord[] {
    const { source, destination } = this.#ends(request, kind)
    return this.all(
      request,
      (record) => record.source === source && record.destination === destination && record.destinationKind === kind,
    )
  }

  one(request: ApiRequest, kind: Kind): BindingRecord {
    const props = request.param('props')
    const found = this.between(request, kind).find((record) => matchesKey(record, props))
    if (found === undefined) throw objectNotFound()
    return found
  }

  async bind(request: ApiRequest<Infer<typeof BINDING>>, kind: Kind): Promise<Reply> {
    const { body, caller } = request
    const vhost = vhostOf(this.context.broker, request, true)
    const binding: BindingRequest = {
      source: exchangeName(request.param('source')),
      destination: destinationName(request, kind),
      destinationKind: kind,
      routingKey: body.routing_key ?? '',
      // Parsed JSON.
      arguments: argumentsFromJson((body.arguments ?? {}) as { readonly [name: string]: Json }),
    }
    this.#demandBoth(request, binding)
    await asked<null>((answered) => vhost.bind(binding, actorOf(caller), answered))
    const stored = storeArguments(binding.arguments)
    const props = propertiesKey({
      ...binding,
      vhost: vhost.name,
      arguments: stored,
      propertiesKey: propertiesKeyOf(stored),
    })
    const location = `${encodeURIComponent(request.param('destination'))}/${encodeURIComponent(props)}`
    return { status: 201, headers: { location } }
  }

  async unbind(request: ApiRequest, kind: Kind): Promise<Reply> {
    const record = this.one(request, kind)
    const binding: BindingRequest = {
      source: record.source,
      destination: record.destination,
      destinationKind: record.destinationKind,
      routingKey: record.routingKey,
      arguments: restoreArguments(record.arguments),
    }
    this.#demandBoth(request, binding)
    const vhost = vhostOf(this.context.broker, request)
    await asked<null>((answered) => vhost.unbind(binding, actorOf(request.caller), answered))
    return NO_CONTENT
  }

  /** Binding writes to the destination and reads from the source. */
  #demandBoth(request: ApiRequest, { source, destination, destinationKind, routingKey }: BindingRequest): void {
    const rights = request.caller.rights(request.param('vhost'))
    demand(rights.canWrite(destinationKind, destination) && rights.canRead('exchange', source))
    const isTopic = this.context.broker.vhost(request.param('vhost'))?.exchange(source)?.type.name === 'topic'
    if (isTopic) demand(rights.canReadTopic(source, routingKey))
  }

  #ends(request: ApiRequest, kind: Kind): { readonly source: string; readonly destination: string } {
    const vhost = vhostOf(this.context.broker, request)
    const source = exchangeName(request.param('source'))
    const destination = destinationName(request, kind)
    const end = kind === 'queue' ? vhost.queue(destination) : vhost.exchange(destination)
    if (vhost.exchange(source) === undefined || end === undefined) throw objectNotFound()
    return { source, destination }
  }
}

function destinationName(request: ApiRequest, kind: Kind): string {
  const destination = request.param('destination')
  return kind === 'queue' ? destination : exchangeName(destination)
}

/** Some clients encode the key once where twice is right. */
function matchesKey(record: BindingRecord, props: string): boolean {
  if (propertiesKey(record) === props) return true
  if (record.arguments.length > 0) return `${record.routingKey}~${record.propertiesKey}` === props
  return record.routingKey !== '' && record.routingKey === props
}
