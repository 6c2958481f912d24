// basic.publish: checks, returns, CC and BCC, bodies. [AMQP 0-9-1 §1.8.3.7; rabbitmq.com "Publishers",
// "Sender-selected Distribution", "Validated User-ID"]
import assert from 'node:assert/strict'
import { conformance } from '../../support/conformance.ts'
import { encodeHeader, encodeMethod, HEADER, METHOD, type Table, Typed } from '../../support/wire-codec.ts'
import type { Arrival } from '../../support/wire-inbox.ts'

const { test, testSince } = await conformance('basic-publish')

const ALL_PROPERTIES: Table = {
  contentType: 'text/plain',
  contentEncoding: 'gzip',
  headers: { a: 'b' },
  deliveryMode: 2,
  priority: 7,
  correlationId: 'correlation',
  replyTo: 'reply',
  expiration: '60000',
  messageId: 'message',
  timestamp: 1700000000,
  type: 'type',
  userId: 'guest',
  appId: 'app',
  clusterId: 'cluster',
}

test('basic.publish: every property arrives as it was sent', async (scene) => {
  const queue = await scene.queue()
  scene.channel.publish('', queue, 'x', ALL_PROPERTIES)
  assert.deepEqual((await scene.channel.getSoon(queue)).properties, ALL_PROPERTIES)
})

test('basic.publish: a message without properties arrives without properties', async (scene) => {
  const queue = await scene.queue()
  scene.channel.publish('', queue, 'x')
  assert.deepEqual((await scene.channel.getSoon(queue)).properties, {})
})

test('basic.publish: header values of every type arrive unchanged', async (scene) => {
  const queue = await scene.queue()
  const headers: Table = {
    bool: true,
    byte: new Typed('b', -5),
    'unsigned byte': new Typed('B', 250),
    short: new Typed('s', -300),
    'unsigned short': new Typed('u', 65535),
    int: -70000,
    'unsigned int': new Typed('i', 4294967295),
    long: new Typed('l', -(2 ** 40)),
    double: 1.5,
    float: new Typed('f', 0.25),
    decimal: new Typed('D', [2, 314]),
    text: 'ä',
    empty: '',
    bytes: Buffer.from([0, 255]),
    timestamp: new Typed('T', 1700000000),
    none: null,
    list: [1, 'two', [true]],
    table: { inner: { deep: 'x' } },
  }
  scene.channel.publish('', queue, 'x', { headers })
  const arrived = (await scene.channel.getSoon(queue)).headers
  const plain = (value: unknown): unknown =>
    value instanceof Typed && !['T', 'D'].includes(value.tag) ? value.value : value
  for (const [key, value] of Object.entries(headers)) assert.deepEqual(arrived[key], plain(value), key)
})

for (const size of [0, 1, 1000, 131064, 131065, 300000, 2000000]) {
  test(`basic.publish: a body of ${size} octets arrives whole`, async (scene) => {
    const queue = await scene.queue()
    const body = Buffer.alloc(size, 'abcdefghijk')
    scene.channel.publish('', queue, body)
    const message = await scene.channel.getSoon(queue)
    assert.equal(message.body.equals(body), true)
  })
}

test('basic.publish: a missing exchange is 404', async (scene) => {
  const exchange = scene.name('x')
  scene.channel.publish(exchange, 'k', 'x')
  await scene.channel.refused(404, `NOT_FOUND - no ${scene.the('exchange', exchange)}`, 60, 40)
})

test('basic.publish: the channel is dead after an error, later messages are lost', async (scene) => {
  const queue = await scene.queue()
  scene.channel.publish(scene.name('x'), 'k', 'x')
  scene.channel.publish('', queue, 'late')
  await scene.channel.refused(404, /^NOT_FOUND/)
  assert.equal(await (await scene.client.channel(1)).depth(queue), 0)
})

test('mandatory: an unroutable message comes back with 312 NO_ROUTE and all its content', async (scene) => {
  scene.channel.publish('amq.direct', 'nobody', 'body', ALL_PROPERTIES, { mandatory: true })
  const returned = await scene.channel.expect('basic.return')
  assert.deepEqual(returned.args, {
    replyCode: 312,
    replyText: 'NO_ROUTE',
    exchange: 'amq.direct',
    routingKey: 'nobody',
  })
  assert.equal(returned.body.toString(), 'body')
  assert.deepEqual(returned.properties, ALL_PROPERTIES)
})

test('mandatory: a routed message does not come back', async (scene) => {
  const queue = await scene.queue()
  scene.channel.publish('', queue, 'x', {}, { mandatory: true })
  await scene.channel.quiet(queue)
  await scene.channel.depthBecomes(queue, 1)
})

test('mandatory: unset, an unroutable message is dropped in silence', async (scene) => {
  scene.channel.publish('', scene.name(), 'x')
  await scene.channel.quiet()
})

test('immediate: is 540', async (scene) => {
  const queue = await scene.queue()
  scene.channel.publish('', queue, 'x', {}, { immediate: true })
  await scene.client.refused(540, 'NOT_IMPLEMENTED - immediate=true', 60, 40)
})

test('user-id: another name than the connection’s user is 406', async (scene) => {
  const queue = await scene.queue()
  scene.channel.publish('', queue, 'x', { userId: 'somebody' })
  await scene.channel.refused(
    406,
    "PRECONDITION_FAILED - user_id property set to 'somebody' but authenticated user was 'guest'",
    60,
    40,
  )
})

