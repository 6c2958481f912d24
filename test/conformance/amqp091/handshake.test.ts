// Connection start, tuning, open and close. [AMQP 0-9-1 §1.4, §2.2.4; rabbitmq.com "Connections", "Authentication"]
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { conformance, type Scene } from '../../support/conformance.ts'
import { CAPABILITIES, type WireClient } from '../../support/wire-client.ts'
import { encodeMethod, encodeTable, METHOD, type Table } from '../../support/wire-codec.ts'

const { test, testSince } = await conformance('handshake')

async function tuned(scene: Scene, tuning: Table): Promise<WireClient> {
  const client = await scene.socket()
  await client.authenticate()
  client.send('connection.tune-ok', { channelMax: 2047, frameMax: 131072, heartbeat: 0, ...tuning })
  client.send('connection.open', { virtualHost: scene.vhost })
  return client
}

// Side by side: most of these wait for the broker's clock.
describe('handshake', { concurrency: true }, () => {
  test('connection.start: server-properties name the product and its version', async (scene) => {
    const { args } = await (await scene.socket()).greet()
    const properties = args.serverProperties as Table
    assert.equal(properties.product, 'RabbitMQ')
    assert.match(String(properties.version), /^\d+\.\d+\.\d+/)
    for (const key of ['cluster_name', 'copyright', 'information', 'platform']) {
      assert.equal(typeof properties[key], 'string', key)
    }
  })

  test('connection.start: the capabilities that clients look for are all true', async (scene) => {
    const { args } = await (await scene.socket()).greet()
    assert.deepEqual((args.serverProperties as Table).capabilities, {
      publisher_confirms: true,
      exchange_exchange_bindings: true,
      'basic.nack': true,
      consumer_cancel_notify: true,
      'connection.blocked': true,
      consumer_priorities: true,
      authentication_failure_close: true,
      per_consumer_qos: true,
      direct_reply_to: true,
    })
  })

  test('connection.start: mechanisms are separated by spaces and hold PLAIN and AMQPLAIN; the locale is en_US', async (scene) => {
    const { args } = await (await scene.socket()).greet()
    const mechanisms = String(args.mechanisms).split(' ')
    assert.ok(mechanisms.includes('PLAIN'))
    assert.ok(mechanisms.includes('AMQPLAIN'))
    assert.equal(args.locales, 'en_US')
  })

  test('connection.tune: the broker proposes 2047 channels, frames of 131072 and a heartbeat of 60', async (scene) => {
    const { args } = await (await scene.socket()).authenticate()
    assert.deepEqual(args, { channelMax: 2047, frameMax: 131072, heartbeat: 60 })
  })

  test('connection.open-ok: known-hosts is empty', async (scene) => {
    const client = await tuned(scene, {})
    assert.equal((await client.expect('connection.open-ok')).args.knownHosts, '')
  })

  test('start-ok: AMQPLAIN carries LOGIN and PASSWORD in a table without its length', async (scene) => {
    const client = await scene.socket()
    await client.greet()
    client.send('connection.start-ok', {
      clientProperties: CAPABILITIES,
      mechanism: 'AMQPLAIN',
      response: encodeTable({ LOGIN: 'guest', PASSWORD: 'guest' }).subarray(4),
      locale: 'en_US',
    })
    await client.expect('connection.tune')
  })

  test('start-ok: an unknown mechanism is 503', async (scene) => {
    const client = await scene.socket()
    await client.greet()
    client.send('connection.start-ok', { mechanism: 'FOO', response: '', locale: 'en_US' })
    await scene.refusedEarly(client, 503, /unknown authentication mechanism 'FOO'/)
  })

  const REFUSED =
    'ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN. ' + 'For details see the broker logfile.'

  test('authentication_failure_close: a wrong password is 403 for clients that ask for it', async (scene) => {
    const client = await scene.socket()
    await client.greet()
    client.startOk({ password: 'wrong' })
    await client.refused(403, REFUSED, 0, 0)
  })

  test('authentication_failure_close: an unknown user looks the same as a wrong password', async (scene) => {
    const client = await scene.socket()
    await client.greet()
    client.startOk({ user: 'nobody', password: 'x' })
    await client.refused(403, REFUSED, 0, 0)
  })

  test('authentication_failure_close: without the capability the socket is closed and nothing is said', async (scene) => {
    const client = await scene.socket()
    await client.greet()
    client.startOk({ password: 'wrong', clientProperties: {} })
    await client.closed()
    await assert.rejects(client.expect('connection.close'), /the connection ended$/)
  })

  test('tune-ok: a lower frame-max is accepted and kept by the broker', async (scene) => {
    const channel = await scene.otherChannel({ frameMax: 8192 })
    const queue = await scene.queue({}, { exclusive: true }, channel)
    channel.publish('', queue, Buffer.alloc(20000, 'x'))
    const message = await channel.getSoon(queue)
    assert.equal(message.body.length, 20000)
    assert.ok(message.bodyFrames.every((size) => size <= 8192 - 8))
  })

  test('tune-ok: a frame-max below the minimum is 530', async (scene) => {
    const [value, minimum] = scene.since('4.1', [8191, 8192], [4095, 4096])
    const client = await tuned(scene, { frameMax: value! })
    await scene.refusedEarly(
      client,
      530,
      `NOT_ALLOWED - negotiated frame_max = ${value} is lower than the minimum allowed value (${minimum})`,
    )
  })

  test('tune-ok: a frame-max above the proposal is 530', async (scene) => {
    const client = await tuned(scene, { frameMax: 131073 })
    await scene.refusedEarly(
      client,
      530,
      'NOT_ALLOWED - negotiated frame_max = 131073 is higher than the maximum allowed value (131072)',
    )
  })

  test('tune-ok: frame-max 0, no limit, is above the proposal', async (scene) => {
    const client = await tuned(scene, { frameMax: 0 })
    await scene.refusedEarly(
      client,
      530,
      /^NOT_ALLOWED - negotiated frame_max = 0 .*is higher than the maximum allowed value \(131072\)$/,
    )
  })

  test('tune-ok: a channel-max above the proposal is 530', async (scene) => {
    const client = await tuned(scene, { channelMax: 2048 })
    await scene.refusedEarly(
      client,
      530,
      'NOT_ALLOWED - negotiated channel_max = 2048 is higher than the maximum allowed value (2047)',
    )
  })

  test('tune-ok: channel-max 0, no limit, is above the proposal', async (scene) => {
    const client = await tuned(scene, { channelMax: 0 })
    await scene.refusedEarly(
      client,
      530,
      /^NOT_ALLOWED - negotiated channel_max = 0 \(no limit\) is higher than the maximum allowed value \(2047\)$/,
    )
  })

  test('connection.open: an unknown virtual host is 530', async (scene) => {
    const client = await scene.socket()
    await client.authenticate()
    client.tuneOk()
    client.send('connection.open', { virtualHost: 'no-such-vhost' })
    await client.refused(530, 'NOT_ALLOWED - vhost no-such-vhost not found', 10, 40)
  })

  test('connection state: a method of the wrong moment is 504', async (scene) => {
    const client = await scene.socket()
    await client.greet()
    client.send('connection.tune-ok', { channelMax: 0, frameMax: 131072, heartbeat: 0 })
    await scene.refusedEarly(client, 504, 'CHANNEL_ERROR - unexpected method in connection state starting')
  })

  test('connection state: connection.open before tune-ok is 504', async (scene) => {
    const client = await scene.socket()
    await client.authenticate()
    client.send('connection.open', { virtualHost: scene.vhost })
    await scene.refusedEarly(client, 504, 'CHANNEL_ERROR - unexpected method in connection state tuning')
  })

  test('connection state: a second connection.open is 504', async (scene) => {
    scene.client.send('connection.open', { virtualHost: scene.vhost })
    await scene.client.refused(504, 'CHANNEL_ERROR - unexpected method in connection state running', 10, 40)
  })

  test('connection.close: is answered, then the socket ends', async (scene) => {
    await scene.client.close()
  })

  test('connection.close: exclusive queues are gone before close-ok', async (scene) => {
    const owner = await scene.connect()
    const queue = await scene.queue({}, { exclusive: true }, await owner.channel(1))
    owner.send('connection.close', { replyCode: 200 })
    await owner.expect('connection.close-ok')
    scene.channel.send('queue.declare', { queue, passive: true })
    await scene.channel.refused(404, `NOT_FOUND - no ${scene.the('queue', queue)}`)
  })

  test('connection.close: everything sent after it is ignored', async (scene) => {
    scene.client.send('connection.close', { replyCode: 200 })
    scene.client.sendFrame(METHOD, 1, encodeMethod('queue.declare', { queue: 'after-close' }))
    await scene.client.expect('connection.close-ok')
    scene.client.socket.end()
    await scene.client.closed()
  })

  test('connection.update-secret: is answered while the credentials still hold', async (scene) => {
    scene.client.send('connection.update-secret', { newSecret: 'guest', reason: 'renewal' })
    await scene.client.expect('connection.update-secret-ok')
    await scene.channel.quiet()
  })

  test('client properties: a table of every type is accepted', async (scene) => {
    const client = await scene.connect({
      clientProperties: {
        ...CAPABILITIES,
        connection_name: 'conformance',
        nested: { list: [1, 'two', true, null, 4.5, Buffer.from('five')], empty: {} },
        big: 2n ** 62n,
      },
    })
    await client.close()
  })

  testSince('4.0', 'start-ok: ANONYMOUS is refused unless it is configured', async (scene) => {
    const client = await scene.socket()
    const { args } = await client.greet()
    if (String(args.mechanisms).split(' ').includes('ANONYMOUS')) return
    client.send('connection.start-ok', { mechanism: 'ANONYMOUS', response: '', locale: 'en_US' })
    await scene.refusedEarly(client, 503, /authentication mechanism 'ANONYMOUS'/)
  })
})
