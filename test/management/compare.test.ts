// The requests of the contract against ours and, with WARREN_REFERENCE_HTTP=http://host:port (guest/guest), against a
// running RabbitMQ: the same statuses, every field that RabbitMQ shows, and of the same type. What differs on purpose is in
// `DIFFERENCES` and in docs/differences.md. Without the variable only the comparison itself is tested.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SystemClock } from '../../src/base/clock.ts'
import { changing, connectTo, creation, deletion, namesOf, reading, type Step, send, type Target } from './contract.ts'
import { ManagedBroker } from './managed-broker.ts'

const reference = process.env.WARREN_REFERENCE_HTTP
const LISTED_MS_MAX = 20_000

/** Fields that RabbitMQ has and we have not, or have otherwise: `operation field`. */
const DIFFERENCES: readonly RegExp[] = [
  // Erlang's own.
  /\b(backing_queue_status|garbage_collection|ra_open_file_metrics|metrics_gc_queue_length|applications|socket_opts|ssl_opts|cowboy_opts)\b/,
  /\b(mnesia_|msg_store_|queue_index_|io_(seek|reopen|read_avg|write_avg)|queue_slave_procs|slave|synchronised)/,
  // Depends on what is installed or was done before.
  /\b(client_properties|cluster_state|config_files|log_files|cluster_links|message_stats|operator_policy|policy_definition)\b/,
  /^GET \/api\/(extensions|definitions|all-configuration|feature-flags|global-parameters|parameters)\b/,
  /^GET \/api\/(vhosts|users|permissions|topic-permissions|policies|operator-policies|bindings|channels|consumers|connections)( |$)/,
  // Names of OAuth settings that RabbitMQ 3.11 gave up.
  /^GET \/api\/auth /,
  /^GET \/api\/(vhost-limits|user-limits|auth\/attempts\/\{node\})( |$)/,
]

interface Seen {
  readonly status: number
  readonly fields: ReadonlyMap<string, ReadonlySet<string>>
}

/** Paths of fields and the types seen there; of lists, all elements together. */
function fieldsOf(value: unknown, at = '', into = new Map<string, Set<string>>()): Map<string, Set<string>> {
  if (Array.isArray(value)) for (const item of value) fieldsOf(item, `${at}[]`, into)
  const type = value === null ? 'null' : Array.isArray(value) ? 'array' : typeof value
  into.set(at, (into.get(at) ?? new Set()).add(type))
  if (type === 'object') {
    // Checked: neither null nor a list.
    for (const [name, inner] of Object.entries(value as object))
      fieldsOf(inner, at === '' ? name : `${at}.${name}`, into)
  }
  return into
}

/** What ours lacks, in sentences. */
function differencesOf(operation: string, theirs: Seen, ours: Seen): string[] {
  if (theirs.status !== ours.status) return [`${operation} answers ${ours.status}, not ${theirs.status}`]
  const found: string[] = []
  for (const [field, types] of theirs.fields) {
    const mine = ours.fields.get(field)
    const wanted = [...types].filter((type) => type !== 'null')
    // Erlang writes an empty object as an empty list now and then.
    const isEmpty = types.has('array') && mine?.has('object') === true
    if (mine === undefined) found.push(`${operation} ${field} is missing`)
    else if (wanted.length > 0 && !mine.has('null') && !isEmpty && !wanted.some((type) => mine.has(type))) {
      found.push(`${operation} ${field} is ${[...mine].join('/')}, not ${wanted.join('/')}`)
    }
  }
  return found.filter((difference) => !DIFFERENCES.some((known) => known.test(difference)))
}

async function run(
  target: Target,
  steps: readonly Step[],
  isReference: boolean,
  into: Map<string, Seen>,
): Promise<void> {
  for (const [i, step] of steps.entries()) {
    // What came after RabbitMQ 3.10 is not asked of it; a newer one answers it, too.
    if (isReference && step.since !== undefined) continue
    const { status, json } = await send(target, step.operation.split(' ')[0]!, step)
    const isOld = isReference && step.oldStatus === status
    const fields = isOld ? new Map() : fieldsOf(replaceNode(json, target.node))
    into.set(`${i} ${step.operation}`, { status: isOld ? step.status : status, fields })
  }
}

