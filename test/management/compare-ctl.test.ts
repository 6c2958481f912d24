// The same words to `warren ctl` and, with WARREN_REFERENCE_CTL='rabbitmqctl -n node@host', to a running RabbitMQ's own
// tool: the same exit codes, and of lists as JSON the same columns in the same order. Objects begin with `cctl`.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { SystemClock } from '../../src/base/clock.ts'
import { projectRoot } from '../support/broker-process.ts'
import { ManagedBroker } from './managed-broker.ts'

const reference = process.env.WARREN_REFERENCE_CTL
const V = ['-p', 'cctl']

/** In this order: later ones look at what earlier ones made. */
const WORDS: readonly (readonly string[])[] = [
  ['add_vhost', 'cctl'],
  ['add_user', 'cctl', 'secret'],
  ['add_user', 'cctl', 'secret'],
  ['set_user_tags', 'cctl', 'monitoring'],
  ['authenticate_user', 'cctl', 'secret'],
  ['authenticate_user', 'cctl', 'wrong'],
  ['change_password', 'cctl', 'other'],
  ['set_permissions', ...V, 'cctl', '.*', '.*', '.*'],
  ['set_permissions', ...V, 'cctl-nobody', '.*', '.*', '.*'],
  ['set_topic_permissions', ...V, 'cctl', 'amq.topic', 'a', 'b'],
  ['list_users', '--formatter', 'json'],
  ['list_permissions', ...V, '--formatter', 'json'],
  ['list_user_permissions', 'cctl', '--formatter', 'json'],
  ['list_topic_permissions', ...V, '--formatter', 'json'],
  ['list_user_topic_permissions', 'cctl', '--formatter', 'json'],
  ['list_vhosts', 'name', 'tracing', 'description', 'tags', '--formatter', 'json'],
  ['list_exchanges', ...V, '--formatter', 'json'],
  [
    'list_exchanges',
    ...V,
    'name',
    'type',
    'durable',
    'auto_delete',
    'internal',
    'arguments',
    'policy',
    '--formatter',
    'json',
  ],
  ['list_queues', ...V, 'name', 'messages', '--formatter', 'json'],
  ['list_queues', ...V, 'name', 'nonsense'],
  ['list_bindings', ...V, '--formatter', 'json'],
  ['list_consumers', ...V, '--formatter', 'json'],
  ['set_policy', ...V, 'cctl', '^a', '{"max-length":5}', '--apply-to', 'queues', '--priority', '3'],
  ['set_policy', ...V, 'cctl', '(', '{}'],
  ['set_policy', ...V, 'cctl', 'a', 'no json'],
  ['list_policies', ...V, '--formatter', 'json'],
  ['set_operator_policy', ...V, 'cctl', '^a', '{"expires":50000}'],
  ['list_operator_policies', ...V, '--formatter', 'json'],
  ['clear_policy', ...V, 'cctl'],
  ['clear_policy', ...V, 'cctl'],
  ['clear_operator_policy', ...V, 'cctl'],
  ['set_vhost_limits', ...V, '{"max-queues":5}'],
  ['list_vhost_limits', '--global', '--formatter', 'json'],
  ['clear_vhost_limits', ...V],
  ['set_parameter', ...V, 'nothing', 'x', '{}'],
  ['list_parameters', ...V, '--formatter', 'json'],
  ['set_global_parameter', 'cctl', '{"a":1}'],
  ['list_global_parameters', '--formatter', 'json'],
  ['clear_global_parameter', 'cctl'],
  ['trace_on', ...V],
  ['trace_off', ...V],
  ['purge_queue', ...V, 'cctl-nothing'],
  ['list_feature_flags', '--formatter', 'json'],
  ['ping'],
  ['await_startup'],
  ['set_disk_free_limit', 'x'],
  ['no_such_verb'],
  ['add_user'],
  ['list_queues', '--no-such-option'],
  ['delete_user', 'cctl'],
  ['delete_user', 'cctl'],
  ['delete_vhost', 'cctl'],
  ['delete_vhost', 'cctl'],
]

interface Run {
  readonly code: number
  readonly out: string
}

function run(command: string, args: readonly string[]): Promise<Run> {
  return new Promise((done) => {
    execFile(command, args, { cwd: projectRoot, timeout: 60_000, maxBuffer: 1 << 24 }, (error, stdout) => {
      done({ code: error === null ? 0 : Number(error.code), out: stdout })
    })
  })
}

/** Erlang's tool writes what is empty now as text, now as a list. */
function typeOf(value: unknown): string {
  const isEmpty = value === '' || value === null || (typeof value === 'object' && Object.keys(value).length === 0)
  return isEmpty ? 'empty' : Array.isArray(value) ? 'array' : typeof value
}

/** Columns of a JSON list with their types; null when it is none. */
function columnsOf(out: string, words: readonly string[]): Record<string, string> | null {
  if (!words.includes('json')) return null
  const rows = JSON.parse(out)
  if (!Array.isArray(rows) || rows.length === 0) return null
  return Object.fromEntries(Object.entries(rows[0]).map(([name, value]) => [name, typeOf(value)]))
}

if (reference !== undefined) {
  test('warren ctl and rabbitmqctl end alike and list the same columns', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'warren-cctl-'))
    const dataDir = path.join(folder, 'data')
    // The tool reaches it by the socket in its folder, in real time.
    const broker = await ManagedBroker.start({}, dataDir, new SystemClock() as never)
    const [command, ...options] = reference.split(' ')
    const differences: string[] = []
    try {
      for (const words of [
        ['delete_user', 'cctl'],
        ['delete_vhost', 'cctl'],
      ])
        await run(command!, [...options, ...words])
      for (const words of WORDS) {
        const theirs = await run(command!, [...options, ...words])
        const ours = await run(process.execPath, ['bin/warren.js', 'ctl', '--data-dir', dataDir, ...words])
        const name = words.join(' ')
        if (theirs.code !== ours.code) differences.push(`${name}: ${ours.code}, not ${theirs.code}`)
        const [mine, wanted] = [columnsOf(ours.out, words), columnsOf(theirs.out, words)]
        if (mine === null || wanted === null) continue
        const isOtherType = ([name, type]: [string, string]): boolean =>
          type !== 'empty' && wanted[name] !== 'empty' && type !== wanted[name]
        if (Object.keys(mine).join() !== Object.keys(wanted).join() || Object.entries(mine).some(isOtherType)) {
          differences.push(`${name}: ${JSON.stringify(mine)}, not ${JSON.stringify(wanted)}`)
        }
      }
      assert.deepEqual(differences, [])
    } finally {
      await broker.stop()
      await rm(folder, { recursive: true, force: true })
    }
  })
}
