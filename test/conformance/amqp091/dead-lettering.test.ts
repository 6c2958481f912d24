// Dead-lettering: x-death and cycles. [rabbitmq.com "Dead Letter Exchanges"]
import assert from 'node:assert/strict'
import { conformance, type Scene } from '../../support/conformance.ts'
import { decodeHeader, type Table, Typed, type Value } from '../../support/wire-codec.ts'
import type { Arrival } from '../../support/wire-inbox.ts'

const { test, testSince } = await conformance('dead-lettering')

interface Pair {
  readonly queue: string
  readonly dead: string
}

/** A queue with a dead-letter exchange (default exchange) and the queue its dead letters reach. */
async function pair(scene: Scene, args: Table = {}): Promise<Pair> {
  const dead = await scene.queue()
  const queue = await scene.queue({ 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead, ...args })
  return { queue, dead }
}

/** Publishes, receives and rejects one message. */
async function killed(scene: Scene, { queue, dead }: Pair, properties: Table = {}): Promise<Arrival> {
  scene.channel.publish('', queue, 'x', properties)
  scene.channel.reject(await scene.channel.getSoon(queue, false))
  return scene.channel.getSoon(dead)
}

function deaths(message: Arrival): Table[] {
  return message.headers['x-death'] as Table[]
}

test('x-death: holds count, reason, queue, time, exchange and routing keys, by their types', async (scene) => {
  const { queue, dead } = await pair(scene)
  const before = Math.floor(Date.now() / 1000)
  const message = await killed(scene, { queue, dead })
  const headers = decodeHeader(message.headerPayload, true).properties.headers as Table
  const [death] = (headers['x-death'] as Typed).value as Typed[]
  assert.equal(death!.tag, 'F')
  const table = death!.value as Table
  assert.deepEqual(Object.keys(table).sort(), ['count', 'exchange', 'queue', 'reason', 'routing-keys', 'time'])
  assert.deepEqual(table.count, new Typed('l', 1))
  assert.deepEqual(table.reason, new Typed('S', 'rejected'))
  assert.deepEqual(table.queue, new Typed('S', queue))
  assert.deepEqual(table.exchange, new Typed('S', ''))
  assert.deepEqual(table['routing-keys'], new Typed('A', [new Typed('S', queue)]))
  const time = table.time as Typed
  assert.equal(time.tag, 'T')
  assert.ok(Number(time.value) >= before - 1 && Number(time.value) <= before + 10)
})

test('x-first-death and x-last-death: name reason, queue and exchange', async (scene) => {
  const { queue, dead } = await pair(scene)
  const { headers } = await killed(scene, { queue, dead })
  assert.equal(headers['x-first-death-reason'], 'rejected')
  assert.equal(headers['x-first-death-queue'], queue)
  assert.equal(headers['x-first-death-exchange'], '')
  const last = scene.since<(Value | undefined)[]>('3.13', ['rejected', queue, ''], [undefined, undefined, undefined])
  assert.deepEqual(
    [headers['x-last-death-reason'], headers['x-last-death-queue'], headers['x-last-death-exchange']],
    last,
  )
})

test('headers of the publisher are kept beside it', async (scene) => {
  const message = await killed(scene, await pair(scene), { headers: { mine: 1 }, deliveryMode: 2, correlationId: 'c' })
  assert.equal(message.headers.mine, 1)
  assert.equal(message.properties.deliveryMode, 2)
  assert.equal(message.properties.correlationId, 'c')
})

test('reason expired: original-expiration keeps the property that is removed', async (scene) => {
  const { queue, dead } = await pair(scene)
  scene.channel.publish('', queue, 'x', { expiration: '20' })
  const message = await scene.channel.getSoon(dead)
  assert.equal(message.properties.expiration, undefined)
  const [death] = deaths(message)
  assert.equal(death!.reason, 'expired')
  assert.equal(death!['original-expiration'], '20')
})

test('reason expired by the queue: there is no original-expiration', async (scene) => {
  const { queue, dead } = await pair(scene, { 'x-message-ttl': 20 })
  scene.channel.publish('', queue, 'x')
  const [death] = deaths(await scene.channel.getSoon(dead))
  assert.equal(death!.reason, 'expired')
  assert.equal('original-expiration' in death!, false)
})

