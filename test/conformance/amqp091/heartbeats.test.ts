// Heartbeats in both directions. [AMQP 0-9-1 §4.2.7; rabbitmq.com "Heartbeats"]
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { conformance } from '../../support/conformance.ts'
import { HEARTBEAT } from '../../support/wire-codec.ts'

const { test } = await conformance('heartbeats')

// Side by side: most of these wait for the broker's clock.
describe('heartbeats', { concurrency: true }, () => {
  test('§4.2.7: an idle broker sends heartbeats on channel 0', async (scene) => {
    const client = await scene.connect({ heartbeat: 1 })
    const beat = setInterval(() => client.sendFrame(HEARTBEAT, 0, Buffer.alloc(0)), 300)
    await client.heartbeat()
    await client.heartbeat()
    clearInterval(beat)
  })

  test('§4.2.7: a client silent for two intervals is dropped without connection.close', async (scene) => {
    const client = await scene.connect({ heartbeat: 1 })
    const opened = Date.now()
    await client.closed()
    assert.ok(Date.now() - opened >= 1000, 'one silent interval must be tolerated')
    await assert.rejects(client.expect('connection.close'), /the connection ended$/)
  })

  test('§4.2.7: any traffic counts as a sign of life', async (scene) => {
    const client = await scene.connect({ heartbeat: 1 })
    const channel = await client.channel(1)
    const until = Date.now() + 3000
    const beats: Promise<void>[] = [client.heartbeat()]
    while (Date.now() < until) {
      await channel.quiet()
      await Promise.race([client.heartbeat(), client.closed(400).catch(() => undefined)])
    }
    await Promise.all(beats)
    assert.equal(client.isClosed, false)
  })

  test('§4.2.7: heartbeat 0 disables them', async (scene) => {
    const client = await scene.connect({ heartbeat: 0 })
    await client.closed(1200).catch(() => undefined)
    assert.equal(client.isClosed, false)
    assert.equal(client.heartbeats, 0)
  })
})
