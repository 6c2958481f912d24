// Exchange-to-exchange bindings. [rabbitmq.com "Exchange to Exchange Bindings"]
import assert from 'node:assert/strict'
import { conformance } from '../../support/conformance.ts'

const { test } = await conformance('exchange-bind')

test('exchange.bind: routes through the second exchange, the message keeps the first one', async (scene) => {
  const source = await scene.exchange('topic')
  const destination = await scene.exchange('direct')
  const queue = await scene.queue()
  await scene.channel.call('exchange.bind', { source, destination, routingKey: 'a.*' })
  await scene.channel.call('queue.bind', { queue, exchange: destination, routingKey: 'a.b' })
  scene.channel.publish(source, 'a.b', 'yes')
  scene.channel.publish(source, 'a.c', 'no')
  const message = await scene.channel.getSoon(queue)
  assert.equal(message.args.exchange, source)
  assert.equal(message.args.routingKey, 'a.b')
  assert.equal(await scene.channel.depth(queue), 0)
})

test('exchange.bind: an internal exchange takes messages from exchanges only', async (scene) => {
  const source = await scene.exchange('fanout')
  const internal = await scene.exchange('fanout', {}, { internal: true })
  const queue = await scene.queue()
  await scene.channel.call('exchange.bind', { source, destination: internal })
  await scene.channel.call('queue.bind', { queue, exchange: internal })
  scene.channel.publish(source, '', 'in')
  await scene.channel.depthBecomes(queue, 1)
  scene.channel.publish(internal, '', 'direct')
  await scene.channel.refused(
    403,
    `ACCESS_REFUSED - cannot publish to internal ${scene.the('exchange', internal)}`,
    60,
    40,
  )
})

test('exchange.bind: two ways to the same queue deliver once', async (scene) => {
  const source = await scene.exchange('fanout')
  const left = await scene.exchange('fanout')
  const right = await scene.exchange('fanout')
  const queue = await scene.queue()
  for (const exchange of [left, right]) {
    await scene.channel.call('exchange.bind', { source, destination: exchange })
    await scene.channel.call('queue.bind', { queue, exchange })
  }
  scene.channel.publish(source, '', 'once')
  assert.ok(await scene.channel.getSoon(queue))
  assert.equal(await scene.channel.depth(queue), 0)
})

test('exchange.bind: cycles are allowed and visited once', async (scene) => {
  const a = await scene.exchange('fanout')
  const b = await scene.exchange('fanout')
  const queue = await scene.queue()
  await scene.channel.call('exchange.bind', { source: a, destination: b })
  await scene.channel.call('exchange.bind', { source: b, destination: a })
  await scene.channel.call('exchange.bind', { source: a, destination: a })
  await scene.channel.call('queue.bind', { queue, exchange: b })
  scene.channel.publish(a, '', 'x')
  await scene.channel.depthBecomes(queue, 1)
})

test('exchange.bind: a missing source is 404', async (scene) => {
  const source = scene.name('x')
  const destination = await scene.exchange('fanout')
  scene.channel.send('exchange.bind', { source, destination })
  await scene.channel.refused(404, `NOT_FOUND - no ${scene.the('exchange', source)}`, 40, 30)
})

test('exchange.bind: a missing destination is 404', async (scene) => {
  const source = await scene.exchange('fanout')
  const destination = scene.name('x')
  scene.channel.send('exchange.bind', { source, destination })
  await scene.channel.refused(404, `NOT_FOUND - no ${scene.the('exchange', destination)}`, 40, 30)
})

test('exchange.bind: the default exchange is 403 on either side', async (scene) => {
  const exchange = await scene.exchange('fanout')
  scene.channel.send('exchange.bind', { source: '', destination: exchange })
  await scene.channel.refused(403, 'ACCESS_REFUSED - operation not permitted on the default exchange', 40, 30)
  const again = await scene.client.channel(1)
  again.send('exchange.bind', { source: exchange, destination: '' })
  await again.refused(403, 'ACCESS_REFUSED - operation not permitted on the default exchange', 40, 30)
})

test('exchange.unbind: unbind-ok has method id 51 and the route is gone', async (scene) => {
  const source = await scene.exchange('fanout')
  const destination = await scene.exchange('fanout')
  const queue = await scene.queue()
  await scene.channel.call('exchange.bind', { source, destination })
  await scene.channel.call('queue.bind', { queue, exchange: destination })
  await scene.channel.call('exchange.unbind', { source, destination })
  scene.channel.publish(source, '', 'x', {}, { mandatory: true })
  await scene.channel.expect('basic.return')
})

test('exchange.unbind: a missing binding is no error', async (scene) => {
  const source = await scene.exchange('fanout')
  const destination = await scene.exchange('fanout')
  await scene.channel.call('exchange.unbind', { source, destination, routingKey: 'never' })
})

test('exchange.bind: an auto-delete source goes with its last exchange binding', async (scene) => {
  const source = await scene.exchange('fanout', {}, { autoDelete: true })
  const destination = await scene.exchange('fanout')
  await scene.channel.call('exchange.bind', { source, destination })
  await scene.channel.call('exchange.delete', { exchange: destination })
  scene.channel.send('exchange.declare', { exchange: source, passive: true })
  await scene.channel.refused(404, /^NOT_FOUND/)
})

test('exchange.bind: nowait is silent', async (scene) => {
  const source = await scene.exchange('fanout')
  const destination = await scene.exchange('fanout')
  scene.channel.send('exchange.bind', { source, destination, noWait: true })
  scene.channel.send('exchange.unbind', { source, destination, noWait: true })
  await scene.channel.quiet()
})
