/**
 * `/api/definitions`: export and import, of everything or of one virtual host. The work is done in `definitions/`.
 */

import type { ManagementContext } from '../context.ts'
import { InvalidDefinitions } from '../definitions/definitions.ts'
import { exportDefinitions, exportVhostDefinitions } from '../definitions/export-definitions.ts'
import { importDefinitions } from '../definitions/importer.ts'
import { parseDefinitions } from '../definitions/parse-definitions.ts'
import { badRequest, objectNotFound } from '../http/api-error.ts'
import { type ApiRequest, type Endpoint, NO_CONTENT, plain, type Reply, withText } from '../http/endpoint.ts'
import { clusterName } from './overview.ts'
import { vhostOf } from './scope.ts'

const TAG = 'Definitions'
const DOWNLOAD = { download: 'Name of the file that a browser saves.' }

/** The endpoints of this file. */
export function definitionEndpoints(context: ManagementContext): Endpoint[] {
  const exportAll = (path: string): Endpoint =>
    plain({
      method: 'GET',
      path,
      access: 'administrator',
      tag: TAG,
      query: DOWNLOAD,
      summary: 'Exports all definitions.',
      handle: (request) => file(request, exportDefinitions(context.metadata, origin(context))),
    })
  const importAll = (path: string): Endpoint =>
    withText({
      method: 'POST',
      path,
      access: 'administrator',
      tag: TAG,
      summary: 'Imports definitions: all of them, or none when something is wrong. JSON, or a form with `file`.',
      handle: (request) => importText(context, request),
    })
  return [
    exportAll('/api/definitions'),
    importAll('/api/definitions'),
    exportAll('/api/all-configuration'),
    importAll('/api/all-configuration'),
    plain({
      method: 'GET',
      path: '/api/definitions/:vhost',
      access: 'administrator',
      tag: TAG,
      query: DOWNLOAD,
      summary: 'Exports the definitions of a virtual host.',
      handle: (request) => {
        const exported = exportVhostDefinitions(context.metadata, request.param('vhost'), origin(context))
        if (exported === undefined) throw objectNotFound()
        return file(request, exported)
      },
    }),
    withText({
      method: 'POST',
      path: '/api/definitions/:vhost',
      access: 'administrator',
      tag: TAG,
      summary: 'Imports definitions of one virtual host.',
      handle: (request) => importText(context, request, vhostOf(context.broker, request).name),
    }),
  ]
}

function origin(context: ManagementContext): Parameters<typeof exportDefinitions>[1] {
  const { productName, productVersion } = context.settings.node
  return { product: productName, version: productVersion, clusterName: clusterName(context) }
}

function file({ query }: ApiRequest, json: unknown): Reply {
  const name = query.get('download')
  if (name === null) return { status: 200, json }
  const safe = name.replaceAll(/[^\w.@ -]/g, '_')
  return { status: 200, json, headers: { 'content-disposition': `attachment; filename="${safe}"` } }
}

async function importText(context: ManagementContext, request: ApiRequest<string>, vhost?: string): Promise<Reply> {
  const text = fileOf(request)
  try {
    await importDefinitions(parseDefinitions(text, vhost), context.metadata, context.importContext, { isGradual: true })
  } catch (error) {
    throw error instanceof InvalidDefinitions ? badRequest(error.message) : error
  }
  return NO_CONTENT
}

/** The body, or the part named `file` of a form. */
function fileOf({ body, header }: ApiRequest<string>): string {
  const boundary = /multipart\/form-data.*boundary="?([^";]+)/i.exec(header('content-type') ?? '')?.[1]
  if (boundary === undefined) return body
  for (const part of body.split(`--${boundary}`)) {
    const headEnd = part.indexOf('\r\n\r\n')
    if (headEnd < 0 || !/name="file"/i.test(part.slice(0, headEnd))) continue
    return part.slice(headEnd + 4).replace(/\r\n$/, '')
  }
  throw badRequest('the form has no part named file')
}