test('basic.nack: multiple dead-letters all of them in order', async (scene) => {
  const { queue, dead } = await pair(scene)
  for (const body of ['1', '2', '3']) scene.channel.publish('', queue, body)
  for (let n = 0; n < 3; n++) await scene.channel.getSoon(queue, false)
  scene.channel.nack(3, { multiple: true })
  await scene.channel.depthBecomes(dead, 3)
  for (const body of ['1', '2', '3']) assert.equal((await scene.channel.getSoon(dead)).body.toString(), body)
})

test('the dead letter carries the dead-letter exchange and routing key', async (scene) => {
  const exchange = await scene.exchange('direct')
  const dead = await scene.queue()
  await scene.channel.call('queue.bind', { queue: dead, exchange, routingKey: 'grave' })
  const queue = await scene.queue({ 'x-dead-letter-exchange': exchange, 'x-dead-letter-routing-key': 'grave' })
  const message = await killed(scene, { queue, dead })
  assert.equal(message.args.exchange, exchange)
  assert.equal(message.args.routingKey, 'grave')
})

test('without a dead-letter routing key the original key is used', async (scene) => {
  const exchange = await scene.exchange('direct')
  const queue = await scene.queue({ 'x-dead-letter-exchange': exchange })
  const dead = await scene.queue()
  await scene.channel.call('queue.bind', { queue: dead, exchange, routingKey: queue })
  assert.equal((await killed(scene, { queue, dead })).args.routingKey, queue)
})

test('without a dead-letter routing key CC and BCC keys route too', async (scene) => {
  const exchange = await scene.exchange('direct')
  const queue = await scene.queue({ 'x-dead-letter-exchange': exchange })
  const [byCc, byBcc] = [await scene.queue(), await scene.queue()]
  await scene.channel.call('queue.bind', { queue: byCc, exchange, routingKey: 'cc' })
  await scene.channel.call('queue.bind', { queue: byBcc, exchange, routingKey: 'bcc' })
  scene.channel.publish('', queue, 'x', { headers: { CC: ['cc'], BCC: ['bcc'] } })
  scene.channel.reject(await scene.channel.getSoon(queue, false))
  const message = await scene.channel.getSoon(byCc)
  await scene.channel.getSoon(byBcc)
  assert.deepEqual(deaths(message)[0]!['routing-keys'], [queue, 'cc'])
})

test('with a dead-letter routing key CC keys no longer route; the header is kept since 3.13', async (scene) => {
  const { queue, dead } = await pair(scene)
  const copy = await scene.queue()
  const message = await killed(scene, { queue, dead }, { headers: { CC: [copy] } })
  assert.deepEqual(message.headers.CC, scene.since<Value | undefined>('3.13', [copy], undefined))
  await scene.channel.depthBecomes(copy, 1)
  await scene.channel.quiet(copy)
  assert.equal(await scene.channel.depth(copy), 1)
})

test('a missing dead-letter exchange drops the message', async (scene) => {
  const queue = await scene.queue({ 'x-dead-letter-exchange': scene.name('x') })
  scene.channel.publish('', queue, 'x')
  scene.channel.reject(await scene.channel.getSoon(queue, false))
  await scene.channel.quiet(queue)
  assert.equal(await scene.channel.depth(queue), 0)
})

