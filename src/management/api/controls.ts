/**
 * `/api/warren/…`: what the command line needs beyond RabbitMQ's API: levels of the log, limits of alarms, the tail of the
 * log, authentication of a user, stopping the node.
 */
import { LOG_CATEGORIES, LOG_LEVELS } from '../../base/log.ts'
import type { ResourceLimit } from '../../model/observe/resource-monitor.ts'
import { type ManagementContext, SERVICE_STATES } from '../context.ts'
import { ApiError, badRequest } from '../http/api-error.ts'
import { type Endpoint, NO_CONTENT, ok, plain, withBody } from '../http/endpoint.ts'
import type { Infer } from '../http/schema.ts'
import { memoryBreakdown } from './nodes.ts'
import { clusterName, listeners } from './overview.ts'

const TAG = 'WarrenMQ'
const LOG_LINES_MAX = 1_000

const LEVEL = {
  type: 'object',
  required: ['level'],
  properties: {
    level: { type: 'string', enum: LOG_LEVELS },
    category: { type: 'string', enum: LOG_CATEGORIES, description: 'One category; all unless given.' },
  },
} as const

const LIMIT = {
  type: 'object',
  properties: {
    absolute: { type: 'integer', minimum: 0, description: 'Bytes.' },
    relative: { type: 'number', description: 'Fraction of the memory.' },
  },
} as const

const WATERMARK = {
  type: 'object',
  required: ['relative'],
  properties: {
    relative: { type: 'number', minimum: 0, maximum: 1, description: 'Part of the descriptors there may be.' },
  },
} as const

const SERVICE = {
  type: 'object',
  required: ['state'],
  properties: { state: { type: 'string', enum: SERVICE_STATES } },
} as const

const CREDENTIALS = {
  type: 'object',
  required: ['username', 'password'],
  properties: { username: { type: 'string' }, password: { type: 'string' } },
} as const

/** The endpoints of this file. */
export function controlEndpoints(context: ManagementContext): Endpoint[] {
  return [...statusRoutes(context), ...changeRoutes(context)]
}

function statusRoutes(context: ManagementContext): Endpoint[] {
  const { node, controls, alarms } = context
  return [
    plain({
      method: 'GET',
      path: '/api/warren/status',
      access: 'monitoring',
      tag: TAG,
      summary: 'What `warren ctl status` shows.',
      handle: () =>
        ok({
          node: node.name,
          cluster_name: clusterName(context),
          warrenmq_version: node.version,
          rabbitmq_version: context.settings.node.productVersion,
          runtime: `Node.js ${process.version}`,
          os_pid: process.pid,
          uptime_ms: context.clock.nowMs() - node.startedAtMs,
          data_dir: node.dataDir,
          config_files: node.configFiles,
          log_files: node.logFiles,
          alarms: alarms.raised,
          memory: memoryBreakdown(),
          ...resources(context),
          listeners: listeners(context),
          service: controls.service.state,
          log: node.log() ?? null,
        }),
    }),
    plain({
      method: 'GET',
      path: '/api/warren/log',
      access: 'monitoring',
      tag: TAG,
      query: { count: `Lines to show; 100 unless given, ${LOG_LINES_MAX} at most.` },
      summary: 'The newest lines of the log.',
      handle: ({ query }) => {
        const count = Number(query.get('count') ?? 100)
        if (!Number.isInteger(count) || count < 1) throw badRequest('count is a whole number from 1')
        return ok(controls.logTail(Math.min(count, LOG_LINES_MAX)))
      },
    }),
    withBody({
      method: 'POST',
      path: '/api/warren/authenticate',
      access: 'administrator',
      tag: TAG,
      summary: 'Whether these credentials are right.',
      body: CREDENTIALS,
      handle: async ({ body, source }) => {
        const caller = await context.authentication.check(body, source)
        return ok({ name: caller.user, tags: caller.tags })
      },
    }),
  ]
}

