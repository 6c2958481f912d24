/**
 * Every request of the HTTP API once, in an order in which each finds what it needs, with all names made from one odd
 * text. The contract test runs it against a broker of its own; the comparison runs it against a RabbitMQ as well.
 */
import { request as httpRequest } from 'node:http'
import { WireClient } from '../support/wire-client.ts'

/** One request and what is expected. */
export interface Step {
  /** As the OpenAPI document names it: `PUT /api/queues/{vhost}/{name}`. */
  readonly operation: string
  /** Parts of the path below `/api`, not yet encoded. */
  readonly path: readonly string[]
  readonly query?: string
  readonly body?: unknown
  readonly status: number
  /** RabbitMQ answers so since this version; 0 for what only we have. */
  readonly since?: number
  /** What RabbitMQ 3.10 answers instead. */
  readonly oldStatus?: number
}

/** What came back. */
export interface Outcome {
  readonly status: number
  readonly json: unknown
  readonly text: string
  readonly headers: NodeJS.Dict<string | string[]>
}

/** Where requests go. */
export interface Target {
  readonly base: string
  readonly amqpPort: number
  readonly node: string
}

/** Names made from an odd text. */
export interface Names {
  readonly vhost: string
  readonly queue: string
  readonly quorum: string
  readonly exchange: string
  readonly other: string
  readonly user: string
  readonly policy: string
}

/** Names that begin with a prefix of the tests and go on with the odd text. */
export function namesOf(odd: string): Names {
  const name = (kind: string): string => `ct-${kind}-${odd}`
  return {
    vhost: name('v'),
    queue: name('q'),
    quorum: name('qq'),
    exchange: name('x'),
    other: name('y'),
    user: name('u'),
    policy: name('p'),
  }
}

/** Sends one request with the path as it is: `fetch` would resolve dots in names. */
export function send(target: Target, method: string, step: Pick<Step, 'path' | 'query' | 'body'>): Promise<Outcome> {
  const { hostname, port } = new URL(target.base)
  const path = `/api${step.path.map((part) => `/${encodeURIComponent(part)}`).join('')}`
  const body = typeof step.body === 'string' ? step.body : JSON.stringify(step.body)
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      hostname,
      port,
      method,
      path: step.query === undefined ? path : `${path}?${step.query}`,
      auth: 'guest:guest',
      headers:
        body === undefined ? {} : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) },
    })
    request.on('response', (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () => {
        const text = Buffer.concat(parts).toString('utf8')
        const isJson = response.headers['content-type']?.startsWith('application/json') === true && text !== ''
        resolve({
          status: response.statusCode ?? 0,
          json: isJson ? JSON.parse(text) : undefined,
          text,
          headers: response.headers,
        })
      })
    })
    request.on('error', reject)
    request.end(body)
  })
}

/** A client with a channel and a consumer in the virtual host, for the endpoints that list them. */
export async function connectTo(target: Target, { vhost, queue }: Names): Promise<WireClient> {
  const client = await WireClient.connect('127.0.0.1', target.amqpPort)
  await client.open({ vhost })
  const channel = await client.channel()
  await channel.call('basic.qos', { prefetchCount: 5 })
  await channel.call('basic.consume', { queue, consumerTag: 'ct' })
  return client
}

const GET = { count: 1, ackmode: 'ack_requeue_true', encoding: 'auto' }
const PATTERN = { pattern: '^ct-', definition: { 'max-length': 100 }, 'apply-to': 'queues', priority: 1 }

