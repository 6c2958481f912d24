/**
 * `/api/connections`, `/api/channels`, `/api/consumers`: who is connected and what they do. [RabbitMQ: management HTTP API]
 */

import type { ConnectionHandle } from '../../model/connections.ts'
import type { Consumer } from '../../model/queue/queue.ts'
import type { ManagementContext } from '../context.ts'
import { notAuthorised, objectNotFound } from '../http/api-error.ts'
import { type ApiRequest, type Endpoint, NO_CONTENT, ok, plain, type Reply } from '../http/endpoint.ts'
import { columnsOf, listReply, pick } from '../http/list-reply.ts'
import { windowsOf } from '../stats/series.ts'
import { deliveriesOf, publishesOf } from './breakdown-json.ts'
import { channelIndex, channelJson, connectionJson, consumerJson, type ListedChannel } from './connection-json.ts'
import { vhostOf, visibleVhosts } from './scope.ts'
import { withoutStats } from './stats-query.ts'

/** What an operator is told to tell the client when no reason is given. */
const CLOSE_REASON = 'Closed via management plugin'

/** The endpoints of this file. */
export function connectionEndpoints(context: ManagementContext): Endpoint[] {
  const group = new Connections(context)
  return [...connectionRoutes(group), ...channelRoutes(group)]
}

function connectionRoutes(group: Connections): Endpoint[] {
  const tag = 'Connections'
  return [
    plain({
      method: 'GET',
      path: '/api/connections',
      access: 'management',
      tag,
      isList: true,
      summary: 'Open connections: of the caller, or all for monitoring users.',
      handle: (request) => group.list(request, group.seen(request)),
    }),
    plain({
      method: 'GET',
      path: '/api/vhosts/:vhost/connections',
      access: 'vhost-visible',
      tag,
      isList: true,
      summary: 'Open connections of a virtual host.',
      handle: (request) => {
        const { name } = vhostOf(group.context.broker, request)
        return group.list(
          request,
          group.seen(request).filter(({ vhost }) => vhost === name),
        )
      },
    }),
    plain({
      method: 'GET',
      path: '/api/connections/username/:user',
      access: 'management',
      tag,
      isList: true,
      summary: 'Open connections of a user, in short.',
      handle: (request) => ok(group.ofUser(request).map((connection) => group.brief(connection))),
    }),
    plain({
      method: 'DELETE',
      path: '/api/connections/username/:user',
      access: 'management',
      tag,
      summary: 'Closes all connections of a user. The header `X-Reason` is told to the clients.',
      handle: (request) => {
        for (const connection of group.ofUser(request)) group.close(connection, request)
        return NO_CONTENT
      },
    }),
    plain({
      method: 'GET',
      path: '/api/connections/:name',
      access: 'management',
      tag,
      summary: 'One connection.',
      handle: (request) => {
        const shown = connectionJson(group.context, group.one(request), windowsOf(request.query))
        // RabbitMQ writes what is absent as null in lists and as empty text here.
        const filled = Object.entries(shown).map(([name, value]) => [name, value ?? ''])
        return ok(pick(Object.fromEntries(filled), columnsOf(request.query)))
      },
    }),
    plain({
      method: 'DELETE',
      path: '/api/connections/:name',
      access: 'management',
      tag,
      summary: 'Closes a connection. The header `X-Reason` is told to the client.',
      handle: (request) => {
        group.close(group.one(request), request)
        return NO_CONTENT
      },
    }),
    plain({
      method: 'GET',
      path: '/api/connections/:name/channels',
      access: 'management',
      tag,
      isList: true,
      summary: 'Channels of a connection.',
      handle: (request) => group.listChannels(request, [group.one(request)]),
    }),
    plain({
      method: 'GET',
      path: '/api/connections/:name/sessions',
      access: 'management',
      tag,
      isList: true,
      summary: 'AMQP 1.0 sessions of a connection; none for other protocols.',
      handle: (request) => {
        group.one(request)
        return ok([])
      },
    }),
  ]
}

function channelRoutes(group: Connections): Endpoint[] {
  const tag = 'Channels and consumers'
  return [
    plain({
      method: 'GET',
      path: '/api/channels',
      access: 'management',
      tag,
      isList: true,
      summary: 'Open channels.',
      handle: (request) => group.listChannels(request, group.seen(request)),
    }),
    plain({
      method: 'GET',
      path: '/api/vhosts/:vhost/channels',
      access: 'vhost-visible',
      tag,
      isList: true,
      summary: 'Open channels of a virtual host.',
      handle: (request) => {
        const { name } = vhostOf(group.context.broker, request)
        return group.listChannels(
          request,
          group.seen(request).filter(({ vhost }) => vhost === name),
        )
      },
    }),
    plain({
      method: 'GET',
      path: '/api/channels/:name',
      access: 'management',
      tag,
      summary: 'One channel, with its consumers.',
      handle: (request) => group.oneChannel(request),
    }),
    plain({
      method: 'GET',
      path: '/api/consumers',
      access: 'management',
      tag,
      isList: true,
      summary: 'All consumers.',
      handle: (request) => group.listConsumers(request, false),
    }),
    plain({
      method: 'GET',
      path: '/api/consumers/:vhost',
      access: 'vhost-visible',
      tag,
      isList: true,
      summary: 'Consumers of a virtual host.',
      handle: (request) => group.listConsumers(request, true),
    }),
  ]
}

