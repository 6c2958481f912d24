// The audit log: every administrative action with who, from where, what and the result; no secrets in it.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import amqp from 'amqplib'
import { settingsWith } from '../../src/config/build-settings.ts'
import { projectRoot } from '../support/broker-process.ts'
import { ManagedBroker } from './managed-broker.ts'

const run = promisify(execFile)
const scratch = mkdtempSync(join(tmpdir(), 'warren-audit-'))
const dataDir = join(scratch, 'data')
let broker: ManagedBroker

type Entry = Readonly<Record<string, unknown>>

before(async () => {
  const definitions = join(scratch, 'definitions.json')
  const users = [{ name: 'guest', password: 'guest', tags: 'administrator' }]
  const permissions = [{ user: 'guest', vhost: '/', configure: '.*', write: '.*', read: '.*' }]
  writeFileSync(definitions, JSON.stringify({ vhosts: [{ name: '/' }], users, permissions }))
  broker = await ManagedBroker.start({ load_definitions: definitions }, dataDir)
  await broker.booted.stop()
  broker = await ManagedBroker.start({}, dataDir)
})

after(async () => {
  await broker.stop()
  rmSync(scratch, { recursive: true })
})

async function last(): Promise<Entry> {
  const entries = (await broker.get('warren/audit?count=1')).json as Entry[]
  return entries[0] ?? {}
}

test('users, permissions, policies, limits: who, from where, what, and that it was done', async () => {
  await broker.put('users/shop', { password: 'S3CRET-marker', tags: 'monitoring' })
  assert.deepEqual(pick(await last()), {
    user: 'guest',
    via: 'http',
    address: '127.0.0.1',
    action: 'PUT /api/users/:user',
    target: { user: 'shop' },
    detail: { password: '***', tags: 'monitoring' },
    result: 'done',
    status: 201,
  })
  await broker.put('permissions/%2F/shop', { configure: '', write: '.*', read: '.*' })
  assert.deepEqual((await last()).detail, { configure: '', write: '.*', read: '.*' })
  await broker.put('policies/%2F/p', { pattern: '^a', definition: { 'max-length': 5 } })
  assert.deepEqual((await last()).detail, { pattern: '^a', definition: { 'max-length': 5 } })
  await broker.put('user-limits/shop/max-channels', { value: 5 })
  assert.deepEqual((await last()).target, { user: 'shop', limit: 'max-channels' })
  await broker.delete('policies/%2F/p')
  assert.deepEqual(pick(await last()).action, 'DELETE /api/policies/:vhost/:name')
})

test('refusals are recorded with their reason: not allowed, not acceptable, not logged in', async () => {
  await broker.put('users/nobody', { tags: '' }, ['shop', 'S3CRET-marker'])
  const refused = await last()
  assert.deepEqual([refused.user, refused.result, refused.status], ['shop', 'refused', 401])
  assert.match(String(refused.reason), /Not administrator user/)
  await broker.put('policies/%2F/q', { pattern: '(', definition: { 'max-length': 5 } })
  assert.deepEqual([(await last()).result, (await last()).status], ['refused', 400])
  await broker.delete('users/guest', ['guest', 'S3CRET-wrong'])
  const anonymous = await last()
  assert.deepEqual([anonymous.user, anonymous.result, anonymous.status], ['', 'refused', 401])
})

test('imports of definitions, and the command line, are recorded; publishing and reading are not', async () => {
  await broker.post('definitions', { users: [{ name: 'imported', password: 'S3CRET-import', tags: '' }] })
  const imported = await last()
  assert.equal(imported.action, 'POST /api/definitions')
  assert.equal(JSON.stringify(imported).includes('S3CRET'), false)
  const ctl = ['bin/warren.js', 'ctl', '--data-dir', dataDir]
  await run(process.execPath, [...ctl, 'add_user', 'by-ctl', 'S3CRET-ctl'], { cwd: projectRoot })
  const { user, via, address, result } = await last()
  assert.deepEqual({ user, via, address, result }, { user: 'warren-local', via: 'local', address: '', result: 'done' })
  const { stdout } = await run(process.execPath, [...ctl, 'audit', '--count', '1'], { cwd: projectRoot })
  assert.match(stdout, /by-ctl/)
  const before = (await last()).number
  await broker.put('queues/%2F/audited', { durable: false })
  await broker.publish('audited', 'x')
  await broker.post('queues/%2F/audited/get', { count: 1, ackmode: 'ack_requeue_false', encoding: 'auto' })
  await broker.get('overview')
  assert.equal((await last()).number, Number(before) + 1, 'the declaration alone')
})

test('what no request asked for: the import at the start, settings read again', async () => {
  const [first] = (await broker.get('warren/audit?count=1000')).json as Entry[]
  assert.notEqual(first?.via, 'boot', 'memory starts anew')
  assert.match(file(), /^\{"time":"[^"]+","number":1,"user":"","via":"boot"[^\n]*"import definitions"/)
  broker.booted.reload?.(settingsWith({ heartbeat: '7', default_pass: 'S3CRET-setting' }))
  const entry = await last()
  assert.deepEqual([entry.via, entry.action], ['signal', 'reload settings'])
  assert.ok((entry.detail as { changed: string[] }).changed.includes('heartbeat'))
})

test('entries go to the event exchange', async () => {
  const connection = await amqp.connect(`amqp://guest:guest@127.0.0.1:${broker.booted.listeners.amqp}`)
  const channel = await connection.createChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, 'amq.rabbitmq.event', 'warren.audit')
  const arrived = new Promise<amqp.ConsumeMessage | null>((done) => void channel.consume(queue, done, { noAck: true }))
  await broker.put('vhosts/audited', {})
  const headers = (await arrived)?.properties.headers
  assert.deepEqual([headers?.user, headers?.action, headers?.result], ['guest', 'PUT /api/vhosts/:vhost', 'done'])
  await connection.close()
})

test('only administrators read it, no secret is in it, and its file is for its owner alone', async () => {
  assert.equal((await broker.get('warren/audit', ['shop', 'S3CRET-marker'])).status, 401)
  assert.equal((await broker.get('warren/audit?count=0')).status, 400)
  const all = (await broker.get('warren/audit?count=1000')).text
  assert.equal(all.includes('S3CRET'), false)
  await broker.booted.parts.audit.close()
  assert.equal(file().includes('S3CRET'), false)
  for (const line of file().trimEnd().split('\n')) assert.equal(typeof JSON.parse(line).time, 'string')
  assert.equal(statSync(join(dataDir, 'log', 'audit.log')).mode & 0o777, 0o600)
})

function file(): string {
  return readFileSync(join(dataDir, 'log', 'audit.log'), 'utf8')
}

function pick({ time: _time, number: _number, ...rest }: Entry): Entry {
  return rest
}
