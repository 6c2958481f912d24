/**
 * `/api/warren/queues/…`: looking at the messages of a queue without consuming them, moving, copying and deleting those that
 * a filter picks, sending dead letters back to where they died, pausing delivery. [docs/queue-operations.md]
 */
import type { MessageView } from '../../model/message/message.ts'
import type { Queue, QueueContents } from '../../model/queue/queue.ts'
import type { Vhost } from '../../model/vhost.ts'
import { DeathGroups } from '../contents/death-groups.ts'
import { FILTER, MessageFilter } from '../contents/message-filter.ts'
import { walk } from '../contents/queue-walk.ts'
import { type Destination, Relocation } from '../contents/relocation.ts'
import type { ManagementContext } from '../context.ts'
import { badRequest, granted, notFound } from '../http/api-error.ts'
import { type ApiRequest, type Endpoint, NO_CONTENT, ok, plain, type Reply, withBody } from '../http/endpoint.ts'
import type { JsonObject } from '../http/list-reply.ts'
import type { Infer } from '../http/schema.ts'
import { takenJson } from './message-json.ts'
import { actorOf, demand, exchangeName, vhostOf } from './scope.ts'

const TAG = 'Queue operations'
/** Messages of one browse. */
const BROWSE_COUNT = 50
const BROWSE_COUNT_MAX = 1_000
/** Bodies of one browse together: what the reply may hold in memory. */
const BROWSE_BYTES_MAX = 16 * 2 ** 20
/** Moved messages that wait together for the disk. */
const FLUSH_COUNT = 500
const ROUTING_KEY_BYTES_MAX = 255

/** A field that is misspelt would mean all messages. */
const EXACT = { type: 'object', additionalProperties: false } as const

const SELECTION = {
  filter: FILTER,
  positions: { type: 'array', items: { type: 'integer' }, description: 'Only the messages at these positions.' },
  position: { type: 'integer', minimum: 0, description: 'Start here; at the head unless given.' },
  limit: { type: 'integer', minimum: 1, description: 'Messages at most.' },
} as const

const BROWSE = {
  ...EXACT,
  properties: {
    ...SELECTION,
    encoding: { type: 'string', enum: ['auto', 'base64'] as const, description: '`auto`: text where possible.' },
    truncate: { type: 'integer', minimum: 0, description: 'Bytes of a body to show at most.' },
  },
} as const

const SELECT = { ...EXACT, properties: SELECTION } as const
const DRY_RUN = { type: 'boolean', description: 'Only tell what would happen.' } as const
const PICK = { ...EXACT, properties: { ...SELECTION, dry_run: DRY_RUN } } as const
const RELOCATE = {
  ...EXACT,
  properties: {
    ...SELECTION,
    dry_run: DRY_RUN,
    queue: { type: 'string', description: 'Straight into this queue; exchange and routing key are kept.' },
    exchange: { type: 'string', description: 'Through this exchange; their own one unless given.' },
    routing_key: { type: 'string', description: 'With this routing key; their own one unless given.' },
  },
} as const

type Selection = Infer<typeof PICK>

/** The endpoints of this file. */
export function queueContentsEndpoints(context: ManagementContext): Endpoint[] {
  const group = new Operations(context)
  const shared = { access: 'vhost', tag: TAG, bodyOptional: true } as const
  const base = '/api/warren/queues/:vhost/:name'
  return [
    withBody({
      ...shared,
      method: 'POST',
      path: `${base}/browse`,
      summary: 'Shows ready messages and leaves them where they are.',
      body: BROWSE,
      handle: (request) => group.browse(request),
    }),
    withBody({
      ...shared,
      method: 'POST',
      path: `${base}/move`,
      summary:
        'Publishes messages again, to a queue or an exchange, and takes them out of this queue once they are safe.',
      body: RELOCATE,
      handle: (request) => group.run(() => group.relocate(request, destinationOf(request.body), true)),
    }),
    withBody({
      ...shared,
      method: 'POST',
      path: `${base}/copy`,
      summary: 'Publishes messages again, to a queue or an exchange, and keeps them in this queue.',
      body: RELOCATE,
      handle: (request) => group.run(() => group.relocate(request, destinationOf(request.body), false)),
    }),
    withBody({
      ...shared,
      method: 'POST',
      path: `${base}/redrive`,
      summary: 'Moves dead letters back to the queues where they died last.',
      body: PICK,
      handle: (request) => group.run(() => group.relocate(request, { kind: 'origin' }, true)),
    }),
    withBody({
      ...shared,
      method: 'POST',
      path: `${base}/deaths`,
      summary: 'Counts dead letters by reason, queue and exchange of their last death.',
      body: SELECT,
      handle: (request) => group.deaths(request),
    }),
    withBody({
      ...shared,
      method: 'POST',
      path: `${base}/delete`,
      summary: 'Deletes messages: those of a filter, or so many from the head.',
      body: PICK,
      handle: (request) => group.remove(request),
    }),
    plain({
      method: 'PUT',
      path: `${base}/pause`,
      access: 'vhost',
      tag: TAG,
      summary: 'Stops the delivery to consumers, until resumed or the broker stops. Publishing goes on.',
      handle: (request) => group.pause(request, true),
    }),
    plain({
      method: 'DELETE',
      path: `${base}/pause`,
      access: 'vhost',
      tag: TAG,
      summary: 'Resumes the delivery to consumers.',
      handle: (request) => group.pause(request, false),
    }),
    plain({
      method: 'GET',
      path: `${base}/pause`,
      access: 'vhost',
      tag: TAG,
      summary: 'Whether delivery is paused.',
      handle: (request) => ok({ paused: group.find(request).contents.isPaused }),
    }),
  ]
}

