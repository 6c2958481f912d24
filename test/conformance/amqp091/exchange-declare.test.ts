// exchange.declare and exchange.delete. [AMQP 0-9-1 §1.6; rabbitmq.com "Exchanges"]
import assert from 'node:assert/strict'
import { conformance } from '../../support/conformance.ts'

const { test, testSince } = await conformance('exchange-declare')

test('§3.1.3: the predeclared exchanges exist with their types', async (scene) => {
  const types = [
    ['amq.direct', 'direct'],
    ['amq.fanout', 'fanout'],
    ['amq.topic', 'topic'],
    ['amq.headers', 'headers'],
    ['amq.match', 'headers'],
  ] as const
  for (const [exchange, type] of types) await scene.channel.call('exchange.declare', { exchange, type, durable: true })
  await scene.channel.call('exchange.declare', { exchange: 'amq.rabbitmq.trace', type: 'topic', passive: true })
})

test('exchange.declare: passive on a missing exchange is 404', async (scene) => {
  const exchange = scene.name('x')
  scene.channel.send('exchange.declare', { exchange, passive: true })
  await scene.channel.refused(404, `NOT_FOUND - no ${scene.the('exchange', exchange)}`, 40, 10)
})

test('exchange.declare: passive ignores type and properties of an existing exchange', async (scene) => {
  const exchange = await scene.exchange('topic', {}, { durable: true })
  await scene.channel.call('exchange.declare', { exchange, type: 'direct', passive: true })
})

test('exchange.declare: an equal declaration is accepted', async (scene) => {
  const exchange = await scene.exchange('fanout', {}, { durable: true })
  await scene.channel.call('exchange.declare', { exchange, type: 'fanout', durable: true })
})

test('exchange.declare: another type is 406', async (scene) => {
  const exchange = await scene.exchange('direct')
  scene.channel.send('exchange.declare', { exchange, type: 'fanout' })
  await scene.channel.refused(
    406,
    `PRECONDITION_FAILED - inequivalent arg 'type' for ${scene.the('exchange', exchange)}: ` +
      "received 'fanout' but current is 'direct'",
    40,
    10,
  )
})

test('exchange.declare: other durability is 406', async (scene) => {
  const exchange = await scene.exchange('direct', {}, { durable: true })
  scene.channel.send('exchange.declare', { exchange, type: 'direct' })
  await scene.channel.refused(
    406,
    `PRECONDITION_FAILED - inequivalent arg 'durable' for ${scene.the('exchange', exchange)}: ` +
      "received 'false' but current is 'true'",
  )
})

test('exchange.declare: other auto_delete is 406', async (scene) => {
  const exchange = await scene.exchange('direct')
  scene.channel.send('exchange.declare', { exchange, type: 'direct', autoDelete: true })
  await scene.channel.refused(
    406,
    `PRECONDITION_FAILED - inequivalent arg 'auto_delete' for ${scene.the('exchange', exchange)}: ` +
      "received 'true' but current is 'false'",
  )
})

test('exchange.declare: other internal is 406', async (scene) => {
  const exchange = await scene.exchange('direct', {}, { internal: true })
  scene.channel.send('exchange.declare', { exchange, type: 'direct' })
  await scene.channel.refused(
    406,
    `PRECONDITION_FAILED - inequivalent arg 'internal' for ${scene.the('exchange', exchange)}: ` +
      "received 'false' but current is 'true'",
  )
})

test('exchange.declare: another alternate-exchange is 406', async (scene) => {
  const exchange = await scene.exchange('direct', { 'alternate-exchange': 'amq.fanout' })
  scene.channel.send('exchange.declare', {
    exchange,
    type: 'direct',
    arguments: { 'alternate-exchange': 'amq.topic' },
  })
  await scene.channel.refused(
    406,
    `PRECONDITION_FAILED - inequivalent arg 'alternate-exchange' for ${scene.the('exchange', exchange)}: ` +
      "received 'amq.topic' but current is 'amq.fanout'",
  )
})

test('exchange.declare: a missing alternate-exchange reads none', async (scene) => {
  const exchange = await scene.exchange('direct', { 'alternate-exchange': 'amq.fanout' })
  scene.channel.send('exchange.declare', { exchange, type: 'direct' })
  await scene.channel.refused(
    406,
    `PRECONDITION_FAILED - inequivalent arg 'alternate-exchange' for ${scene.the('exchange', exchange)}: ` +
      "received none but current is the value 'amq.fanout' of type 'longstr'",
  )
})

test('exchange.declare: unknown arguments are stored and not compared', async (scene) => {
  const exchange = await scene.exchange('direct', { 'x-anything': 1 })
  await scene.channel.call('exchange.declare', { exchange, type: 'direct', arguments: { 'x-anything': 'other' } })
})

