/** The package's entry point, as a program that embeds the broker uses it. */
import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import amqp from 'amqplib'
import { ManualClock, startBroker } from '../../src/library.ts'

const WAIT_MS_MAX = 5_000

/** Looks until it is there; bounded. */
async function eventually<T>(look: () => Promise<T | false>): Promise<T> {
  const deadline = performance.now() + WAIT_MS_MAX
  for (;;) {
    const found = await look()
    if (found !== false) return found
    assert.ok(performance.now() < deadline, 'it did not come in time')
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('several brokers live in one process, each on free ports', async () => {
  const brokers = await Promise.all([startBroker(), startBroker()])
  for (const broker of brokers) {
    const connection = await amqp.connect(broker.url!)
    const channel = await connection.createConfirmChannel()
    await channel.assertQueue('same-name', { durable: true })
    channel.sendToQueue('same-name', Buffer.from('mine'))
    await channel.waitForConfirms()
    assert.equal((await channel.checkQueue('same-name')).messageCount, 1)
    await connection.close()
  }
  assert.notEqual(brokers[0]!.listeners.amqp, brokers[1]!.listeners.amqp)
  await Promise.all(brokers.map((broker) => broker.stop()))
})

test('a test moves time for TTLs', async () => {
  const clock = new ManualClock()
  const broker = await startBroker({ clock })
  // Without heartbeats: an hour of silence would end the connection.
  const connection = await amqp.connect(`${broker.url}?heartbeat=0`)
  const channel = await connection.createConfirmChannel()
  await channel.assertQueue('dead')
  const args = { messageTtl: 3_600_000, deadLetterExchange: '', deadLetterRoutingKey: 'dead' }
  await channel.assertQueue('waiting', args)
  channel.sendToQueue('waiting', Buffer.from('an hour later'))
  await channel.waitForConfirms()
  clock.advance(3_599_999)
  assert.equal((await channel.checkQueue('dead')).messageCount, 0)
  clock.advance(1)
  const message = await eventually(() => channel.get('dead', { noAck: true }))
  assert.equal(message.content.toString(), 'an hour later')
  await connection.close()
  await broker.stop()
})

test('without ports clients connect by a stream', async () => {
  const broker = await startBroker({ ports: false })
  assert.deepEqual(broker.listeners, {})
  assert.equal(broker.url, undefined)
  const stream = broker.connect()
  const answer = new Promise<Buffer>((resolve) => stream.once('data', resolve))
  stream.write('AMQP\0\0\x09\x01')
  const start = await answer
  assert.deepEqual([start[0], start.readUInt32BE(7)], [1, 0x000a_000a], 'connection.start')
  stream.destroy()
  await broker.stop()
})

test('a port that is taken is a sentence, and nothing is left behind', async () => {
  const other = createServer()
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve))
  const address = other.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const settings = { 'listeners.tcp.default': `127.0.0.1:${port}` }
  await assert.rejects(startBroker({ settings }), /cannot listen for amqp on 127\.0\.0\.1, port \d+: /)
  await new Promise((resolve) => other.close(resolve))
})

test('settings that make no sense are refused by name', async () => {
  await assert.rejects(
    startBroker({ settings: { heartbaet: 1 } }),
    /unknown key 'heartbaet', did you mean 'heartbeat'\?/,
  )
})
