/**
 * The OpenAPI document of the HTTP API, and the same as a page to read: both made from the endpoints themselves.
 *
 * The page is plain HTML without scripts, so that it works under any content policy and asks nobody else for anything.
 */
import type { Endpoint } from './endpoint.ts'
import type { ObjectSchema, Schema } from './schema.ts'

/** What the document says of itself. */
export interface ApiDescription {
  readonly title: string
  readonly version: string
  /** Path that everything is below. */
  readonly pathPrefix: string
}

type Json = { readonly [name: string]: unknown }

const LIST_PARAMETERS: Readonly<Record<string, string>> = {
  columns: 'Names of fields to show, with commas; `a.b` reaches into objects.',
  sort: 'Field to sort by.',
  sort_reverse: '`true` sorts downwards.',
  page: 'Number of the page, from 1. With it, the reply is an object with `items`.',
  page_size: 'Entries of a page: 100 unless given, 500 at most.',
  name: 'Text that names contain, or a regular expression; only with `page`.',
  use_regex: '`true`: `name` is a regular expression.',
}

const ACCESS_TEXT: Readonly<Record<Endpoint['access'], string>> = {
  anyone: 'Anyone.',
  user: 'Any user.',
  management: 'Users with a management tag.',
  'vhost-visible': 'Users who may enter the virtual host, and monitoring users.',
  vhost: 'Users who may enter the virtual host.',
  policymaker: 'Policymakers who may enter the virtual host.',
  monitoring: 'Monitoring users.',
  administrator: 'Administrators.',
}

/** The document, ready for JSON. */
export function openApiDocument(endpoints: readonly Endpoint[], description: ApiDescription): Json {
  const paths: Record<string, Record<string, Json>> = {}
  for (const endpoint of endpoints) {
    const path = endpoint.path.replaceAll(/:(\w+)/g, '{$1}')
    const operations = paths[path] ?? {}
    operations[endpoint.method.toLowerCase()] = operation(endpoint)
    paths[path] = operations
  }
  return {
    openapi: '3.1.0',
    info: { title: description.title, version: description.version },
    servers: [{ url: description.pathPrefix === '' ? '/' : description.pathPrefix }],
    security: [{ basic: [] }, { bearer: [] }],
    components: {
      securitySchemes: { basic: { type: 'http', scheme: 'basic' }, bearer: { type: 'http', scheme: 'bearer' } },
      schemas: { Error: { type: 'object', properties: { error: { type: 'string' }, reason: {} } } },
    },
    paths,
  }
}

function operation(endpoint: Endpoint): Json {
  const { method, access } = endpoint
  return {
    operationId: operationId(endpoint),
    summary: endpoint.summary,
    description: `For: ${ACCESS_TEXT[access]}`,
    tags: [endpoint.tag],
    ...(access === 'anyone' ? { security: [] } : {}),
    parameters: parameters(endpoint),
    ...(endpoint.body === undefined ? {} : { requestBody: requestBody(endpoint.body, endpoint.bodyOptional ?? false) }),
    responses: { ...success(method), default: { description: 'Refused.', content: errorContent() } },
  }
}

function operationId({ method, path }: Endpoint): string {
  return `${method.toLowerCase()}${path.replaceAll(/[:/_-]+(\w)/g, (_, letter: string) => letter.toUpperCase())}`
}

