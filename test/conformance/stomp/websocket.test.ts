// RabbitMQ: Web STOMP plug-in.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { stompConformance } from '../../support/stomp-broker.ts'
import { frameText } from '../../support/stomp-client.ts'

const test = await stompConformance({ 'web_stomp.use_http_auth': 'true' })

const CONNECT = frameText('CONNECT', { 'accept-version': '1.2', login: 'guest', passcode: 'guest' })

/** Text of the next message, and whether it came as a binary one. */
async function next(socket: WebSocket): Promise<readonly [text: string, isBinary: boolean]> {
  const [data, isBinary] = (await once(socket, 'message')) as [Buffer, boolean]
  return [data.toString('latin1'), isBinary]
}

for (const protocol of ['v10.stomp', 'v11.stomp', 'v12.stomp', undefined]) {
  test(`sub-protocol ${protocol ?? 'none'}`, async ({ booted }) => {
    const url = `ws://127.0.0.1:${booted.listeners['web-stomp']}/ws`
    const socket = protocol === undefined ? new WebSocket(url) : new WebSocket(url, protocol)
    await once(socket, 'open')
    assert.equal(socket.protocol, protocol ?? '')
    socket.send(CONNECT)
    const [connected, isBinary] = await next(socket)
    assert.match(connected, /^CONNECTED\n/)
    assert.equal(isBinary, false)
    socket.terminate()
  })
}

test('another sub-protocol and another path are refused', async ({ booted }) => {
  const base = `ws://127.0.0.1:${booted.listeners['web-stomp']}`
  for (const [path, protocol, status] of [
    ['/ws', 'mqtt', 400],
    ['/nope', 'v12.stomp', 404],
  ] as const) {
    const socket = new WebSocket(`${base}${path}`, protocol)
    const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }]
    assert.equal(response.statusCode, status)
    socket.on('error', () => undefined)
    socket.terminate()
  }
})

test('the HTTP request may carry the login', async ({ booted }) => {
  const login = async (credentials: string): Promise<string> => {
    const headers = { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` }
    const socket = new WebSocket(`ws://127.0.0.1:${booted.listeners['web-stomp']}/ws`, 'v12.stomp', { headers })
    await once(socket, 'open')
    socket.send(frameText('CONNECT', { 'accept-version': '1.2' }))
    const [reply] = await next(socket)
    socket.terminate()
    return reply
  }
  assert.match(await login('guest:guest'), /^CONNECTED\n/)
  assert.match(await login('guest:wrong'), /^ERROR\nmessage:Bad CONNECT\n/)
})

test('a body that is no text leaves in a binary message', async ({ booted }) => {
  const socket = new WebSocket(`ws://127.0.0.1:${booted.listeners['web-stomp']}/ws`, 'v12.stomp')
  await once(socket, 'open')
  socket.send(CONNECT)
  await next(socket)
  socket.send(frameText('SUBSCRIBE', { id: 1, destination: '/topic/binary', receipt: 'r' }))
  await next(socket)
  const head = 'SEND\ndestination:/topic/binary\ncontent-length:2\n\n'
  socket.send(Buffer.concat([Buffer.from(head), Buffer.from([0xff, 0xfe, 0])]))
  const [message, isBinary] = await next(socket)
  assert.ok(message.trimEnd().endsWith(`\n\n\u00ff\u00fe\0`), JSON.stringify(message))
  assert.equal(isBinary, true)
  socket.terminate()
})

test('DISCONNECT ends the WebSocket as soon as the client does', async ({ booted }) => {
  // The broker would drop the connection by itself after five seconds.
  const socket = new WebSocket(`ws://127.0.0.1:${booted.listeners['web-stomp']}/ws`, 'v12.stomp')
  await once(socket, 'open')
  socket.send(CONNECT)
  await next(socket)
  socket.send(frameText('DISCONNECT', { receipt: 'bye' }))
  const [receipt] = await next(socket)
  assert.match(receipt, /^RECEIPT\n/)
  socket.close()
  const [code] = await once(socket, 'close', { signal: AbortSignal.timeout(4_000) })
  assert.equal(code, 1000)
})
