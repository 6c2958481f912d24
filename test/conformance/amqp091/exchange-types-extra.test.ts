// Exchange types that RabbitMQ has as plug-ins or since 4.x and that are built in here. [rabbitmq.com "Community
// Plugins"; READMEs of the consistent-hash, random, recent-history, delayed-message and sharding plug-ins]
import assert from 'node:assert/strict'
import { conformance, type Scene } from '../../support/conformance.ts'

const { testOurs } = await conformance('exchange-types-extra')

/** Queues bound to an exchange, each by its key. */
async function boundQueues(scene: Scene, exchange: string, keys: readonly string[]): Promise<string[]> {
  const queues: string[] = []
  for (const routingKey of keys) {
    const queue = await scene.queue()
    await scene.channel.call('queue.bind', { queue, exchange, routingKey })
    queues.push(queue)
  }
  return queues
}

async function depths(scene: Scene, queues: readonly string[]): Promise<number[]> {
  const found: number[] = []
  for (const queue of queues) found.push(await scene.channel.depth(queue))
  return found
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, each) => total + each, 0)

testOurs('x-consistent-hash: each message goes to one queue, a key always to the same', async (scene) => {
  const exchange = await scene.exchange('x-consistent-hash')
  const queues = await boundQueues(scene, exchange, ['1', '1', '1'])
  for (let n = 0; n < 30; n++) scene.channel.publish(exchange, 'same', 'x')
  assert.deepEqual((await depths(scene, queues)).sort(), [0, 0, 30])
})

testOurs('x-consistent-hash: keys spread by weight', async (scene) => {
  const exchange = await scene.exchange('x-consistent-hash')
  const queues = await boundQueues(scene, exchange, ['10', '30'])
  for (let n = 0; n < 1000; n++) scene.channel.publish(exchange, `key-${n}`, 'x')
  const [light, heavy] = await depths(scene, queues)
  assert.equal(light! + heavy!, 1000)
  assert.ok(light! > 100 && heavy! > 550, `${light} and ${heavy}`)
})

testOurs('x-consistent-hash: hash-header takes the key from a header', async (scene) => {
  const exchange = await scene.exchange('x-consistent-hash', { 'hash-header': 'who' })
  const queues = await boundQueues(scene, exchange, ['1', '1', '1'])
  for (let n = 0; n < 30; n++) scene.channel.publish(exchange, String(n), 'x', { headers: { who: 'same' } })
  assert.deepEqual((await depths(scene, queues)).sort(), [0, 0, 30])
})

testOurs('x-consistent-hash: a binding key that is no integer is 406', async (scene) => {
  const exchange = await scene.exchange('x-consistent-hash')
  const queue = await scene.queue()
  scene.channel.send('queue.bind', { queue, exchange, routingKey: 'heavy' })
  await scene.channel.refused(406, /^PRECONDITION_FAILED - The binding key must be an integer: /, 50, 20)
})

testOurs('x-consistent-hash: hash-header and hash-property exclude each other', async (scene) => {
  scene.channel.send('exchange.declare', {
    exchange: scene.name('x'),
    type: 'x-consistent-hash',
    arguments: { 'hash-header': 'a', 'hash-property': 'message_id' },
  })
  await scene.channel.refused(406, /hash-header and hash-property are mutually exclusive/, 40, 10)
})

testOurs('x-modulus-hash: a key always goes to the same one queue', async (scene) => {
  const exchange = await scene.exchange('x-modulus-hash')
  const queues = await boundQueues(scene, exchange, ['', '', ''])
  for (let n = 0; n < 30; n++) scene.channel.publish(exchange, 'same', 'x')
  assert.deepEqual((await depths(scene, queues)).sort(), [0, 0, 30])
})

testOurs('x-random: each message goes to one queue, all get some', async (scene) => {
  const exchange = await scene.exchange('x-random')
  const queues = await boundQueues(scene, exchange, ['', '', ''])
  for (let n = 0; n < 300; n++) scene.channel.publish(exchange, 'same', 'x')
  const found = await depths(scene, queues)
  assert.equal(sum(found), 300)
  assert.ok(
    found.every((depth) => depth > 0),
    String(found),
  )
})

testOurs('x-local-random: a binding key is 406', async (scene) => {
  const exchange = await scene.exchange('x-local-random')
  const queue = await scene.queue()
  scene.channel.send('queue.bind', { queue, exchange, routingKey: 'key' })
  await scene.channel.refused(406, /Non empty binding 'key' key not permitted/, 50, 20)
})

testOurs('x-recent-history: a queue bound later receives the last messages', async (scene) => {
  const exchange = await scene.exchange('x-recent-history', { 'x-recent-history-length': 2 })
  for (const body of ['1', '2', '3']) scene.channel.publish(exchange, '', body)
  scene.channel.publish(exchange, '', 'unkept', { headers: { 'x-recent-history-no-store': true } })
  const queue = await scene.queue()
  await scene.channel.call('queue.bind', { queue, exchange })
  await scene.channel.depthBecomes(queue, 2)
  for (const body of ['2', '3']) assert.equal((await scene.channel.getSoon(queue)).body.toString(), body)
})

testOurs('x-delayed-message: a message waits for its x-delay, others pass', async (scene) => {
  const exchange = await scene.exchange('x-delayed-message', { 'x-delayed-type': 'direct' })
  const queue = await scene.queue()
  await scene.channel.call('queue.bind', { queue, exchange, routingKey: 'k' })
  await scene.channel.consume(queue, { noAck: true })
  const start = Date.now()
  scene.channel.publish(exchange, 'k', 'late', { headers: { 'x-delay': 120 } })
  scene.channel.publish(exchange, 'k', 'soon', { headers: { 'x-delay': 40 } })
  scene.channel.publish(exchange, 'k', 'now')
  assert.deepEqual(await scene.channel.bodies(3), ['now', 'soon', 'late'])
  assert.ok(Date.now() - start >= 119)
})

testOurs('x-delayed-message: without x-delayed-type it is 406', async (scene) => {
  scene.channel.send('exchange.declare', { exchange: scene.name('x'), type: 'x-delayed-message' })
  await scene.channel.refused(406, /^PRECONDITION_FAILED - .*x-delayed-type/, 40, 10)
})