/** Makes everything that later steps look at. */
export function creation(names: Names): Step[] {
  const { vhost: v, queue: q, quorum, exchange: x, other: y, user: u, policy: p } = names
  const put = (operation: string, path: readonly string[], body: unknown, status = 201): Step[] => [
    { operation: `PUT ${operation}`, path, body, status },
  ]
  return [
    ...put('/api/vhosts/{vhost}', ['vhosts', v], { description: 'odd', tags: 'a,b', tracing: false }),
    ...put('/api/users/{user}', ['users', u], { password: 'x', tags: 'management' }),
    ...put('/api/users/{user}', ['users', `${u}2`], { password: 'x', tags: '' }),
    ...put('/api/permissions/{vhost}/{user}', ['permissions', v, u], { configure: '', write: '.*', read: '.*' }),
    ...put(
      '/api/permissions/{vhost}/{user}',
      ['permissions', v, 'guest'],
      { configure: '.*', write: '.*', read: '.*' },
      204,
    ),
    ...put('/api/topic-permissions/{vhost}/{user}', ['topic-permissions', v, u], {
      exchange: 'amq.topic',
      write: 'w',
      read: 'r',
    }),
    ...put('/api/vhost-limits/{vhost}/{limit}', ['vhost-limits', v, 'max-queues'], { value: 100 }, 204),
    ...put('/api/user-limits/{user}/{limit}', ['user-limits', u, 'max-channels'], { value: 100 }, 204),
    ...put('/api/exchanges/{vhost}/{name}', ['exchanges', v, x], { type: 'topic', durable: true }),
    ...put('/api/exchanges/{vhost}/{name}', ['exchanges', v, y], { type: 'fanout', durable: true }),
    ...put('/api/queues/{vhost}/{name}', ['queues', v, q], { durable: true, arguments: { 'x-max-length': 1000 } }),
    ...put('/api/queues/{vhost}/{name}', ['queues', v, quorum], {
      durable: true,
      arguments: { 'x-queue-type': 'quorum' },
    }),
    {
      operation: 'POST /api/bindings/{vhost}/e/{source}/q/{destination}',
      path: ['bindings', v, 'e', x, 'q', q],
      body: { routing_key: q, arguments: { n: 1 } },
      status: 201,
    },
    {
      operation: 'POST /api/bindings/{vhost}/e/{source}/e/{destination}',
      path: ['bindings', v, 'e', x, 'e', y],
      body: { routing_key: 'é/#' },
      status: 201,
    },
    ...put('/api/policies/{vhost}/{name}', ['policies', v, p], PATTERN),
    ...put('/api/operator-policies/{vhost}/{name}', ['operator-policies', v, p], {
      ...PATTERN,
      definition: { expires: 900_000 },
    }),
    ...put('/api/global-parameters/{name}', ['global-parameters', p], { value: { a: [1] } }),
    {
      operation: 'POST /api/exchanges/{vhost}/{name}/publish',
      path: ['exchanges', v, x, 'publish'],
      body: {
        routing_key: q,
        payload: 'é',
        payload_encoding: 'string',
        properties: { headers: { h: 1 }, delivery_mode: 2 },
      },
      status: 200,
    },
    {
      operation: 'POST /api/exchanges/{vhost}/{name}/publish',
      path: ['exchanges', v, 'amq.default', 'publish'],
      body: { routing_key: q, payload: 'AA==', payload_encoding: 'base64', properties: {} },
      status: 200,
    },
    {
      operation: 'POST /api/exchanges/{vhost}/{name}/publish',
      path: ['exchanges', v, '', 'publish'],
      body: { routing_key: q, payload: 'to the empty name', payload_encoding: 'string', properties: {} },
      status: 200,
      since: 0,
    },
    { operation: 'POST /api/queues/{vhost}/{name}/get', path: ['queues', v, q, 'get'], body: GET, status: 200 },
  ]
}

