/**
 * Publishing to an exchange and getting from a queue over HTTP: for people and scripts, not for throughput.
 *
 * A publish waits until the message is as safe as a confirm says. A get takes at most so many messages, shows them, and
 * then settles them as asked.
 */

import type { RateDirection } from '../../model/limits/rate-meter.ts'
import { MessageDraft, NO_EXPIRATION, PROTOCOL_AMQP091, type RoutingFacts } from '../../model/message/message.ts'
import type { Outcome, Queue, Taken } from '../../model/queue/queue.ts'
import { PUBLISH_REFUSED, PUBLISH_UNROUTED } from '../../model/routing/route.ts'
import { argumentsFromJson, type Json } from '../../model/values/arguments-json.ts'
import type { Vhost } from '../../model/vhost.ts'
import { DELIVERY_PERSISTENT, encodeProperties } from '../../protocols/amqp091/properties.ts'
import { durable } from '../contents/relocation.ts'
import type { ManagementContext } from '../context.ts'
import { ApiError, badRequest, granted, notAuthorised, notFound, objectNotFound } from '../http/api-error.ts'
import { ANY_OBJECT, type ApiRequest, type Endpoint, ok, type Reply, withBody } from '../http/endpoint.ts'
import type { JsonObject } from '../http/list-reply.ts'
import type { Infer } from '../http/schema.ts'
import { readProperties, takenJson } from './message-json.ts'
import { actorOf, demand, exchangeName, vhostOf } from './scope.ts'

const ROUTING_KEY_BYTES_MAX = 255
/** Messages of one get. */
const GET_COUNT_MAX = 10_000
/** Bodies of one get together: what the reply may hold in memory. */
const GET_BYTES_MAX = 64 * 2 ** 20

const PUBLISH = {
  type: 'object',
  required: ['routing_key', 'properties', 'payload', 'payload_encoding'],
  properties: {
    routing_key: { type: 'string' },
    properties: { ...ANY_OBJECT, description: 'By the names of the reference: `delivery_mode`, `headers`, …' },
    payload: { type: 'string' },
    payload_encoding: { type: 'string', description: '`string` or `base64`.' },
  },
} as const

const QUESTION = {
  type: 'object',
  required: ['routing_key'],
  properties: {
    routing_key: { type: 'string' },
    properties: { ...ANY_OBJECT, description: 'As for publishing; `headers` among them.' },
  },
} as const

const ACK_MODES = ['ack_requeue_true', 'ack_requeue_false', 'reject_requeue_true', 'reject_requeue_false'] as const

const GET = {
  type: 'object',
  required: ['count', 'ackmode', 'encoding'],
  properties: {
    count: { type: 'integer', description: 'Messages at most; negative counts as all.', maximum: 2 ** 31 },
    ackmode: { type: 'string', enum: ACK_MODES, description: 'What becomes of the messages.' },
    encoding: { type: 'string', description: '`auto` (text where possible) or `base64`.' },
    truncate: { type: 'integer', minimum: 0, description: 'Bytes of a body to show at most.' },
  },
} as const

type AckMode = (typeof ACK_MODES)[number]
const OUTCOMES: Readonly<Record<AckMode, Outcome>> = {
  ack_requeue_true: 'returned',
  ack_requeue_false: 'accepted',
  reject_requeue_true: 'returned-failed',
  reject_requeue_false: 'rejected',
}

/** The endpoints of this file. */
export function messageEndpoints(context: ManagementContext): Endpoint[] {
  const group = new Messages(context)
  return [
    withBody({
      method: 'POST',
      path: '/api/exchanges/:vhost/:name/publish',
      isAudited: false,
      access: 'vhost',
      tag: 'Messages',
      summary: 'Publishes a message, and tells whether it was routed to a queue.',
      body: PUBLISH,
      handle: (request) => group.publish(request),
    }),
    withBody({
      method: 'POST',
      path: '/api/warren/route/:vhost/:name',
      access: 'vhost',
      tag: 'Messages',
      summary: 'Where a message to this exchange would go. Nothing is published.',
      body: QUESTION,
      handle: (request) => group.route(request),
    }),
    withBody({
      method: 'POST',
      path: '/api/queues/:vhost/:name/get',
      isAudited: false,
      access: 'vhost',
      tag: 'Messages',
      summary: 'Gets messages from a queue, and settles them as asked.',
      body: GET,
      handle: (request) => group.get(request),
    }),
  ]
}

/** What the endpoints do. */
class Messages {
  readonly #context: ManagementContext

  constructor(context: ManagementContext) {
    this.#context = context
  }