/** Some objects have a field for each node. */
function replaceNode(json: unknown, node: string): unknown {
  return json === undefined ? undefined : JSON.parse(JSON.stringify(json).replaceAll(`"${node}":`, '"{node}":'))
}

/** RabbitMQ lists connections some seconds after they opened; both tell of idle queues after a while. */
async function listed(target: Target, vhost: string): Promise<string> {
  const deadline = Date.now() + LISTED_MS_MAX
  for (;;) {
    const { json } = await send(target, 'GET', { path: ['vhosts', vhost, 'channels'] })
    const [channel] = Array.isArray(json) ? json : []
    const detail = channel?.connection_details?.name === undefined ? undefined : channel
    const { json: queue } = await send(target, 'GET', { path: ['queues', vhost, namesOf('cmp').queue] })
    const isSeen = (queue as { readonly consumers?: number }).consumers === 1 && 'idle_since' in (queue as object)
    if (detail !== undefined && isSeen) return detail.connection_details.name
    if (Date.now() > deadline) throw new Error('the connection is not listed')
    await new Promise((done) => setTimeout(done, 200))
  }
}

async function all(target: Target, isReference: boolean): Promise<Map<string, Seen>> {
  const names = namesOf('cmp')
  const seen = new Map<string, Seen>()
  const phase = async (name: string, steps: readonly Step[]): Promise<void> => {
    const into = new Map<string, Seen>()
    await run(target, steps, isReference, into)
    for (const [key, value] of into) seen.set(`${name} ${key}`, value)
  }
  await send(target, 'DELETE', { path: ['vhosts', names.vhost] })
  await phase('create', creation(names))
  const client = await connectTo(target, names)
  const connection = await listed(target, names.vhost)
  const bindings = await send(target, 'GET', { path: ['bindings', names.vhost, 'e', names.exchange, 'q', names.queue] })
  const [{ properties_key: key }] = bindings.json as [{ properties_key: string }]
  await phase('read', reading(names, target, connection, key))
  await phase('change', changing(names, target))
  await phase('delete', deletion(names, connection, key))
  client.socket.destroy()
  return seen
}

async function targetAt(base: string): Promise<Target> {
  const { json } = await send({ base, amqpPort: 0, node: '' }, 'GET', { path: ['overview'] })
  // As both overviews show it.
  const { node, listeners } = json as { node: string; listeners: { protocol: string; port: number }[] }
  return { base, node, amqpPort: listeners.find(({ protocol }) => protocol === 'amqp')!.port }
}

test('the comparison finds missing fields, other types and other statuses', () => {
  const seen = (status: number, json: unknown): Seen => ({ status, fields: fieldsOf(json) })
  const theirs = seen(200, { a: 1, b: { c: 'x' }, d: [{ e: null }], f: [] })
  assert.deepEqual(differencesOf('GET /x', theirs, seen(200, { a: 2, b: { c: 'y' }, d: [{ e: 1 }], f: {}, g: 1 })), [])
  assert.deepEqual(differencesOf('GET /x', theirs, seen(200, { a: '2', b: {}, d: [], f: [] })), [
    'GET /x a is string, not number',
    'GET /x b.c is missing',
    'GET /x d[] is missing',
    'GET /x d[].e is missing',
  ])
  assert.deepEqual(differencesOf('GET /x', theirs, seen(404, {})), ['GET /x answers 404, not 200'])
})

if (reference !== undefined) {
  test('RabbitMQ and ours answer the same requests with the same fields', async () => {
    const broker = await ManagedBroker.start({ collect_statistics_interval: '1000' }, null, new SystemClock() as never)
    try {
      const theirs = await all(await targetAt(reference), true)
      const ours = await all(await targetAt(broker.base), false)
      assert.ok(theirs.size > 100)
      const found = [...theirs].flatMap(([key, seen]) =>
        differencesOf(key.replace(/^\w+ \d+ /, ''), seen, ours.get(key) ?? { status: 0, fields: new Map() }),
      )
      assert.deepEqual([...new Set(found)], [])
    } finally {
      await broker.stop()
    }
  })
}
