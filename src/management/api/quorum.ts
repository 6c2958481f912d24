/**
 * `/api/queues/quorum/…`: the members of quorum queues, as RabbitMQ's tools ask for them. One node is the only member of
 * each: adding it again changes nothing, and the last member cannot be taken away.
 */
import type { ManagementContext } from '../context.ts'
import { badRequest } from '../http/api-error.ts'
import { type ApiRequest, type Endpoint, NO_CONTENT, ok, plain, withBody } from '../http/endpoint.ts'
import type { JsonObject } from '../http/list-reply.ts'
import { queueOf } from './scope.ts'

const TAG = 'Quorum queues'
const MEMBER = {
  type: 'object',
  required: ['node'],
  properties: { node: { type: 'string', description: 'Name of a node.' } },
} as const
const GROWTH = {
  type: 'object',
  properties: {
    strategy: { type: 'string', enum: ['all', 'even'] },
    vhost_pattern: { type: 'string' },
    queue_pattern: { type: 'string' },
  },
} as const

/** The endpoints of this file. */
export function quorumEndpoints(context: ManagementContext): Endpoint[] {
  const access = 'administrator'
  return [
    plain({
      method: 'GET',
      path: '/api/queues/quorum/:vhost/:name/status',
      access: 'vhost-visible',
      tag: TAG,
      summary: 'The members of a quorum queue.',
      handle: (request) => {
        demandQuorumQueue(context, request)
        return ok([memberJson(context)])
      },
    }),
    withBody({
      method: 'POST',
      path: '/api/queues/quorum/:vhost/:name/replicas/add',
      access,
      tag: TAG,
      summary: 'Accepted for the node that is a member already; there is no other.',
      body: MEMBER,
      handle: (request) => {
        demandQuorumQueue(context, request)
        if (request.body.node !== context.node.name) throw badRequest('node_not_running')
        return NO_CONTENT
      },
    }),
    withBody({
      method: 'DELETE',
      path: '/api/queues/quorum/:vhost/:name/replicas/delete',
      access,
      tag: TAG,
      summary: 'Refused for the last member; accepted for nodes that are none.',
      body: MEMBER,
      handle: (request) => {
        demandQuorumQueue(context, request)
        if (request.body.node === context.node.name) throw badRequest('last_node')
        return NO_CONTENT
      },
    }),
    ...clusterRoutes(context),
  ]
}

function clusterRoutes({ node }: ManagementContext): Endpoint[] {
  const known = (request: ApiRequest): void => {
    if (request.param('node') !== node.name) throw badRequest('node_not_running')
  }
  return [
    withBody({
      method: 'POST',
      path: '/api/queues/quorum/replicas/on/:node/grow',
      access: 'administrator',
      tag: TAG,
      summary: 'Accepted for this node: it is a member of every quorum queue.',
      body: GROWTH,
      handle: (request) => {
        known(request)
        return NO_CONTENT
      },
    }),
    plain({
      method: 'DELETE',
      path: '/api/queues/quorum/replicas/on/:node/shrink',
      access: 'administrator',
      tag: TAG,
      summary: 'Accepted; the last member of a queue stays.',
      handle: (request) => {
        known(request)
        return NO_CONTENT
      },
    }),
  ]
}

function demandQuorumQueue({ broker }: ManagementContext, request: ApiRequest): void {
  if (queueOf(broker, request).kind !== 'quorum') throw badRequest('not_quorum_queue')
}

/** The only member, under the headings that RabbitMQ's own table has. There is no Raft log: its indexes are zero. */
function memberJson({ node }: ManagementContext): JsonObject {
  return {
    'Node Name': node.name,
    'Raft State': 'leader',
    Membership: 'voter',
    'Last Log Index': 0,
    'Last Written': 0,
    'Last Applied': 0,
    'Commit Index': 0,
    'Snapshot Index': 0,
    Term: 1,
    'Machine Version': 0,
  }
}
