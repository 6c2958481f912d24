/**
 * `/api/warren/rights`: what the caller itself may do, so that the console offers nothing that would be refused. The
 * answers are those of the checks that the other endpoints make.
 */
import type { ResourceKind } from '../../model/access/authorization.ts'
import type { ManagementContext } from '../context.ts'
import { type ApiRequest, type Endpoint, ok, plain, type Reply } from '../http/endpoint.ts'
import { exchangeName } from './scope.ts'

const TAG = 'WarrenMQ'

/** The endpoints of this file. */
export function rightsEndpoints({ broker }: ManagementContext): Endpoint[] {
  const of = (path: string, kind: ResourceKind, summary: string): Endpoint =>
    plain({
      method: 'GET',
      path,
      access: 'vhost-visible',
      tag: TAG,
      summary,
      handle: (request) => rightsReply(request, kind),
    })
  return [
    plain({
      method: 'GET',
      path: '/api/warren/rights',
      access: 'management',
      tag: TAG,
      summary: 'The virtual hosts that the caller may enter.',
      handle: ({ caller }) => {
        const names = [...broker.vhosts()].map(({ name }) => name)
        return ok({ vhosts: names.filter((name) => caller.mayEnter(name)) })
      },
    }),
    of('/api/warren/rights/:vhost/queues/:name', 'queue', 'What the caller may do with a queue.'),
    of('/api/warren/rights/:vhost/exchanges/:name', 'exchange', 'What the caller may do with an exchange.'),
  ]
}

function rightsReply(request: ApiRequest, kind: ResourceKind): Reply {
  const vhost = request.param('vhost')
  const name = kind === 'exchange' ? exchangeName(request.param('name')) : request.param('name')
  const rights = request.caller.rights(vhost)
  const mayEnter = request.caller.mayEnter(vhost)
  return ok({
    configure: mayEnter && rights.canConfigure(kind, name),
    write: mayEnter && rights.canWrite(kind, name),
    read: mayEnter && rights.canRead(kind, name),
  })
}