/** Looks at everything. `connection` and `channel` are names of what `connectTo` opened. */
export function reading(names: Names, target: Target, connection: string, propertiesKey: string): Step[] {
  const { vhost: v, queue: q, quorum, exchange: x, other: y, user: u, policy: p } = names
  const get = (template: string, path: readonly string[], more: Partial<Step> = {}): Step => ({
    operation: `GET /api/${template}`,
    path,
    status: 200,
    ...more,
  })
  const channel = `${connection} (1)`
  const { node } = target
  return [
    get('overview', ['overview']),
    get('cluster-name', ['cluster-name']),
    get('nodes', ['nodes']),
    get('nodes/{node}', ['nodes', node], { query: 'memory=true&binary=true' }),
    get('nodes/{node}/memory', ['nodes', node, 'memory']),
    get('nodes/{node}/memory/relative', ['nodes', node, 'memory', 'relative']),
    get('extensions', ['extensions']),
    get('connections', ['connections']),
    get('vhosts/{vhost}/connections', ['vhosts', v, 'connections']),
    get('connections/username/{user}', ['connections', 'username', 'guest']),
    get('connections/{name}', ['connections', connection]),
    get('connections/{name}/channels', ['connections', connection, 'channels']),
    get('connections/{name}/sessions', ['connections', connection, 'sessions'], { since: 4.1 }),
    get('channels', ['channels']),
    get('vhosts/{vhost}/channels', ['vhosts', v, 'channels']),
    get('channels/{name}', ['channels', channel]),
    get('consumers', ['consumers']),
    get('consumers/{vhost}', ['consumers', v]),
    get('exchanges', ['exchanges'], { query: 'page=1&name=ct-&sort=name' }),
    get('exchanges/{vhost}', ['exchanges', v], { query: 'columns=name,type&sort=name&sort_reverse=true' }),
    get('exchanges/{vhost}/{name}', ['exchanges', v, x]),
    get('exchanges/{vhost}/{name}/bindings/source', ['exchanges', v, x, 'bindings', 'source']),
    get('exchanges/{vhost}/{name}/bindings/destination', ['exchanges', v, y, 'bindings', 'destination']),
    get('queues', ['queues'], { query: 'page=1&page_size=10&name=ct-q&use_regex=true' }),
    get('queues/detailed', ['queues', 'detailed'], { since: 4 }),
    get('queues/{vhost}', ['queues', v], { query: 'lengths_age=60&lengths_incr=5&msg_rates_age=60&msg_rates_incr=5' }),
    get('queues/{vhost}/{name}', ['queues', v, q]),
    get('queues/{vhost}/{name}/bindings', ['queues', v, q, 'bindings']),
    get('queues/quorum/{vhost}/{name}/status', ['queues', 'quorum', v, quorum, 'status'], { since: 4 }),
    get('bindings', ['bindings']),
    get('bindings/{vhost}', ['bindings', v]),
    get('bindings/{vhost}/e/{source}/q/{destination}', ['bindings', v, 'e', x, 'q', q]),
    get('bindings/{vhost}/e/{source}/e/{destination}', ['bindings', v, 'e', x, 'e', y]),
    get('bindings/{vhost}/e/{source}/q/{destination}/{props}', ['bindings', v, 'e', x, 'q', q, propertiesKey]),
    get('bindings/{vhost}/e/{source}/e/{destination}/{props}', ['bindings', v, 'e', x, 'e', y, encodeKey('é/#')]),
    get('vhosts', ['vhosts']),
    get('vhosts/{vhost}', ['vhosts', v]),
    get('vhosts/{vhost}/deletion/protection', ['vhosts', v, 'deletion', 'protection'], { since: 4, status: 200 }),
    get('vhosts/{vhost}/permissions', ['vhosts', v, 'permissions']),
    get('vhosts/{vhost}/topic-permissions', ['vhosts', v, 'topic-permissions']),
    get('vhost-limits', ['vhost-limits']),
    get('vhost-limits/{vhost}', ['vhost-limits', v]),
    get('users', ['users']),
    get('users/without-permissions', ['users', 'without-permissions']),
    get('users/{user}', ['users', u]),
    get('users/{user}/permissions', ['users', u, 'permissions']),
    get('users/{user}/topic-permissions', ['users', u, 'topic-permissions']),
    get('user-limits', ['user-limits']),
    get('user-limits/{user}', ['user-limits', u]),
    get('whoami', ['whoami']),
    get('version', ['version'], { since: 4.3 }),
    get('auth', ['auth']),
    get('auth/hash_password/{password}', ['auth', 'hash_password', 'x/ü'], { since: 3.11 }),
    get('auth/attempts/{node}', ['auth', 'attempts', node]),
    get('auth/attempts/{node}/source', ['auth', 'attempts', node, 'source']),
    get('permissions', ['permissions']),
    get('permissions/{vhost}/{user}', ['permissions', v, u]),
    get('topic-permissions', ['topic-permissions']),
    get('topic-permissions/{vhost}/{user}', ['topic-permissions', v, u]),
    get('policies', ['policies']),
    get('policies/{vhost}', ['policies', v]),
    get('policies/{vhost}/{name}', ['policies', v, p]),
    get('operator-policies', ['operator-policies']),
    get('operator-policies/{vhost}', ['operator-policies', v]),
    get('operator-policies/{vhost}/{name}', ['operator-policies', v, p]),
    get('parameters', ['parameters']),
    get('parameters/{component}', ['parameters', 'vhost-limits']),
    get('parameters/{component}/{vhost}', ['parameters', 'vhost-limits', v]),
    get('parameters/{component}/{vhost}/{name}', ['parameters', 'vhost-limits', v, 'limits']),
    get('global-parameters', ['global-parameters']),
    get('global-parameters/{name}', ['global-parameters', p]),
    get('definitions', ['definitions'], { query: 'download=all.json' }),
    get('all-configuration', ['all-configuration']),
    get('definitions/{vhost}', ['definitions', v]),
    get('feature-flags', ['feature-flags']),
    get('deprecated-features', ['deprecated-features'], { since: 3.13 }),
    get('deprecated-features/used', ['deprecated-features', 'used'], { since: 4 }),
    get('config/effective', ['config', 'effective'], { since: 0 }),
    get('warren/status', ['warren', 'status'], { since: 0 }),
    get('warren/runtime', ['warren', 'runtime'], { since: 0 }),
    get('warren/resolve/{host}', ['warren', 'resolve', 'localhost'], { since: 0 }),
    get('warren/certificates', ['warren', 'certificates'], { since: 0 }),
    get('login', ['login'], { since: 0 }),
    get('warren/audit', ['warren', 'audit'], { since: 0 }),
    get('warren/rights', ['warren', 'rights'], { since: 0 }),
    get('warren/rights/{vhost}/queues/{name}', ['warren', 'rights', v, 'queues', q], { since: 0 }),
    get('warren/rights/{vhost}/exchanges/{name}', ['warren', 'rights', v, 'exchanges', 'amq.default'], { since: 0 }),
    get('warren/log', ['warren', 'log'], { since: 0, query: 'count=5' }),
    get('warren/queues/{vhost}/{name}/pause', ['warren', 'queues', v, q, 'pause'], { since: 0 }),
    ...healthChecks(v, target),
  ]
}

