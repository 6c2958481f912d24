// Limits on sizes and times, met by clients: what each is told, and that each refusal is counted.
import assert from 'node:assert/strict'
import net from 'node:net'
import { after, before, test } from 'node:test'
import amqp from 'amqplib'
import mqtt from 'mqtt'
import { type EmbeddedBroker, startBroker } from '../../src/library.ts'

const LOGIN = `Basic ${btoa('guest:guest')}`
let broker: EmbeddedBroker
let proxied: EmbeddedBroker

before(async () => {
  broker = await startBroker({})
  proxied = await startBroker({ settings: { proxy_protocol: 'true', handshake_timeout: '300' } })
})

after(async () => {
  await broker.stop()
  await proxied.stop()
})

async function refusals(limit: string, of = broker): Promise<number> {
  const page = await (await fetch(`http://127.0.0.1:${of.listeners.prometheus}/metrics`)).text()
  const found = new RegExp(`^warrenmq_limit_refusals_total\\{limit="${limit}"\\} (\\d+)$`, 'm').exec(page)
  return Number(found?.[1])
}

/** What comes back until the connection ends; more is sent every 20 ms while `drip` is given. */
async function answerTo(port: number | undefined, bytes: string, drip?: string): Promise<string> {
  const socket = net.connect(port!, '127.0.0.1')
  let text = ''
  socket.on('error', () => undefined)
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
  })
  socket.write(bytes, 'latin1')
  const dripping = drip === undefined ? undefined : setInterval(() => socket.write(drip), 20)
  // An error comes first, where there is one.
  await new Promise((resolve) => socket.on('close', resolve))
  clearInterval(dripping)
  return text
}

async function refusalOf(attempt: Promise<unknown>): Promise<string> {
  return await attempt.then(
    () => assert.fail('it was let in'),
    (error: unknown) => String(error),
  )
}

test('AMQP: a table in a table in a table', async () => {
  let clientProperties: Record<string, unknown> = {}
  for (let i = 0; i < 70; i++) clientProperties = { t: clientProperties }
  const url = `amqp://127.0.0.1:${broker.listeners.amqp}`
  assert.match(await refusalOf(amqp.connect(url, { clientProperties })), /502|nests deeper than 64/)
  assert.equal(await refusals('tables'), 1)
})

test('MQTT: packets and topics', async () => {
  await answerTo(broker.listeners.mqtt, '\x10\xff\xff\x7f')
  assert.equal(await refusals('mqtt_packets'), 1)
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${broker.listeners.mqtt}`, {
    protocolVersion: 5,
    username: 'guest',
    password: 'guest',
    reconnectPeriod: 0,
  })
  const goodbye = new Promise<number | undefined>((resolve) => {
    client.on('disconnect', ({ reasonCode }) => resolve(reasonCode))
  })
  client.on('error', () => undefined)
  client.publish('a/'.repeat(128), 'x')
  assert.equal(await goodbye, 0x90, 'topic name invalid')
  client.end(true)
  assert.equal(await refusals('topics'), 1)
})

test('STOMP: frames, headers, transactions', async () => {
  const { stomp } = broker.listeners
  assert.match(await answerTo(stomp, `CONNECT\nx:${'x'.repeat(20_000)}\n\n\0`), /^ERROR\nmessage:Frame too large/)
  const many = Array.from({ length: 1_001 }, (_, i) => `h${i}:\n`).join('')
  assert.match(await answerTo(stomp, `CONNECT\n${many}\n\0`), /^ERROR[\s\S]*more than 1000 headers/)
  assert.equal(await refusals('stomp_frames'), 2)
  const begins = Array.from({ length: 1_025 }, (_, i) => `BEGIN\ntransaction:t${i}\n\n\0`).join('')
  const connect = 'CONNECT\naccept-version:1.2\nhost:/\nlogin:guest\npasscode:guest\n\n\0'
  assert.match(await answerTo(stomp, connect + begins), /ERROR[\s\S]*open transactions is reached/)
  assert.equal(await refusals('transactions'), 1)
})

test('HTTP: bodies and headers', async () => {
  const { http } = broker.listeners
  const head = `PUT /api/users/x HTTP/1.1\r\nhost: localhost\r\nauthorization: ${LOGIN}\r\n`
  assert.match(await answerTo(http, `${head}content-length: 90000000\r\n\r\n`), /^HTTP\/1.1 400 .*payload_too_large/s)
  const nested = `{"value":${'{"a":'.repeat(100)}1${'}'.repeat(101)}`
  const url = `http://127.0.0.1:${http}/api/parameters/shovel/%2F/x`
  const answer = await fetch(url, { method: 'PUT', headers: { authorization: LOGIN }, body: nested })
  assert.match(await answer.text(), /nested too deeply/)
  assert.equal(await refusals('http_bodies'), 2)
  const file = `{"global_parameters":[{"name":"x","value":${'['.repeat(100_000)}${']'.repeat(100_000)}}]}`
  const imported = await fetch(`http://127.0.0.1:${http}/api/definitions`, {
    method: 'POST',
    headers: { authorization: LOGIN },
    body: file,
  })
  assert.equal(imported.status, 400)
  assert.match(await imported.text(), /nested too deeply/)
  assert.match(await answerTo(http, `${head}x: ${'x'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1.1 431 /)
  assert.equal(await refusals('http_headers'), 1)
})

test('a PROXY header that comes byte by byte is cut off in time', async () => {
  assert.equal(await answerTo(proxied.listeners.amqp, 'PROXY TCP4 1', '1'), '')
  assert.equal(await refusals('handshake_time', proxied), 1)
})
