// Who moved what: publishes and deliveries by channel, queue and exchange, with rates.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { WireClient } from '../support/wire-client.ts'
import { ManagedBroker } from './managed-broker.ts'

test('channels, queues and exchanges tell who moved what, with rates and samples', async () => {
  const broker = await ManagedBroker.start()
  try {
    const client = await WireClient.connect('127.0.0.1', Number(broker.booted.listeners.amqp))
    await client.open()
    const channel = await client.channel()
    for (const queue of ['one', 'two']) {
      await channel.call('queue.declare', { queue })
      await channel.call('queue.bind', { queue, exchange: 'amq.direct', routingKey: queue })
    }
    await channel.call('confirm.select')
    // A channel has a history from the first tick on that sees it.
    await broker.pass(5_000)
    for (let i = 0; i < 10; i++) await channel.publishConfirmed('amq.direct', 'one', 'x')
    await channel.publishConfirmed('', 'two', 'x')
    await channel.publishConfirmed('', 'nowhere', 'x')
    await channel.call('basic.consume', { queue: 'one', noAck: true })
    for (let i = 0; i < 10; i++) await channel.take('basic.deliver')
    assert.ok((await channel.get('two')) !== undefined)
    assert.equal(await channel.get('two'), undefined)
    await broker.pass(5_000)

    const [listed] = (await broker.get('channels')).json
    const detail = (await broker.get(`channels/${encodeURIComponent(listed.name)}`)).json
    const byExchange = Object.fromEntries(
      detail.publishes.map(({ exchange, stats }: { exchange: { name: string }; stats: object }) => [
        exchange.name,
        stats,
      ]),
    )
    assert.deepEqual(Object.keys(byExchange).sort(), ['', 'amq.direct'])
    assert.deepEqual(byExchange['amq.direct'].publish, 10)
    assert.equal(byExchange['amq.direct'].publish_details.rate, 2)
    assert.deepEqual([byExchange[''].publish, byExchange[''].drop_unroutable], [2, 1])
    const byQueue = Object.fromEntries(
      detail.deliveries.map(({ queue, stats }: { queue: { name: string }; stats: object }) => [queue.name, stats]),
    )
    assert.deepEqual([byQueue.one.deliver_no_ack, byQueue.one.deliver_get, byQueue.one.get], [10, 10, 0])
    assert.deepEqual([byQueue.two.get_no_ack, byQueue.two.get_empty], [1, 1])
    assert.equal(detail.message_stats.publish, 12, 'the channel is the sum')
    assert.equal(detail.message_stats.deliver_get, 11)

    const queue = (await broker.get('queues/%2F/one?msg_rates_age=60&msg_rates_incr=5')).json
    assert.equal(queue.deliveries.length, 1)
    assert.equal(queue.deliveries[0].channel_details.name, listed.name)
    assert.equal(queue.deliveries[0].stats.deliver_no_ack_details.samples[0].sample, 10)
    const exchange = (await broker.get('exchanges/%2F/amq.direct')).json
    assert.deepEqual([exchange.incoming.length, exchange.incoming[0].stats.publish], [1, 10])
    assert.equal(exchange.incoming[0].channel_details.name, listed.name)

    client.socket.destroy()
    while ((await broker.get('channels')).json.length > 0);
    await broker.pass(5_000)
    assert.deepEqual((await broker.get('queues/%2F/one')).json.deliveries, [])
  } finally {
    await broker.stop()
  }
})

test('exchanges tell what they gave to which queue, queues what they got from which exchange', async () => {
  const broker = await ManagedBroker.start()
  try {
    const client = await WireClient.connect('127.0.0.1', Number(broker.booted.listeners.amqp))
    await client.open()
    const channel = await client.channel()
    await channel.call('confirm.select')
    for (const queue of ['one', 'two']) await channel.call('queue.declare', { queue })
    await channel.call('queue.bind', { queue: 'one', exchange: 'amq.topic', routingKey: 'a.#' })
    await channel.call('queue.bind', { queue: 'two', exchange: 'amq.topic', routingKey: 'a.b' })
    await channel.call('queue.bind', { queue: 'one', exchange: 'amq.headers', routingKey: '' })
    const publish = async (exchange: string, key: string, count: number): Promise<void> => {
      for (let i = 0; i < count; i++) await channel.publishConfirmed(exchange, key, 'x')
    }
    await publish('amq.topic', 'a.b', 3)
    await broker.pass(5_000)
    await publish('amq.topic', 'a.b', 10)
    await publish('amq.topic', 'a.c', 2)
    await publish('amq.topic', 'nowhere', 2)
    await publish('amq.headers', '', 4)
    await publish('', 'one', 1)
    await broker.pass(5_000)

    type Flow = { exchange?: { name: string }; queue?: { name: string }; stats: { publish: number } }
    const counts = (flows: Flow[]) =>
      Object.fromEntries(flows.map(({ exchange, queue, stats }) => [(exchange ?? queue)!.name, stats.publish]))
    const queue = (await broker.get('queues/%2F/one?msg_rates_age=60&msg_rates_incr=5')).json
    assert.deepEqual(counts(queue.incoming), { '': 1, 'amq.topic': 15, 'amq.headers': 4 })
    const fromTopic = queue.incoming.find(({ exchange }: Flow) => exchange!.name === 'amq.topic')
    assert.equal(fromTopic.stats.publish_details.rate, 2.4)
    assert.deepEqual(fromTopic.stats.publish_details.samples[1].sample, 3)
    const exchange = (await broker.get('exchanges/%2F/amq.topic')).json
    assert.deepEqual(counts(exchange.outgoing), { one: 15, two: 13 })
    assert.deepEqual([exchange.message_stats.publish_in, exchange.message_stats.publish_out], [17, 28])
    // A change of the topology loses nothing, and a new queue of the name begins anew.
    await channel.call('queue.delete', { queue: 'two' })
    await channel.call('queue.declare', { queue: 'two' })
    await publish('amq.topic', 'a.b', 1)
    assert.deepEqual(counts((await broker.get('exchanges/%2F/amq.topic')).json.outgoing), { one: 16 })
    assert.deepEqual((await broker.get('queues/%2F/two')).json.incoming, [])
    client.socket.destroy()
  } finally {
    await broker.stop()
  }
})