function healthChecks(v: string, { amqpPort, node }: Target): Step[] {
  const check = (template: string, path: readonly string[], more: Partial<Step> = {}): Step => ({
    operation: `GET /api/${template}`,
    path,
    status: 200,
    ...more,
  })
  const health = (template: string, path: readonly string[], more: Partial<Step> = {}): Step =>
    check(`health/checks/${template}`, ['health', 'checks', ...path], more)
  const leaders = 'quorum-queues-without-elected-leaders'
  return [
    check('aliveness-test/{vhost}', ['aliveness-test', v]),
    check('healthchecks/node', ['healthchecks', 'node']),
    check('healthchecks/node/{node}', ['healthchecks', 'node', node]),
    health('alarms', ['alarms']),
    health('local-alarms', ['local-alarms']),
    health('metadata-store/initialized', ['metadata-store', 'initialized'], { since: 4 }),
    health('metadata-store/initialized/with-data', ['metadata-store', 'initialized', 'with-data'], { since: 4 }),
    health('certificate-expiration/{within}/{unit}', ['certificate-expiration', '1', 'weeks']),
    health('port-listener/{port}', ['port-listener', String(amqpPort)]),
    health('port-listener/{port}', ['port-listener', '1'], { status: 503 }),
    health('protocol-listener/{protocols}', ['protocol-listener', 'amqp091']),
    health('protocol-listener/{protocols}', ['protocol-listener', 'nothing'], { status: 503 }),
    health('virtual-hosts', ['virtual-hosts']),
    health('node-is-quorum-critical', ['node-is-quorum-critical']),
    health('node-is-mirror-sync-critical', ['node-is-mirror-sync-critical']),
    health(`${leaders}/all-vhosts`, [leaders, 'all-vhosts'], { since: 4 }),
    health(`${leaders}/all-vhosts/pattern/{pattern}`, [leaders, 'all-vhosts', 'pattern', '^ct-'], { since: 4 }),
    health(`${leaders}/vhost/{vhost}`, [leaders, 'vhost', v], { since: 4 }),
    health(`${leaders}/vhost/{vhost}/pattern/{pattern}`, [leaders, 'vhost', v, 'pattern', '^ct-'], { since: 4 }),
    health('is-in-service', ['is-in-service'], { since: 4 }),
    health('ready-to-serve-clients', ['ready-to-serve-clients'], { since: 4 }),
    health('reached-target-cluster-size', ['reached-target-cluster-size'], { since: 4.3 }),
    health('below-node-connection-limit', ['below-node-connection-limit'], { since: 4 }),
  ]
}

