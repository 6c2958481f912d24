// Every verb of `warren ctl` once, in an order in which each finds what it needs: its exit code, and what it says. The table is
// whole: a verb that is not in it fails the test. [RabbitMQ: rabbitmqctl help, rabbitmq-diagnostics help, rabbitmq-queues help]
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { SystemClock } from '../../src/base/clock.ts'
import { groupsOf } from '../../src/cli/ctl/verbs.ts'
import { projectRoot } from '../support/broker-process.ts'
import { WireClient } from '../support/wire-client.ts'
import { type CtlRun, ctlRun } from './ctl-runner.ts'
import { ManagedBroker } from './managed-broker.ts'

let folder: string
let broker: ManagedBroker
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'warren-verbs-'))
  broker = await ManagedBroker.start({}, path.join(folder, 'data'), new SystemClock() as never)
  await writeFile(path.join(folder, 'pid'), `${process.pid}\n`)
})
after(async () => {
  await broker.stop()
  await rm(folder, { recursive: true, force: true })
})

const ctl = (...words: string[]): Promise<CtlRun> => ctlRun([...words, '--data-dir', path.join(folder, 'data')], folder)

/** Words, exit code, and what the output (or the sentence of the refusal) must match. `%f` is the folder. */
type Row = readonly [words: string, code: number, output?: RegExp]

