import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { after, test } from 'node:test'
import { parseConf } from './conf-text.ts'
import { formatListing, listSettings } from './list-settings.ts'
import { type Configuration, loadSettings, type SettingsSources } from './load-settings.ts'
import { SettingsError } from './settings-error.ts'

const root = mkdtempSync(join(tmpdir(), 'warren-config-'))
after(() => rmSync(root, { recursive: true }))

function write(path: string, text: string): string {
  const file = join(root, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, text)
  return file
}

function load(sources: Partial<SettingsSources>): Configuration {
  return loadSettings({ configFile: null, assignments: [], dataDir: null, environment: { HOME: root }, ...sources })
}

function problemsOf(sources: Partial<SettingsSources>): readonly string[] {
  try {
    load(sources)
  } catch (error) {
    if (error instanceof SettingsError) return error.problems
    throw error
  }
  return []
}

test('file < conf.d in the order of names < environment < --set', () => {
  const configFile = write(
    'order/rabbitmq.conf',
    'heartbeat = 1\nframe_max = 10001\nmax_message_size = 1\ndefault_vhost = a\n',
  )
  write('order/conf.d/20-b.conf', 'frame_max = 10003\nmax_message_size = 3\ndefault_vhost = c')
  write('order/conf.d/10-a.conf', 'frame_max = 10002')
  write('order/conf.d/ignored.txt', 'nonsense')
  const environment = { HOME: root, WARREN_MAX_MESSAGE_SIZE: '4', RABBITMQ_DEFAULT_VHOST: 'd' }
  const { settings, files, values } = load({ configFile, environment, assignments: ['default_vhost=e'] })
  assert.equal(settings.amqp.heartbeatSeconds, 1)
  assert.equal(settings.amqp.frameBytesMax, 10_003)
  assert.equal(settings.amqp.messageBytesMax, 4)
  assert.equal(settings.defaults.vhost, 'e')
  assert.deepEqual(
    files.map((file) => file.slice(root.length)),
    ['/order/rabbitmq.conf', '/order/conf.d/10-a.conf', '/order/conf.d/20-b.conf'],
  )
  assert.deepEqual([...values.values()].map(({ key, origin }) => `${key} ${origin}`).sort(), [
    'default_vhost --set',
    'frame_max 20-b.conf:1',
    'heartbeat rabbitmq.conf:1',
    'max_message_size environment WARREN_MAX_MESSAGE_SIZE',
  ])
})

test('problems of all files and arguments come together', () => {
  const configFile = write('bad/rabbitmq.conf', 'heartbeat = x\nwhat\n')
  write('bad/conf.d/a.conf', '\nunknwon = 1')
  assert.deepEqual(
    problemsOf({ configFile, assignments: ['frame_max', 'frame_max=1'] }).map((line) => line.replace(/,.*/, '')),
    [
      "rabbitmq.conf:2: expected 'key = value'",
      '--set frame_max: expected key=value',
      "rabbitmq.conf:1: heartbeat: 'x' is not acceptable",
      "a.conf:2: unknown key 'unknwon'",
      "--set: frame_max: '1' is not acceptable",
    ],
  )
})

test('a file that was named must exist; its extension may be left out; a folder will do', () => {
  const missing = join(root, 'missing.conf')
  assert.deepEqual(problemsOf({ configFile: missing }), [`${missing}: no such file or folder`])
  write('named/my.conf', 'heartbeat = 7')
  assert.equal(
    load({ environment: { RABBITMQ_CONFIG_FILE: join(root, 'named/my') } }).settings.amqp.heartbeatSeconds,
    7,
  )
  assert.equal(load({ configFile: join(root, 'named') }).settings.amqp.heartbeatSeconds, 7)
  assert.equal(
    load({ environment: { RABBITMQ_CONFIG_FILES: join(root, 'named/*.conf') } }).settings.amqp.heartbeatSeconds,
    7,
  )
})

test('the data folder: argument, then environment, then the home folder', () => {
  assert.equal(load({}).dataDir, join(root, '.local/share/warrenmq'))
  assert.equal(load({ environment: { XDG_DATA_HOME: '/xdg' } }).dataDir, '/xdg/warrenmq')
  assert.equal(load({ environment: { WARREN_DATA_DIR: '/env' } }).dataDir, '/env')
  assert.equal(load({ environment: { WARREN_DATA_DIR: '/env' }, dataDir: '/arg' }).dataDir, '/arg')
})

test('a listing is a valid file that says the same, and hides secrets', () => {
  const assignments = ['heartbeat=7', 'default_pass=a # b', 'listeners.tcp.x=::1:0', 'loopback_users.guest=false']
  const loaded = load({ assignments })
  const text = formatListing(listSettings(loaded, true, true))
  const entries = parseConf(text).entries.map(({ key, text }) => `${key}=${text}`)
  const again = load({ assignments: entries })
  assert.deepEqual(again.settings, loaded.settings)
  const hidden = listSettings(loaded, false, false)
  assert.deepEqual(
    hidden.map(({ key, value }) => `${key}=${value}`),
    ['listeners.tcp.x=[::1]:0', 'heartbeat=7', 'loopback_users.guest=false', 'default_pass=********'],
  )
})
