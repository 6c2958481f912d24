// MQTT and AMQP 0-9-1 in one broker: topics and keys, properties both ways. [RabbitMQ: MQTT, message containers]
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type ChannelModel, type ConsumeMessage, connect } from 'amqplib'
import { MqttBroker } from '../../support/mqtt-broker.ts'

let broker: MqttBroker
let amqp: ChannelModel

before(async () => {
  broker = await MqttBroker.start()
  amqp = await connect(broker.amqpUrl)
})
after(async () => {
  await amqp.close()
  await broker.stop()
})

test('from MQTT to AMQP 0-9-1', async () => {
  const channel = await amqp.createChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, 'amq.topic', 'to.*.amqp')
  const arrived = new Promise<ConsumeMessage>((resolve) => {
    void channel.consume(queue, (message) => message !== null && resolve(message), { noAck: true })
  })
  const client = await broker.client()
  await client.publishSafely({
    topic: 'to/x/amqp',
    payload: 'hello',
    properties: {
      contentType: 'text/plain',
      correlationData: Buffer.from('id-1'),
      responseTopic: 'answers',
      messageExpiryInterval: 60,
      userProperties: [['name', 'value']],
    },
  })
  const { content, fields, properties } = await arrived
  assert.equal(content.toString(), 'hello')
  assert.equal(fields.routingKey, 'to.x.amqp')
  assert.equal(properties.contentType, 'text/plain')
  assert.equal(properties.correlationId, 'id-1')
  assert.equal(properties.deliveryMode, 2)
  assert.equal(properties.expiration, '60000')
  assert.deepEqual(properties.headers, { name: 'value', 'x-reply-to-topic': 'answers' })
  await channel.close()
})

test('from AMQP 0-9-1 to MQTT', async () => {
  const client = await broker.client()
  await client.subscribe([{ filter: 'from/+/amqp', qos: 2 }])
  const channel = await amqp.createConfirmChannel()
  channel.publish('amq.topic', 'from.x.amqp', Buffer.from('persistent'), {
    persistent: true,
    contentType: 'text/x',
    correlationId: 'id-2',
    expiration: '90000',
    headers: { 'x-reply-to-topic': 'a.b', number: 5, list: [1] },
  })
  channel.publish('amq.topic', 'from.y.amqp', Buffer.from('transient'))
  await channel.waitForConfirms()
  const first = await client.nextMessage()
  assert.deepEqual([first.topic, first.payload, first.qos], ['from/x/amqp', 'persistent', 1])
  const { messageExpiryInterval, ...rest } = first.properties
  assert.equal(messageExpiryInterval, 90)
  assert.deepEqual(rest, {
    contentType: 'text/x',
    correlationData: Buffer.from('id-2'),
    responseTopic: 'a/b',
    userProperties: [['number', '5']],
  })
  assert.equal((await client.nextMessage()).qos, 0)
  await channel.close()
})

test('a routing key that is no topic is not delivered', async () => {
  const client = await broker.client()
  await client.subscribe([{ filter: 'odd/#', qos: 0 }])
  const channel = await amqp.createConfirmChannel()
  for (const key of ['odd.#', 'odd.+', 'odd.fine']) channel.publish('amq.topic', key, Buffer.from(key))
  await channel.waitForConfirms()
  assert.equal((await client.nextMessage()).payload, 'odd.fine')
  await channel.close()
})

test('the client id is shown to other protocols where the setting says so', async () => {
  const name = 'mqtt.message_interceptors.incoming.set_client_id_annotation.enabled'
  const annotating = await MqttBroker.start({ [name]: 'true' })
  const connection = await connect(annotating.amqpUrl)
  const channel = await connection.createChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, 'amq.topic', 'annotated')
  const arrived = new Promise<ConsumeMessage>((resolve) => {
    void channel.consume(queue, (message) => message !== null && resolve(message), { noAck: true })
  })
  const client = await annotating.client({ clientId: 'thermometer' })
  await client.subscribe(['annotated'])
  await client.publishSafely({ topic: 'annotated', payload: '21', properties: { userProperties: [['a', 'b']] } })
  assert.deepEqual((await arrived).properties.headers, { a: 'b', 'x-opt-mqtt-client-id': 'thermometer' })
  assert.deepEqual((await client.nextMessage()).properties, { userProperties: [['a', 'b']] })
  await connection.close()
  await annotating.stop()
})