const NODE = 'rabbit@localhost'
const TABLE: readonly Row[] = [
  // Users and permissions
  ['add_user u secret', 0, /Adding user "u"/],
  ['list_users', 0, /^user\ttags$/m],
  ['set_user_tags u monitoring', 0],
  ['change_password u other', 0],
  ['authenticate_user u other', 0, /Success/],
  ['hash_password x', 0, /^\S{40,}$/m],
  ['set_user_limits u {"max-channels":5}', 0],
  ['list_user_limits u', 0, /max-channels/],
  ['clear_user_limits u all', 0],
  ['set_permissions u .* .* .*', 0],
  ['set_permissions_globally u .* .* .*', 0],
  ['list_permissions', 0, /^user\tconfigure\twrite\tread$/m],
  ['list_user_permissions u', 0, /^vhost\tconfigure\twrite\tread$/m],
  ['clear_permissions u', 0],
  ['set_topic_permissions u amq.topic a b', 0],
  ['list_topic_permissions', 0, /^user\texchange\twrite\tread$/m],
  ['list_user_topic_permissions u', 0, /^vhost\texchange\twrite\tread$/m],
  ['clear_topic_permissions u', 0],
  ['clear_password u', 0],
  ['clear_auth_backend_cache', 0],
  ['delete_user u', 0],
  // Virtual hosts, policies, parameters
  ['add_vhost v --description d', 0],
  ['list_vhosts name description', 0, /^v\td$/m],
  ['update_vhost_metadata v --description e', 0],
  ['set_vhost_tags v a b', 0],
  ['restart_vhost -p v', 0],
  ['reconcile_vhosts', 0],
  ['set_vhost_limits -p v {"max-queues":5}', 0],
  ['list_vhost_limits -p v', 0, /max-queues/],
  ['clear_vhost_limits -p v', 0],
  ['trace_on -p v', 0],
  ['trace_off -p v', 0],
  ['enable_vhost_deletion_protection v', 0],
  ['delete_vhost v', 69, /protected/],
  ['disable_vhost_deletion_protection v', 0],
  ['delete_vhost v', 0],
  ['set_policy p ^a {"max-length":5}', 0],
  ['list_policies', 0, /^vhost\tname\tpattern\tapply-to\tdefinition\tpriority$/m],
  ['list_policies_that_match abc', 0, /\^a/],
  ['clear_policy p', 0],
  ['set_operator_policy p ^a {"expires":50000}', 0],
  ['list_operator_policies', 0, /expires/],
  ['clear_operator_policy p', 0],
  ['set_parameter nothing x {}', 69],
  ['clear_parameter nothing x', 69],
  ['list_parameters', 0],
  ['set_global_parameter g {"a":1}', 0],
  ['list_global_parameters', 0, /^name\tvalue$/m],
  ['clear_global_parameter g', 0],
  ['set_cluster_name c', 0],
  ['export_definitions %f/definitions.json', 0],
  ['import_definitions %f/definitions.json', 0],
  // Queues, connections, messages
  ['list_queues name messages --formatter json', 0, /"name":"q","messages":0/],
  ['list_exchanges', 0, /^name\ttype$/m],
  ['list_bindings', 0, /^source_name\tsource_kind\tdestination_name\tdestination_kind\trouting_key\targuments$/m],
  ['list_connections', 0],
  ['list_channels', 0],
  ['list_consumers', 0],
  ['list_mqtt_connections', 0],
  ['list_web_mqtt_connections', 0],
  ['list_stomp_connections', 0],
  ['list_amqp10_connections', 0],
  ['list_unresponsive_queues', 0],
  ['close_connection none why', 69],
  ['close_all_connections why', 0, /Closed 0 connections/],
  ['close_all_user_connections guest why', 0],
  ['browse_queue q', 0],
  ['copy_messages q to', 0],
  ['move_messages q to', 0],
  ['republish_messages q', 0],
  ['redrive_dead_letters q', 0],
  ['delete_messages q --count 1', 0],
  ['pause_queue q', 0],
  ['resume_queue q', 0],
  ['sync_queue q', 0],
  ['cancel_sync_queue q', 0],
  ['sync_queue none', 69],
  ['purge_queue q', 0],
  ['quorum_status qq', 0],
  ['peek qq 1', 0],
  ['rebalance all', 0],
  [`grow ${NODE} all`, 0],
  [`add_member qq ${NODE}`, 0],
  [`shrink ${NODE}`, 0],
  [`delete_member qq ${NODE}`, 69, /only member/],
  ['reclaim_quorum_memory qq', 0],
  ['force_checkpoint', 0],
  ['delete_queue q', 0],
  // The node
  ['status', 0, /rabbitmq_version/],
  ['ping', 0, /Ping succeeded/],
  ['await_startup', 0],
  ['wait %f/pid', 0, /Waiting for pid file/],
  ['wait --pid 2147483646', 69, /not running/],
  ['wait %f/none --timeout 1', 75, /timed out/],
  ['wait', 65],
  ['environment', 0],
  ['cluster_status', 0, /running_nodes/],
  ['report', 0],
  ['listeners', 0, /^ip_address\tport\tprotocol$/m],
  ['memory_breakdown', 0],
  ['alarms', 0, /no alarms/],
  ['list_feature_flags', 0, /^name\tstate$/m],
  ['enable_feature_flag all', 0],
  ['list_deprecated_features', 0],
  ['set_vm_memory_high_watermark 0.6', 0],
  ['set_disk_free_limit 50MB', 0],
  ['set_file_descriptor_high_watermark 0.9', 0],
  ['list_certificates', 0],
  ['certificates', 0],
  ['reload_certificates', 0],
  ['audit', 0],
  ['set_log_level info', 0],
  ['reset_stats_db', 0],
  ['check_running', 0],
  ['check_alarms', 0],
  ['check_local_alarms', 0],
  ['check_virtual_hosts', 0],
  ['check_if_node_is_quorum_critical', 0],
  ['check_if_node_is_mirror_sync_critical', 0],
  ['node_health_check', 0],
  ['check_if_metadata_store_is_initialized', 0],
  ['check_if_metadata_store_is_initialized_with_data', 0],
  ['check_for_quorum_queues_without_an_elected_leader', 0],
  ['check_if_new_quorum_queue_replicas_have_finished_initial_sync', 0],
  ['check_if_any_deprecated_features_are_used', 0],
  ['check_port_listener 1', 69, /No active listener/],
  ['check_protocol_listener amqp', 0],
  ['check_certificate_expiration --within 2 --unit weeks', 0],
  ['check_port_connectivity', 0],
  ['is_running', 0, /fully booted and running/],
  ['is_booting', 0],
  ['server_version', 0, /^\d+\.\d+\.\d+$/m],
  ['erlang_version', 0],
  ['log_location', 0],
  ['discover_peers', 0],
  ['metadata_store_status', 0],
  ['reset_node_auth_attempt_metrics', 0],
  ['enable_auth_attempt_source_tracking', 0],
  ['list_node_auth_attempt_stats', 0],
  ['disable_auth_attempt_source_tracking', 0],
  ['tls_versions', 0, /^tlsv1\.3$/m],
  ['tls_versions --formatter json', 0, /^\{"versions":\["tlsv1\.3"/],
  ['cipher_suites -q', 0, /^TLS_AES_256_GCM_SHA384$/m],
  ['cipher_suites --all --formatter json', 0, /^\["/],
  ['list_ciphers', 0, /^aes-256-cbc$/m],
  ['list_hashes', 0, /sha512/i],
  ['command_line_arguments', 0, /node/],
  ['os_env', 0],
  ['list_network_interfaces', 0, /^name\taddress\tnetmask\tmac\tinternal$/m],
  ['resolver_info', 0, /servers/],
  ['resolve_hostname localhost', 0, /^127\./m],
  ['resolve_hostname no-such-name.invalid', 69, /cannot be resolved/],
  ['resolve_hostname localhost --address-family ipx', 69, /ipv4 or ipv6/],
  ['runtime_thread_stats --sample-interval 0.1', 0, /event loop\t\d+\.\d+%/],
  ['maybe_stuck', 0],
  ['schema_info name active_replicas', 0, /^vhosts\t\[rabbit@localhost\]$/m],
  ['log_tail', 0],
  ['log_tail_stream --duration 0.5', 0],
  ['consume_event_stream -d 0.5', 0],
  ['version', 0, /^\d+\.\d+\.\d+$/m],
  ['autocomplete list_q', 0, /^list_queues$/m],
  ['encode secret passphrase', 0, /^\{encrypted,<<"[A-Za-z0-9+/=]{64}">>\}$/m],
  ['encrypt_conf_value secret passphrase', 0, /^encrypted:[A-Za-z0-9+/=]{64}$/m],
  ['encode secret passphrase --cipher nonsense', 69],
  // Made by RabbitMQ 3.10's own tool.
  ['decode {encrypted,<<"C0bxb0JNWZDkoqE4ZdgyRrnin0HHTmcNN/r7j5eKT/BeiR9TAaXIAZaU1l6WtfZV">>} pass', 0, /^abc$/m],
  ['decode z0eAPZdxG5bQYkXq72Y9RF4pf/cviOluyF5VxacXcW83gq3iT2AR3rLokqc9pH02 pass', 0, /^<<"abc">>$/m],
  ['decode zA8nxHCi0ZGvqP0gnVpswq4Oh9bcJA+N3y89OsVjwS0g2EB29Oc85O3hiDc8ihmg pass', 0, /^<<"abc">>$/m],
  ['decode {encrypted,<<"C0bxb0JNWZDkoqE4ZdgyRrnin0HHTmcNN/r7j5eKT/BeiR9TAaXIAZaU1l6WtfZV">>} no', 69],
  ['decrypt_conf_value encrypted:C0bxb0JNWZDkoqE4ZdgyRrnin0HHTmcNN/r7j5eKT/BeiR9TAaXIAZaU1l6WtfZV pass', 0],
  // Accepted, as there is nothing to do
  ['await_online_nodes 1', 0],
  ['await_online_quorum_plus_one', 0],
  ['await_online_synchronized_mirror', 0],
  ['post_upgrade', 0],
  ['has_reached_target_cluster_size', 0],
  ['remove_classic_queue_mirroring_from_policies', 0],
  ['rotate_logs', 0],
  ['hipe_compile /tmp', 0],
  ['force_gc', 0],
  // Refused in words
  ['eval 1.', 69, /no Erlang/],
  ['eval_file x', 69, /no Erlang/],
  ['exec x', 69, /no Erlang/],
  ['remote_shell', 69],
  ['observer', 69],
  ['erlang_cookie_hash', 69],
  ['erlang_cookie_sources', 69],
  ['transfer_leadership', 69],
  ['join_cluster x@y', 69, /one node/],
  ['forget_cluster_node x@y', 69],
  ['force_boot', 69],
  ['change_cluster_node_type disc', 69],
  ['rename_cluster_node a b', 69],
  ['update_cluster_nodes a', 69],
  ['force_standalone_khepri_boot', 69],
  ['grow_to_count 3', 69],
  ['stream_status s', 69, /no streams/],
  ['restart_stream s', 69],
  ['add_replica s n', 69],
  ['delete_replica s n', 69],
  ['coordinator_status', 69],
  ['set_stream_retention_policy s 1D', 69],
  ['activate_stream_consumer', 69],
  ['add_super_stream s', 69],
  ['delete_super_stream s', 69],
  ['list_stream_connections', 69],
  ['list_stream_consumers', 69],
  ['list_stream_publishers', 69],
  ['list_stream_consumer_groups', 69],
  ['list_stream_group_consumers', 69],
  ['list_stream_tracking s', 69],
  ['federation_status', 69, /no federation/],
  ['restart_federation_link l', 69],
  ['shovel_status', 69, /no shovels/],
  ['delete_shovel s', 69],
  ['restart_shovel s', 69],
  ['list_trust_store', 69],
  ['refresh_trust_store', 69],
  ['add_signing_key k', 69],
  ['add_uaa_key k', 69],
  // The service; the next test looks at what it does.
  ['suspend_listeners', 0],
  ['resume_listeners', 0],
  ['drain', 0],
  ['revive', 0],
  ['reset', 64, /stop_app/],
  ['force_reset', 64],
  ['stop_app', 0],
  ['start_app', 0],
  // Plug-ins
  ['plugins list', 0, /^\[E\*\] rabbitmq_management +\d/m],
  ['plugins list -m -e', 0, /^rabbitmq_management$/m],
  ['plugins list mqtt --formatter json', 0, /"name":"rabbitmq_mqtt"/],
  ['plugins enable --offline rabbitmq_management rabbitmq_mqtt', 0, /Built in/],
  ['plugins enable rabbitmq_shovel', 70, /not available/],
  ['plugins enable nonsense', 70, /plugins_not_found/],
  ['plugins disable rabbitmq_mqtt', 0],
  ['plugins set rabbitmq_mqtt', 0],
  ['plugins is_enabled rabbitmq_management', 0, /is enabled/],
  ['plugins is_enabled rabbitmq_shovel', 69, /not enabled/],
  ['plugins directories', 0],
]

/** They end the broker: the process test of the server runs them. */
const ELSEWHERE = new Set(['stop', 'shutdown'])

test('every verb does what it says, or says why not', async () => {
  for (const queue of ['q', 'to']) await broker.put(`queues/%2F/${queue}`, { durable: true })
  await broker.put('queues/%2F/qq', { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  for (const [words, code, output] of TABLE) {
    const run = await ctl(...words.replace('%f', folder).split(' '))
    assert.equal(run.code, code, `${words}: ${run.err}`)
    if (code !== 0) assert.match(run.err, /^error: [^\n]+\n/, words)
    if (output !== undefined) assert.match(code === 0 ? run.out : run.err, output, words)
  }
})

test('the table has every verb', () => {
  const run = new Set(TABLE.map(([words]) => words.replace(/ .*/, '')))
  const plugins = new Set(TABLE.flatMap(([words]) => /^plugins (\w+)/.exec(words)?.[1] ?? []))
  const names = [...groupsOf('ctl').values()].flat().map(({ name }) => name)
  assert.deepEqual(
    names.filter((name) => !run.has(name) && !ELSEWHERE.has(name)),
    [],
  )
  const ofPlugins = [...groupsOf('plugins').values()].flat().map(({ name }) => name)
  assert.deepEqual(
    ofPlugins.filter((name) => !plugins.has(name) && !run.has(name)),
    [],
  )
  assert.equal(new Set(names).size, names.length, 'each once')
})

test('the documentation has every verb', async () => {
  const page = await readFile(path.join(projectRoot, 'docs/ctl.md'), 'utf8')
  const names = [...groupsOf('ctl').values(), ...groupsOf('plugins').values()].flat().map(({ name }) => name)
  assert.deepEqual(
    names.filter((name) => !new RegExp(`\`${name}[ \`]`).test(page)),
    [],
  )
})

function canConnect(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(true)).on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

test('a node is drained, revived, stopped, reset and started without a restart', async () => {
  const port = broker.booted.listeners.amqp!
  await broker.put('queues/%2F/gone', { durable: true })
  await ctl('add_user', 'someone', 'x')
  const client = await (await WireClient.connect('127.0.0.1', port)).open()
  assert.equal((await ctl('suspend_listeners')).code, 0)
  assert.equal(await canConnect(port), false)
  assert.equal((await ctl('check_port_connectivity')).code, 69)
  assert.equal((await ctl('check_running')).code, 0, 'suspended, and in service')
  await ctl('resume_listeners')
  assert.equal(await canConnect(port), true)
  assert.equal((await broker.get('connections')).json.length, 1, 'connections go on')

  assert.equal((await ctl('drain')).code, 0)
  await client.refused(320, /maintenance mode/)
  assert.equal((await broker.get('health/checks/is-in-service')).status, 503)
  assert.equal((await broker.get('nodes')).json[0].being_drained, true)
  assert.equal((await ctl('revive')).code, 0)
  assert.equal((await ctl('check_running')).code, 0)

  await ctl('stop_app')
  assert.equal((await ctl('check_running')).code, 69)
  assert.match((await ctl('is_running')).out, /not running/)
  assert.equal((await ctl('await_startup', '--timeout', '1')).code, 69)
  await broker.post('vhosts/%2F/deletion/protection')
  assert.equal((await broker.post('warren/reset')).status, 412)
  await broker.delete('vhosts/%2F/deletion/protection')
  assert.equal((await ctl('reset')).code, 0)
  assert.equal((await ctl('start_app')).code, 0)
  assert.equal((await ctl('await_startup')).code, 0)
  assert.equal(await canConnect(port), true)
  assert.deepEqual((await broker.get('queues')).json, [])
  assert.deepEqual(
    (await broker.get('users')).json.map(({ name }: { name: string }) => name),
    ['guest'],
  )
})

test('followers show what happens after they began', async () => {
  const events = ctl('consume_event_stream', '--duration', '3', '--pattern', '^queue\\.')
  const isFollowing = async (): Promise<boolean> =>
    (await broker.get('queues')).json.some(({ name }: { name: string }) => name.startsWith('warren.events-'))
  while (!(await isFollowing())) await new Promise((resolve) => setTimeout(resolve, 20))
  for (let made = 0; made < 20; made++) await broker.put(`queues/%2F/seen-${made}`, { durable: true })
  const { code, out } = await events
  assert.equal(code, 0)
  const shown = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.ok(shown.some(({ event, name }) => event === 'queue.created' && name === 'seen-19'))
  assert.ok(shown.every(({ event }) => event.startsWith('queue.')))
  assert.equal(await isFollowing(), false, 'its queue is gone')
})

test('logins are counted by address and user while sources are tracked', async () => {
  const path = `auth/attempts/${NODE}/source`
  await broker.delete(`auth/attempts/${NODE}`)
  await broker.get('whoami')
  assert.deepEqual((await broker.get(path)).json, [])
  await ctl('enable_auth_attempt_source_tracking')
  await broker.get('whoami', ['guest', 'wrong'])
  const [row] = (await broker.get(path)).json.filter(
    (one: { auth_attempts_failed: number }) => one.auth_attempts_failed > 0,
  )
  assert.equal(row.username, 'guest')
  assert.equal(row.protocol, 'http')
  assert.match(row.remote_address, /127\.0\.0\.1$/)
  assert.deepEqual(Object.keys(row).sort(), [
    'auth_attempts',
    'auth_attempts_failed',
    'auth_attempts_succeeded',
    'protocol',
    'remote_address',
    'username',
  ])
  await ctl('disable_auth_attempt_source_tracking')
  assert.deepEqual((await broker.get(path)).json, [])
})

const reference = process.env.WARREN_REFERENCE_CTL
if (reference !== undefined) {
  test('no verb of RabbitMQ is missing', async () => {
    const [command] = reference.split(' ')
    const known = new Set([...groupsOf('ctl').values()].flat().map(({ name }) => name))
    const folderOf = path.dirname(command!)
    for (const tool of ['rabbitmqctl', 'rabbitmq-diagnostics', 'rabbitmq-queues']) {
      const help = await new Promise<string>((done) => {
        const file = folderOf === '.' ? tool : path.join(folderOf, tool)
        execFile(file, ['help'], { cwd: projectRoot }, (_error, stdout, stderr) => done(stdout + stderr))
      })
      const names = [...help.matchAll(/^ {3}([a-z_]+) /gm)].map(([, name]) => name!)
      assert.ok(names.length > 5)
      assert.deepEqual(
        names.filter((name) => name !== 'help' && !known.has(name)),
        [],
        tool,
      )
    }
  })
}
