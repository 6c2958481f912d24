/**
 * `/api/users`, `/api/user-limits`: users, their tags, passwords and limits; and who calls.
 */

import { algorithmOfHash, HASHING_ALGORITHMS, hashPassword } from '../../auth/passwords.ts'
import type { NewPassword, UserChange } from '../../auth/users.ts'
import { USER_LIMITS, userLimits } from '../../model/limits/limits.ts'
import type { UserRecord } from '../../model/records/records.ts'
import type { ManagementContext } from '../context.ts'
import { badRequest, errorOf, notAuthorised, objectNotFound } from '../http/api-error.ts'
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
import type { Infer } from '../http/schema.ts'
import { asked } from './scope.ts'

const TAG = 'Users'
/** A user with this tag cannot be changed or deleted over HTTP. */
const PROTECTED_TAG = 'protected'

const USER = {
  type: 'object',
  properties: {
    password: { type: 'string', description: 'In clear; the empty one lets nobody log in.' },
    password_hash: { type: 'string', description: 'Base64 of salt and hash, in place of a password.' },
    hashing_algorithm: {
      type: 'string',
      description: `One of ${HASHING_ALGORITHMS.join(', ')}; told by the length of the hash unless given.`,
    },
    tags: {
      type: 'union',
      description: 'List, or text with commas.',
      anyOf: [{ type: 'array', items: { type: 'string' } }, { type: 'string' }],
    },
  },
} as const

const BULK_DELETE = {
  type: 'object',
  required: ['users'],
  properties: { users: { type: 'array', items: { type: 'string' } } },
} as const

const LIMIT = { type: 'object', required: ['value'], properties: { value: { type: 'any' } } } as const

/** The endpoints of this file. */
export function userEndpoints(context: ManagementContext): Endpoint[] {
  const group = new UserEndpoints(context)
  return [...userRoutes(group), ...limitRoutes(group)]
}

function userRoutes(group: UserEndpoints): Endpoint[] {
  const { users } = group.context
  const access = 'administrator'
  return [
    plain({
      method: 'GET',
      path: '/api/users',
      access,
      tag: TAG,
      isList: true,
      summary: 'All users.',
      handle: (request) => group.list(request, users.list()),
    }),
    plain({
      method: 'GET',
      path: '/api/users/without-permissions',
      access,
      tag: TAG,
      isList: true,
      summary: 'Users who may enter no virtual host.',
      handle: (request) => {
        const permitted = new Set(users.permissions().map(({ user }) => user))
        return group.list(
          request,
          users.list().filter(({ name }) => !permitted.has(name)),
        )
      },
    }),
    plain({
      method: 'GET',
      path: '/api/users/:user',
      access,
      tag: TAG,
      summary: 'One user.',
      handle: (request) => ok(userJson(group.one(request))),
    }),
    withBody({
      method: 'PUT',
      path: '/api/users/:user',
      access,
      tag: TAG,
      summary: 'Creates or changes a user. Tags must be given.',
      body: USER,
      handle: (request) => group.put(request),
    }),
    plain({
      method: 'DELETE',
      path: '/api/users/:user',
      access,
      tag: TAG,
      summary: 'Deletes a user, and closes its connections.',
      handle: async (request) => {
        await group.delete(group.one(request))
        return NO_CONTENT
      },
    }),
    withBody({
      method: 'POST',
      path: '/api/users/bulk-delete',
      access,
      tag: TAG,
      summary: 'Deletes several users; none when one of them is missing.',
      body: BULK_DELETE,
      handle: (request) => group.bulkDelete(request),
    }),
    plain({
      method: 'GET',
      path: '/api/whoami',
      access: 'management',
      tag: TAG,
      summary: 'The caller.',
      handle: ({ caller }) => ok({ name: caller.user, tags: caller.tags }),
    }),
    plain({
      method: 'GET',
      path: '/api/auth/hash_password/:password',
      access,
      tag: TAG,
      summary: 'The hash of a password, with a fresh salt.',
      handle: (request) => {
        const { randomness, settings } = group.context
        return ok({ ok: hashPassword(request.param('password'), settings.auth.passwordHashing, randomness) })
      },
    }),
  ]
}

