// RabbitMQ: STOMP plug-in, default user, implicit connect, and the settings that change frames.
import assert from 'node:assert/strict'
import { stompConformance } from '../../support/stomp-broker.ts'

const test = await stompConformance({
  'stomp.default_user': 'guest',
  'stomp.default_pass': 'guest',
  'stomp.implicit_connect': 'true',
  'stomp.hide_server_info': 'true',
  'stomp.trailing_lf': 'false',
  'stomp.default_nack_requeue': 'false',
})

test('the first frame logs in, without CONNECTED', async (scene) => {
  const client = await scene.socket()
  const destination = `/queue/${scene.name()}`
  await client.call('SUBSCRIBE', { destination })
  client.send('SEND', { destination }, 'hi')
  const [message] = await client.bodies('hi')
  assert.equal(message?.headers.subscription, undefined, 'a subscription without an id')
  assert.match(message?.headers['message-id'] ?? '', new RegExp(`^Q_${destination}@@session-`))
  assert.equal(client.heartbeats, 0, 'no line feed follows a frame')
})

test('CONNECT without a login takes the defaults, and hides the server', async (scene) => {
  const client = await scene.socket()
  client.send('CONNECT', { 'accept-version': '1.2' })
  assert.equal((await client.expect('CONNECTED')).headers.server, undefined)
})

test('NACK drops where the default says so', async (scene) => {
  const client = await scene.connect()
  const destination = `/queue/${scene.name()}`
  await client.call('SUBSCRIBE', { id: 1, destination, ack: 'client' })
  client.send('SEND', { destination }, 'a')
  const [message] = await client.bodies('a')
  await client.call('NACK', { id: message!.headers.ack! })
  await client.silent()
})