  async publish(request: ApiRequest<Infer<typeof PUBLISH>>): Promise<Reply> {
    const { body, caller } = request
    const vhost = vhostOf(this.#context.broker, request)
    const name = exchangeName(request.param('name'))
    const rights = caller.rights(vhost.name)
    const draft = this.#draft(name, body)
    const exchange = vhost.exchange(name)
    if (exchange === undefined) throw badRequest(`404 NOT_FOUND - no exchange '${name}' in vhost '${vhost.name}'`)
    demand(rights.canWrite('exchange', name))
    if (exchange.type.name === 'topic') demand(rights.canWriteTopic(name, body.routing_key))
    if (exchange.record.internal) {
      throw badRequest(`403 ACCESS_REFUSED - cannot publish to internal exchange '${name}' in vhost '${vhost.name}'`)
    }
    this.#checkRate(caller.user, vhost.name, 'in')
    this.#context.broker.rates.spend(caller.user, vhost.name, 'in', draft.bodyBytes)
    return ok({ routed: await this.#publishDraft(vhost, name, draft) })
  }

  /** What the router says now. Exchanges that choose by chance or by turns may choose otherwise next time. */
  route(request: ApiRequest<Infer<typeof QUESTION>>): Reply {
    const { body } = request
    const vhost = vhostOf(this.#context.broker, request)
    const name = exchangeName(request.param('name'))
    const exchange = vhost.exchange(name)
    if (exchange === undefined) throw objectNotFound()
    const properties = body.properties ?? {}
    const draft = this.#draft(name, {
      routing_key: body.routing_key,
      properties,
      payload: '',
      payload_encoding: 'string',
    })
    const { targets } = vhost.routeOf(exchange, draft)
    const alternates: Record<string, string> = Object.create(null)
    for (const each of vhost.exchanges()) if (each.alternate !== null) alternates[each.name] = each.alternate
    return ok({
      queues: targets
        .map((target) => target.name)
        .filter((queue) => queue !== '')
        .sort(),
      alternates,
    })
  }

  async #publishDraft(vhost: Vhost, name: string, draft: MessageDraft): Promise<boolean> {
    const { broker, alarms, statistics } = this.#context
    if (alarms.isBlocking) throw badRequest(`rejected: publishers are blocked, ${alarms.reason}`)
    // The exchange was found in this turn.
    const exchange = vhost.exchange(name)!
    const outcome = vhost.publishTo(vhost.routeOf(exchange, draft), draft)
    const mustWait = vhost.mustWait
    const traffic = broker.counters.traffic('http')
    traffic.countPublished(draft.bodyBytes)
    traffic.publishedForConfirm++
    statistics.countPublished(vhost.name)
    exchange.counters.publishedIn++
    if (outcome === PUBLISH_UNROUTED) {
      traffic.returnedUnroutable++
      exchange.counters.returned++
      exchange.counters.unroutable++
      return false
    }
    if (outcome === PUBLISH_REFUSED) throw badRequest('rejected. Unable to publish message. Check queue limits.')
    if (mustWait) await durable(this.#context.store)
    traffic.confirmed++
    return true
  }

  #draft(exchange: string, body: Infer<typeof PUBLISH>): MessageDraft {
    if (Buffer.byteLength(body.routing_key) > ROUTING_KEY_BYTES_MAX) throw badRequest(['not_string', 'routing_key'])
    const payload = payloadOf(body.payload, body.payload_encoding)
    const { messageBytesMax } = this.#context.settings.amqp
    if (payload.length > messageBytesMax) {
      throw badRequest(`message size ${payload.length} is larger than configured max size ${messageBytesMax}`)
    }
    const json = body.properties as JsonObject // The schema says: an object.
    const properties = readProperties(json)
    const draft = new MessageDraft()
    draft.protocol = PROTOCOL_AMQP091
    draft.address(exchange, body.routing_key)
    draft.setBody(payload)
    draft.properties = encodeProperties(properties)
    draft.propertiesStart = 0
    draft.propertiesEnd = draft.properties.length
    draft.persistent = properties.deliveryMode === DELIVERY_PERSISTENT
    draft.hasPriority = properties.priority !== undefined
    draft.priority = properties.priority ?? 0
    draft.expirationMs = expirationOf(properties.expiration)
    draft.publishedAtMs = this.#context.clock.nowMs()
    draft.facts = factsOf(json)
    draft.extraKeys = extraKeysOf(json)
    return draft
  }

  async get(request: ApiRequest<Infer<typeof GET>>): Promise<Reply> {
    const { body, caller } = request
    if (body.encoding !== 'auto' && body.encoding !== 'base64') {
      throw badRequest('Unsupported encoding. Please use auto or base64.')
    }
    const vhost = vhostOf(this.#context.broker, request)
    const name = request.param('name')
    const found = vhost.findQueue(name, actorOf(caller))
    if (found.refusal?.code === 'not-found') throw notFound(`NOT_FOUND - ${found.refusal.text}`)
    const queue = granted(found)
    if (!caller.rights(vhost.name).canRead('queue', name)) throw notAuthorised('Access refused.')
    const isNoAck = body.ackmode === 'ack_requeue_false'
    const refusal = queue.refusesTake(isNoAck)
    if (refusal !== undefined) throw badRequest(refusal.text)
    const countMax = body.count < 0 ? GET_COUNT_MAX : Math.min(body.count, GET_COUNT_MAX)
    this.#checkRate(caller.user, vhost.name, 'out')
    return ok(await this.#take(queue, countMax, body, caller.user))
  }

  /** A request has no connection that could be held: it is told when to come again. */
  #checkRate(user: string, vhost: string, direction: RateDirection): void {
    const { rates, counters } = this.#context.broker
    const owedMs = rates.owedMs(user, vhost, direction)
    if (owedMs === 0) return
    const [limit, what] =
      direction === 'in'
        ? (['http_publish_rate', 'publishes'] as const)
        : (['http_delivery_rate', 'deliveries'] as const)
    counters.limits.hit(limit)
    const seconds = String(Math.ceil(owedMs / 1_000))
    throw new ApiError(429, 'rate_limited', `the rate of ${what} is used up`, { 'retry-after': seconds })
  }

  async #take(
    queue: Queue,
    countMax: number,
    { ackmode, encoding, truncate }: Infer<typeof GET>,
    user: string,
  ): Promise<readonly JsonObject[]> {
    const { formats, broker } = this.#context
    const traffic = broker.counters.traffic('http').ofKind(queue.kind)
    const shown: JsonObject[] = []
    const sequences: number[] = []
    let shownBytes = 0
    try {
      while (shown.length < countMax && shownBytes < GET_BYTES_MAX) {
        if (broker.rates.owedMs(user, queue.vhost, 'out') > 0) break
        const message = await takeOne(queue, (taken) => {
          sequences.push(taken.sequence)
          shownBytes += Math.min(taken.view.bodyBytes, truncate ?? Infinity)
          broker.rates.spend(user, queue.vhost, 'out', taken.view.bodyBytes)
          return takenJson(taken, formats, encoding === 'base64' ? 'base64' : 'auto', truncate ?? Infinity)
        })
        if (message === null) break
        shown.push(message)
        if (ackmode === 'ack_requeue_false') traffic.gotNoAck++
        else traffic.got++
      }
    } finally {
      for (const sequence of sequences) queue.settleTaken(sequence, OUTCOMES[ackmode])
    }
    return shown
  }
}

/** Takes one entry and shows it while its view is valid; null when the queue is empty. */
function takeOne(queue: Queue, show: (taken: Taken) => JsonObject): Promise<JsonObject | null> {
  return new Promise((resolve, reject) => {
    queue.take(false, {
      onTaken(taken) {
        if (taken === null) return resolve(null)
        try {
          resolve(show(taken))
        } catch (error) {
          reject(error)
        }
      },
    })
  })
}

function payloadOf(payload: string, encoding: string): Buffer {
  if (encoding === 'string') return Buffer.from(payload, 'utf8')
  if (encoding !== 'base64') throw badRequest(['unsupported_encoding', encoding])
  if (!/^[A-Za-z0-9+/\s]*={0,2}\s*$/.test(payload)) throw badRequest(['not_base64', payload.slice(0, 100)])
  return Buffer.from(payload, 'base64')
}

/** Ten years: RabbitMQ's limit of any duration. */
const EXPIRATION_MS_MAX = 315_360_000_000

function expirationOf(text: string | undefined): number {
  if (text === undefined) return NO_EXPIRATION
  const value = Number(text)
  if (!/^\d+$/.test(text) || value > EXPIRATION_MS_MAX) {
    throw badRequest(`406 PRECONDITION_FAILED - invalid expiration '${text}'`)
  }
  return value
}

/** What exchange types route by. */
function factsOf(properties: JsonObject): RoutingFacts {
  // Parsed JSON is plain; an empty list is an empty table.
  const given = Array.isArray(properties.headers) ? {} : (properties.headers ?? {})
  const headers = argumentsFromJson(given as { readonly [name: string]: Json })
  return {
    header: (name) => headers.get(name),
    headers: () => headers,
    property: (name) => {
      const value = properties[name]
      return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined
    },
  }
}

function extraKeysOf(properties: JsonObject): readonly string[] | null {
  const { headers } = properties
  if (typeof headers !== 'object' || headers === null) return null
  const { CC, BCC } = headers as { readonly CC?: unknown; readonly BCC?: unknown }
  const keys = [CC, BCC].flatMap((list) => (Array.isArray(list) ? list : []))
  for (const key of keys) if (typeof key !== 'string') throw badRequest(['not_string', 'CC'])
  return keys.length === 0 ? null : keys
}