/** Changes what is there, and what tools send without an effect. */
export function changing(names: Names, { node }: Target, v = names.vhost): Step[] {
  const { queue: q, quorum, policy: p, user: u } = names
  const step = (
    operation: string,
    path: readonly string[],
    body: unknown,
    status: number,
    more: Partial<Step> = {},
  ): Step => ({
    operation,
    path,
    body,
    status,
    ...more,
  })
  const replicas = ['queues', 'quorum', v, quorum, 'replicas']
  const only = { since: 0 }
  const later = { since: 4 }
  return [
    step(
      'PUT /api/queues/{vhost}/{name}',
      ['queues', v, q],
      { durable: true, arguments: { 'x-max-length': 1000 } },
      204,
    ),
    step('PUT /api/queues/{vhost}/{name}', ['queues', v, q], { durable: false }, 400),
    step('PUT /api/queues/{vhost}/{name}', ['queues', v, `${q}!`], '{"durable":', 400),
    step('PUT /api/vhosts/{vhost}', ['vhosts', v], { description: 'again' }, 204),
    step('PUT /api/policies/{vhost}/{name}', ['policies', v, p], { pattern: '(', definition: {} }, 400),
    step('PUT /api/cluster-name', ['cluster-name'], { name: 'ct@é' }, 204),
    step('DELETE /api/global-parameters/{name}', ['global-parameters', 'cluster_name'], undefined, 204),
    step('PUT /api/parameters/{component}/{vhost}/{name}', ['parameters', 'nothing', v, p], { value: {} }, 400),
    step('POST /api/queues/{vhost}/{name}/actions', ['queues', v, q, 'actions'], { action: 'sync' }, 204),
    step('PUT /api/feature-flags/{name}/enable', ['feature-flags', 'implicit_default_bindings', 'enable'], {}, 204),
    step('POST /api/rebalance/queues', ['rebalance', 'queues'], {}, 204),
    // Not asked of a RabbitMQ that others use as well: it would forget their statistics, too.
    step('DELETE /api/reset/{node}', ['reset', node], undefined, 204, only),
    step('DELETE /api/reset', ['reset'], undefined, 204, only),
    step('DELETE /api/auth/attempts/{node}', ['auth', 'attempts', node], undefined, 204),
    step('DELETE /api/auth/attempts/{node}/source', ['auth', 'attempts', node, 'source'], undefined, 204),
    step('POST /api/vhosts/{vhost}/deletion/protection', ['vhosts', v, 'deletion', 'protection'], {}, 204, later),
    step('DELETE /api/vhosts/{vhost}', ['vhosts', v], undefined, 412, later),
    step(
      'DELETE /api/vhosts/{vhost}/deletion/protection',
      ['vhosts', v, 'deletion', 'protection'],
      undefined,
      204,
      later,
    ),
    step('POST /api/vhosts/{vhost}/start/{node}', ['vhosts', v, 'start', node], {}, 204),
    step('POST /api/queues/quorum/{vhost}/{name}/replicas/add', [...replicas, 'add'], { node }, 204, later),
    step('DELETE /api/queues/quorum/{vhost}/{name}/replicas/delete', [...replicas, 'delete'], { node }, 400, later),
    step(
      'POST /api/queues/quorum/replicas/on/{node}/grow',
      ['queues', 'quorum', 'replicas', 'on', node, 'grow'],
      { strategy: 'all' },
      204,
      later,
    ),
    step(
      'DELETE /api/queues/quorum/replicas/on/{node}/shrink',
      ['queues', 'quorum', 'replicas', 'on', node, 'shrink'],
      undefined,
      204,
      later,
    ),
    step('POST /api/login', ['login'], 'username=guest&password=guest', 200, { since: 4 }),
    step('DELETE /api/login', ['login'], undefined, 204, { since: 4 }),
    step('POST /api/definitions', ['definitions'], { users: [] }, 204),
    step('POST /api/all-configuration', ['all-configuration'], { users: [] }, 204, { oldStatus: 404 }),
    step('POST /api/definitions/{vhost}', ['definitions', v], { queues: [] }, 204),
    step(
      'POST /api/warren/route/{vhost}/{name}',
      ['warren', 'route', v, names.exchange],
      { routing_key: q },
      200,
      only,
    ),
    step('POST /api/warren/authenticate', ['warren', 'authenticate'], { username: u, password: 'x' }, 200, only),
    step('POST /api/warren/certificates/reload', ['warren', 'certificates', 'reload'], {}, 200, only),
    step('DELETE /api/warren/auth-cache', ['warren', 'auth-cache'], undefined, 204, only),
    step('PUT /api/warren/auth-attempt-sources', ['warren', 'auth-attempt-sources'], { enabled: false }, 204, only),
    step('PUT /api/warren/service', ['warren', 'service'], { state: 'running' }, 204, only),
    step('PUT /api/warren/log-level', ['warren', 'log-level'], { level: 'info' }, 204, only),
    step('PUT /api/warren/memory-limit', ['warren', 'memory-limit'], { relative: 0.6 }, 204, only),
    step('PUT /api/warren/descriptor-limit', ['warren', 'descriptor-limit'], { relative: 0.9 }, 204, only),
    step('PUT /api/warren/disk-limit', ['warren', 'disk-limit'], { absolute: 1_000_000 }, 204, only),
    step('PUT /api/warren/queues/{vhost}/{name}/pause', ['warren', 'queues', v, q, 'pause'], {}, 204, only),
    step('DELETE /api/warren/queues/{vhost}/{name}/pause', ['warren', 'queues', v, q, 'pause'], undefined, 204, only),
    ...['browse', 'copy', 'move', 'redrive', 'deaths', 'delete'].map((operation) =>
      step(
        `POST /api/warren/queues/{vhost}/{name}/${operation}`,
        ['warren', 'queues', v, q, operation],
        operation === 'copy' || operation === 'move' ? { queue: quorum, limit: 1 } : { limit: 1 },
        200,
        only,
      ),
    ),
  ]
}

