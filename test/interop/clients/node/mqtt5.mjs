// MQTT.js, unmodified: what MQTT 5.0 adds, and messages that cross to AMQP 0-9-1 and STOMP and back.
import assert from 'node:assert/strict'
import { Client } from '@stomp/stompjs'
import amqp from 'amqplib'
import mqtt from 'mqtt'
import { WebSocket } from 'ws'

const url = process.env.MQTT_URL
const ok = (what) => console.log('ok', what)

function connect(clientId, options = {}) {
  return mqtt.connectAsync(url, { protocolVersion: 5, clientId, username: 'guest', password: 'guest', ...options })
}

/** The next messages of a client, so many. */
function messages(client, count) {
  return new Promise((resolve) => {
    const seen = []
    client.on('message', function take(topic, payload, packet) {
      seen.push({ topic, text: payload.toString(), packet })
      if (seen.length < count) return
      client.off('message', take)
      resolve(seen)
    })
  })
}

{
  const watcher = await connect('js5-watcher')
  await watcher.subscribeAsync('js5/will', { qos: 1 })
  const will = { topic: 'js5/will', payload: Buffer.from('delayed'), qos: 1, properties: { willDelayInterval: 1 } }
  const rude = await connect('js5-rude', { will, properties: { sessionExpiryInterval: 60 }, reconnectPeriod: 0 })
  const arrived = messages(watcher, 1)
  const leftMs = performance.now()
  rude.stream.destroy()
  assert.equal((await arrived)[0].text, 'delayed')
  assert.ok(performance.now() - leftMs > 900)
  await watcher.endAsync()
  ok('a will, after its delay')
}

{
  const members = [await connect('js5-member-1'), await connect('js5-member-2')]
  const counts = [0, 0]
  const all = new Promise((resolve) => {
    for (const [i, member] of members.entries()) {
      member.on('message', () => {
        counts[i]++
        if (counts[0] + counts[1] === 40) resolve()
      })
    }
  })
  for (const member of members) await member.subscribeAsync('$share/js5/shared/#', { qos: 1 })
  const publisher = await connect('js5-sharer')
  for (let i = 0; i < 40; i++) await publisher.publishAsync(`shared/${i}`, `${i}`, { qos: 1 })
  await all
  assert.ok(counts[0] > 0 && counts[1] > 0, `${counts}`)
  for (const client of [...members, publisher]) await client.endAsync()
  ok('a shared subscription')
}

{
  const subscriber = await connect('js5-aliased', { properties: { topicAliasMaximum: 10 } })
  await subscriber.subscribeAsync('alias/+', { qos: 1, properties: { subscriptionIdentifier: 7 } })
  const publisher = await connect('js5-aliasing', { autoUseTopicAlias: true, autoAssignTopicAlias: true })
  const arrived = messages(subscriber, 6)
  for (let i = 0; i < 6; i++) await publisher.publishAsync(`alias/${i % 2}`, `${i}`, { qos: 1 })
  for (const [i, { topic, text, packet }] of (await arrived).entries()) {
    assert.deepEqual([topic, text, packet.properties.subscriptionIdentifier], [`alias/${i % 2}`, `${i}`, 7])
  }
  await subscriber.endAsync()
  await publisher.endAsync()
  ok('topic aliases both ways, and subscription identifiers')
}

{
  const lasting = { clean: false, properties: { sessionExpiryInterval: 1 } }
  const first = await connect('js5-expiring', lasting)
  await first.subscribeAsync('expiring', { qos: 1 })
  await first.endAsync()
  const publisher = await connect('js5-expirer')
  await publisher.publishAsync('expiring', 'soon old', { qos: 1, properties: { messageExpiryInterval: 1 } })
  const present = () =>
    new Promise((resolve) => {
      const client = mqtt.connect(url, { protocolVersion: 5, clientId: 'js5-expiring', ...lasting })
      client.on('connect', ({ sessionPresent }) => client.end(false, {}, () => resolve(sessionPresent)))
    })
  assert.equal(await present(), true)
  const deadline = performance.now() + 10_000
  // Each look begins the second anew: look after more than that.
  let isThere = true
  while (isThere && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 1_500))
    isThere = await present()
  }
  assert.equal(isThere, false)
  await publisher.endAsync()
  ok('a session expires')
}

{
  const server = await connect('js5-server')
  await server.subscribeAsync('questions', { qos: 1 })
  server.on('message', (_topic, payload, { properties }) => {
    const { responseTopic, correlationData } = properties
    server.publish(responseTopic, `answer to ${payload}`, { qos: 1, properties: { correlationData } })
  })
  const asker = await connect('js5-asker')
  await asker.subscribeAsync('answers/asker', { qos: 1 })
  const arrived = messages(asker, 1)
  const properties = { responseTopic: 'answers/asker', correlationData: Buffer.from([0, 255, 7]) }
  await asker.publishAsync('questions', 'why', { qos: 1, properties })
  const [{ text, packet }] = await arrived
  assert.equal(text, 'answer to why')
  assert.deepEqual(packet.properties.correlationData, Buffer.from([0, 255, 7]))
  await server.endAsync()
  await asker.endAsync()
  ok('request and response')
}

{
  const client = await connect('js5-amqp')
  await client.subscribeAsync('amqp/out', { qos: 1 })
  const connection = await amqp.connect(process.env.AMQP_URL)
  const channel = await connection.createConfirmChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, 'amq.topic', 'amqp.in')
  const got = new Promise((resolve) => channel.consume(queue, resolve, { noAck: true }))
  const properties = { contentType: 'text/plain', userProperties: { colour: 'red' } }
  await client.publishAsync('amqp/in', 'to AMQP', { qos: 1, properties })
  const message = await got
  assert.equal(message.content.toString(), 'to AMQP')
  assert.equal(message.properties.contentType, 'text/plain')
  assert.equal(message.properties.headers.colour, 'red')
  const arrived = messages(client, 1)
  channel.publish('amq.topic', 'amqp.out', Buffer.from('from AMQP'), { deliveryMode: 2, headers: { shape: 'round' } })
  await channel.waitForConfirms()
  const [{ text, packet }] = await arrived
  assert.deepEqual([text, packet.qos, packet.properties.userProperties.shape], ['from AMQP', 1, 'round'])
  await connection.close()
  await client.endAsync()
  ok('to AMQP 0-9-1 and back')
}

{
  const client = await connect('js5-stomp')
  await client.subscribeAsync('stomp/out', { qos: 0 })
  const stomp = new Client({
    webSocketFactory: () => new WebSocket(process.env.STOMP_WS_URL, ['v12.stomp']),
    connectHeaders: { login: 'guest', passcode: 'guest', host: '/' },
    reconnectDelay: 0,
  })
  await new Promise((resolve, reject) => {
    stomp.onConnect = resolve
    stomp.onStompError = ({ headers }) => reject(new Error(headers.message))
    stomp.activate()
  })
  const got = new Promise((resolve) => {
    const headers = { receipt: 'subscribed' }
    stomp.watchForReceipt('subscribed', () => {
      client.publish('stomp/in', 'to STOMP', { qos: 1 })
    })
    stomp.subscribe('/topic/stomp.in', ({ body }) => resolve(body), headers)
  })
  assert.equal(await got, 'to STOMP')
  const arrived = messages(client, 1)
  stomp.publish({ destination: '/topic/stomp.out', body: 'from STOMP' })
  assert.equal((await arrived)[0].text, 'from STOMP')
  await stomp.deactivate()
  await client.endAsync()
  ok('to STOMP and back')
}