test('user-id: a user tagged impersonator may set any', async (scene) => {
  const user = scene.name('user')
  await scene.admin.declareUser(user, 'secret', ['impersonator'])
  await scene.admin.setPermissions(scene.vhost, user, { configure: '.*', write: '.*', read: '.*' })
  const channel = await scene.otherChannel({ user, password: 'secret' })
  const queue = await scene.queue({}, { exclusive: true }, channel)
  channel.publish('', queue, 'x', { userId: 'somebody' })
  assert.equal((await channel.getSoon(queue)).properties.userId, 'somebody')
  await scene.admin.deleteUser(user)
})

const BAD_EXPIRATIONS: readonly [expiration: string, reason: string][] = [
  ['abc', 'no_integer'],
  ['', 'no_integer'],
  ['100x', '{leftover_string,"x"}'],
  ['1.5', '{leftover_string,".5"}'],
  ['-1', '{value_negative,-1}'],
]

for (const [expiration, reason] of BAD_EXPIRATIONS) {
  test(`expiration: '${expiration}' is 406 ${reason}`, async (scene) => {
    const queue = await scene.queue()
    scene.channel.publish('', queue, 'x', { expiration })
    await scene.channel.refused(406, `PRECONDITION_FAILED - invalid expiration '${expiration}': ${reason}`, 60, 40)
  })
}

test('CC: every key routes, the header stays', async (scene) => {
  const [first, second, third] = [await scene.queue(), await scene.queue(), await scene.queue()]
  scene.channel.publish('', first, 'x', { headers: { CC: [second, third] } })
  for (const queue of [first, second, third]) {
    const message = await scene.channel.getSoon(queue)
    assert.deepEqual(message.headers, { CC: [second, third] })
    assert.equal(message.args.routingKey, first)
  }
})

test('BCC: every key routes, the header is removed', async (scene) => {
  const [first, second] = [await scene.queue(), await scene.queue()]
  scene.channel.publish('', first, 'x', { headers: { BCC: [second], other: 1 } })
  assert.deepEqual((await scene.channel.getSoon(first)).headers, { other: 1 })
  assert.deepEqual((await scene.channel.getSoon(second)).headers, { other: 1 })
})

test('CC: a queue that several keys name gets the message once', async (scene) => {
  const queue = await scene.queue()
  scene.channel.publish('', queue, 'x', { headers: { CC: [queue], BCC: [queue] } })
  assert.ok(await scene.channel.getSoon(queue))
  assert.equal(await scene.channel.depth(queue), 0)
})

test('CC: routes also when the routing key itself does not', async (scene) => {
  const queue = await scene.queue()
  scene.channel.publish('', scene.name(), 'x', { headers: { CC: [queue] } }, { mandatory: true })
  await scene.channel.quiet(queue)
  await scene.channel.depthBecomes(queue, 1)
})

for (const header of ['CC', 'BCC']) {
  test(`${header}: a value that is no array is 406`, async (scene) => {
    scene.channel.publish('', scene.name(), 'x', { headers: { [header]: 'queue' } })
    await scene.channel.refused(
      406,
      `PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,"${header}",longstr}`,
      60,
      40,
    )
  })
}

test('check order: a missing exchange is noticed before a bad expiration', async (scene) => {
  scene.channel.publish(scene.name('x'), 'k', 'x', { expiration: 'abc', userId: 'somebody' })
  await scene.channel.refused(404, /^NOT_FOUND/)
})

test('check order: an internal exchange is noticed before a bad expiration', async (scene) => {
  const exchange = await scene.exchange('fanout', {}, { internal: true })
  scene.channel.publish(exchange, 'k', 'x', { expiration: 'abc' })
  await scene.channel.refused(403, /^ACCESS_REFUSED - cannot publish to internal exchange/)
})

test('order: messages of one channel arrive in the order published', async (scene) => {
  const queue = await scene.queue()
  for (let n = 0; n < 500; n++) scene.channel.publish('', queue, String(n))
  await scene.channel.consume(queue, { noAck: true })
  const expected = Array.from({ length: 500 }, (_, n) => String(n))
  assert.deepEqual(await scene.channel.bodies(500), expected)
})

test('routing: a queue bound many times gets one copy', async (scene) => {
  const exchange = await scene.exchange('topic')
  const queue = await scene.queue()
  for (const routingKey of ['a.#', '#.b', 'a.b', '*.b']) {
    await scene.channel.call('queue.bind', { queue, exchange, routingKey })
  }
  scene.channel.publish(exchange, 'a.b', 'x')
  const message: Arrival = await scene.channel.getSoon(queue)
  assert.equal(message.args.messageCount, 0)
})

testSince('4.0', 'size: a body above 512 MiB is refused when the header announces it', async (scene) => {
  const client = await scene.connect()
  await client.channel(1)
  client.sendFrame(METHOD, 1, encodeMethod('basic.publish', { routingKey: 'q' }))
  client.sendFrame(HEADER, 1, encodeHeader(600_000_000))
  await client.refused(501, /content body size 600000000 exceeds maximum allowed size \d+/)
})

testSince('4.0', 'size: a body above max_message_size is 406', async (scene) => {
  const size = 16_777_217
  scene.channel.publish('', scene.name(), Buffer.alloc(size))
  await scene.channel.refused(
    406,
    `PRECONDITION_FAILED - message size ${size} is larger than configured max size 16777216`,
    60,
    40,
  )
})
