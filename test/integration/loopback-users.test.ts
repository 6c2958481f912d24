// Users with passwords that everybody knows: only for who is on this machine, and not for the pages of other sites that a
// browser on it shows, nor for a proxy on it that lets others in.
import assert from 'node:assert/strict'
import http from 'node:http'
import { after, before, test } from 'node:test'
import WebSocket from 'ws'
import { type EmbeddedBroker, startBroker } from '../../src/library.ts'
import { encodeConnect } from '../../src/protocols/mqtt/codec.ts'
import { LEVEL_5 } from '../../src/protocols/mqtt/spec.ts'

const EVIL = 'evil.example'
let broker: EmbeddedBroker

before(async () => {
  broker = await startBroker({
    settings: {
      'default_users.somebody.password': 'own-secret',
      'default_users.somebody.tags': 'management',
    },
  })
})

after(() => broker.stop())

function whoami(headers: http.OutgoingHttpHeaders, user = 'guest:guest'): Promise<number> {
  return new Promise((resolve, reject) => {
    const options = {
      host: '127.0.0.1',
      port: broker.listeners.http!,
      path: '/api/whoami',
      headers: { authorization: `Basic ${btoa(user)}`, ...headers },
    }
    http.get(options, (response) => resolve(response.resume().statusCode ?? 0)).on('error', reject)
  })
}

/** The reason code of a CONNACK over WebSocket. */
function connack(headers: Record<string, string>, user = 'guest:guest'): Promise<number> {
  const [userName, password] = user.split(':') as [string, string]
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${broker.listeners['web-mqtt']}/ws`, 'mqtt', { headers })
    socket.on('error', reject)
    socket.on('open', () =>
      socket.send(
        encodeConnect({
          level: LEVEL_5,
          clientId: '',
          cleanStart: true,
          keepAliveSeconds: 0,
          will: null,
          userName,
          password: Buffer.from(password),
          properties: {},
        }),
      ),
    )
    socket.on('message', (data: Buffer) => {
      socket.terminate()
      resolve(data[3]!)
    })
  })
}

test('HTTP: a name that was pointed at this machine, and a proxy on it, do not log guest in', async () => {
  assert.equal(await whoami({}), 200)
  assert.equal(await whoami({ host: 'localhost:15672' }), 200)
  assert.equal(await whoami({ host: EVIL }), 401)
  assert.equal(await whoami({ 'x-forwarded-for': '192.0.2.1' }), 401)
  assert.equal(await whoami({ host: EVIL }, 'somebody:own-secret'), 200)
})

test('WebSocket: a page of another site does not log guest in', async () => {
  assert.equal(await connack({}), 0)
  assert.equal(await connack({ origin: 'http://localhost:3000' }), 0)
  assert.equal(await connack({ origin: `https://${EVIL}` }), 0x87)
  assert.equal(await connack({ host: EVIL }), 0x87)
  assert.notEqual(await connack({ origin: `https://${EVIL}` }, 'somebody:own-secret'), 0x86)
})
