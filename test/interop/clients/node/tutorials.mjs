// The patterns of the official tutorials with amqplib.
import assert from 'node:assert/strict'
import amqp from 'amqplib'

const ok = (what) => console.log('ok', what)
const connection = await amqp.connect(process.env.AMQP_URL)

/** Resolves with the first `count` bodies of a queue. */
function collect(channel, queue, count) {
  return new Promise((resolve, reject) => {
    const bodies = []
    const timer = setTimeout(() => reject(new Error(`${queue}: only ${bodies.length} of ${count}`)), 10_000)
    channel
      .consume(queue, (message) => {
        channel.ack(message)
        bodies.push(message.content.toString())
        if (bodies.length === count) {
          clearTimeout(timer)
          channel.cancel(message.fields.consumerTag).then(() => resolve(bodies))
        }
      })
      .catch(reject)
  })
}

{
  const channel = await connection.createChannel()
  await channel.assertQueue('js-tasks', { durable: true })
  await channel.prefetch(1)
  for (let i = 0; i < 20; i++) channel.sendToQueue('js-tasks', Buffer.from(`${i}`), { persistent: true })
  assert.deepEqual(
    await collect(channel, 'js-tasks', 20),
    Array.from({ length: 20 }, (_, i) => `${i}`),
  )
  await channel.deleteQueue('js-tasks')
  ok('work queue')
}
{
  const channel = await connection.createChannel()
  await channel.assertExchange('js-logs', 'fanout', { durable: false, autoDelete: true })
  const names = []
  for (let i = 0; i < 2; i++) {
    const { queue } = await channel.assertQueue('', { exclusive: true })
    await channel.bindQueue(queue, 'js-logs', '')
    names.push(queue)
  }
  channel.publish('js-logs', '', Buffer.from('all'))
  assert.deepEqual(await Promise.all(names.map((n) => collect(channel, n, 1))), [['all'], ['all']])
  ok('publish/subscribe')
}
for (const [type, keys, expected] of [
  ['direct', ['error'], ['error']],
  ['topic', ['kern.*', '*.critical'], ['kern.info', 'kern.critical', 'app.critical']],
]) {
  const channel = await connection.createChannel()
  await channel.assertExchange(`js-${type}`, type, { durable: false, autoDelete: true })
  const { queue } = await channel.assertQueue('', { exclusive: true })
  for (const key of keys) await channel.bindQueue(queue, `js-${type}`, key)
  for (const key of ['error', 'kern.info', 'kern.critical', 'app.critical', 'app.info'])
    channel.publish(`js-${type}`, key, Buffer.from(key))
  assert.deepEqual(await collect(channel, queue, expected.length), expected)
  ok(`routing by ${type}`)
}
{
  const channel = await connection.createChannel()
  await channel.assertQueue('js-rpc', { durable: false, autoDelete: true })
  await channel.consume('js-rpc', (message) => {
    const { replyTo, correlationId } = message.properties
    channel.sendToQueue(replyTo, Buffer.from(`${message.content.toString().length}`), { correlationId })
    channel.ack(message)
  })
  const client = await connection.createChannel()
  const reply = new Promise((resolve) => client.consume('amq.rabbitmq.reply-to', resolve, { noAck: true }))
  client.sendToQueue('js-rpc', Buffer.from('four'), { replyTo: 'amq.rabbitmq.reply-to', correlationId: 'x' })
  const message = await reply
  assert.equal(message.content.toString(), '4')
  assert.equal(message.properties.correlationId, 'x')
  ok('RPC')
}
{
  const channel = await connection.createConfirmChannel()
  const returned = new Promise((resolve) => channel.once('return', resolve))
  await channel.assertQueue('js-confirms', { durable: true })
  for (let i = 0; i < 1000; i++) channel.sendToQueue('js-confirms', Buffer.from(`${i}`), { persistent: true })
  await channel.waitForConfirms()
  assert.equal((await channel.checkQueue('js-confirms')).messageCount, 1000)
  channel.publish('', 'js-nowhere', Buffer.from('x'), { mandatory: true })
  assert.equal((await returned).fields.replyText, 'NO_ROUTE')
  await channel.deleteQueue('js-confirms')
  ok('confirms and returns')
}
{
  const channel = await connection.createChannel()
  const closed = new Promise((resolve) => channel.once('error', resolve))
  channel.checkQueue('js-missing').catch(() => {})
  assert.equal((await closed).code, 404)
  const again = await connection.createChannel()
  const cancelled = new Promise((resolve, reject) => {
    again
      .assertQueue('js-doomed', { durable: false })
      .then(() => again.consume('js-doomed', (message) => message === null && resolve()))
      .then(() => again.deleteQueue('js-doomed'))
      .catch(reject)
  })
  await cancelled
  ok('channel errors and consumer cancel notification')
}
await connection.close()
