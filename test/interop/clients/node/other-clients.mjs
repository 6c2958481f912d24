// @cloudamqp/amqp-client and rabbitmq-client, unmodified.
import assert from 'node:assert/strict'
import { AMQPClient, AMQPSession } from '@cloudamqp/amqp-client'
import { Connection } from 'rabbitmq-client'

const ok = (what) => console.log('ok', what)

{
  const connection = await new AMQPClient(process.env.AMQP_URL).connect()
  const channel = await connection.channel()
  await channel.confirmSelect()
  await channel.queueDeclare('cloudamqp-queue', { durable: true })
  const tags = await Promise.all(
    Array.from({ length: 200 }, (_, i) =>
      channel.basicPublish('', 'cloudamqp-queue', `m${i}`, { deliveryMode: 2, headers: { i } }),
    ),
  )
  assert.equal(new Set(tags).size, 200)
  await channel.basicQos(20)
  const seen = []
  let finish
  const all = new Promise((resolve) => {
    finish = resolve
  })
  await channel.basicConsume('cloudamqp-queue', { noAck: false }, (message) => {
    seen.push(message.bodyString())
    message.ack()
    if (seen.length === 200) finish()
  })
  await all
  const numbered = Array.from({ length: 200 }, (_, i) => `m${i}`)
  assert.deepEqual(seen, numbered)
  await channel.queueDelete('cloudamqp-queue')
  await connection.close()
  ok('@cloudamqp/amqp-client, low level')

  const session = await AMQPSession.connect(process.env.AMQP_URL)
  const queue = await session.queue('cloudamqp-session')
  await queue.publish('hello', { deliveryMode: 2 })
  const first = new Promise((resolve) => queue.subscribe(async (message) => resolve(message.bodyString())))
  assert.equal(await first, 'hello')
  await queue.delete()
  await session.stop()
  ok('@cloudamqp/amqp-client, session')
}
{
  const connection = new Connection(process.env.AMQP_URL)
  connection.on('error', (error) => console.error('rabbitmq-client:', error))
  const publisher = connection.createPublisher({
    confirm: true,
    maxAttempts: 2,
    exchanges: [{ exchange: 'rc-events', type: 'topic', autoDelete: true }],
  })
  const seen = []
  let finished
  const all = new Promise((resolve) => {
    finished = resolve
  })
  const consumer = connection.createConsumer(
    {
      queue: 'rc-events-queue',
      queueOptions: { durable: true },
      qos: { prefetchCount: 5 },
      exchanges: [{ exchange: 'rc-events', type: 'topic', autoDelete: true }],
      queueBindings: [{ exchange: 'rc-events', routingKey: 'users.*' }],
    },
    async (message) => {
      seen.push(message.body.id)
      if (seen.length === 50) finished()
    },
  )
  await new Promise((resolve) => consumer.once('ready', resolve))
  for (let id = 0; id < 50; id++) await publisher.send({ exchange: 'rc-events', routingKey: 'users.new' }, { id })
  await all
  assert.deepEqual(
    seen,
    Array.from({ length: 50 }, (_, id) => id),
  )
  const rpc = connection.createRPCClient({ confirm: true })
  const server = connection.createConsumer(
    { queue: 'rc-rpc', queueOptions: { autoDelete: true } },
    async (message, reply) => {
      await reply(message.body * 2)
    },
  )
  await new Promise((resolve) => server.once('ready', resolve))
  assert.equal((await rpc.send('rc-rpc', 21)).body, 42)
  await rpc.close()
  await server.close()
  await publisher.close()
  await consumer.close()
  await connection.queueDelete('rc-events-queue')
  await connection.close()
  ok('rabbitmq-client')
}
