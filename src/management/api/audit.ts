/** `/api/warren/audit`: the newest entries of the audit log. */
import { AUDIT_TAIL_MAX } from '../audit/audit-log.ts'
import type { ManagementContext } from '../context.ts'
import { badRequest } from '../http/api-error.ts'
import { type Endpoint, ok, plain } from '../http/endpoint.ts'

/** The endpoints of this file. */
export function auditEndpoints({ audit }: ManagementContext): Endpoint[] {
  return [
    plain({
      method: 'GET',
      path: '/api/warren/audit',
      access: 'administrator',
      tag: 'WarrenMQ',
      query: { count: `Entries to show; 100 unless given, ${AUDIT_TAIL_MAX} at most.` },
      summary: 'The newest entries of the audit log, oldest first.',
      handle: ({ query }) => {
        const count = Number(query.get('count') ?? 100)
        if (!Number.isInteger(count) || count < 1) throw badRequest('count is a whole number from 1')
        return ok(audit.tail(count))
      },
    }),
  ]
}
