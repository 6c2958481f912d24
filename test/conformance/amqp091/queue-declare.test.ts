// queue.declare. [AMQP 0-9-1 §1.7.2.1; rabbitmq.com "Queues"]
import assert from 'node:assert/strict'
import { conformance, type Scene } from '../../support/conformance.ts'
import type { WireChannel } from '../../support/wire-channel.ts'
import { type Table, Typed, type Value } from '../../support/wire-codec.ts'

const { test, testSince, testOurs } = await conformance('queue-declare')

/** Text of a 406 about two different values of an argument. */
function inequivalent(scene: Scene, arg: string, queue: string, received: string, current: string): string {
  return (
    `PRECONDITION_FAILED - inequivalent arg '${arg}' for ${scene.the('queue', queue)}: ` +
    `received ${received} but current is ${current}`
  )
}

async function redeclare(scene: Scene, first: Table, second: Table, text: (queue: string) => string): Promise<void> {
  const queue = scene.name()
  await scene.channel.call('queue.declare', { queue, exclusive: true, arguments: first })
  scene.channel.send('queue.declare', { queue, exclusive: true, arguments: second })
  await scene.channel.refused(406, text(queue), 50, 10)
}

async function refusedArgument(scene: Scene, key: string, value: Value, reason: string): Promise<void> {
  const queue = scene.name()
  scene.channel.send('queue.declare', { queue, exclusive: true, arguments: { [key]: value } })
  await scene.channel.refused(
    406,
    `PRECONDITION_FAILED - invalid arg '${key}' for ${scene.the('queue', queue)}: ${reason}`,
    50,
    10,
  )
}

test('queue.declare: declare-ok names the queue, its ready messages and its consumers', async (scene) => {
  const queue = await scene.queue()
  scene.channel.publish('', queue)
  scene.channel.publish('', queue)
  await scene.channel.depthBecomes(queue, 2)
  await scene.channel.call('basic.qos', { prefetchCount: 1 })
  await scene.channel.consume(queue)
  await scene.channel.delivery()
  assert.deepEqual(await scene.channel.call('queue.declare', { queue, exclusive: true }), {
    queue,
    messageCount: 1,
    consumerCount: 1,
  })
})

test('queue.declare: an empty name asks the server for one', async (scene) => {
  const first = await scene.channel.call('queue.declare', { exclusive: true })
  const second = await scene.channel.call('queue.declare', { exclusive: true })
  assert.match(String(first.queue), /^amq\.gen-[A-Za-z0-9_-]{22}$/)
  assert.notEqual(first.queue, second.queue)
})

test('queue.declare: an empty name later on the channel means the queue declared last', async (scene) => {
  const { queue } = await scene.channel.call('queue.declare', { exclusive: true })
  await scene.channel.call('queue.bind', { queue: '', exchange: 'amq.direct', routingKey: 'last' })
  scene.channel.publish('amq.direct', 'last', 'x')
  await scene.channel.depthBecomes(String(queue), 1)
  assert.ok(await scene.channel.get(''))
  await scene.channel.call('queue.purge', { queue: '' })
  await scene.channel.consume('')
  await scene.channel.call('queue.delete', { queue: '' })
})

test('queue.declare: an empty name without any declaration is 404', async (scene) => {
  scene.channel.send('queue.purge', { queue: '' })
  await scene.channel.refused(404, 'NOT_FOUND - no previously declared queue', 50, 30)
})

test('queue.declare: passive on a missing queue is 404', async (scene) => {
  const queue = scene.name()
  scene.channel.send('queue.declare', { queue, passive: true })
  await scene.channel.refused(404, `NOT_FOUND - no ${scene.the('queue', queue)}`, 50, 10)
})

test('queue.declare: a new name with the prefix amq. is 403', async (scene) => {
  scene.channel.send('queue.declare', { queue: 'amq.mine', exclusive: true })
  await scene.channel.refused(403, "ACCESS_REFUSED - queue name 'amq.mine' contains reserved prefix 'amq.*'", 50, 10)
})

test('queue.declare: the name of a server-named queue may only be declared passively', async (scene) => {
  const { queue } = await scene.channel.call('queue.declare', { exclusive: true })
  scene.channel.send('queue.declare', { queue: queue!, exclusive: true })
  await scene.channel.refused(
    403,
    /^ACCESS_REFUSED - queue name 'amq\.gen-.*' contains reserved prefix 'amq\.\*'$/,
    50,
    10,
  )
  await (await scene.client.channel(1)).call('queue.declare', { queue: queue!, passive: true })
})

test('queue.declare: line ends are stripped from the name', async (scene) => {
  const queue = scene.name()
  const ok = await scene.channel.call('queue.declare', { queue: `${queue}\n`, exclusive: true })
  assert.equal(ok.queue, queue)
})

test('queue.declare: nowait is silent', async (scene) => {
  const queue = scene.name()
  scene.channel.send('queue.declare', { queue, exclusive: true, noWait: true })
  assert.equal((await scene.channel.status(queue)).messages, 0)
})