test('each queue a message dies in has its entry, the latest first', async (scene) => {
  const { queue: third, dead } = await pair(scene)
  const second = await scene.queue({ 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': third })
  const first = await scene.queue({ 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': second })
  scene.channel.publish('', first, 'x')
  for (const queue of [first, second, third]) scene.channel.reject(await scene.channel.getSoon(queue, false))
  const message = await scene.channel.getSoon(dead)
  const order = scene.since('4.0', [third, second, first], [third, first, second])
  assert.deepEqual(
    deaths(message).map((death) => [death.queue, death.reason, death.count]),
    order.map((queue) => [queue, 'rejected', 1]),
  )
  assert.equal(message.headers['x-first-death-queue'], first)
})

test('a retry loop by rejection and TTL: counts grow, the latest death is first', async (scene) => {
  const work = scene.name()
  const wait = await scene.queue({
    'x-message-ttl': 10,
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': work,
  })
  await scene.channel.call('queue.declare', {
    queue: work,
    exclusive: true,
    arguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': wait },
  })
  scene.channel.publish('', work, 'task')
  for (let round = 0; round < 3; round++) scene.channel.reject(await scene.channel.getSoon(work, false))
  const message = await scene.channel.getSoon(work)
  assert.deepEqual(
    deaths(message).map((death) => [death.queue, death.reason, death.count]),
    [
      [wait, 'expired', 3],
      [work, 'rejected', 3],
    ],
  )
  assert.equal(message.headers['x-first-death-queue'], work)
  assert.equal(message.headers['x-first-death-reason'], 'rejected')
})

test('the time of the first death of an entry stays', async (scene) => {
  const work = scene.name()
  const wait = await scene.queue({
    'x-message-ttl': 10,
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': work,
  })
  await scene.channel.call('queue.declare', {
    queue: work,
    exclusive: true,
    arguments: { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': wait },
  })
  scene.channel.publish('', work, 'task')
  scene.channel.reject(await scene.channel.getSoon(work, false))
  const once = await scene.channel.getSoon(work, false)
  const first = deaths(once).find((death) => death.queue === work)!.time
  scene.channel.reject(once)
  const twice = await scene.channel.getSoon(work)
  assert.deepEqual(deaths(twice).find((death) => death.queue === work)!.time, first)
})

test('cycle: a message that would expire in a circle is dropped', async (scene) => {
  const first = scene.name()
  const second = await scene.queue({
    'x-message-ttl': 10,
    'x-dead-letter-exchange': '',
    'x-dead-letter-routing-key': first,
  })
  await scene.channel.call('queue.declare', {
    queue: first,
    exclusive: true,
    arguments: { 'x-message-ttl': 10, 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': second },
  })
  scene.channel.publish('', first, 'x')
  await scene.channel.depthBecomes(first, 0)
  await scene.channel.depthBecomes(second, 0)
})

test('cycle: a queue that dead-letters to itself by expiry drops the message', async (scene) => {
  const queue = scene.name()
  await scene.channel.call('queue.declare', {
    queue,
    exclusive: true,
    arguments: { 'x-message-ttl': 10, 'x-dead-letter-exchange': '' },
  })
  scene.channel.publish('', queue, 'x')
  await scene.channel.depthBecomes(queue, 0)
})

test('cycle: with a rejection in it the message goes round', async (scene) => {
  const queue = scene.name()
  await scene.channel.call('queue.declare', {
    queue,
    exclusive: true,
    arguments: { 'x-dead-letter-exchange': '' },
  })
  scene.channel.publish('', queue, 'x')
  for (let round = 0; round < 3; round++) scene.channel.reject(await scene.channel.getSoon(queue, false))
  const message = await scene.channel.getSoon(queue)
  assert.deepEqual(
    deaths(message).map((death) => [death.queue, death.reason, death.count]),
    [[queue, 'rejected', 3]],
  )
})

testSince('4.0', 'an x-death header from a client is not interpreted', async (scene) => {
  const forged = [{ count: 7, reason: 'rejected', queue: 'other', exchange: '', 'routing-keys': ['k'] }]
  const message = await killed(scene, await pair(scene), { headers: { 'x-death': forged } })
  assert.equal(deaths(message).length, 1)
  assert.equal(deaths(message)[0]!.count, 1)
})

test('the header table is sorted by key once the broker added to it', async (scene) => {
  const message = await killed(scene, await pair(scene), { headers: { zebra: 1, apple: 2 } })
  const keys = Object.keys(message.headers)
  assert.deepEqual(keys, [...keys].sort())
})

test('policy: dead-letter-exchange and routing key apply at once', async (scene) => {
  const queue = await scene.queue()
  const dead = await scene.queue()
  await scene.admin.setPolicy(scene.vhost, 'dlx', {
    pattern: `^${queue.replaceAll('.', '\\.')}$`,
    definition: { 'dead-letter-exchange': '', 'dead-letter-routing-key': dead },
    applyTo: 'queues',
  })
  const message = await killed(scene, { queue, dead })
  assert.equal(deaths(message)[0]!.queue, queue)
})
