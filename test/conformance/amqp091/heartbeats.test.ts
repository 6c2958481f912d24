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
    const traffic = setInterval(() => channel.send('channel.flow', { active: true }), 200)
    // Long enough for a silent client to be dropped.
    await assert.rejects(client.closed(3200), /did not close/)
    clearInterval(traffic)
    await channel.take('channel.flow-ok')
  })

  test('§4.2.7: heartbeat 0 disables them', async (scene) => {
    const client = await scene.connect({ heartbeat: 0 })
    await assert.rejects(client.closed(1200), /did not close/)
    assert.equal(client.heartbeats, 0)
  })
})