test('queue.declare: names are UTF-8 of up to 255 octets', async (scene) => {
  const queue = `${scene.name()}-ä€😀-`.padEnd(230, 'x')
  assert.equal((await scene.channel.call('queue.declare', { queue, exclusive: true })).queue, queue)
})

test('durable: another value is 406', async (scene) => {
  const queue = await scene.queue({}, { durable: true })
  scene.channel.send('queue.declare', { queue })
  await scene.channel.refused(406, inequivalent(scene, 'durable', queue, "'false'", "'true'"), 50, 10)
})

test('auto_delete: another value is 406', async (scene) => {
  const queue = await scene.queue({}, { durable: true })
  scene.channel.send('queue.declare', { queue, durable: true, autoDelete: true })
  await scene.channel.refused(406, inequivalent(scene, 'auto_delete', queue, "'true'", "'false'"), 50, 10)
})

test('durable: a transient queue that is not exclusive is permitted', async (scene) => {
  const queue = await scene.queue({}, {})
  await scene.channel.call('queue.delete', { queue })
})

test('auto_delete: the queue goes with its last consumer', async (scene) => {
  const queue = await scene.queue({}, { durable: true, autoDelete: true })
  const first = await scene.channel.consume(queue)
  const second = await scene.channel.consume(queue)
  await scene.channel.call('basic.cancel', { consumerTag: first })
  await scene.channel.quiet(queue)
  await scene.channel.call('basic.cancel', { consumerTag: second })
  scene.channel.send('queue.declare', { queue, passive: true })
  await scene.channel.refused(404, /^NOT_FOUND/)
})

test('auto_delete: basic.get does not count as a consumer', async (scene) => {
  const queue = await scene.queue({}, { durable: true, autoDelete: true })
  await scene.channel.get(queue)
  await scene.channel.quiet(queue)
})

test('auto_delete: the end of the channel counts as cancel', async (scene) => {
  const queue = await scene.queue({}, { durable: true, autoDelete: true })
  const other = await scene.client.channel(2)
  await other.consume(queue)
  await other.close()
  scene.channel.send('queue.declare', { queue, passive: true })
  await scene.channel.refused(404, /^NOT_FOUND/)
})

const FOREIGN_OPERATIONS: readonly [string, (channel: WireChannel, queue: string) => void][] = [
  ['queue.declare', (channel, queue) => channel.send('queue.declare', { queue, exclusive: true })],
  ['queue.declare passive', (channel, queue) => channel.send('queue.declare', { queue, passive: true })],
  ['queue.bind', (channel, queue) => channel.send('queue.bind', { queue, exchange: 'amq.fanout' })],
  ['queue.unbind', (channel, queue) => channel.send('queue.unbind', { queue, exchange: 'amq.fanout' })],
  ['queue.purge', (channel, queue) => channel.send('queue.purge', { queue })],
  ['queue.delete', (channel, queue) => channel.send('queue.delete', { queue })],
  ['basic.consume', (channel, queue) => channel.send('basic.consume', { queue })],
  ['basic.get', (channel, queue) => channel.send('basic.get', { queue })],
]

for (const [operation, send] of FOREIGN_OPERATIONS) {
  test(`exclusive: ${operation} from another connection is 405`, async (scene) => {
    const queue = await scene.queue()
    await scene.channel.call('queue.bind', { queue, exchange: 'amq.fanout' })
    const other = await scene.otherChannel()
    send(other, queue)
    await other.refused(
      405,
      `RESOURCE_LOCKED - cannot obtain exclusive access to locked ${scene.the('queue', queue)}. It could be originally ` +
        'declared on another connection or the exclusive property value does not match that of the original declaration.',
    )
  })
}

test('exclusive: an owner that redeclares it as shared is 405', async (scene) => {
  const queue = await scene.queue()
  scene.channel.send('queue.declare', { queue })
  await scene.channel.refused(405, /^RESOURCE_LOCKED - cannot obtain exclusive access to locked queue/, 50, 10)
})

test('exclusive: publishing to it from another connection is allowed', async (scene) => {
  const queue = await scene.queue()
  const other = await scene.otherChannel()
  other.publish('', queue, 'x')
  await other.quiet()
  await scene.channel.depthBecomes(queue, 1)
})

test('exclusive: any channel of the owning connection may use it', async (scene) => {
  const queue = await scene.queue()
  await (await scene.client.channel(2)).consume(queue)
})

test('exclusive: the queue goes when its connection drops', async (scene) => {
  const owner = await scene.connect()
  const queue = await scene.queue({}, { exclusive: true }, await owner.channel(1))
  owner.destroy()
  await scene.gone(queue)
})

test('arguments: an equal declaration is accepted, integer width does not matter', async (scene) => {
  const queue = await scene.queue({ 'x-max-length': new Typed('b', 10), 'x-message-ttl': 60000 })
  await scene.channel.call('queue.declare', {
    queue,
    exclusive: true,
    arguments: { 'x-max-length': new Typed('l', 10), 'x-message-ttl': new Typed('l', 60000) },
  })
})