test('exchange.declare: an alternate-exchange that is no string is 406', async (scene) => {
  const exchange = scene.name('x')
  scene.channel.send('exchange.declare', { exchange, type: 'direct', arguments: { 'alternate-exchange': 5 } })
  await scene.channel.refused(
    406,
    `PRECONDITION_FAILED - invalid type 'signedint' for arg 'alternate-exchange' in ${scene.the('exchange', exchange)}`,
    40,
    10,
  )
})

test('exchange.declare: an unknown type is an error that names it', async (scene) => {
  const exchange = scene.name('x')
  scene.channel.send('exchange.declare', { exchange, type: 'no-such-type' })
  const ours = () => scene.channel.refused(406, "PRECONDITION_FAILED - unknown exchange type 'no-such-type'", 40, 10)
  const before = () => scene.client.refused(503, "COMMAND_INVALID - unknown exchange type 'no-such-type'", 40, 10)
  await scene.since('4.0', ours, before)()
})

test('exchange.declare: a new name with the prefix amq. is 403', async (scene) => {
  scene.channel.send('exchange.declare', { exchange: 'amq.mine', type: 'direct' })
  await scene.channel.refused(403, "ACCESS_REFUSED - exchange name 'amq.mine' contains reserved prefix 'amq.*'", 40, 10)
})

test('exchange.declare: the default exchange may not be declared', async (scene) => {
  scene.channel.send('exchange.declare', { exchange: '', type: 'direct', durable: true })
  await scene.channel.refused(403, 'ACCESS_REFUSED - operation not permitted on the default exchange', 40, 10)
})

test('exchange.declare: line ends are stripped from the name', async (scene) => {
  const exchange = scene.name('x')
  await scene.channel.call('exchange.declare', { exchange: `${exchange}\r\n`, type: 'direct' })
  await scene.channel.call('exchange.declare', { exchange, passive: true })
})

test('exchange.declare: nowait sends no answer, errors are still raised', async (scene) => {
  const exchange = scene.name('x')
  scene.channel.send('exchange.declare', { exchange, type: 'direct', noWait: true })
  await scene.channel.call('exchange.declare', { exchange, passive: true })
  scene.channel.send('exchange.declare', { exchange, type: 'fanout', noWait: true })
  await scene.channel.refused(406, /inequivalent arg 'type'/)
})

test('exchange.declare: an auto-delete exchange goes with its last binding, not before the first', async (scene) => {
  const exchange = await scene.exchange('direct', {}, { autoDelete: true })
  await scene.channel.call('exchange.declare', { exchange, passive: true })
  const queue = await scene.queue()
  await scene.channel.call('queue.bind', { queue, exchange, routingKey: 'a' })
  await scene.channel.call('queue.bind', { queue, exchange, routingKey: 'b' })
  await scene.channel.call('queue.unbind', { queue, exchange, routingKey: 'a' })
  await scene.channel.call('exchange.declare', { exchange, passive: true })
  await scene.channel.call('queue.unbind', { queue, exchange, routingKey: 'b' })
  scene.channel.send('exchange.declare', { exchange, passive: true })
  await scene.channel.refused(404, `NOT_FOUND - no ${scene.the('exchange', exchange)}`)
})

test('exchange.declare: an auto-delete exchange goes with its last queue', async (scene) => {
  const exchange = await scene.exchange('fanout', {}, { autoDelete: true })
  const queue = await scene.queue()
  await scene.channel.call('queue.bind', { queue, exchange })
  await scene.channel.call('queue.delete', { queue })
  scene.channel.send('exchange.declare', { exchange, passive: true })
  await scene.channel.refused(404, /^NOT_FOUND/)
})

test('exchange.delete: a missing exchange is no error', async (scene) => {
  await scene.channel.call('exchange.delete', { exchange: scene.name('x') })
})

test('exchange.delete: takes its bindings along', async (scene) => {
  const exchange = await scene.exchange('fanout')
  const queue = await scene.queue()
  await scene.channel.call('queue.bind', { queue, exchange })
  await scene.channel.call('exchange.delete', { exchange })
  await scene.channel.call('exchange.declare', { exchange, type: 'fanout' })
  scene.channel.publish(exchange, '', 'x', {}, { mandatory: true })
  await scene.channel.expect('basic.return')
})

test('exchange.delete: if-unused on a source of bindings is 406', async (scene) => {
  const exchange = await scene.exchange('fanout')
  const queue = await scene.queue()
  await scene.channel.call('queue.bind', { queue, exchange })
  scene.channel.send('exchange.delete', { exchange, ifUnused: true })
  await scene.channel.refused(406, `PRECONDITION_FAILED - ${scene.the('exchange', exchange)} in use`, 40, 20)
})

