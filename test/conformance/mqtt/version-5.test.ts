// What MQTT 5.0 adds: wills, retained messages, shared subscriptions, aliases, properties, reason codes. [MQTT 5.0]
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { MqttBroker } from '../../support/mqtt-broker.ts'
import { MqttClient } from '../../support/mqtt-client.ts'

let broker: MqttBroker

before(async () => {
  broker = await MqttBroker.start({ 'warren.mqtt.keep_alive_max': '60' })
})
after(() => broker.stop())

const NO_WILL = { qos: 0, retain: false, properties: {} }

test('CONNACK says what was granted', async () => {
  const client = await MqttClient.open(broker.port)
  const { properties } = await client.connect({
    clientId: '',
    keepAliveSeconds: 120,
    properties: { sessionExpiryInterval: 0xffff_ffff },
  })
  assert.match(properties.assignedClientIdentifier!, /^auto-/)
  assert.equal(properties.serverKeepAlive, 60)
  assert.equal(properties.sessionExpiryInterval, 86_400)
  assert.equal(properties.topicAliasMaximum, 16)
  assert.equal(properties.receiveMaximum, 1024)
  assert.equal(properties.maximumPacketSize, 16_777_216)
  assert.equal(properties.maximumQos, undefined)
  await client.disconnect()
})

test('a will is published when its client goes without a goodbye, and not otherwise', async () => {
  const listener = await broker.client()
  await listener.subscribe([{ filter: 'will/#', qos: 1 }])
  const will = {
    ...NO_WILL,
    topic: 'will/1',
    payload: Buffer.from('bye'),
    qos: 1,
    properties: { contentType: 'text/x' },
  }
  const polite = await broker.client({ will: { ...will, topic: 'will/0' } })
  await polite.disconnect()
  const rude = await broker.client({ will })
  await rude.drop()
  const message = await listener.nextMessage()
  assert.deepEqual([message.topic, message.payload, message.qos], ['will/1', 'bye', 1])
  assert.equal(message.properties.contentType, 'text/x')
  const asking = await broker.client({ will: { ...will, topic: 'will/2' } })
  await asking.disconnect(4)
  assert.equal((await listener.nextMessage()).topic, 'will/2')
  await listener.disconnect()
})

test('a delayed will waits for a reconnect, and comes at once when the session ends', async () => {
  const listener = await broker.client()
  await listener.subscribe([{ filter: 'delayed/#', qos: 0 }])
  const properties = { sessionExpiryInterval: 100 }
  const will = { ...NO_WILL, topic: 'delayed/1', payload: Buffer.from('x'), properties: { willDelayInterval: 50 } }
  const first = await broker.client({ clientId: 'delayed', properties, will })
  await first.drop()
  const second = await broker.client({ clientId: 'delayed', cleanStart: false, properties, will })
  await listener.settle()
  assert.equal(listener.packets.length, 0, 'the client came back in time')
  await second.drop()
  const third = await broker.client({ clientId: 'delayed', cleanStart: true })
  assert.equal((await listener.nextMessage()).topic, 'delayed/1')
  await third.disconnect()
})

test('retained messages are given to new subscriptions, wildcards included, and cleared by an empty one', async () => {
  const client = await broker.client()
  const contentType = 'text/plain'
  for (const name of ['a', 'b']) {
    await client.publishSafely({ topic: `kept/${name}`, payload: name, retain: true, properties: { contentType } })
  }
  await client.subscribe([{ filter: 'kept/+', qos: 1 }], 5)
  const found = [await client.nextMessage(), await client.nextMessage()]
  assert.deepEqual(found.map(({ topic, retain, qos }) => [topic, retain, qos]).sort(), [
    ['kept/a', true, 1],
    ['kept/b', true, 1],
  ])
  assert.deepEqual(
    found.map(({ properties, identifiers }) => [properties.contentType, identifiers[0]]),
    [
      [contentType, 5],
      [contentType, 5],
    ],
  )
  for (const { packetId } of found) client.ack(4, packetId)
  await client.publishSafely({ topic: 'kept/a', payload: '', retain: true })
  assert.equal((await client.nextMessage()).payload, '')
  const other = await broker.client()
  await other.subscribe([{ filter: 'kept/#', qos: 0 }])
  assert.equal((await other.nextMessage()).topic, 'kept/b')
  await other.settle()
  assert.equal(other.packets.length, 0)
})