/** Traces to files, which need a data folder; a trace's name is that of its file, and plain. */
export function tracing({ vhost: v }: Names, { node }: Target): Step[] {
  const p = 'ct-trace'
  const more = { since: 0 }
  const trace = { format: 'json', pattern: '#', max_payload_bytes: 100 }
  const both = (end: readonly string[], template: string): readonly (readonly [readonly string[], string])[] => [
    [['traces', ...end], `/api/traces${template}`],
    [['traces', 'node', node, ...end], `/api/traces/node/{node}${template}`],
  ]
  const steps: Step[] = []
  for (const [path, template] of both([v, p], '/{vhost}/{name}')) {
    steps.push({ operation: `PUT ${template}`, path, body: trace, status: 201, ...more })
    steps.push({ operation: `GET ${template}`, path, status: 200, ...more })
    steps.push({ operation: `DELETE ${template}`, path, status: 204, ...more })
  }
  for (const [path, template] of [...both([], ''), ...both([v], '/{vhost}')]) {
    steps.push({ operation: `GET ${template}`, path, status: 200, ...more })
  }
  for (const [path, template] of [
    [['trace-files'], '/api/trace-files'],
    [['trace-files', 'node', node], '/api/trace-files/node/{node}'],
  ] as const) {
    steps.push({ operation: `GET ${template}`, path, status: 200, ...more })
    steps.push({ operation: `GET ${template}/{name}`, path: [...path, `${p}.log`], status: 200, ...more })
  }
  steps.push({ operation: 'DELETE /api/trace-files/{name}', path: ['trace-files', `${p}.log`], status: 204, ...more })
  const again = ['trace-files', 'node', node, `${p}.log`]
  steps.push({ operation: 'DELETE /api/trace-files/node/{node}/{name}', path: again, status: 404, ...more })
  return steps
}