test('exchange.delete: if-unused on an exchange that is only a destination succeeds', async (scene) => {
  const source = await scene.exchange('fanout')
  const destination = await scene.exchange('fanout')
  await scene.channel.call('exchange.bind', { source, destination })
  await scene.channel.call('exchange.delete', { exchange: destination, ifUnused: true })
})

test('exchange.delete: a system exchange is 403', async (scene) => {
  scene.channel.send('exchange.delete', { exchange: 'amq.topic' })
  await scene.channel.refused(
    403,
    `ACCESS_REFUSED - deletion of system ${scene.the('exchange', 'amq.topic')} not allowed`,
    40,
    20,
  )
})

test('exchange.delete: the default exchange is 403', async (scene) => {
  scene.channel.send('exchange.delete', { exchange: '' })
  await scene.channel.refused(403, 'ACCESS_REFUSED - operation not permitted on the default exchange', 40, 20)
})

testSince('4.0', 'exchange.declare: x-local-random is known', async (scene) => {
  const exchange = await scene.exchange('x-local-random')
  await scene.channel.call('exchange.declare', { exchange, passive: true })
})

test('alternate-exchange: takes what no binding matched', async (scene) => {
  const spill = await scene.exchange('fanout')
  const exchange = await scene.exchange('direct', { 'alternate-exchange': spill })
  const matched = await scene.queue()
  const rest = await scene.queue()
  await scene.channel.call('queue.bind', { queue: matched, exchange, routingKey: 'known' })
  await scene.channel.call('queue.bind', { queue: rest, exchange: spill })
  scene.channel.publish(exchange, 'known', '1')
  scene.channel.publish(exchange, 'unknown', '2')
  await scene.channel.depthBecomes(matched, 1)
  const message = await scene.channel.getSoon(rest)
  assert.equal(message.body.toString(), '2')
  assert.equal(message.args.exchange, exchange)
  assert.equal(message.args.routingKey, 'unknown')
  assert.equal(await scene.channel.depth(rest), 0)
})

test('alternate-exchange: chains, and a message it routes is not returned', async (scene) => {
  const last = await scene.exchange('fanout')
  const middle = await scene.exchange('direct', { 'alternate-exchange': last })
  const exchange = await scene.exchange('direct', { 'alternate-exchange': middle })
  const queue = await scene.queue()
  await scene.channel.call('queue.bind', { queue, exchange: last })
  scene.channel.publish(exchange, 'k', 'x', {}, { mandatory: true })
  await scene.channel.quiet(queue)
  await scene.channel.depthBecomes(queue, 1)
})

test('alternate-exchange: a loop ends and the message counts as unroutable', async (scene) => {
  const a = scene.name('x')
  const b = scene.name('x')
  await scene.channel.call('exchange.declare', { exchange: a, type: 'direct', arguments: { 'alternate-exchange': b } })
  await scene.channel.call('exchange.declare', { exchange: b, type: 'direct', arguments: { 'alternate-exchange': a } })
  scene.channel.publish(a, 'k', 'x', {}, { mandatory: true })
  assert.equal((await scene.channel.expect('basic.return')).args.replyCode, 312)
})

test('alternate-exchange: a missing one leaves the message unroutable', async (scene) => {
  const exchange = await scene.exchange('direct', { 'alternate-exchange': scene.name('x') })
  scene.channel.publish(exchange, 'k', 'x', {}, { mandatory: true })
  await scene.channel.expect('basic.return')
})

test('alternate-exchange: the argument beats the policy', async (scene) => {
  const byArgument = await scene.exchange('fanout')
  const byPolicy = await scene.exchange('fanout')
  const exchange = await scene.exchange('direct', { 'alternate-exchange': byArgument })
  const plain = await scene.exchange('direct')
  const first = await scene.queue()
  const second = await scene.queue()
  await scene.channel.call('queue.bind', { queue: first, exchange: byArgument })
  await scene.channel.call('queue.bind', { queue: second, exchange: byPolicy })
  await scene.admin.setPolicy(scene.vhost, 'ae', {
    pattern: `^(${exchange}|${plain})$`.replaceAll('.', '\\.'),
    definition: { 'alternate-exchange': byPolicy },
    applyTo: 'exchanges',
  })
  scene.channel.publish(exchange, 'k', 'argument')
  scene.channel.publish(plain, 'k', 'policy')
  assert.equal((await scene.channel.getSoon(first)).body.toString(), 'argument')
  assert.equal((await scene.channel.getSoon(second)).body.toString(), 'policy')
  assert.equal(await scene.channel.depth(second), 0)
})
