// Protocol negotiation by the first eight octets. [AMQP 0-9-1 §4.2.2, rabbitmq.com "Version negotiation"]
import assert from 'node:assert/strict'
import { conformance, type Scene } from '../../support/conformance.ts'
import { PROTOCOL_HEADER } from '../../support/wire-client.ts'

const { test, testSince } = await conformance('protocol-header')

const AMQP_0_9_1 = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1])
const AMQP_1_0_SASL = Buffer.from([0x41, 0x4d, 0x51, 0x50, 3, 1, 0, 0])

/** Sends eight octets and returns what the broker answers before it closes. */
async function refusal(scene: Scene, bytes: Buffer): Promise<Buffer | undefined> {
  const client = await scene.socket()
  client.sendRaw(bytes)
  await client.closed()
  return client.greeting
}

test('§4.2.2: AMQP 0 0 9 1 is answered with connection.start', async (scene) => {
  const client = await scene.socket()
  const start = await client.greet()
  assert.equal(start.args.versionMajor, 0)
  assert.equal(start.args.versionMinor, 9)
})

test('§4.2.2: the 0-9 form AMQP 1 1 0 9 is served as 0-9-1', async (scene) => {
  const client = await scene.socket()
  client.sendRaw(Buffer.from([0x41, 0x4d, 0x51, 0x50, 1, 1, 0, 9]))
  await client.expect('connection.start')
})

test('§4.2.2: the header may arrive one octet at a time', async (scene) => {
  const client = await scene.socket()
  await client.sendByteByByte(PROTOCOL_HEADER)
  await client.expect('connection.start')
})

test('§4.2.2: AMQP 0 0 9 0 is refused with AMQP 0 0 9 1', async (scene) => {
  assert.deepEqual(await refusal(scene, Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 0])), AMQP_0_9_1)
})

test('§4.2.2: a version nobody speaks is refused with the newest header', async (scene) => {
  const answer = await refusal(scene, Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 8, 0]))
  assert.deepEqual(answer, scene.since('4.0', AMQP_1_0_SASL, AMQP_0_9_1))
})

test('§4.2.2: bytes that are not AMQP are refused with the newest header', async (scene) => {
  const answer = await refusal(scene, Buffer.from('GARBAGE!'))
  assert.deepEqual(answer, scene.since('4.0', AMQP_1_0_SASL, AMQP_0_9_1))
})

test('§4.2.2: an HTTP request is refused and the socket closed', async (scene) => {
  const answer = await refusal(scene, Buffer.from('GET / HTTP/1.1\r\n\r\n'))
  assert.deepEqual(answer, scene.since('4.0', AMQP_1_0_SASL, AMQP_0_9_1))
})

testSince('4.0', '§4.2.2: AMQP 0 1 0 0, 1.0 without SASL, is refused with AMQP 3 1 0 0', async (scene) => {
  assert.deepEqual(await refusal(scene, Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 1, 0, 0])), AMQP_1_0_SASL)
})

test('§4.2.2: a socket that closes before any byte harms nobody', async (scene) => {
  const silent = await scene.socket()
  silent.destroy()
  await scene.channel.quiet()
})
