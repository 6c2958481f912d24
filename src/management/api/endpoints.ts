/**
 * All endpoints of the HTTP API, in the order of the documentation.
 */
import type { ManagementContext } from '../context.ts'
import { type Endpoint, ok, plain } from '../http/endpoint.ts'
import { type ApiDescription, docsPage, openApiDocument } from '../http/openapi.ts'
import { auditEndpoints } from './audit.ts'
import { bindingEndpoints } from './bindings.ts'
import { certificateEndpoints } from './certificates.ts'
import { connectionEndpoints } from './connections.ts'
import { controlEndpoints } from './controls.ts'
import { definitionEndpoints } from './definitions.ts'
import { exchangeEndpoints } from './exchanges.ts'
import { healthEndpoints } from './health.ts'
import { messageEndpoints } from './messages.ts'
import { miscEndpoints } from './misc.ts'
import { nodeEndpoints } from './nodes.ts'
import { overviewEndpoints } from './overview.ts'
import { parameterEndpoints } from './parameters.ts'
import { permissionEndpoints } from './permissions.ts'
import { policyEndpoints } from './policies.ts'
import { queueContentsEndpoints } from './queue-contents.ts'
import { queueEndpoints } from './queues.ts'
import { quorumEndpoints } from './quorum.ts'
import { rightsEndpoints } from './rights.ts'
import { runtimeEndpoints } from './runtime.ts'
import { traceEndpoints } from './traces.ts'
import { userEndpoints } from './users.ts'
import { vhostEndpoints } from './vhosts.ts'

/** Every endpoint, those that document the others included. */
export function allEndpoints(context: ManagementContext): readonly Endpoint[] {
  const endpoints = [
    ...overviewEndpoints(context),
    ...nodeEndpoints(context),
    ...connectionEndpoints(context),
    ...exchangeEndpoints(context),
    ...queueEndpoints(context),
    ...quorumEndpoints(context),
    ...messageEndpoints(context),
    ...bindingEndpoints(context),
    ...vhostEndpoints(context),
    ...userEndpoints(context),
    ...rightsEndpoints(context),
    ...permissionEndpoints(context),
    ...policyEndpoints(context),
    ...parameterEndpoints(context),
    ...definitionEndpoints(context),
    ...healthEndpoints(context),
    ...miscEndpoints(context),
    ...queueContentsEndpoints(context),
    ...traceEndpoints(context),
    ...controlEndpoints(context),
    ...runtimeEndpoints(),
    ...certificateEndpoints(context),
    ...auditEndpoints(context),
  ]
  return [...endpoints, ...documentation(context, endpoints)]
}

function documentation({ settings, node }: ManagementContext, endpoints: readonly Endpoint[]): Endpoint[] {
  const description: ApiDescription = {
    title: 'WarrenMQ HTTP API',
    version: node.version,
    pathPrefix: settings.management.pathPrefix,
  }
  const page = (path: string): Endpoint =>
    plain({
      method: 'GET',
      path,
      access: 'anyone',
      tag: 'Documentation',
      summary: 'This documentation.',
      handle: () => ({
        status: 200,
        text: docsPage(endpoints, description),
        contentType: 'text/html; charset=utf-8',
        headers: { 'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'" },
      }),
    })
  return [
    plain({
      method: 'GET',
      path: '/api/openapi.json',
      access: 'anyone',
      tag: 'Documentation',
      summary: 'The OpenAPI document.',
      handle: () => ok(openApiDocument(endpoints, description)),
    }),
    page('/api/docs'),
    page('/api'),
  ]
}
