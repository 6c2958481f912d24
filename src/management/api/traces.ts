/**
 * `/api/traces` and `/api/trace-files`: tracing messages to files. [RabbitMQ: rabbitmq_tracing]
 */
import { refusesTopicPattern } from '../../model/routing/topic-trie.ts'
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
import type { JsonObject } from '../http/list-reply.ts'
import type { Infer } from '../http/schema.ts'
import { TRACE_FORMATS } from '../traces/trace-text.ts'
import { refusesTraceName, type TraceSpec, type Traces } from '../traces/traces.ts'
import { vhostOf } from './scope.ts'

const TAG = 'Tracing'

const TRACE = {
  type: 'object',
  required: ['format', 'pattern'],
  properties: {
    format: { type: 'string', enum: TRACE_FORMATS },
    pattern: { type: 'string', description: 'Binding key of the firehose: `#`, `publish.orders`, `deliver.#`.' },
    max_payload_bytes: { type: 'integer', minimum: 0, description: 'Bytes of a body to write at most.' },
    tracer_connection_username: { type: 'string', description: 'Not needed here, and ignored.' },
    tracer_connection_password: { type: 'string', description: 'Not needed here, and ignored.' },
  },
} as const

/** The endpoints of this file. */
export function traceEndpoints(context: ManagementContext): Endpoint[] {
  const group = new TraceRoutes(context)
  return [...group.traces('/api/traces'), ...group.traces('/api/traces/node/:node'), ...group.files()]
}

/** What the endpoints do. */
class TraceRoutes {
  readonly #context: ManagementContext

  constructor(context: ManagementContext) {
    this.#context = context
  }

  /** RabbitMQ has each of them once more with the node in the path; there is one node. */
  traces(base: string): Endpoint[] {
    const shared = { access: 'administrator', tag: TAG } as const
    return [
      plain({
        ...shared,
        method: 'GET',
        path: base,
        summary: 'Lists all traces that run.',
        handle: () => ok(this.#traces?.list().map(traceJson) ?? []),
      }),
      plain({
        ...shared,
        method: 'GET',
        path: `${base}/:vhost`,
        summary: 'Lists the traces of a virtual host.',
        handle: (request) => ok(this.#traces?.list(vhostOf(this.#context.broker, request).name).map(traceJson) ?? []),
      }),
      plain({
        ...shared,
        method: 'GET',
        path: `${base}/:vhost/:name`,
        summary: 'A trace.',
        handle: (request) => {
          const spec = this.#traces?.get(vhostOf(this.#context.broker, request).name, request.param('name'))
          if (spec === undefined) throw objectNotFound()
          return ok(traceJson(spec))
        },
      }),
      withBody({
        ...shared,
        method: 'PUT',
        path: `${base}/:vhost/:name`,
        summary: 'Starts a trace to a file of its name. It runs until it is deleted or the broker stops.',
        body: TRACE,
        handle: (request) => this.#start(request),
      }),
      plain({
        ...shared,
        method: 'DELETE',
        path: `${base}/:vhost/:name`,
        summary: 'Ends a trace; the file stays.',
        handle: async (request) => {
          const vhost = vhostOf(this.#context.broker, request).name
          if ((await this.#traces?.end(vhost, request.param('name'))) !== true) throw objectNotFound()
          return NO_CONTENT
        },
      }),
    ]
  }

  files(): Endpoint[] {
    return [...this.#fileRoutes('/api/trace-files'), ...this.#fileRoutes('/api/trace-files/node/:node')]
  }

  #fileRoutes(base: string): Endpoint[] {
    const shared = { access: 'administrator', tag: TAG } as const
    return [
      plain({
        ...shared,
        method: 'GET',
        path: base,
        summary: 'Lists the trace files.',
        handle: async () => ok(((await this.#traces?.files()) ?? []).map(({ name, bytes }) => ({ name, size: bytes }))),
      }),
      plain({
        ...shared,
        method: 'GET',
        path: `${base}/:name`,
        summary: 'The content of a trace file.',
        handle: async (request) => {
          const text = await this.#traces?.read(request.param('name'))
          if (text === undefined) throw objectNotFound()
          return { status: 200, text, contentType: 'text/plain; charset=utf-8' }
        },
      }),
      plain({
        ...shared,
        method: 'DELETE',
        path: `${base}/:name`,
        summary: 'Deletes a trace file that no trace writes to.',
        handle: async (request) => {
          const removed = await this.#traces?.remove(request.param('name'))
          if (removed === undefined) throw objectNotFound()
          if (!removed) throw badRequest('a trace writes to this file')
          return NO_CONTENT
        },
      }),
    ]
  }

  get #traces(): Traces | null {
    return this.#context.traces
  }

  async #start(request: ApiRequest<Infer<typeof TRACE>>): Promise<Reply> {
    const { body } = request
    const vhost = vhostOf(this.#context.broker, request).name
    const name = request.param('name')
    const refusal = refusesTraceName(name) ?? refusesTopicPattern(body.pattern)
    if (refusal !== undefined) throw badRequest(refusal)
    if (this.#traces === null) throw badRequest('a broker without a data folder has no place for trace files')
    const { format, pattern, max_payload_bytes: maxPayloadBytes } = body
    const elsewhere = this.#traces.list().find((each) => each.name === name && each.vhost !== vhost)
    if (elsewhere !== undefined) {
      throw badRequest(`a trace of virtual host '${elsewhere.vhost}' writes to the file of this name`)
    }
    return createdOr204(await this.#traces.start({ vhost, name, format, pattern, maxPayloadBytes }))
  }
}

function traceJson({ vhost, name, format, pattern, maxPayloadBytes }: TraceSpec): JsonObject {
  return {
    vhost,
    name,
    format,
    pattern,
    ...(maxPayloadBytes !== undefined && { max_payload_bytes: maxPayloadBytes }),
  }
}