test('retain handling and retain as published', async () => {
  const client = await broker.client()
  await client.publishSafely({ topic: 'handling', payload: 'old', retain: true })
  const options = { filter: 'handling', qos: 0, retainAsPublished: true }
  await client.subscribe([{ ...options, retainHandling: 2 }])
  await client.subscribe([{ ...options, retainHandling: 1 }])
  client.publish({ topic: 'handling', payload: 'new', retain: true })
  const message = await client.nextMessage()
  assert.deepEqual([message.payload, message.retain], ['new', true])
  await client.subscribe([{ ...options, retainHandling: 0 }])
  assert.deepEqual([(await client.nextMessage()).payload], ['new'])
  await client.settle()
  assert.equal(client.packets.length, 0)
})

test('no local: own messages are not delivered, those of others are', async () => {
  const [one, two] = [await broker.client(), await broker.client()]
  for (const qos of [0, 1]) {
    await one.subscribe([{ filter: `local/${qos}`, qos, noLocal: true }])
    assert.equal(await one.publishSafely({ topic: `local/${qos}`, payload: 'own' }), 0)
    assert.equal(await two.publishSafely({ topic: `local/${qos}`, payload: 'other' }), 0)
    assert.equal((await one.nextMessage()).payload, 'other')
  }
})

test('a shared subscription gives each message to one member', async () => {
  const members = [await broker.client(), await broker.client()]
  for (const member of members) assert.deepEqual(await member.subscribe([{ filter: '$share/g/jobs/#', qos: 1 }]), [1])
  const publisher = await broker.client()
  for (let i = 0; i < 20; i++) await publisher.publishSafely({ topic: `jobs/${i}`, payload: `${i}` })
  const got: string[] = []
  for (const member of members) {
    await member.settle()
    while (member.packets.length > 0) {
      const message = await member.nextMessage()
      got.push(message.payload)
      member.ack(4, message.packetId)
      await member.settle()
    }
  }
  assert.deepEqual(
    got.map(Number).sort((a, b) => a - b),
    Array.from({ length: 20 }, (_, i) => i),
  )
  const vhost = broker.booted.parts.broker.vhost('/')!
  assert.notEqual(vhost.queue('mqtt-shared-g/jobs/#'), undefined)
  assert.deepEqual(await members[0]!.unsubscribe('$share/g/jobs/#'), [0])
  await members[1]!.disconnect()
  await publisher.settle()
  assert.equal(vhost.queue('mqtt-shared-g/jobs/#'), undefined, 'the last member takes the queue along')
})

test('topic aliases, both ways', async () => {
  const client = await broker.client({ properties: { topicAliasMaximum: 1 } })
  await client.subscribe([{ filter: 'alias/#', qos: 0 }])
  client.publish({ topic: 'alias/long/topic', payload: '1', properties: { topicAlias: 3 } })
  client.publish({ topic: '', payload: '2', properties: { topicAlias: 3 } })
  const first = await client.nextMessage()
  assert.deepEqual([first.topic, first.properties.topicAlias], ['alias/long/topic', 1])
  const second = await client.nextMessage()
  assert.deepEqual([second.topic, second.payload, second.properties.topicAlias], ['', '2', 1])
  client.publish({ topic: 'alias/other' })
  const third = await client.nextMessage()
  assert.deepEqual([third.topic, third.properties.topicAlias], ['alias/other', undefined])
  client.publish({ topic: '', properties: { topicAlias: 4 } })
  assert.equal(await client.refusal(), 0x82)
  const other = await broker.client()
  other.publish({ topic: 'x', properties: { topicAlias: 17 } })
  assert.equal(await other.refusal(), 0x94)
})

test('properties of a message reach the subscriber; expiry as what is left of it', async () => {
  const client = await broker.client()
  await client.subscribe([{ filter: 'props', qos: 1 }])
  const properties = {
    payloadFormatIndicator: 1,
    contentType: 'text/plain',
    responseTopic: 'answers/1',
    correlationData: Buffer.from([1, 2, 255]),
    userProperties: [
      ['a', '1'],
      ['a', '2'],
    ] as [string, string][],
  }
  await client.publishSafely({ topic: 'props', properties: { ...properties, messageExpiryInterval: 100 } })
  const message = await client.nextMessage()
  const { messageExpiryInterval, ...rest } = message.properties
  assert.deepEqual(rest, properties)
  assert(messageExpiryInterval! <= 100 && messageExpiryInterval! > 90)
})

