/**
 * The rest: what a login page needs, feature flags, extensions, rebalancing, statistics, login attempts, the effective configuration.
 */
import type { SourceCounters } from '../../auth/login-attempts.ts'
import { describeSettings } from '../../config/list-settings.ts'
import type { ManagementContext } from '../context.ts'
import { objectNotFound } from '../http/api-error.ts'
import { type ApiRequest, type Endpoint, NO_CONTENT, ok, plain, type Reply, withBody } from '../http/endpoint.ts'
import { type JsonObject, listReply } from '../http/list-reply.ts'
import { deprecatedFeatures, featureFlags, isFeatureFlag } from './feature-flags.ts'
import { loginEndpoints } from './login.ts'
import { oauthEndpoints } from './oauth.ts'

const NOTHING = { type: 'object', properties: {} } as const

/** The endpoints of this file. */
export function miscEndpoints(context: ManagementContext): Endpoint[] {
  return [
    ...authRoutes(context),
    ...loginEndpoints(context),
    ...oauthEndpoints(context),
    ...featureRoutes(context),
    ...upkeepRoutes(context),
    ...attemptRoutes(context),
  ]
}

function authRoutes(context: ManagementContext): Endpoint[] {
  const tag = 'Login'
  const { settings } = context
  return [
    plain({
      method: 'GET',
      path: '/api/version',
      access: 'management',
      tag,
      summary: 'The version spoken, and our own.',
      handle: () =>
        ok({
          rabbitmq_version: settings.node.productVersion,
          product_name: settings.node.productName,
          product_version: settings.node.productVersion,
          warrenmq_version: context.node.version,
        }),
    }),
  ]
}

function featureRoutes(context: ManagementContext): Endpoint[] {
  const tag = 'Features'
  const deprecated = ({ query }: ApiRequest, used: boolean): Promise<Reply> =>
    listReply(query, {
      sources: deprecatedFeatures(context, used),
      nameOf: ({ name }) => String(name),
      build: (feature) => feature,
    })
  return [
    plain({
      method: 'GET',
      path: '/api/feature-flags',
      access: 'administrator',
      tag,
      summary: 'Feature flags: all enabled.',
      handle: () => ok(featureFlags()),
    }),
    withBody({
      method: 'PUT',
      path: '/api/feature-flags/:name/enable',
      access: 'administrator',
      tag,
      summary: 'Accepted for tools; every flag is enabled.',
      body: NOTHING,
      handle: (request) => {
        if (!isFeatureFlag(request.param('name'))) throw objectNotFound()
        return NO_CONTENT
      },
    }),
    plain({
      method: 'GET',
      path: '/api/deprecated-features',
      access: 'administrator',
      tag,
      isList: true,
      summary: 'Deprecated features, and whether they are permitted.',
      handle: (request) => deprecated(request, false),
    }),
    plain({
      method: 'GET',
      path: '/api/deprecated-features/used',
      access: 'administrator',
      tag,
      isList: true,
      summary: 'Deprecated features in use.',
      handle: (request) => deprecated(request, true),
    }),
    plain({
      method: 'GET',
      path: '/api/extensions',
      access: 'management',
      tag,
      summary: 'Extensions of the console.',
      handle: () => ok([]),
    }),
  ]
}

function upkeepRoutes(context: ManagementContext): Endpoint[] {
  const tag = 'Upkeep'
  const reset = (path: string): Endpoint =>
    plain({
      method: 'DELETE',
      path,
      access: 'administrator',
      tag,
      summary: 'Forgets the history of statistics.',
      handle: () => {
        context.statistics.reset()
        return NO_CONTENT
      },
    })
  return [
    reset('/api/reset'),
    reset('/api/reset/:node'),
    withBody({
      method: 'POST',
      path: '/api/rebalance/queues',
      access: 'administrator',
      tag,
      summary: 'Accepted for tools; on one node nothing is out of balance.',
      body: NOTHING,
      handle: () => NO_CONTENT,
    }),
    plain({
      method: 'GET',
      path: '/api/config/effective',
      access: 'administrator',
      tag,
      summary: 'All settings with the values in force and where they come from; secrets are hidden.',
      handle: () => ok(describeSettings(context.node.settingsInForce())),
    }),
  ]
}

function attemptRoutes(context: ManagementContext): Endpoint[] {
  const { attempts, node } = context
  const tag = 'Login'
  const path = '/api/auth/attempts/:node'
  return [
    plain({
      method: 'GET',
      path,
      access: 'monitoring',
      tag,
      summary: 'Logins by protocol.',
      handle: (request) => {
        if (request.param('node') !== node.name) throw objectNotFound()
        return ok(
          [...attempts.counters].map(([protocol, counters]) => ({
            protocol,
            auth_attempts: counters.attempts,
            auth_attempts_failed: counters.failed,
            auth_attempts_succeeded: counters.succeeded,
          })),
        )
      },
    }),
    plain({
      method: 'GET',
      path: `${path}/source`,
      access: 'monitoring',
      tag,
      summary: 'Logins by address, user and protocol, while sources are tracked.',
      handle: (request) => {
        if (request.param('node') !== node.name) throw objectNotFound()
        return ok([...attempts.sources].map(sourceJson))
      },
    }),
    resetRoute(context, path),
    resetRoute(context, `${path}/source`),
    withBody({
      method: 'PUT',
      path: '/api/warren/auth-attempt-sources',
      access: 'administrator',
      tag,
      summary: 'Whether logins are counted by address and user, until the next restart.',
      body: TRACKING,
      handle: ({ body }) => {
        attempts.trackSources(body.enabled)
        return NO_CONTENT
      },
    }),
  ]
}

const TRACKING = {
  type: 'object',
  required: ['enabled'],
  properties: { enabled: { type: 'boolean' } },
} as const

function sourceJson({ remoteAddress, user, protocol, ...counters }: SourceCounters): JsonObject {
  return {
    remote_address: remoteAddress,
    username: user,
    protocol,
    auth_attempts: counters.attempts,
    auth_attempts_failed: counters.failed,
    auth_attempts_succeeded: counters.succeeded,
  }
}

function resetRoute({ attempts, node }: ManagementContext, path: string): Endpoint {
  return plain({
    method: 'DELETE',
    path,
    access: 'administrator',
    tag: 'Login',
    summary: 'Starts these counters anew.',
    handle: (request) => {
      if (request.param('node') !== node.name) throw objectNotFound()
      attempts.resetCounters()
      return NO_CONTENT
    },
  })
}
