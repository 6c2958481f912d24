// The operator's tool against a broker in this process, over its local socket. [RabbitMQ: rabbitmqctl]
import assert from 'node:assert/strict'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { SystemClock } from '../../src/base/clock.ts'
import { type CtlRun, ctlRun } from './ctl-runner.ts'
import { ManagedBroker } from './managed-broker.ts'

let folder: string
let broker: ManagedBroker
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'warren-ctl-'))
  // Syncs of a real disk need real time.
  broker = await ManagedBroker.start({}, path.join(folder, 'data'), new SystemClock() as never)
})
after(async () => {
  await broker.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Runs `warren ctl` with these words; without an address it finds the broker by its data folder. */
const ctl = (words: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<CtlRun> =>
  ctlRun(words, folder, environment)

function here(...words: string[]): Promise<CtlRun> {
  return ctl([...words, '--data-dir', path.join(folder, 'data')])
}

test('users, permissions and policies are administered without credentials', async () => {
  assert.equal((await here('add_user', 'u', 'p')).code, 0)
  assert.equal((await here('add_user', 'u', 'p')).err, 'error: User "u" already exists\n')
  await here('set_user_tags', 'u', 'monitoring', 'policymaker')
  assert.equal(
    (await here('-q', 'list_users')).out,
    'user\ttags\nguest\t[administrator]\nu\t[monitoring, policymaker]\n',
  )
  assert.equal((await here('authenticate_user', 'u', 'p')).code, 0)
  assert.equal((await here('authenticate_user', 'u', 'x')).code, 65)
  await here('change_password', 'u', 'p2')
  assert.equal((await here('authenticate_user', 'u', 'p2')).code, 0)
  await here('set_permissions', '-p', '/', 'u', '^a', '', '.*')
  assert.deepEqual(JSON.parse((await here('list_user_permissions', 'u', '--formatter', 'json')).out), [
    { vhost: '/', configure: '^a', write: '', read: '.*' },
  ])
  await here('set_policy', 'p', '^a', '{"max-length":5}', '--apply-to', 'queues', '--priority', '3')
  assert.match(
    (await here('list_policies', '--formatter', 'csv')).out,
    /^"\/","p","\^a","queues","\{""max-length"":5\}","3"$/m,
  )
  await here('clear_policy', 'p')
  assert.equal((await here('delete_user', 'u')).code, 0)
  assert.equal((await here('delete_user', 'u')).err, "error: there is no user 'u'\n")
})

test('queues are listed with columns, purged and deleted', async () => {
  await broker.put('queues/%2F/q', { durable: true })
  await broker.publish('q', 'x')
  assert.equal((await here('-s', 'list_queues', 'name', 'messages', 'durable')).out, 'q\t1\ttrue\n')
  assert.equal((await here('purge_queue', 'q')).code, 0)
  assert.equal((await here('-s', 'list_queues')).out, 'q\t0\n')
  assert.equal((await here('delete_queue', 'q', '--if-empty')).code, 0)
  assert.equal((await here('purge_queue', 'q')).err, "error: there is no queue 'q'\n")
  assert.match((await here('list_exchanges', '--formatter', 'pretty_table')).out, /│ amq\.topic +│ topic +│/)
})

test('virtual hosts, limits, tracing and definitions', async () => {
  await here('add_vhost', 'v', '--description', 'd')
  await here('set_vhost_limits', '-p', 'v', '{"max-queues": 3}')
  assert.deepEqual(JSON.parse((await here('list_vhost_limits', '-p', 'v', '--formatter', 'json')).out), [
    { vhost: 'v', limits: '{"max-queues":3}' },
  ])
  assert.equal((await here('trace_on', '-p', 'v')).code, 0)
  assert.equal((await broker.get('vhosts/v')).json.tracing, true)
  const file = path.join(folder, 'definitions.json')
  await here('export_definitions', file)
  assert.ok(JSON.parse(await readFile(file, 'utf8')).vhosts.some(({ name }: { name: string }) => name === 'v'))
  await here('delete_vhost', 'v')
  assert.equal((await here('import_definitions', file)).code, 0)
  assert.match((await here('-s', 'list_vhosts')).out, /^v$/m)
})

test('the node tells its state and takes new limits', async () => {
  assert.equal((await here('ping')).out, 'Ping succeeded\n')
  assert.equal(JSON.parse((await here('status', '--formatter', 'json')).out).node, 'rabbit@localhost')
  assert.equal((await here('set_vm_memory_high_watermark', '0')).code, 0)
  assert.equal((await here('check_alarms')).code, 69)
  assert.match((await here('-s', 'alarms')).out, /^memory\t/)
  await here('set_vm_memory_high_watermark', '0.6')
  assert.equal((await here('check_alarms')).code, 0)
  assert.equal((await here('check_port_listener', '1')).err, 'error: No active listener\n')
})

test('over the HTTP API credentials are needed', async () => {
  const url = ['--url', broker.base]
  assert.equal((await ctl(['list_users', ...url, '-u', 'guest', '--password', 'guest'])).code, 0)
  assert.equal((await ctl(['list_users', ...url, '-u', 'guest', '--password', 'no'])).err, 'error: Login failed\n')
  assert.equal((await ctl(['ping'], { WARREN_CTL_URL: broker.base })).code, 0)
})

test('a stopped broker, and words that make no sense, are answered with a sentence', async () => {
  const stopped = await ctl(['ping', '--data-dir', path.join(folder, 'nothing')])
  assert.equal(stopped.code, 1)
  assert.match(stopped.err, /^error: no broker runs on the data folder of .*\n$/)
  const refused = await ctl(['ping', '--url', 'http://127.0.0.1:1'])
  assert.deepEqual([refused.code, /cannot be reached/.test(refused.err)], [1, true])
  for (const words of [
    ['no_such_verb'],
    ['add_user'],
    ['ping', 'extra'],
    ['ping', '--no-such-option'],
    ['ping', '--formatter', 'x'],
  ]) {
    const wrong = await here(...words)
    assert.equal(wrong.code, 64, words.join(' '))
    assert.match(wrong.err, /^error: [^\n]+\n$/)
  }
  assert.match((await ctl(['help'])).out, /list_queues \[column\.\.\.\]/)
})

test('shims are commands that call this one', async () => {
  const shims = path.join(folder, 'data')
  assert.equal((await ctl(['--install-shim', shims])).code, 0)
  assert.ok((await readdir(shims)).includes('rabbitmqctl'))
  assert.match(
    await readFile(path.join(shims, 'rabbitmqctl'), 'utf8'),
    /^#!\/bin\/sh\nexec .* ctl --as-rabbitmqctl --script-name rabbitmqctl "\$@"\n$/,
  )
})

test('exit codes are those of rabbitmqctl', async () => {
  const codes: readonly (readonly [number, ...string[]])[] = [
    [64, 'list_queues', 'name', 'nonsense'],
    [64, 'add_user'],
    [65, 'delete_vhost', 'no such'],
    [65, 'authenticate_user', 'guest', 'wrong'],
    [65, 'set_vm_memory_high_watermark', '7x'],
    [65, 'import_definitions', path.join(folder, 'nothing.json')],
    [67, 'delete_user', 'no such'],
    [67, 'set_user_tags', 'no such', 'a'],
    [67, 'change_password', 'no such', 'a'],
    [69, 'clear_policy', 'no such'],
    [69, 'set_policy', 'p', '(', '{}'],
    [69, 'set_policy', 'p', 'a', 'not json'],
    [69, 'purge_queue', 'no such'],
    [69, 'check_port_listener', '1'],
    [69, 'join_cluster', 'rabbit@elsewhere'],
    [70, 'add_user', 'guest', 'x'],
    [0, 'add_vhost', '/'],
  ]
  for (const [code, ...words] of codes) {
    const run = await here(...words)
    assert.equal(run.code, code, `${words.join(' ')}: ${run.err}`)
    if (code !== 0) assert.match(run.err, /^error: [^\n]+\n/, 'a sentence')
  }
  const shim = await ctl(['ping', '--as-rabbitmqctl', '--data-dir', path.join(folder, 'nothing')])
  assert.equal(shim.code, 69, 'as rabbitmqctl says that nobody is there')
  assert.match(shim.err, /^Error:\nno broker runs/)
})

test('checks and facts of the node', async () => {
  for (const words of [
    ['check_running'],
    ['check_local_alarms'],
    ['check_virtual_hosts'],
    ['check_if_node_is_quorum_critical'],
    ['check_if_metadata_store_is_initialized'],
    ['check_if_metadata_store_is_initialized_with_data'],
    ['check_for_quorum_queues_without_an_elected_leader'],
    ['check_if_new_quorum_queue_replicas_have_finished_initial_sync'],
    ['check_if_any_deprecated_features_are_used'],
    ['check_port_connectivity'],
    ['check_port_listener', String(broker.booted.listeners.http)],
    ['check_protocol_listener', 'amqp'],
    ['check_certificate_expiration', '--within', '2', '--unit', 'weeks'],
    ['is_running'],
    ['is_booting'],
    ['server_version'],
    ['erlang_version'],
    ['log_location'],
    ['discover_peers'],
    ['metadata_store_status'],
    ['node_health_check'],
    ['await_startup'],
    ['await_online_nodes', '1'],
    ['cluster_status'],
    ['memory_breakdown'],
    ['listeners'],
    ['environment'],
    ['report'],
    ['list_node_auth_attempt_stats'],
    ['reset_node_auth_attempt_metrics'],
    ['list_feature_flags', 'name', 'state', 'stability'],
    ['list_deprecated_features', '--used'],
    ['rebalance', 'all'],
    ['set_log_level', 'debug'],
    ['log_tail', '-N', '3'],
  ]) {
    const { code, err } = await here(...words)
    assert.equal(code, 0, `${words.join(' ')}: ${err}`)
  }
  await here('set_log_level', 'info')
})

test('messages are browsed page by page, republished, peeked at and purged by count', async () => {
  await broker.put('queues/%2F/many', { durable: true })
  for (let i = 0; i < 1_050; i += 50) {
    await Promise.all(Array.from({ length: 50 }, (_, k) => broker.publish('many', `m${i + k}`)))
  }
  const browsed = JSON.parse((await here('browse_queue', 'many', '--count', '1040', '--formatter', 'json')).out)
  assert.equal(browsed.length, 1_040)
  assert.equal(new Set(browsed.map(({ position }: { position: number }) => position)).size, 1_040)
  const peeked = JSON.parse((await here('peek', 'many', '1003', '--formatter', 'json')).out)
  assert.equal(peeked.position, browsed[1_002].position)
  assert.equal((await here('purge_queue', 'many', '--count', '1040', '--dry-run')).code, 0)
  assert.equal((await here('purge_queue', 'many', '--count', '1040')).code, 0)
  assert.equal((await here('republish_messages', 'many')).code, 0)
  assert.equal((await here('-s', 'list_queues', 'messages', 'name')).out, '10\tmany\n')
  await here('delete_queue', 'many', '-u')
})

test('a terminal obeys no name', async () => {
  await broker.put(`queues/%2F/${encodeURIComponent('\u001b]0;x\u0007\u009b31m\tz')}`)
  const shown = '\\x1b]0;x\\x07\\x9b31m\\tz'
  assert.ok((await here('-s', 'list_queues', 'name')).out.split('\n').includes(shown))
  assert.ok((await here('list_queues', 'name', '--formatter', 'pretty_table')).out.includes(`│ ${shown}`))
})