test('a client gets no packet larger than it takes', async () => {
  const client = await broker.client({ properties: { maximumPacketSize: 60 } })
  await client.subscribe([{ filter: 'size/#', qos: 1 }])
  await client.publishSafely({ topic: 'size/1', payload: 'x'.repeat(100) })
  await client.publishSafely({ topic: 'size/2', payload: 'x' })
  assert.equal((await client.nextMessage()).topic, 'size/2')
})

test('enhanced authentication is refused', async () => {
  const client = await MqttClient.open(broker.port)
  const { code } = await client.connect({ properties: { authenticationMethod: 'SCRAM' } })
  assert.equal(code, 0x8c)
  const other = await broker.client()
  other.send(Buffer.from([0xf0, 0]))
  assert.equal(await other.refusal(), 0x82)
})

test('wrong input closes only the connection it came on, with its reason code', async () => {
  const bystander = await broker.client()
  const cases: readonly (readonly [name: string, packet: readonly number[], code: number])[] = [
    ['QoS 3', [0x36, 5, 0, 1, 0x61, 0, 1], 0x81],
    ['a publish that ends too early', [0x32, 3, 0, 1, 0x61], 0x81],
    ['a topic that is not UTF-8', [0x30, 4, 0, 1, 0xff, 0], 0x81],
    ['U+0000 in a topic', [0x30, 4, 0, 1, 0, 0], 0x81],
    ['a wildcard in a topic', [0x30, 4, 0, 1, 0x23, 0], 0x90],
    ['an empty topic', [0x30, 3, 0, 0, 0], 0x90],
    ['packet identifier 0', [0x32, 6, 0, 1, 0x61, 0, 0, 0], 0x82],
    ['a property that is none', [0x30, 6, 0, 1, 0x61, 2, 0x7f, 0], 0x81],
    ['a property of another packet', [0x30, 7, 0, 1, 0x61, 3, 0x21, 0, 1], 0x81],
    ['a subscription identifier from a client', [0x30, 6, 0, 1, 0x61, 2, 0x0b, 1], 0x82],
    ['a filter with a misplaced #', [0x82, 8, 0, 1, 0, 0, 2, 0x23, 0x61, 0], 0x8f],
    ['SUBSCRIBE without a filter', [0x82, 3, 0, 1, 0], 0x82],
    ['SUBSCRIBE with wrong flags', [0x80, 7, 0, 1, 0, 0, 1, 0x61, 0], 0x81],
    ['reserved subscription options', [0x82, 7, 0, 1, 0, 0, 1, 0x61, 0xc0], 0x81],
    ['No Local on a shared subscription', [0x82, 17, 0, 1, 0, 0, 11, ...Buffer.from('$share/g/ab'), 4], 0x82],
    ['a second CONNECT', [0x10, 13, 0, 4, 77, 81, 84, 84, 5, 2, 0, 0, 0, 0, 0], 0x82],
    ['a packet from servers', [0x20, 3, 0, 0, 0], 0x81],
    ['packet type 0', [0x00, 0], 0x81],
    ['a packet beyond the limit', [0x30, 0xff, 0xff, 0xff, 0x7f], 0x95],
    ['a length of five bytes', [0x30, 0xff, 0xff, 0xff, 0xff, 1], 0x81],
  ]
  for (const [name, packet, code] of cases) {
    const client = await broker.client()
    client.send(Buffer.from(packet))
    assert.equal(await client.refusal(), code, name)
  }
  await bystander.settle()
})

test('before CONNECT nothing else is taken', async () => {
  for (const first of [
    [0xc0, 0],
    [0x30, 3, 0, 1, 0x61],
    [0x10, 6, 0, 4, 72, 84, 84, 80],
    [71, 69, 84, 32, 47],
  ]) {
    const client = await MqttClient.open(broker.port)
    client.send(Buffer.from(first))
    await client.closed()
    assert.deepEqual(client.packets, [])
  }
  const refused = await MqttClient.open(broker.port)
  assert.equal((await refused.connect({ password: Buffer.from('wrong') })).code, 0x86)
  await refused.closed()
})