/** Takes everything away again. */
export function deletion(names: Names, connection: string, propertiesKey: string): Step[] {
  const { vhost: v, queue: q, quorum, exchange: x, other: y, user: u, policy: p } = names
  const gone = (template: string, path: readonly string[], more: Partial<Step> = {}): Step => ({
    operation: `DELETE /api/${template}`,
    path,
    status: 204,
    ...more,
  })
  return [
    gone('connections/{name}', ['connections', connection]),
    gone('connections/username/{user}', ['connections', 'username', u]),
    gone('queues/{vhost}/{name}/contents', ['queues', v, q, 'contents']),
    gone('bindings/{vhost}/e/{source}/q/{destination}/{props}', ['bindings', v, 'e', x, 'q', q, propertiesKey]),
    gone('bindings/{vhost}/e/{source}/e/{destination}/{props}', ['bindings', v, 'e', x, 'e', y, encodeKey('é/#')]),
    gone('queues/{vhost}/{name}', ['queues', v, q], { query: 'if-empty=true&if-unused=true' }),
    gone('queues/{vhost}/{name}', ['queues', v, q], { status: 404 }),
    gone('queues/{vhost}/{name}', ['queues', v, quorum]),
    gone('exchanges/{vhost}/{name}', ['exchanges', v, x], { query: 'if-unused=true' }),
    gone('exchanges/{vhost}/{name}', ['exchanges', v, y]),
    gone('policies/{vhost}/{name}', ['policies', v, p]),
    gone('operator-policies/{vhost}/{name}', ['operator-policies', v, p]),
    gone('global-parameters/{name}', ['global-parameters', p]),
    gone('parameters/{component}/{vhost}/{name}', ['parameters', 'vhost-limits', v, 'limits']),
    gone('vhost-limits/{vhost}/{limit}', ['vhost-limits', v, 'max-queues'], { oldStatus: 204 }),
    gone('user-limits/{user}/{limit}', ['user-limits', u, 'max-channels']),
    gone('topic-permissions/{vhost}/{user}/{exchange}', ['topic-permissions', v, u, 'amq.topic'], { since: 3.12 }),
    gone('topic-permissions/{vhost}/{user}', ['topic-permissions', v, u], { status: 404, oldStatus: 204 }),
    gone('permissions/{vhost}/{user}', ['permissions', v, u]),
    {
      operation: 'POST /api/users/bulk-delete',
      path: ['users', 'bulk-delete'],
      body: { users: [`${u}2`] },
      status: 204,
    },
    gone('users/{user}', ['users', u]),
    gone('vhosts/{vhost}', ['vhosts', v]),
  ]
}

/** A routing key as `properties_key` has it: RabbitMQ encodes it once itself. */
export function encodeKey(routingKey: string): string {
  return encodeURIComponent(routingKey)
}