/** What the endpoints do. */
class Connections {
  readonly context: ManagementContext

  constructor(context: ManagementContext) {
    this.context = context
  }

  /** Connections that the caller sees. */
  seen({ caller }: ApiRequest): ConnectionHandle[] {
    return [...this.context.broker.connections.all()].filter(({ user }) => caller.maySeeUser(user))
  }

  one(request: ApiRequest): ConnectionHandle {
    const name = request.param('name')
    const found = [...this.context.broker.connections.all()].find((connection) => connection.name === name)
    if (found === undefined) throw objectNotFound()
    if (!request.caller.maySeeUser(found.user)) throw notAuthorised('User not authorised to access object')
    return found
  }

  ofUser(request: ApiRequest): ConnectionHandle[] {
    const user = request.param('user')
    if (!request.caller.maySeeUser(user)) throw notAuthorised('User not authorised to access object')
    return [...this.context.broker.connections.all()].filter((connection) => connection.user === user)
  }

  brief({ name, vhost, user }: ConnectionHandle): object {
    return { name, vhost, user, node: this.context.node.name }
  }

  close(connection: ConnectionHandle, { caller, header }: ApiRequest): void {
    if (!caller.isAdministrator && caller.user !== connection.user) {
      throw notAuthorised('User not authorised to access object')
    }
    connection.close('forced', header('x-reason') ?? CLOSE_REASON)
  }

  list(request: ApiRequest, sources: readonly ConnectionHandle[]): Promise<Reply> {
    const windows = windowsOf(request.query)
    const isPlain = withoutStats(this.context, request.query)
    return listReply(request.query, {
      sources,
      nameOf: ({ name }) => name,
      build: (connection) => connectionJson(this.context, connection, windows, isPlain),
      cheap: { name: ({ name }) => name, user: ({ user }) => user, vhost: ({ vhost }) => vhost },
    })
  }

  listChannels(request: ApiRequest, connections: readonly ConnectionHandle[]): Promise<Reply> {
    const windows = windowsOf(request.query)
    const isPlain = withoutStats(this.context, request.query)
    const sources = connections.flatMap((connection) =>
      connection.status().channels.map((channel): ListedChannel => ({ connection, channel })),
    )
    return listReply(request.query, {
      sources,
      nameOf: ({ channel }) => channel.name,
      build: (listed) => channelJson(this.context, listed, windows, isPlain),
      cheap: { name: ({ channel }) => channel.name, vhost: ({ connection }) => connection.vhost },
    })
  }

  oneChannel(request: ApiRequest): Reply {
    const index = channelIndex(this.context)
    const listed = index(request.param('name'))
    if (listed === undefined) throw objectNotFound()
    if (!request.caller.maySeeUser(listed.connection.user)) throw notAuthorised('User not authorised to access object')
    const vhost = this.context.broker.vhost(listed.connection.vhost)
    const consumers: Consumer[] = []
    for (const queue of vhost?.queues() ?? []) {
      consumers.push(...queue.consumers.filter(({ spec }) => spec.sessionName === listed.channel.name))
    }
    const windows = windowsOf(request.query)
    const { vhost: vhostName } = listed.connection
    const shown = {
      ...channelJson(this.context, listed, windows),
      consumer_details: consumers.map((consumer) => consumerJson(this.context, consumer, index)),
      publishes: publishesOf(this.context, vhostName, listed.channel, windows),
      deliveries: deliveriesOf(this.context, vhostName, listed.channel, windows),
    }
    return ok(pick(shown, columnsOf(request.query)))
  }

  listConsumers(request: ApiRequest, named: boolean): Promise<Reply> {
    const index = channelIndex(this.context)
    const sources: Consumer[] = []
    for (const vhost of visibleVhosts(this.context.broker, request, named)) {
      for (const queue of vhost.queues()) sources.push(...queue.consumers)
    }
    return listReply(request.query, {
      sources,
      nameOf: ({ spec }) => spec.tag,
      build: (consumer) => consumerJson(this.context, consumer, index),
      // As they subscribed.
      order: [],
    })
  }
}
