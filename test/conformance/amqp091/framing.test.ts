// Frames: limits, ends, types, and the order of method, header and body. [AMQP 0-9-1 §4.2.3, §4.2.6]
import assert from 'node:assert/strict'
import { describe } from 'node:test'
import { conformance, type Scene } from '../../support/conformance.ts'
import type { WireClient } from '../../support/wire-client.ts'
import { BODY, encodeHeader, encodeMethod, frame, HEADER, HEARTBEAT, METHOD } from '../../support/wire-codec.ts'

const { test, testSince } = await conformance('framing')

const publishMethod = (routingKey: string): Buffer => encodeMethod('basic.publish', { exchange: '', routingKey })

/** An open connection whose socket closes at once after close-ok. */
async function frames(scene: Scene): Promise<WireClient> {
  const client = await scene.connect()
  await client.channel(1)
  return client
}

// Side by side: RabbitMQ takes its time to close some of these.
describe('framing', { concurrency: true }, () => {
  test('§4.2.3: frames may be split at any octet', async (scene) => {
    const queue = await scene.queue()
    const stream = Buffer.concat([
      frame(METHOD, 1, publishMethod(queue)),
      frame(HEADER, 1, encodeHeader(6, { contentType: 'text/plain', headers: { a: 'b' } })),
      frame(BODY, 1, Buffer.from('abc')),
      frame(BODY, 1, Buffer.from('def')),
      frame(METHOD, 1, encodeMethod('basic.get', { queue, noAck: true })),
    ])
    await scene.client.sendByteByByte(stream)
    const message = await scene.channel.expect('basic.get-ok')
    assert.equal(message.body.toString(), 'abcdef')
    assert.equal(message.properties.contentType, 'text/plain')
  })

  test('§4.2.3: two pieces cut at each position give the same frames', async (scene) => {
    const queue = await scene.queue()
    const stream = Buffer.concat([
      frame(METHOD, 1, publishMethod(queue)),
      frame(HEADER, 1, encodeHeader(2)),
      frame(BODY, 1, Buffer.from('ok')),
    ])
    for (let cut = 1; cut < stream.length; cut++) {
      scene.client.sendRaw(stream.subarray(0, cut))
      await new Promise((resolve) => setImmediate(resolve))
      scene.client.sendRaw(stream.subarray(cut))
    }
    await scene.channel.depthBecomes(queue, stream.length - 1)
  })

  test('§4.2.3: several frames may come in one segment', async (scene) => {
    const queue = await scene.queue()
    const one = Buffer.concat([frame(METHOD, 1, publishMethod(queue)), frame(HEADER, 1, encodeHeader(0))])
    scene.client.sendRaw(Buffer.concat(Array.from({ length: 50 }, () => one)))
    await scene.channel.depthBecomes(queue, 50)
  })

  test('§4.2.3: a frame above the negotiated size is 501 frame_too_large', async (scene) => {
    const client = await scene.socket()
    await client.open({ vhost: scene.vhost, frameMax: 8192 })
    await client.channel(1)
    const payload = Buffer.alloc(8193)
    client.sendRaw(frame(METHOD, 1, payload))
    const close = await client.expect('connection.close')
    assert.equal(close.args.replyCode, 501)
    assert.equal(close.args.replyText, 'FRAME_ERROR - type 1, all octets = <<>>: {frame_too_large,8193,8184}')
  })

  test('§4.2.3: a frame up to eight octets above the negotiated size is tolerated', async (scene) => {
    const client = await scene.connect({ frameMax: 8192 })
    const channel = await client.channel(1)
    const queue = await scene.queue({}, { exclusive: true }, channel)
    client.sendFrame(METHOD, 1, publishMethod(queue))
    client.sendFrame(HEADER, 1, encodeHeader(8192))
    client.sendFrame(BODY, 1, Buffer.alloc(8192))
    await channel.depthBecomes(queue, 1)
  })

  test('§4.2.3: before tuning a frame is limited by the initial maximum', async (scene) => {
    const client = await scene.socket()
    await client.greet()
    const size = scene.since('4.1', 8193, 4097)
    client.sendRaw(frame(METHOD, 0, Buffer.alloc(size)))
    await scene.refusedEarly(client, 501, /^FRAME_ERROR - type 1, all octets = <<>>: \{frame_too_large,8193,\d+\}$/)
  })

  test('§4.2.3: another octet than CE at the end of a frame is 501', async (scene) => {
    const client = await frames(scene)
    const bytes = frame(METHOD, 1, encodeMethod('channel.flow', { active: true }))
    bytes[bytes.length - 1] = 0
    client.sendRaw(bytes)
    await client.refused(501, /^FRAME_ERROR - type 1, (all|first 16) octets = <<.*>>: \{invalid_frame_end_marker,0\}$/)
  })

  test('§4.2.3: an unknown frame type is 501', async (scene) => {
    const client = await frames(scene)
    client.sendFrame(7, 1, Buffer.from('x'))
    await client.refused(501, /^FRAME_ERROR - type 7, all octets = <<"x">>: unknown_frame$/)
  })

  test('§4.2.7: a heartbeat on a channel is 505', async (scene) => {
    const client = await frames(scene)
    client.sendFrame(HEARTBEAT, 1, Buffer.alloc(0))
    await client.refused(505, /^UNEXPECTED_FRAME - type 8, all octets = <<>>$/)
  })

  test('§4.2.3: a method on a channel before connection.open is 505', async (scene) => {
    const client = await scene.socket()
    await client.authenticate()
    client.sendFrame(METHOD, 1, encodeMethod('channel.open'))
    await scene.refusedEarly(client, 505, /^UNEXPECTED_FRAME - type 1, all octets = <<.*>>$/)
  })

  test('§4.2.6: a header without a method is 505', async (scene) => {
    const client = await frames(scene)
    client.sendFrame(HEADER, 1, encodeHeader(1))
    await client.refused(505, 'UNEXPECTED_FRAME - expected method frame, got non method frame instead', 0, 0)
  })

  test('§4.2.6: a body without a method is 505', async (scene) => {
    const client = await frames(scene)
    client.sendFrame(BODY, 1, Buffer.from('x'))
    await client.refused(505, 'UNEXPECTED_FRAME - expected method frame, got non method frame instead', 0, 0)
  })

  test('§4.2.6: a body where the header belongs is 505', async (scene) => {
    const client = await frames(scene)
    client.sendFrame(METHOD, 1, publishMethod('q'))
    client.sendFrame(BODY, 1, Buffer.from('x'))
    await client.refused(
      505,
      'UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead',
      60,
      40,
    )
  })

  test('§4.2.6: a method where the header belongs is 505', async (scene) => {
    const client = await frames(scene)
    client.sendFrame(METHOD, 1, publishMethod('q'))
    client.sendFrame(METHOD, 1, publishMethod('q'))
    await client.refused(
      505,
      'UNEXPECTED_FRAME - expected content header for class 60, got non content header frame instead',
      60,
      40,
    )
  })

  test('§4.2.6: a header of another class is 505', async (scene) => {
    const client = await frames(scene)
    client.sendFrame(METHOD, 1, publishMethod('q'))
    client.sendFrame(HEADER, 1, encodeHeader(1, {}, 50))
    await client.refused(
      505,
      'UNEXPECTED_FRAME - expected content header for class 60, got one for class 50 instead',
      60,
      40,
    )
  })

  test('§4.2.6: a method where the body belongs is 505', async (scene) => {
    const client = await frames(scene)
    client.sendFrame(METHOD, 1, publishMethod('q'))
    client.sendFrame(HEADER, 1, encodeHeader(10))
    client.sendFrame(METHOD, 1, publishMethod('q'))
    await client.refused(505, 'UNEXPECTED_FRAME - expected content body, got non content body frame instead', 60, 40)
  })

  testSince('4.0', '§4.2.6: more body than announced is 501', async (scene) => {
    const client = await frames(scene)
    client.sendFrame(METHOD, 1, publishMethod('q'))
    client.sendFrame(HEADER, 1, encodeHeader(2))
    client.sendFrame(BODY, 1, Buffer.from('three'))
    await client.refused(501, /content body frame exceeds remaining content size/)
  })

  test('§4.2.6: contents of two channels may interleave', async (scene) => {
    const queue = await scene.queue()
    await scene.client.channel(2)
    scene.client.sendFrame(METHOD, 1, publishMethod(queue))
    scene.client.sendFrame(METHOD, 2, publishMethod(queue))
    scene.client.sendFrame(HEADER, 2, encodeHeader(4))
    scene.client.sendFrame(HEADER, 1, encodeHeader(4))
    scene.client.sendFrame(BODY, 1, Buffer.from('on'))
    scene.client.sendFrame(BODY, 2, Buffer.from('tw'))
    scene.client.sendFrame(BODY, 1, Buffer.from('e1'))
    scene.client.sendFrame(BODY, 2, Buffer.from('o2'))
    const bodies = [await scene.channel.getSoon(queue), await scene.channel.getSoon(queue)]
    assert.deepEqual(bodies.map((message) => message.body.toString()).sort(), ['one1', 'two2'])
  })

  test('§4.2.6: empty body frames inside a content are harmless', async (scene) => {
    const queue = await scene.queue()
    scene.client.sendFrame(METHOD, 1, publishMethod(queue))
    scene.client.sendFrame(HEADER, 1, encodeHeader(2))
    scene.client.sendFrame(BODY, 1, Buffer.alloc(0))
    scene.client.sendFrame(BODY, 1, Buffer.from('ab'))
    assert.equal((await scene.channel.getSoon(queue)).body.toString(), 'ab')
  })

  test('§4.2.6: an empty content is a header and no body frame', async (scene) => {
    const queue = await scene.queue()
    scene.channel.publish('', queue)
    const message = await scene.channel.getSoon(queue)
    assert.deepEqual(message.bodyFrames, [])
  })

  test('§4.2.5.3: malformed UTF-8 in a short string is 501', async (scene) => {
    const client = await frames(scene)
    client.sendFrame(METHOD, 1, encodeMethod('queue.declare', { queue: Buffer.from([0xff, 0xfe]) }))
    await client.refused(501, /Malformed UTF-8 in shortstr/)
  })

  test('§4.2.4: an unknown method closes this connection only', async (scene) => {
    const client = await frames(scene)
    client.sendFrame(METHOD, 1, Buffer.from([0, 60, 0, 99]))
    await scene.endsConnection(client, [501, 503, 540, 541])
    await scene.channel.quiet()
  })

  test('§4.2.5.5: a table cut short closes this connection only', async (scene) => {
    const client = await frames(scene)
    const payload = encodeMethod('queue.declare', { queue: 'q', arguments: { 'x-max-length': 1 } })
    client.sendFrame(METHOD, 1, payload.subarray(0, payload.length - 2))
    await scene.endsConnection(client, [501, 502, 541])
    await scene.channel.quiet()
  })
})