test('arguments: another value is 406 and both are shown', async (scene) => {
  await redeclare(scene, { 'x-max-length': 10 }, { 'x-max-length': 11 }, (queue) =>
    inequivalent(scene, 'x-max-length', queue, "'11'", "'10'"),
  )
})

test('arguments: one that is new is 406, the other side reads none', async (scene) => {
  await redeclare(scene, {}, { 'x-message-ttl': 1000 }, (queue) =>
    inequivalent(scene, 'x-message-ttl', queue, "the value '1000' of type 'signedint'", 'none'),
  )
})

test('arguments: one that is missing is 406, received reads none', async (scene) => {
  await redeclare(scene, { 'x-dead-letter-exchange': 'dlx' }, {}, (queue) =>
    inequivalent(scene, 'x-dead-letter-exchange', queue, 'none', "the value 'dlx' of type 'longstr'"),
  )
})

test('arguments: x-queue-type classic equals none', async (scene) => {
  const queue = await scene.queue({})
  await scene.channel.call('queue.declare', { queue, exclusive: true, arguments: { 'x-queue-type': 'classic' } })
})

test('arguments: unknown ones are accepted and not compared', async (scene) => {
  const queue = await scene.queue({ 'x-unknown': 1 })
  await scene.channel.call('queue.declare', { queue, exclusive: true, arguments: { 'x-unknown': 'two' } })
})

const INVALID: readonly [key: string, value: Value, reason: string][] = [
  ['x-message-ttl', 'long', '"expected integer, got longstr"'],
  ['x-message-ttl', -1, '{value_negative,-1}'],
  ['x-expires', 0, '{value_zero,0}'],
  ['x-expires', -5, '{value_negative,-5}'],
  ['x-expires', 'x', '"expected integer, got longstr"'],
  ['x-max-length', -1, '{value_negative,-1}'],
  ['x-max-length', 'ten', '"expected integer, got longstr"'],
  ['x-max-length-bytes', -1, '{value_negative,-1}'],
  ['x-max-priority', -1, '{value_negative,-1}'],
  ['x-max-priority', 256, '{max_value_exceeded,256}'],
  ['x-max-priority', 'x', '"expected integer, got longstr"'],
  ['x-single-active-consumer', 'yes', '{unacceptable_type,longstr}'],
  ['x-overflow', 'drop-tail', 'invalid_overflow'],
  ['x-overflow', 5, '{unacceptable_type,signedint}'],
  ['x-dead-letter-routing-key', 'k', 'routing_key_but_no_dlx_defined'],
  ['x-queue-type', 'no-such', '"unsupported queue type \'no-such\'"'],
]

for (const [key, value, reason] of INVALID) {
  test(`arguments: ${key}=${String(value)} is 406 ${reason}`, (scene) => refusedArgument(scene, key, value, reason))
}

test('arguments: a dead-letter exchange that is no string is 406', async (scene) => {
  const queue = scene.name()
  scene.channel.send('queue.declare', { queue, exclusive: true, arguments: { 'x-dead-letter-exchange': 5 } })
  await scene.channel.refused(
    406,
    `PRECONDITION_FAILED - invalid type 'signedint' for arg 'x-dead-letter-exchange' in ${scene.the('queue', queue)}`,
    50,
    10,
  )
})

test('arguments: x-max-priority and priorities of 0 to 255 are accepted', async (scene) => {
  await scene.queue({ 'x-max-priority': 0 })
  await scene.queue({ 'x-max-priority': 255 })
})

test('arguments: x-message-ttl 0 is accepted', async (scene) => {
  await scene.queue({ 'x-message-ttl': 0 })
})

testSince('4.3', 'arguments: x-queue-version other than 2 is 406', (scene) =>
  refusedArgument(scene, 'x-queue-version', 1, '"unsupported queue version \'1\'"'),
)

testOurs('arguments: x-queue-type stream is refused in words', async (scene) => {
  scene.channel.send('queue.declare', {
    queue: scene.name(),
    durable: true,
    arguments: { 'x-queue-type': 'stream' },
  })
  assert.match(String((await scene.channel.expect('channel.close')).args.replyText), /stream/)
})

test('x-expires: an unused queue goes', async (scene) => {
  const queue = await scene.queue({ 'x-expires': 50 }, { durable: true })
  await scene.gone(queue)
})

test('x-expires: a queue with a consumer stays until the consumer goes', async (scene) => {
  const queue = await scene.queue({ 'x-expires': 60 }, { durable: true })
  const marker = await scene.queue({ 'x-expires': 120 }, { durable: true })
  const tag = await scene.channel.consume(queue)
  await scene.gone(marker)
  await scene.channel.quiet(queue)
  await scene.channel.call('basic.cancel', { consumerTag: tag })
  await scene.gone(queue)
})

test('x-expires: the messages of an expired queue are not dead-lettered', async (scene) => {
  const dead = await scene.queue()
  const queue = await scene.queue(
    { 'x-expires': 50, 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': dead },
    { durable: true },
  )
  scene.channel.publish('', queue, 'x')
  await scene.gone(queue)
  assert.equal(await scene.channel.depth(dead), 0)
})
