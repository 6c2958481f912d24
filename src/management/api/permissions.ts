/**
 * `/api/permissions`, `/api/topic-permissions`: what users may do in virtual hosts.
 */

import type { PermissionRecord, TopicPermissionRecord } from '../../model/records/records.ts'
import type { Answer } from '../../model/verbs/answer.ts'
import type { ManagementContext } from '../context.ts'
import { badRequest, objectNotFound } from '../http/api-error.ts'
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
import { type JsonObject, listReply } from '../http/list-reply.ts'

const TAG = 'Permissions'

const PERMISSION = {
  type: 'object',
  required: ['configure', 'write', 'read'],
  properties: {
    configure: { type: 'string', description: 'Regular expression; empty for nothing.' },
    write: { type: 'string' },
    read: { type: 'string' },
  },
} as const

const TOPIC_PERMISSION = {
  type: 'object',
  required: ['exchange', 'write', 'read'],
  properties: {
    exchange: { type: 'string' },
    write: { type: 'string', description: 'Regular expression that routing keys match.' },
    read: { type: 'string' },
  },
} as const

/** The endpoints of this file. */
export function permissionEndpoints(context: ManagementContext): Endpoint[] {
  return [...listRoutes(context), ...permissionRoutes(context), ...topicRoutes(context)]
}

function listRoutes(context: ManagementContext): Endpoint[] {
  const { users } = context
  const list = (
    path: string,
    summary: string,
    records: (request: ApiRequest) => readonly (PermissionRecord | TopicPermissionRecord)[],
  ): Endpoint =>
    plain({
      method: 'GET',
      path,
      access: 'administrator',
      tag: TAG,
      isList: true,
      summary,
      handle: (request) =>
        listReply(request.query, {
          sources: records(request),
          nameOf: ({ user }) => user,
          build: permissionJson,
          cheap: { vhost: ({ vhost }) => vhost },
        }),
    })
  const vhost = (request: ApiRequest): string => knownVhost(context, request)
  const user = (request: ApiRequest): string => knownUser(context, request)
  return [
    list('/api/permissions', 'All permissions.', () => users.permissions()),
    list('/api/topic-permissions', 'All topic permissions.', () => users.topicPermissions()),
    list('/api/vhosts/:vhost/permissions', 'Permissions of a virtual host.', (request) =>
      users.permissions(vhost(request)),
    ),
    list('/api/vhosts/:vhost/topic-permissions', 'Topic permissions of a virtual host.', (request) =>
      users.topicPermissions(vhost(request)),
    ),
    list('/api/users/:user/permissions', 'Permissions of a user.', (request) => {
      const name = user(request)
      return users.permissions().filter((record) => record.user === name)
    }),
    list('/api/users/:user/topic-permissions', 'Topic permissions of a user.', (request) => {
      const name = user(request)
      return users.topicPermissions().filter((record) => record.user === name)
    }),
  ]
}

function permissionRoutes(context: ManagementContext): Endpoint[] {
  const { users } = context
  const path = '/api/permissions/:vhost/:user'
  const one = (request: ApiRequest): PermissionRecord => {
    const found = users.permission(request.param('vhost'), request.param('user'))
    if (found === undefined) throw objectNotFound()
    return found
  }
  return [
    plain({
      method: 'GET',
      path,
      access: 'administrator',
      tag: TAG,
      summary: 'Permissions of a user in a virtual host.',
      handle: (request) => ok(permissionJson(one(request))),
    }),
    withBody({
      method: 'PUT',
      path,
      access: 'administrator',
      tag: TAG,
      summary: 'Sets permissions.',
      body: PERMISSION,
      handle: async (request) => {
        const [vhost, user] = [request.param('vhost'), request.param('user')]
        const isNew = users.permission(vhost, user) === undefined
        return done(await users.setPermission({ vhost, user, ...request.body }), isNew)
      },
    }),
    plain({
      method: 'DELETE',
      path,
      access: 'administrator',
      tag: TAG,
      summary: 'Clears permissions: the user can no longer enter.',
      handle: async (request) => {
        const { vhost, user } = one(request)
        await users.clearPermission(vhost, user)
        return NO_CONTENT
      },
    }),
  ]
}

function topicRoutes(context: ManagementContext): Endpoint[] {
  const { users } = context
  const path = '/api/topic-permissions/:vhost/:user'
  const all = (request: ApiRequest): TopicPermissionRecord[] => {
    const user = request.param('user')
    const found = users.topicPermissions(request.param('vhost')).filter((record) => record.user === user)
    if (found.length === 0) throw objectNotFound()
    return found
  }
  return [
    plain({
      method: 'GET',
      path,
      access: 'administrator',
      tag: TAG,
      summary: 'Topic permissions of a user in a virtual host.',
      handle: (request) => ok(all(request).map(permissionJson)),
    }),
    withBody({
      method: 'PUT',
      path,
      access: 'administrator',
      tag: TAG,
      summary: 'Sets the topic permission for an exchange.',
      body: TOPIC_PERMISSION,
      handle: async (request) => {
        const [vhost, user] = [request.param('vhost'), request.param('user')]
        const { exchange } = request.body
        const present = users.topicPermissions(vhost)
        const isNew = !present.some((record) => record.user === user && record.exchange === exchange)
        return done(await users.setTopicPermission({ vhost, user, ...request.body }), isNew)
      },
    }),
    plain({
      method: 'DELETE',
      path,
      access: 'administrator',
      tag: TAG,
      summary: 'Clears all topic permissions of a user in a virtual host.',
      handle: async (request) => {
        all(request)
        await users.clearTopicPermissions(request.param('vhost'), request.param('user'))
        return NO_CONTENT
      },
    }),
    plain({
      method: 'DELETE',
      path: `${path}/:exchange`,
      access: 'administrator',
      tag: TAG,
      summary: 'Clears the topic permission for an exchange.',
      handle: async (request) => {
        const exchange = request.param('exchange')
        if (!all(request).some((record) => record.exchange === exchange)) throw objectNotFound()
        await users.clearTopicPermissions(request.param('vhost'), request.param('user'), exchange)
        return NO_CONTENT
      },
    }),
  ]
}

function permissionJson(record: PermissionRecord | TopicPermissionRecord): JsonObject {
  const { user, vhost, write, read } = record
  if ('exchange' in record) return { user, vhost, exchange: record.exchange, write, read }
  return { user, vhost, configure: record.configure, write, read }
}

function done(answer: Answer<null>, isNew: boolean): Reply {
  if (answer.refusal === null) return createdOr204(isNew)
  throw badRequest(answer.refusal.code === 'not-found' ? 'vhost_or_user_not_found' : answer.refusal.text)
}

function knownVhost({ broker }: ManagementContext, request: ApiRequest): string {
  const name = request.param('vhost')
  if (broker.vhost(name) === undefined) throw objectNotFound()
  return name
}

function knownUser({ users }: ManagementContext, request: ApiRequest): string {
  const name = request.param('user')
  if (users.get(name) === undefined) throw objectNotFound()
  return name
}