function parameters(endpoint: Endpoint): Json[] {
  const inPath = [...endpoint.path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const query = { ...(endpoint.isList === true ? LIST_PARAMETERS : {}), ...endpoint.query }
  const inQuery = Object.entries(query).map(([name, text]) => ({
    name,
    in: 'query',
    required: false,
    description: text,
    schema: { type: 'string' },
  }))
  return [...inPath, ...inQuery]
}

function requestBody(schema: Schema, isOptional: boolean): Json {
  return { required: !isOptional, content: { 'application/json': { schema: jsonSchema(schema) } } }
}

function success(method: Endpoint['method']): Json {
  const json = { description: 'Done.', content: { 'application/json': { schema: {} } } }
  switch (method) {
    case 'GET':
      return { 200: json }
    case 'POST':
      return { 200: json, 201: { description: 'Created.' }, 204: { description: 'Done.' } }
    case 'PUT':
      return { 201: { description: 'Created.' }, 204: { description: 'Changed.' } }
    case 'DELETE':
      return { 204: { description: 'Done.' } }
  }
}

function errorContent(): Json {
  return { 'application/json': { schema: { $ref: '#/components/schemas/Error' } } }
}

/** A schema as JSON Schema has it. */
export function jsonSchema(schema: Schema): Json {
  const described = schema.description === undefined ? {} : { description: schema.description }
  switch (schema.type) {
    case 'any':
      return described
    case 'union':
      return { ...described, anyOf: schema.anyOf.map(jsonSchema) }
    case 'array':
      return { ...schema, items: jsonSchema(schema.items) }
    case 'object':
      return { ...schema, ...(schema.properties === undefined ? {} : { properties: properties(schema) }) }
    default:
      return { ...schema }
  }
}

function properties({ properties = {} }: ObjectSchema): Json {
  return Object.fromEntries(Object.entries(properties).map(([name, inner]) => [name, jsonSchema(inner)]))
}

// The page

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:2rem auto;padding:0 1rem;color:#1b2733}
h2{margin:2.2rem 0 .4rem;border-bottom:1px solid #d5dbe1}details{border-bottom:1px solid #eceff2;padding:.3rem 0}
summary{cursor:pointer}code,pre{font:13px/1.4 ui-monospace,monospace}pre{background:#f5f7f9;padding:.6rem;overflow:auto}
b{display:inline-block;width:4.5rem;font:600 12px ui-monospace,monospace;color:#17618f}small{color:#5b6b7a}
@media(prefers-color-scheme:dark){body{background:#14191e;color:#d8dfe6}pre{background:#1d242b}h2,details{border-color:#2b343d}
b{color:#6db7e6}small{color:#93a1ae}}`

/** The document as a page. */
export function docsPage(endpoints: readonly Endpoint[], description: ApiDescription): string {
  const groups = new Map<string, Endpoint[]>()
  for (const endpoint of endpoints) groups.set(endpoint.tag, [...(groups.get(endpoint.tag) ?? []), endpoint])
  const { title, version, pathPrefix } = description
  const sections = [...groups].map(([tag, members]) => `<h2>${escapeHtml(tag)}</h2>${members.map(entry).join('')}`)
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>${escapeHtml(title)}</title><style>${STYLE}</style><h1>${escapeHtml(title)}</h1>
<p>Version ${escapeHtml(version)}. Names in paths are percent-encoded: the virtual host <code>/</code> is <code>%2F</code>.
The same as <a href="${escapeHtml(pathPrefix)}/api/openapi.json">OpenAPI</a>.</p>${sections.join('')}</html>`
}

function entry(endpoint: Endpoint): string {
  const query = { ...(endpoint.isList === true ? LIST_PARAMETERS : {}), ...endpoint.query }
  const rows = Object.entries(query).map(
    ([name, text]) => `<li><code>${escapeHtml(name)}</code> ${escapeHtml(text)}</li>`,
  )
  const body =
    endpoint.body === undefined
      ? ''
      : `<pre>${escapeHtml(JSON.stringify(jsonSchema(endpoint.body), undefined, 2))}</pre>`
  return `<details><summary><b>${endpoint.method}</b><code>${escapeHtml(endpoint.path)}</code><br>${escapeHtml(endpoint.summary)}
</summary><small>For: ${escapeHtml(ACCESS_TEXT[endpoint.access])}</small>${rows.length > 0 ? `<ul>${rows.join('')}</ul>` : ''}${body}</details>`
}

function escapeHtml(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')
}