interface Found {
  readonly vhost: Vhost
  readonly queue: Queue
  readonly contents: QueueContents
}

/** What the endpoints do. */
class Operations {
  readonly #context: ManagementContext

  constructor(context: ManagementContext) {
    this.#context = context
  }

  run(operation: () => Promise<Reply>): Promise<Reply> {
    return this.#context.operations.run(operation)
  }

  /** The queue of the path, which the caller may read. */
  find(request: ApiRequest<unknown>): Found {
    const { caller } = request
    const vhost = vhostOf(this.#context.broker, request as ApiRequest)
    const name = request.param('name')
    const answer = vhost.findQueue(name, actorOf(caller))
    if (answer.refusal?.code === 'not-found') throw notFound(`NOT_FOUND - ${answer.refusal.text}`)
    const queue = granted(answer)
    demand(caller.rights(vhost.name).canRead('queue', name))
    if (queue.contents === null) throw badRequest(`a queue of type ${queue.kind} keeps nothing`)
    return { vhost, queue, contents: queue.contents }
  }

  async browse(request: ApiRequest<Infer<typeof BROWSE>>): Promise<Reply> {
    const { body } = request
    const { contents } = this.find(request)
    const { formats } = this.#context
    const limit = Math.min(body.limit ?? BROWSE_COUNT, BROWSE_COUNT_MAX)
    const truncate = body.truncate ?? Number.POSITIVE_INFINITY
    const messages: JsonObject[] = []
    let shownBytes = 0
    const end = await this.#select(contents, body, { limit, end: contents.end }, (view, position) => {
      const facts = contents.factsOf(position)
      const taken = { view, sequence: position, address: 0, readyCount: 0, ...facts }
      const { message_count: _, ...shown } = takenJson(taken, formats, body.encoding ?? 'auto', truncate)
      messages.push({ position, published_at: view.publishedAtMs, ...shown })
      shownBytes += Math.min(view.bodyBytes, truncate)
      return shownBytes < BROWSE_BYTES_MAX
    })
    return ok({ messages, next_position: end.next === 0 ? null : end.next, examined: end.examinedCount })
  }

  async deaths(request: ApiRequest<Infer<typeof SELECT>>): Promise<Reply> {
    const { body } = request
    const { contents } = this.find(request)
    const groups = new DeathGroups()
    const bounds = { limit: body.limit, end: contents.end }
    const { examinedCount } = await this.#select(contents, body, bounds, (view) => {
      groups.add(view)
      return true
    })
    return ok({
      groups: groups.list(),
      others: groups.othersCount,
      ungrouped: groups.ungroupedCount,
      examined: examinedCount,
    })
  }

  async remove(request: ApiRequest<Selection>): Promise<Reply> {
    const { body } = request
    const { contents } = this.find(request)
    let deleted = 0
    const { matchedCount, examinedCount } = await this.#select(
      contents,
      body,
      { limit: body.limit, end: contents.end },
      (_view, position) => {
        if (body.dry_run === true || !contents.hold(position)) return true
        contents.release(position, 'accepted')
        deleted++
        return true
      },
    )
    return ok({ matched: matchedCount, deleted, examined: examinedCount, dry_run: body.dry_run === true })
  }

  async relocate(request: ApiRequest<Selection>, destination: Destination, moves: boolean): Promise<Reply> {
    const { body } = request
    const found = this.find(request)
    this.#demandDestination(request, found.vhost, destination)
    const { contents, vhost } = found
    const relocation = new Relocation(this.#context, vhost, contents, destination)
    const places: Record<string, number> = Object.create(null)
    const countPlace = (view: MessageView): boolean => {
      const place = relocation.placeOf(view)
      if (place === undefined) relocation.result.unrouted++
      addPlace(places, place)
      return true
    }
    const send = (view: MessageView, position: number): boolean => {
      addPlace(places, relocation.placeOf(view))
      if (moves) relocation.move(view, position)
      else relocation.copy(view)
      return true
    }
    const isDry = body.dry_run === true
    const { end: endPosition } = contents
    const totals = { matched: 0, examined: 0 }
    let left = body.limit ?? Number.POSITIVE_INFINITY
    for (let position: number | undefined = body.position ?? 1; position !== undefined && left > 0; ) {
      this.#context.operations.check()
      const part = { ...body, position }
      const bounds = { limit: Math.min(left, isDry ? Number.POSITIVE_INFINITY : FLUSH_COUNT), end: endPosition }
      const end: Selected = await this.#select(contents, part, bounds, isDry ? countPlace : send).finally(() =>
        relocation.flush(),
      )
      totals.matched += end.matchedCount
      totals.examined += end.examinedCount
      left -= end.matchedCount
      position = end.next === 0 ? undefined : end.next
    }
    const { done, unrouted, refused } = relocation.result
    return ok({
      ...totals,
      [moves ? 'moved' : 'copied']: done,
      unrouted,
      refused,
      destinations: places,
      dry_run: isDry,
    })
  }

  pause(request: ApiRequest<undefined>, isPaused: boolean): Reply {
    const { contents, queue, vhost } = this.find(request)
    demand(request.caller.rights(vhost.name).canConfigure('queue', queue.name))
    if (isPaused) contents.pause()
    else contents.resume()
    return NO_CONTENT
  }

  /** Shows the messages that are meant to `visit`, which says whether it wants more. */
  async #select(
    contents: QueueContents,
    selection: Omit<Selection, 'dry_run'>,
    { limit, end: endPosition }: Bounds,
    visit: (view: MessageView, position: number) => boolean,
  ): Promise<Selected> {
    const { formats, clock } = this.#context
    const filter = new MessageFilter(selection.filter ?? {}, formats)
    const positions = selection.positions === undefined ? undefined : new Set(selection.positions)
    const countMax = limit ?? Number.POSITIVE_INFINITY
    const nowMs = clock.nowMs()
    let matchedCount = 0
    const end = await walk(contents, selection.position ?? 1, endPosition, (view, position) => {
      if (positions !== undefined && !positions.has(position)) return 'continue'
      if (!filter.accepts(view, contents.factsOf(position), nowMs)) return 'continue'
      matchedCount++
      return visit(view, position) && matchedCount < countMax ? 'continue' : 'stop'
    })
    return { ...end, matchedCount }
  }

  #demandDestination({ caller }: ApiRequest<Selection>, vhost: Vhost, destination: Destination): void {
    const { alarms } = this.#context
    if (alarms.isBlocking) throw badRequest(`publishers are blocked, ${alarms.reason}`)
    const rights = caller.rights(vhost.name)
    if (destination.kind === 'queue') {
      if (vhost.queue(destination.queue) === undefined) throw badRequest(`no queue '${destination.queue}'`)
      return demand(rights.canWrite('queue', destination.queue))
    }
    // Dead letters go back to any queue, and messages to any exchange that they came by.
    if (destination.kind === 'origin' || destination.exchange === undefined) return demand(caller.isAdministrator)
    const exchange = vhost.exchange(destination.exchange)
    if (exchange === undefined) throw badRequest(`no exchange '${destination.exchange}'`)
    if (exchange.record.internal) throw badRequest(`exchange '${destination.exchange}' is internal`)
    demand(rights.canWrite('exchange', destination.exchange))
  }
}

interface Bounds {
  readonly limit: number | undefined
  /** Entries from here on are not looked at. */
  readonly end: number
}

interface Selected {
  readonly next: number
  readonly examinedCount: number
  readonly matchedCount: number
}

function addPlace(places: Record<string, number>, place: string | undefined): void {
  if (place !== undefined) places[place] = (places[place] ?? 0) + 1
}

function destinationOf({ queue, exchange, routing_key: routingKey }: Infer<typeof RELOCATE>): Destination {
  if (queue !== undefined) {
    if (exchange === undefined && routingKey === undefined) return { kind: 'queue', queue }
    throw badRequest('either a queue, or an exchange and a routing key')
  }
  if (Buffer.byteLength(routingKey ?? '') > ROUTING_KEY_BYTES_MAX) throw badRequest(['not_string', 'routing_key'])
  return { kind: 'exchange', exchange: exchange === undefined ? undefined : exchangeName(exchange), routingKey }
}