function limitRoutes(group: UserEndpoints): Endpoint[] {
  const { users } = group.context
  return [
    plain({
      method: 'GET',
      path: '/api/user-limits',
      access: 'management',
      tag: TAG,
      summary: 'Limits of all users that have any.',
      handle: ({ caller }) =>
        ok(
          users
            .list()
            .filter(({ name }) => caller.isMonitoring || name === caller.user)
            .flatMap(limitsJson),
        ),
    }),
    plain({
      method: 'GET',
      path: '/api/user-limits/:user',
      access: 'management',
      tag: TAG,
      summary: 'Limits of a user.',
      handle: (request) => {
        if (!request.caller.maySeeUser(request.param('user'))) throw notAuthorised('Not monitor user')
        return ok(limitsJson(group.one(request)))
      },
    }),
    withBody({
      method: 'PUT',
      path: '/api/user-limits/:user/:limit',
      access: 'administrator',
      tag: TAG,
      summary: `Sets a limit: ${USER_LIMITS.join(', ')}; -1 is no limit.`,
      body: LIMIT,
      handle: async (request) => {
        const { name } = group.one(request)
        await group.setLimit(name, request.param('limit'), request.body.value)
        return NO_CONTENT
      },
    }),
    plain({
      method: 'DELETE',
      path: '/api/user-limits/:user/:limit',
      access: 'administrator',
      tag: TAG,
      summary: 'Lifts a limit.',
      handle: async (request) => {
        const limit = request.param('limit')
        const { name } = group.one(request)
        if (USER_LIMITS.includes(limit)) await group.setLimit(name, limit, null)
        return NO_CONTENT
      },
    }),
  ]
}

function limitsJson(user: UserRecord): JsonObject[] {
  const value = userLimits(user)
  return Object.keys(value).length === 0 ? [] : [{ user: user.name, value }]
}

/** A user of a list. */
export function userJson(user: UserRecord): JsonObject {
  return {
    name: user.name,
    password_hash: user.passwordHash,
    hashing_algorithm: user.hashingAlgorithm,
    tags: user.tags,
    limits: userLimits(user),
  }
}

/** What the endpoints do. */
class UserEndpoints {
  readonly context: ManagementContext

  constructor(context: ManagementContext) {
    this.context = context
  }

  list(request: ApiRequest, sources: readonly UserRecord[]): Promise<Reply> {
    return listReply(request.query, { sources, nameOf: ({ name }) => name, build: userJson })
  }

  one(request: ApiRequest): UserRecord {
    const user = this.context.users.get(request.param('user'))
    if (user === undefined) throw objectNotFound()
    return user
  }

  async put(request: ApiRequest<Infer<typeof USER>>): Promise<Reply> {
    const { body } = request
    const name = request.param('user')
    if (body.tags === undefined) throw badRequest('tags_not_present')
    const present = this.context.users.get(name)
    if (present !== undefined) refuseProtected(present)
    await this.change(name, { tags: tagsOf(body.tags), password: passwordOf(body) })
    return createdOr204(present === undefined)
  }

  async delete(user: UserRecord): Promise<void> {
    refuseProtected(user)
    const { refusal } = await this.context.users.delete(user.name)
    if (refusal !== null) throw errorOf(refusal)
    this.context.broker.connections.closeWhere(
      (connection) => connection.user === user.name,
      'user-gone',
      `user '${user.name}' is deleted`,
    )
  }

  async bulkDelete({ body }: ApiRequest<Infer<typeof BULK_DELETE>>): Promise<Reply> {
    const records = body.users.map((name) => {
      const user = this.context.users.get(name)
      if (user === undefined) throw badRequest(['no_such_user', name])
      refuseProtected(user)
      return user
    })
    for (const user of records) await this.delete(user)
    return NO_CONTENT
  }

  async setLimit(user: string, limit: string, value: unknown): Promise<void> {
    await asked<null>((answered) => this.context.broker.parameters.setUserLimits(user, { [limit]: value }, answered))
  }

  async change(name: string, change: UserChange): Promise<void> {
    const { refusal } = await this.context.users.put(name, change)
    if (refusal !== null) throw errorOf(refusal)
  }
}

function refuseProtected({ name, tags }: UserRecord): void {
  if (tags.includes(PROTECTED_TAG)) throw badRequest(`user '${name}' is protected`)
}

function tagsOf(tags: string | readonly string[]): readonly string[] {
  const list = typeof tags === 'string' ? tags.split(',') : tags
  return [...new Set(list.map((tag) => tag.trim()).filter((tag) => tag !== ''))]
}

/** Neither password nor hash, or an empty one, leaves a user whom only certificates and tokens let in. */
function passwordOf(body: Infer<typeof USER>): NewPassword {
  const { password, password_hash: hash } = body
  if (password !== undefined && password !== '') return { kind: 'password', password }
  if (hash === undefined || hash === '') return { kind: 'none' }
  if (hash.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(hash)) throw badRequest('not_base64')
  return { kind: 'hash', hash, algorithm: body.hashing_algorithm ?? algorithmOfHash(hash) }
}
