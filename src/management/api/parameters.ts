/**
 * `/api/parameters`, `/api/global-parameters`, `/api/cluster-name`: runtime parameters.
 */
import type { ParameterRecord } from '../../model/records/records.ts'
import type { ManagementContext } from '../context.ts'
import { badRequest, errorOf, notFound, objectNotFound } from '../http/api-error.ts'
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
import { type JsonObject, listReply } from '../http/list-reply.ts'
import { clusterName } from './overview.ts'
import { clearParameter, parametersOf, setParameter } from './parameter-views.ts'
import { asked, vhostOf } from './scope.ts'

const TAG = 'Parameters'
const CLUSTER_NAME = 'cluster_name'
const ADMINISTRATORS_ONLY: ReadonlySet<string> = new Set(['vhost-limits', 'operator_policy'])

const VALUE = { type: 'object', required: ['value'], properties: { value: { type: 'any' } } } as const
const NAME = { type: 'object', required: ['name'], properties: { name: { type: 'string' } } } as const

/** The endpoints of this file. */
export function parameterEndpoints(context: ManagementContext): Endpoint[] {
  return [...listRoutes(context), ...itemRoutes(context), ...globalRoutes(context), ...nameRoutes(context)]
}

function parameterJson({ vhost, component, name, value }: ParameterRecord): JsonObject {
  return { vhost, component, name, value }
}

function listRoutes(context: ManagementContext): Endpoint[] {
  const { broker } = context
  const list = (
    path: string,
    access: 'policymaker',
    summary: string,
    records: (request: ApiRequest) => readonly ParameterRecord[],
  ): Endpoint =>
    plain({
      method: 'GET',
      path,
      access,
      tag: TAG,
      isList: true,
      summary,
      handle: (request) =>
        listReply(request.query, {
          sources: records(request),
          nameOf: ({ name }) => name,
          build: parameterJson,
          cheap: { vhost: ({ vhost }) => vhost },
        }),
    })
  const everywhere = ({ caller }: ApiRequest, component?: string): ParameterRecord[] =>
    [...broker.vhosts()]
      .filter(({ name }) => caller.maySee(name))
      .flatMap(({ name }) => parametersOf(broker, name, component))
  return [
    list('/api/parameters', 'policymaker', 'Parameters of all components.', (request) => everywhere(request)),
    list('/api/parameters/:component', 'policymaker', 'Parameters of a component.', (request) =>
      everywhere(request, request.param('component')),
    ),
    list('/api/parameters/:component/:vhost', 'policymaker', 'Those of a virtual host.', (request) =>
      parametersOf(broker, vhostOf(broker, request).name, request.param('component')),
    ),
  ]
}

function itemRoutes(context: ManagementContext): Endpoint[] {
  const { broker } = context
  const path = '/api/parameters/:component/:vhost/:name'
  const one = (request: ApiRequest): ParameterRecord => {
    const { name: vhost } = vhostOf(broker, request)
    const name = request.param('name')
    const found = parametersOf(broker, vhost, request.param('component')).find((record) => record.name === name)
    if (found === undefined) throw objectNotFound()
    return found
  }
  return [
    plain({
      method: 'GET',
      path,
      access: 'policymaker',
      tag: TAG,
      summary: 'One parameter.',
      handle: (request) => ok(parameterJson(one(request))),
    }),
    withBody({
      method: 'PUT',
      path,
      access: 'policymaker',
      tag: TAG,
      summary: 'Sets a parameter.',
      body: VALUE,
      handle: (request) => {
        const { name: vhost } = vhostOf(broker, request, true)
        demandRights(request)
        const record = {
          vhost,
          component: request.param('component'),
          name: request.param('name'),
          value: request.body.value,
        }
        return set(context, record)
      },
    }),
    plain({
      method: 'DELETE',
      path,
      access: 'policymaker',
      tag: TAG,
      summary: 'Clears a parameter.',
      handle: async (request) => {
        const record = one(request)
        demandRights(request)
        await asked<null>((answered) => clearParameter(broker, record, answered))
        return NO_CONTENT
      },
    }),
  ]
}

/** What only administrators change at its own path, only they change here. */
function demandRights({ caller, param }: ApiRequest): void {
  const refusal = ADMINISTRATORS_ONLY.has(param('component')) ? caller.refuses('administrator', undefined) : undefined
  if (refusal !== undefined) throw refusal
}

function set({ broker }: ManagementContext, record: ParameterRecord): Promise<Reply> {
  const { vhost, component, name } = record
  const isNew = !parametersOf(broker, vhost, component).some((known) => known.name === name)
  return new Promise((resolve, reject) => {
    setParameter(broker, record, ({ refusal }) => {
      if (refusal === null) resolve(createdOr204(isNew))
      else if (refusal.code === 'precondition-failed') reject(badRequest(`Validation failed\n\n${refusal.text}\n`))
      else if (refusal.code === 'not-found') reject(notFound('vhost_not_found'))
      else reject(errorOf(refusal))
    })
  })
}

function globalRoutes(context: ManagementContext): Endpoint[] {
  const { parameters } = context.broker
  const path = '/api/global-parameters/:name'
  const one = (request: ApiRequest): JsonObject => {
    const name = request.param('name')
    const value = parameters.getGlobal(name)
    if (value === undefined) throw objectNotFound()
    return { name, value }
  }
  return [
    plain({
      method: 'GET',
      path: '/api/global-parameters',
      access: 'policymaker',
      tag: TAG,
      isList: true,
      summary: 'Global parameters.',
      handle: (request) =>
        listReply(request.query, {
          sources: parameters.listGlobal(),
          nameOf: ({ name }) => name,
          build: ({ name, value }) => ({ name, value }),
        }),
    }),
    plain({
      method: 'GET',
      path,
      access: 'policymaker',
      tag: TAG,
      summary: 'One global parameter.',
      handle: (request) => ok(one(request)),
    }),
    withBody({
      method: 'PUT',
      path,
      access: 'administrator',
      tag: TAG,
      summary: 'Sets a global parameter.',
      body: VALUE,
      handle: async (request) => {
        const name = request.param('name')
        const isNew = parameters.getGlobal(name) === undefined
        await asked<null>((answered) => parameters.setGlobal(name, request.body.value, answered))
        return createdOr204(isNew)
      },
    }),
    plain({
      method: 'DELETE',
      path,
      access: 'administrator',
      tag: TAG,
      summary: 'Clears a global parameter.',
      handle: async (request) => {
        one(request)
        await asked<null>((answered) => parameters.clearGlobal(request.param('name'), answered))
        return NO_CONTENT
      },
    }),
  ]
}

function nameRoutes(context: ManagementContext): Endpoint[] {
  return [
    plain({
      method: 'GET',
      path: '/api/cluster-name',
      access: 'management',
      tag: TAG,
      summary: 'Name of the cluster.',
      handle: () => ok({ name: clusterName(context) }),
    }),
    withBody({
      method: 'PUT',
      path: '/api/cluster-name',
      access: 'administrator',
      tag: TAG,
      summary: 'Sets the name of the cluster.',
      body: NAME,
      handle: async ({ body }) => {
        await asked<null>((answered) => context.broker.parameters.setGlobal(CLUSTER_NAME, body.name, answered))
        return NO_CONTENT
      },
    }),
  ]
}
