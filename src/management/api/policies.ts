/**
 * `/api/policies`, `/api/operator-policies`. Operator policies are for administrators to write, for policymakers to read.
 */

import type { Refusal } from '../../model/queue/queue.ts'
import type { PolicyRecord } from '../../model/records/records.ts'
import { erlangText } from '../../model/values/erlang-text.ts'
import type { ManagementContext } from '../context.ts'
import { badRequest, errorOf, notAuthorised, notFound, objectNotFound } from '../http/api-error.ts'
import {
  ANY_OBJECT,
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
import { vhostOf, visibleVhosts } from './scope.ts'

const TAG = 'Policies'

const POLICY = {
  type: 'object',
  required: ['pattern', 'definition'],
  properties: {
    pattern: { type: 'string', description: 'Regular expression that names match.' },
    definition: ANY_OBJECT,
    priority: { type: 'any', description: 'Of several that match, the highest applies; 0 unless given.' },
    'apply-to': { type: 'string', description: '`all` unless given.' },
  },
} as const

/** The endpoints of this file. */
export function policyEndpoints(context: ManagementContext): Endpoint[] {
  return [...routes(context, '/api/policies', false), ...routes(context, '/api/operator-policies', true)]
}

function routes(context: ManagementContext, base: string, isOperator: boolean): Endpoint[] {
  const group = new PolicyEndpoints(context, isOperator)
  const what = isOperator ? 'operator policies' : 'policies'
  const writes = isOperator ? 'administrator' : 'policymaker'
  const list = (path: string, named: boolean, summary: string): Endpoint =>
    plain({
      method: 'GET',
      path,
      access: named ? 'vhost-visible' : 'management',
      tag: TAG,
      isList: true,
      summary,
      handle: (request) => group.list(request, named),
    })
  return [
    list(base, false, `All ${what} that the caller sees.`),
    list(`${base}/:vhost`, true, `The ${what} of a virtual host.`),
    plain({
      method: 'GET',
      path: `${base}/:vhost/:name`,
      access: 'vhost-visible',
      tag: TAG,
      summary: `One of the ${what}.`,
      handle: (request) => ok(policyJson(group.one(request))),
    }),
    withBody({
      method: 'PUT',
      path: `${base}/:vhost/:name`,
      access: writes,
      tag: TAG,
      summary: `Sets one of the ${what}.`,
      body: POLICY,
      handle: (request) => group.put(request),
    }),
    plain({
      method: 'DELETE',
      path: `${base}/:vhost/:name`,
      access: writes,
      tag: TAG,
      summary: `Clears one of the ${what}.`,
      handle: (request) => group.clear(request),
    }),
  ]
}

/** A policy of a list. */
export function policyJson({ vhost, name, pattern, applyTo, definition, priority }: PolicyRecord): JsonObject {
  return { vhost, name, pattern, 'apply-to': applyTo, definition, priority }
}

/** What the endpoints do. */
class PolicyEndpoints {
  readonly #context: ManagementContext
  readonly #isOperator: boolean

  constructor(context: ManagementContext, isOperator: boolean) {
    this.#context = context
    this.#isOperator = isOperator
  }

  list(request: ApiRequest, named: boolean): Promise<Reply> {
    const { broker } = this.#context
    return listReply(request.query, {
      sources: visibleVhosts(broker, request, named).flatMap(({ name }) =>
        broker.policies.list(name, this.#isOperator),
      ),
      nameOf: ({ name }) => name,
      build: policyJson,
      // RabbitMQ: those that win come last.
      order: [({ priority }) => priority, ({ vhost }) => vhost, ({ name }) => name],
    })
  }

  one(request: ApiRequest): PolicyRecord {
    const { broker } = this.#context
    const { name } = vhostOf(broker, request)
    const found = broker.policies.list(name, this.#isOperator).find((policy) => policy.name === request.param('name'))
    if (found === undefined) throw objectNotFound()
    return found
  }

  async put(request: ApiRequest<Infer<typeof POLICY>>): Promise<Reply> {
    const { body } = request
    const { policies } = this.#context.broker
    const { name: vhost } = vhostOf(this.#context.broker, request, true)
    const name = request.param('name')
    const priority = body.priority ?? 0
    if (typeof priority !== 'number') {
      throw invalid(`priority should be a number, actually was ${erlangText(priority)}`)
    }
    const isNew = !policies.list(vhost, this.#isOperator).some((policy) => policy.name === name)
    const record: PolicyRecord = {
      vhost,
      name,
      pattern: body.pattern,
      // The model refuses other words.
      applyTo: (body['apply-to'] ?? 'all') as PolicyRecord['applyTo'],
      priority,
      definition: body.definition as JsonObject, // The schema says: an object.
    }
    await this.#answered((answered) => policies.put(record, this.#isOperator, answered))
    return createdOr204(isNew)
  }

  async clear(request: ApiRequest): Promise<Reply> {
    const { vhost, name } = this.one(request)
    await this.#answered((answered) => this.#context.broker.policies.clear(vhost, name, this.#isOperator, answered))
    return NO_CONTENT
  }

  async #answered(verb: (answered: (answer: { readonly refusal: Refusal | null }) => void) => void): Promise<void> {
    const { refusal } = await new Promise<{ readonly refusal: Refusal | null }>((resolve) => verb(resolve))
    if (refusal === null) return
    if (refusal.code === 'precondition-failed') throw invalid(refusal.text)
    if (refusal.code === 'not-found') throw notFound('vhost_not_found')
    if (refusal.code === 'access-refused') throw notAuthorised('User not authorised to access object')
    throw errorOf(refusal)
  }
}

function invalid(text: string): Error {
  return badRequest(`Validation failed\n\n${text}\n`)
}