function resources({ node }: ManagementContext): object {
  const { memoryUsedBytes, memoryLimitBytes, diskFreeBytes, diskLimitBytes } = node.resources()
  return {
    mem_used: memoryUsedBytes,
    mem_limit: memoryLimitBytes,
    disk_free: diskFreeBytes,
    disk_free_limit: diskLimitBytes,
  }
}

function changeRoutes({ controls, broker }: ManagementContext): Endpoint[] {
  return [
    withBody({
      method: 'PUT',
      path: '/api/warren/log-level',
      access: 'administrator',
      tag: TAG,
      summary: 'Sets the level of the log until the next restart.',
      body: LEVEL,
      handle: ({ body }) => {
        controls.setLogLevel(body.category ?? null, body.level)
        return NO_CONTENT
      },
    }),
    withBody({
      method: 'PUT',
      path: '/api/warren/memory-limit',
      access: 'administrator',
      tag: TAG,
      summary: 'Sets the memory watermark until the next restart.',
      body: LIMIT,
      handle: ({ body }) => {
        controls.setMemoryLimit(limitOf(body))
        return NO_CONTENT
      },
    }),
    withBody({
      method: 'PUT',
      path: '/api/warren/disk-limit',
      access: 'administrator',
      tag: TAG,
      summary: 'Sets the limit of free disk space until the next restart.',
      body: LIMIT,
      handle: async ({ body }) => {
        await controls.setDiskLimit(limitOf(body))
        return NO_CONTENT
      },
    }),
    withBody({
      method: 'PUT',
      path: '/api/warren/descriptor-limit',
      access: 'administrator',
      tag: TAG,
      summary: 'Sets the watermark of file descriptors, a part of those there may be, until the next restart.',
      body: WATERMARK,
      handle: ({ body }) => {
        controls.setDescriptorWatermark(body.relative)
        return NO_CONTENT
      },
    }),
    plain({
      method: 'DELETE',
      path: '/api/warren/auth-cache',
      access: 'administrator',
      tag: TAG,
      summary: 'Forgets the logins and permissions that the cache of back ends keeps.',
      handle: () => {
        controls.clearAuthCache()
        return NO_CONTENT
      },
    }),
    withBody({
      method: 'PUT',
      path: '/api/warren/service',
      access: 'administrator',
      tag: TAG,
      summary:
        'Closes or opens the ports of clients, and closes connections when drained or stopped; until the next restart.',
      body: SERVICE,
      handle: async ({ body }) => {
        await controls.service.change(body.state)
        return NO_CONTENT
      },
    }),
    plain({
      method: 'POST',
      path: '/api/warren/reset',
      access: 'administrator',
      tag: TAG,
      summary:
        'Deletes everything in a stopped node: virtual hosts, users, parameters. It begins anew with the defaults.',
      handle: async () => {
        if (controls.service.state !== 'stopped') throw badRequest('the node must be stopped first (stop_app)')
        const kept = [...broker.vhosts()].find(({ record }) => record.protectedFromDeletion)
        if (kept !== undefined) {
          throw new ApiError(412, 'precondition_failed', `virtual host '${kept.name}' is protected from deletion`)
        }
        await controls.service.reset()
        return NO_CONTENT
      },
    }),
    plain({
      method: 'POST',
      path: '/api/warren/shutdown',
      access: 'administrator',
      tag: TAG,
      summary: 'Stops the node.',
      handle: () => ({ ...NO_CONTENT, after: () => controls.shutdown() }),
    }),
  ]
}

function limitOf({ absolute, relative }: Infer<typeof LIMIT>): ResourceLimit {
  if (absolute !== undefined && relative === undefined) return { kind: 'absolute', bytes: absolute }
  if (relative !== undefined && absolute === undefined && relative >= 0 && relative <= 100) {
    return { kind: 'relative', fraction: relative }
  }
  throw badRequest('either absolute (bytes) or relative (fraction) must be given')
}
