// STOMP 1.2 "SEND", "MESSAGE", "RECEIPT", "Value Encoding"; RabbitMQ: STOMP headers.
import assert from 'node:assert/strict'
import { stompConformance } from '../../support/stomp-broker.ts'

const test = await stompConformance()

test('a message has the headers of RabbitMQ', async (scene) => {
  const client = await scene.connect()
  const name = scene.name()
  await client.call('SUBSCRIBE', { id: 's1', destination: `/queue/${name}` })
  client.send('SEND', { destination: `/queue/${name}` }, 'hi')
  const message = await client.expect('MESSAGE')
  assert.match(
    message.head,
    new RegExp(
      `^MESSAGE\nsubscription:s1\ndestination:/queue/${name}\nmessage-id:T_s1@@session-[\\w-]+@@1\n` +
        'redelivered:false\ncontent-length:2$',
    ),
  )
})

test('properties and other headers arrive, the first of each name; what is for the SEND does not', async (scene) => {
  const client = await scene.connect()
  const destination = `/queue/${scene.name()}`
  await client.call('SUBSCRIBE', { id: 1, destination })
  const properties = {
    'content-type': 'text/x',
    'content-encoding': 'gz',
    persistent: 'true',
    priority: '5',
    'correlation-id': 'c',
    expiration: '60000',
    'amqp-message-id': 'm1',
    timestamp: '12345',
    type: 't',
    'user-id': 'guest',
    'app-id': 'a',
    foo: 'bar',
  }
  client.raw(
    `SEND\ndestination:${destination}\n${Object.entries(properties)
      .map(([name, value]) => `${name}:${value}\n`)
      .join('')}foo:baz\nreply-to:rq\nsubscription:no\nredelivered:no\nack:no\n\nhi\u0000`,
  )
  const { headers } = await client.expect('MESSAGE')
  for (const [name, value] of Object.entries(properties)) assert.equal(headers[name], value, name)
  assert.equal(headers['reply-to'], '/reply-queue/rq')
  assert.deepEqual([headers.subscription, headers.redelivered, headers.ack], ['1', 'false', undefined])
})

test('bodies: NUL with content-length, up to NUL without, empty, and large', async (scene) => {
  const client = await scene.connect()
  const destination = `/queue/${scene.name()}`
  await client.call('SUBSCRIBE', { id: 1, destination })
  client.send('SEND', { destination, 'content-length': 3 }, 'a\u0000b')
  client.raw(`SEND\r\ndestination:${destination}\r\n\r\nuntil NUL\u0000\r\n\n`)
  client.send('SEND', { destination })
  const large = 'x'.repeat(3_000_000)
  client.send('SEND', { destination }, large)
  await client.bodies('a\u0000b', 'until NUL', '', large)
})

test('escapes: each version gets its own form', async (scene) => {
  const [sender, newest, older, oldest] = [
    await scene.connect('1.2'),
    await scene.connect('1.2'),
    await scene.connect('1.1'),
    await scene.connect('1.0'),
  ]
  const key = scene.name('t')
  for (const client of [newest, older, oldest]) await client.call('SUBSCRIBE', { id: 1, destination: `/topic/${key}` })
  sender.send('SEND', { destination: `/topic/${key}`, 'a\\cb': 'x\\cy\\\\z\\nw' })
  assert.equal((await newest.next()).headers['a\\cb'], 'x\\cy\\\\z\\nw')
  assert.equal((await older.next()).headers['a\\cb'], 'x\\cy\\\\z\\nw')
  assert.equal((await oldest.next()).headers['a\\cb'], 'x:y\\z\\nw')
  oldest.send('SEND', { destination: `/topic/${key}`, foo: '  a:b\\c ' })
  assert.equal((await newest.next()).headers.foo, 'a\\cb\\\\c ')
})

test('a message-id on SEND, and values that are none, are refused', async (scene) => {
  const refused = async (headers: Record<string, string>, message: string, body: string): Promise<void> => {
    const client = await scene.connect()
    client.send('SEND', { destination: '/queue/stomp.refused', ...headers }, 'x')
    await client.refused(message, body)
  }
  await refused({ 'message-id': 'm' }, 'Invalid header', "'message-id' is not allowed on 'SEND'.\n")
  await refused({ priority: 'x' }, 'Invalid header', "'priority' must be a whole number, not 'x'.\n")
  const precondition = (text: string): [string, string] => ['precondition_failed', `PRECONDITION_FAILED - ${text}`]
  await refused({ expiration: 'foo' }, ...precondition("invalid expiration 'foo': no_integer"))
  await refused(
    { 'user-id': 'foo' },
    ...precondition("user_id property set to 'foo' but authenticated user was 'guest'"),
  )
})

test('receipts come in the order of their frames', async (scene) => {
  const client = await scene.connect()
  const destination = `/queue/${scene.name()}`
  for (let i = 0; i < 50; i++) {
    client.send('SEND', { destination, receipt: `s${i}`, ...(i % 3 === 0 && { persistent: 'true' }) }, 'x')
  }
  for (let i = 0; i < 50; i++) assert.equal((await client.expect('RECEIPT')).headers['receipt-id'], `s${i}`)
})

test('a full queue that rejects says so to whoever asked for a receipt, and the connection stays', async (scene) => {
  const client = await scene.connect()
  const args = { 'x-max-length': 1, 'x-overflow': 'reject-publish' }
  const destination = `/queue/${scene.name()}`
  await client.call('SEND', { destination, ...args, persistent: 'true' }, 'a')
  client.send('SEND', { destination, receipt: 'no', persistent: 'true' }, 'b')
  const error = await client.expect('ERROR')
  assert.deepEqual([error.headers.message, error.headers['receipt-id']], ['Message rejected', 'no'])
  await client.silent()
})

test('a message expires after its expiration', async (scene) => {
  const client = await scene.connect()
  const destination = `/queue/${scene.name()}`
  await client.call('SEND', { destination, expiration: 0 }, 'gone')
  await client.call('SEND', { destination }, 'there')
  client.send('SUBSCRIBE', { id: 1, destination })
  await client.bodies('there')
})

test('the exchange counts what is sent to it, and what nobody subscribed to', async (scene) => {
  const { counters } = scene.booted.parts.broker.vhost('/')!.exchange('amq.topic')!
  const before = { ...counters }
  const client = await scene.connect()
  client.send('SEND', { destination: `/topic/${scene.name('nobody')}`, receipt: 'r' }, 'x')
  await client.expect('RECEIPT')
  assert.deepEqual([counters.publishedIn - before.publishedIn, counters.unroutable - before.unroutable], [1, 1])
})
