import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildSettings, type SettingEntry, settingsWith } from './build-settings.ts'
import { environmentVariable, readEnvironment } from './environment.ts'
import { editDistance } from './key-index.ts'
import { reloadSettings } from './reload-settings.ts'
import { settingRows } from './settings.ts'
import { SettingsError } from './settings-error.ts'
import { findNoEffect } from './settings-no-effect.ts'

function entriesOf(texts: Readonly<Record<string, string>>): SettingEntry[] {
  return Object.entries(texts).map(([key, text]) => ({ key, text, origin: 'test' }))
}

function problemsOf(texts: Readonly<Record<string, string>>): readonly string[] {
  try {
    buildSettings(entriesOf(texts))
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
  return []
}

test("the defaults are RabbitMQ's", () => {
  const settings = settingsWith()
  assert.deepEqual(settings.listeners.tcp, [{ name: 'default', host: null, port: 5672 }])
  assert.equal(settings.amqp.heartbeatSeconds, 60)
  assert.equal(settings.amqp.frameBytesMax, 131_072)
  assert.equal(settings.amqp.channelCountMax, 2_047)
  assert.equal(settings.amqp.messageBytesMax, 16_777_216)
  assert.equal(settings.alarms.diskFreeBytes, 50_000_000)
  assert.deepEqual(settings.auth.loopbackUsers, ['guest'])
  assert.deepEqual(settings.defaults.userTags, ['administrator'])
})

test('deprecated features are permitted, so that existing applications work', () => {
  const { permitted } = settingsWith({ 'deprecated_features.permit.global_qos': false }).features
  assert.equal(permitted.transient_nonexcl_queues, true)
  assert.equal(permitted.global_qos, false)
})

test('every row has a unique key, a sentence, and a default that its type accepts', () => {
  const seen = new Set<string>()
  for (const row of settingRows()) {
    for (const key of [row.key, ...row.aliases]) {
      assert.ok(!seen.has(key), key)
      seen.add(key)
    }
    assert.match(row.sentence, /\.$/, row.key)
    if (row.defaultText !== '' && !row.key.includes('$')) {
      const value = row.type.parse(row.defaultText)
      assert.notEqual(value, undefined, row.key)
      assert.equal(row.type.format(value), row.defaultText)
    }
  }
  for (const key of seen) if (!key.includes('$')) assert.equal(buildable(key), true, key)
})

function buildable(key: string): boolean {
  return !problemsOf({ [key]: '~' }).some((problem) => problem.includes('unknown key'))
}

test('settings are frozen, at every level', () => {
  const settings = settingsWith({ 'default_users.a.tags': 'x', 'auth_mechanisms.1': 'PLAIN' })
  for (const value of [
    settings,
    settings.amqp,
    settings.defaults.users,
    settings.defaults.users.a,
    settings.auth.mechanisms,
  ]) {
    assert.ok(Object.isFrozen(value))
  }
})

test('all problems are reported together, each with its place and what is acceptable', () => {
  assert.deepEqual(
    problemsOf({ heartbeat: 'soon', listners: '1', 'listeners.tcp.default': '99999', 'default_pass.x': 'y' }),
    [
      `test: heartbeat: 'soon' is not acceptable, expected a whole number of seconds from 0 to 65535`,
      `test: unknown key 'listners', did you mean 'listeners.tcp'?`,
      `test: listeners.tcp.default: '99999' is not acceptable, expected a port from 0 to 65535, or host:port`,
      `test: unknown key 'default_pass.x', did you mean 'default_pass'?`,
    ],
  )
})

test('the nearest key is named, also when it has a name within', () => {
  const nearest = (key: string): string => problemsOf({ [key]: '1' })[0]!.replace(/.*did you mean '(.*)'\?/, '$1')
  assert.equal(nearest('listners.tcp.default'), 'listeners.tcp.default')
  assert.equal(nearest('management.tcp.prot'), 'management.tcp.port')
  assert.equal(nearest('default_users.alice.pasword'), 'default_users.alice.password')
  assert.equal(nearest('log.conection.level'), 'log.connection.level')
  assert.equal(nearest('vm_memory_hihg_watermark.absolute'), 'vm_memory_high_watermark.absolute')
})

test('the distance of texts counts insertions, deletions, replacements and swaps', () => {
  assert.equal(editDistance('abc', 'abc'), 0)
  assert.equal(editDistance('', 'abc'), 3)
  assert.equal(editDistance('acb', 'abc'), 1)
  assert.equal(editDistance('kitten', 'sitting'), 3)
  assert.equal(editDistance('kitten', 'sitting', 3), 3)
  assert.ok(editDistance('kitten', 'sitting', 1) > 1)
})

test('a secret never shows in a message, and an encrypted one is refused', () => {
  assert.deepEqual(problemsOf({ default_pass: '' }), [
    'test: default_pass: the value is not acceptable, expected some text',
  ])
  assert.match(problemsOf({ default_pass: 'encrypted:abc' })[0]!, /encrypted values cannot be read/)
})

test('keys without effect are warned about', () => {
  const { warnings } = buildSettings(entriesOf({ 'num_acceptors.tcp': '10', cluster_partition_handling: 'autoheal' }))
  assert.deepEqual(warnings, [
    'test: num_acceptors.tcp has no effect: one event loop accepts all connections',
    'test: cluster_partition_handling has no effect: there is one node',
  ])
  assert.equal(findNoEffect('heartbeat'), undefined)
})

test('the last value of a key wins, also under a former name', () => {
  const set = (key: string, text: string): SettingEntry => ({ key, text, origin: 'test' })
  const loaded = buildSettings([set('max_channels_per_connection', '1'), set('channel_max', '7')])
  assert.equal(loaded.settings.amqp.channelCountMax, 7)
  assert.equal(loaded.values.size, 1)
})

test('listeners that are set replace the default, and none removes what came before', () => {
  assert.deepEqual(settingsWith({ 'listeners.tcp.1': '127.0.0.1:0', 'listeners.tcp.2': '::1:0' }).listeners.tcp, [
    { name: '1', host: '127.0.0.1', port: 0 },
    { name: '2', host: '::1', port: 0 },
  ])
  assert.deepEqual(settingsWith({ 'listeners.tcp': 'none' }).listeners.tcp, [])
  assert.equal(settingsWith({ 'listeners.tcp': 'none', 'listeners.tcp.default': '0' }).listeners.tcp.length, 1)
})

test('switches, lists and records', () => {
  const settings = settingsWith({
    'loopback_users.guest': false,
    'loopback_users.admin': true,
    'auth_mechanisms.10': 'EXTERNAL',
    'auth_mechanisms.2': 'PLAIN',
    'default_users.a\\.b.password': 's3cret',
    'default_users.a\\.b.tags': 'monitoring, management',
    'log.queue.level': 'debug',
  })
  assert.deepEqual(settings.auth.loopbackUsers, ['admin'])
  assert.deepEqual(settings.auth.mechanisms, ['PLAIN', 'EXTERNAL'])
  assert.deepEqual(settings.defaults.users['a.b'], {
    password: 's3cret',
    tags: ['monitoring', 'management'],
    vhostPattern: null,
    configure: '.*',
    write: '.*',
    read: '.*',
  })
  assert.equal(settings.log.levels.queue, 'debug')
  assert.deepEqual(settingsWith({ loopback_users: 'none' }).auth.loopbackUsers, [])
})

test('what contradicts itself is refused', () => {
  assert.deepEqual(problemsOf({ 'listeners.ssl.default': '5671' }), [
    'listeners.ssl needs ssl_options.certfile and ssl_options.keyfile',
  ])
  assert.deepEqual(
    problemsOf({ 'listeners.ssl.default': '5671', 'ssl_options.certfile': 'c', 'ssl_options.keyfile': 'k' }),
    [],
  )
  assert.equal(problemsOf({ initial_frame_max: '200000' }).length, 1)
})

test("the environment has RabbitMQ's variables and one per key", () => {
  const { entries, warnings } = readEnvironment({
    RABBITMQ_NODE_PORT: '5999',
    RABBITMQ_DEFAULT_USER: 'u',
    RABBITMQ_LOG: 'debug,connection=warning',
    WARREN_CONFIRM: 'write',
    WARREN_DEFAULT_USERS_ALICE_PASSWORD: 'p',
    WARREN_HEARTBEAT: '5',
    WARREN_HARTBEAT: '5',
    WARREN_PORT_5672_TCP: 'tcp://10.0.0.1:5672',
    WARREN_DATA_DIR: '/x',
    HOME: '/home/x',
  })
  const { settings } = buildSettings(entries)
  assert.equal(settings.listeners.tcp[0]?.port, 5999)
  assert.equal(settings.defaults.user, 'u')
  assert.equal(settings.log.consoleLevel, 'debug')
  assert.equal(settings.log.levels.connection, 'warning')
  assert.equal(settings.warren.confirm, 'write')
  assert.equal(settings.defaults.users.alice?.password, 'p')
  assert.equal(settings.amqp.heartbeatSeconds, 5)
  assert.deepEqual(warnings, ['environment WARREN_HARTBEAT: no setting has this name'])
})

test('every literal key can be set by its variable', () => {
  for (const row of settingRows()) {
    if (row.key.includes('$')) continue
    const { warnings, entries } = readEnvironment({ [environmentVariable(row.key)]: 'x' })
    assert.deepEqual(warnings, [])
    assert.equal(entries[0]?.key, row.key)
  }
})

test('an address in the environment', () => {
  const { entries } = readEnvironment({ RABBITMQ_NODE_IP_ADDRESS: '::1', RABBITMQ_NODE_PORT: '0' })
  assert.deepEqual(buildSettings(entries).settings.listeners.tcp, [{ name: 'default', host: '::1', port: 0 }])
})

test('a reload applies what is reloadable and keeps the rest', () => {
  const current = buildSettings(entriesOf({ heartbeat: '10', frame_max: '9000', 'log.queue.level': 'debug' }))
  const next = buildSettings(entriesOf({ heartbeat: '20', frame_max: '9001', max_message_size: '1MB' }))
  const { loaded, changed, waiting } = reloadSettings(current, next)
  assert.deepEqual([...changed].sort(), ['heartbeat', 'log.queue.level', 'max_message_size'])
  assert.deepEqual(waiting, ['frame_max'])
  assert.equal(loaded.settings.amqp.heartbeatSeconds, 20)
  assert.equal(loaded.settings.amqp.frameBytesMax, 9_000)
  assert.equal(loaded.settings.amqp.messageBytesMax, 1_000_000)
  assert.deepEqual({ ...loaded.settings.log.levels }, {})
  assert.deepEqual(reloadSettings(loaded, next).changed, [])
})

test('a key of any length is refused at once', () => {
  const key = 'listeners.'.repeat(10_000)
  const startedMs = performance.now()
  assert.match(problemsOf({ [key]: '1' })[0]!, /unknown key/)
  const tookMs = performance.now() - startedMs
  assert.ok(tookMs < 1_000, `${tookMs} ms`)
})
