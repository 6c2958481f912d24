// Traces to files over the HTTP API: both formats, patterns, limits, and what stays when a trace ends. [RabbitMQ: rabbitmq_tracing]
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { SystemClock } from '../../src/base/clock.ts'
import { WireClient } from '../support/wire-client.ts'
import { ManagedBroker } from './managed-broker.ts'

let folder: string
let broker: ManagedBroker
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'warren-traces-'))
  // Syncs of a real disk need real time.
  broker = await ManagedBroker.start({}, path.join(folder, 'data'), new SystemClock() as never)
})
after(async () => {
  await broker.stop()
  await rm(folder, { recursive: true, force: true })
})

/** Publishes to the queue and consumes the message, as a client. */
async function exchangeOne(queue: string, body: string): Promise<void> {
  const client = await WireClient.connect('127.0.0.1', Number(broker.booted.listeners.amqp))
  await client.open()
  const channel = await client.channel()
  await channel.call('confirm.select')
  await channel.publishConfirmed('', queue, body, { correlationId: 'c1' })
  channel.send('basic.get', { queue, noAck: true })
  await channel.take('basic.get-ok')
  client.socket.destroy()
}

/** Ends the trace, which writes all that waits, and reads its file. */
async function contentOf(name: string): Promise<string> {
  assert.equal((await broker.delete(`traces/%2F/${name}`)).status, 204)
  return (await broker.get(`trace-files/${name}.log`)).text
}

test('a trace writes what is published and delivered, one JSON object a line', async () => {
  await broker.put('queues/%2F/q')
  assert.equal((await broker.put('traces/%2F/all', { format: 'json', pattern: '#' })).status, 201)
  assert.equal((await broker.put('traces/%2F/all', { format: 'json', pattern: '#' })).status, 204)
  assert.deepEqual((await broker.get('traces')).json, [{ vhost: '/', name: 'all', format: 'json', pattern: '#' }])
  await exchangeOne('q', 'hello')
  const [published, received] = (await contentOf('all'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  assert.deepEqual(
    [published.type, published.exchange, published.routing_keys, published.routed_queues, published.queue],
    ['published', '', ['q'], ['q'], 'none'],
  )
  assert.equal(Buffer.from(published.payload, 'base64').toString(), 'hello')
  assert.equal(published.properties.correlation_id, 'c1')
  assert.deepEqual([received.type, received.queue, received.user], ['received', 'q', 'guest'])
  // The trace is over: nothing more is written, and publishes are not looked at.
  assert.equal(broker.booted.parts.broker.vhost('/')!.isTraced, false)
})

test('a pattern picks, bodies are cut, and text is for people', async () => {
  const spec = { format: 'text', pattern: 'deliver.q', max_payload_bytes: 4 }
  await broker.put('traces/node/rabbit%40localhost/%2F/some', spec)
  assert.equal((await broker.get('traces/%2F/some')).json.max_payload_bytes, 4)
  await exchangeOne('q', 'hello')
  const text = await contentOf('some')
  assert.match(text, /^={80}\n\d{4}-\d\d-\d\d \d\d:\d\d:\d\d:\d{3}: Message received\n/)
  assert.match(text, /^Queue: {8}q$/m)
  assert.match(text, /^Payload: \nhell\n$/m)
  assert.equal(text.includes('Message published'), false)
})

test('a file stays until it is deleted, and is appended to', async () => {
  await broker.put('traces/%2F/again', { format: 'json', pattern: 'publish.#' })
  assert.equal((await broker.delete('trace-files/again.log')).status, 400)
  await exchangeOne('q', 'one')
  await contentOf('again')
  await broker.put('traces/%2F/again', { format: 'json', pattern: 'publish.#' })
  await exchangeOne('q', 'two')
  assert.equal((await contentOf('again')).trimEnd().split('\n').length, 2)
  const files = (await broker.get('trace-files')).json
  assert.ok(files.some(({ name, size }: { name: string; size: number }) => name === 'again.log' && size > 0))
  assert.equal((await broker.delete('trace-files/again.log')).status, 204)
  assert.equal((await broker.get('trace-files/again.log')).status, 404)
})

test('what cannot be a trace is refused', async () => {
  const put = (name: string, body: object) => broker.put(`traces/%2F/${name}`, body)
  assert.equal((await put('..%2Fout', { format: 'json', pattern: '#' })).status, 400)
  assert.equal((await put('x', { format: 'xml', pattern: '#' })).status, 400)
  assert.equal((await put('x', { format: 'json', pattern: '#.#.#' })).status, 400)
  assert.equal((await put('x', { pattern: '#' })).status, 400)
  assert.equal((await broker.put('traces/none/x', { format: 'json', pattern: '#' })).status, 404)
  assert.equal((await broker.delete('traces/%2F/none')).status, 404)
  assert.equal((await broker.get('trace-files/..%2F..%2Fetc.log')).status, 404)
  await broker.put('users/m', { password: 'm', tags: 'monitoring' })
  assert.equal((await broker.get('traces', ['m', 'm'])).status, 401)
})

test('a trace goes with its virtual host', async () => {
  await broker.put('vhosts/gone')
  await broker.put('traces/gone/t', { format: 'json', pattern: '#' })
  await broker.delete('vhosts/gone')
  assert.deepEqual((await broker.get('traces')).json, [])
  await broker.put('vhosts/gone')
  assert.equal((await broker.put('traces/gone/t', { format: 'json', pattern: '#' })).status, 201)
  await broker.delete('traces/gone/t')
})
