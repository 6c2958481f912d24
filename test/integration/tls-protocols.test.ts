// TLS and the PROXY protocol on the listeners of every protocol, and logins by client certificate.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import https from 'node:https'
import { after, before, test } from 'node:test'
import tls from 'node:tls'
import amqp from 'amqplib'
import mqtt from 'mqtt'
import { WebSocket } from 'ws'
import { TestAuthority, type TestCertificate } from '../support/certificates.ts'
import { greetOver, plainSocket, TlsBroker } from '../support/tls-broker.ts'

const ours = new TestAuthority()
const ca = ours.authority.certificate
const ALICE_NAMES = [
  { type: 'dns', value: 'first.example' },
  { type: 'email', value: 'alice@example.com' },
  { type: 'dns', value: 'second.example' },
  { type: 'uri', value: 'spiffe://example/alice' },
] as const
const alice = ours.client('alice', ALICE_NAMES)
const ALICE_DN = 'CN=alice,O=Example\\, Inc.'
const SECURE_PORTS = {
  'mqtt.listeners.ssl.default': '0',
  'web_mqtt.ssl.port': '0',
  'stomp.listeners.ssl.default': '0',
  'web_stomp.ssl.port': '0',
  'management.ssl.port': '0',
  'prometheus.ssl.port': '0',
}
const CERTIFICATE_LOGIN = {
  'ssl_options.verify': 'verify_peer',
  'auth_mechanisms.1': 'EXTERNAL',
  'auth_mechanisms.2': 'PLAIN',
  'mqtt.ssl_cert_login': 'true',
  'stomp.ssl_cert_login': 'true',
}

let broker: TlsBroker

before(async () => {
  broker = await TlsBroker.start({
    ...ours.settings(ours.server()),
    ...ours.settings(ours.server('web'), 'web_mqtt.ssl'),
    ...SECURE_PORTS,
    ...CERTIFICATE_LOGIN,
    ssl_cert_login_from: 'common_name',
    'web_mqtt.allow_origins.1': 'https://app.example',
  })
  await addUser(broker, 'alice')
})

after(async () => {
  await broker.stop()
  ours.remove()
})

async function addUser(to: TlsBroker, name: string): Promise<void> {
  const base = `http://127.0.0.1:${to.port('http')}/api`
  const headers = { authorization: `Basic ${btoa('guest:guest')}`, 'content-type': 'application/json' }
  const user = encodeURIComponent(name)
  const put = (path: string, body: object) =>
    fetch(`${base}/${path}`, { method: 'PUT', headers, body: JSON.stringify(body) })
  assert.equal((await put(`users/${user}`, { password_hash: '', tags: '' })).status, 201)
  assert.equal((await put(`permissions/%2F/${user}`, { configure: '.*', write: '.*', read: '.*' })).status, 201)
}

async function connections(of: TlsBroker): Promise<Record<string, unknown>[]> {
  const response = await fetch(`http://127.0.0.1:${of.port('http')}/api/connections`, {
    headers: { authorization: `Basic ${btoa('guest:guest')}` },
  })
  return (await response.json()) as Record<string, unknown>[]
}

function amqpOver(to: TlsBroker, client: TestCertificate | null): Promise<amqp.ChannelModel> {
  const credentials = client === null ? {} : { cert: client.certificate, key: client.key, credentials: external() }
  const user = client === null ? 'guest:guest@' : ''
  return amqp.connect(`amqps://${user}localhost:${to.port('amqps')}`, { ca, ...credentials })
}

function external(): { mechanism: string; response: () => Buffer } {
  return { mechanism: 'EXTERNAL', response: () => Buffer.alloc(0) }
}

test('AMQP: EXTERNAL is the common name, and listings show the certificate', async () => {
  const connection = await amqpOver(broker, alice)
  const channel = await connection.createChannel()
  await channel.assertQueue('q', { durable: false, autoDelete: true })
  const [listed] = await connections(broker)
  assert.equal(listed?.user, 'alice')
  assert.equal(listed?.auth_mechanism, 'EXTERNAL')
  assert.equal(listed?.ssl, true)
  assert.equal(listed?.ssl_protocol, 'tlsv1.3')
  assert.equal(listed?.ssl_cipher, 'TLS_AES_256_GCM_SHA384')
  assert.equal(listed?.ssl_hash, 'sha384')
  assert.equal(listed?.peer_cert_subject, ALICE_DN)
  assert.equal(listed?.peer_cert_issuer, 'CN=Test CA')
  await connection.close()
})

test('AMQP: without a certificate EXTERNAL is not offered, and PLAIN works over TLS', async () => {
  const connection = await amqpOver(broker, null)
  await connection.close()
  const refused = amqp.connect(`amqps://localhost:${broker.port('amqps')}`, { ca, credentials: external() })
  await assert.rejects(refused, /handshake|mechanism|503|Expected ConnectionOpenOk/i)
})

for (const [from, extra, user] of [
  ['distinguished_name', {}, ALICE_DN],
  ['subject_alternative_name', {}, 'first.example'],
  ['subject_alternative_name', { ssl_cert_login_san_index: '1' }, 'second.example'],
  ['subject_alternative_name', { ssl_cert_login_san_type: 'email' }, 'alice@example.com'],
  ['subject_alternative_name', { ssl_cert_login_san_type: 'uri' }, 'spiffe://example/alice'],
] as const) {
  test(`AMQP: EXTERNAL by ${from} ${JSON.stringify(extra)} is ${user}`, async () => {
    const other = await TlsBroker.start({
      ...ours.settings(ours.server()),
      ...CERTIFICATE_LOGIN,
      ssl_cert_login_from: from,
      ...extra,
    })
    try {
      await addUser(other, user)
      const connection = await amqpOver(other, alice)
      assert.equal((await connections(other))[0]?.user, user)
      await connection.close()
    } finally {
      await other.stop()
    }
  })
}

test('MQTT: a client certificate logs in, over TLS and over WebSocket with a certificate of its own', async () => {
  const urls = [`mqtts://localhost:${broker.port('mqtts')}`, `wss://localhost:${broker.port('web-mqtts')}/ws`]
  for (const url of urls) {
    const client = await mqtt.connectAsync(url, { ca, cert: alice.certificate, key: alice.key, reconnectPeriod: 0 })
    const [listed] = await connections(broker)
    assert.equal(listed?.user, 'alice')
    assert.equal(listed?.ssl, true)
    await client.endAsync()
  }
  const web = tls.connect({ host: '127.0.0.1', port: broker.port('web-mqtts'), ca, servername: 'localhost' })
  await once(web, 'secureConnect')
  assert.equal(web.getPeerCertificate().subject.CN, 'web')
  web.destroy()
})

test('STOMP: a client certificate logs in, over TLS and over WebSocket', async () => {
  const socket = tls.connect({
    ...{ host: '127.0.0.1', port: broker.port('stomps'), servername: 'localhost' },
    ...{ ca, cert: alice.certificate, key: alice.key },
  })
  socket.write('CONNECT\naccept-version:1.2\nhost:/\n\n\0')
  const [frame] = (await once(socket, 'data')) as [Buffer]
  assert.match(frame.toString(), /^CONNECTED\n/)
  assert.equal((await connections(broker))[0]?.user, 'alice')
  socket.destroy()
  assert.match(await stompOverWeb(undefined), /^CONNECTED\n/, 'a program')
  assert.match(await stompOverWeb('https://localhost'), /^CONNECTED\n/, 'a page of the same host')
  assert.match(await stompOverWeb('https://evil.example'), /^ERROR\n/, 'browsers show the certificate for any page')
})

/** What is answered to a login by nothing but the certificate. */
async function stompOverWeb(origin: string | undefined): Promise<string> {
  const web = new WebSocket(`wss://localhost:${broker.port('web-stomps')}/ws`, ['v12.stomp'], {
    ...{ ca, cert: alice.certificate, key: alice.key },
    ...(origin === undefined ? {} : { origin }),
  })
  await once(web, 'open')
  web.send('CONNECT\naccept-version:1.2\nhost:/\n\n\0')
  const [message] = (await once(web, 'message')) as [Buffer]
  web.close()
  return message.toString()
}

test('the HTTP API and the metrics over TLS', async () => {
  for (const [listener, path] of [
    ['https', '/api/whoami'],
    ['prometheus-tls', '/metrics'],
  ] as const) {
    const request = https.get({
      ...{ host: '127.0.0.1', servername: 'localhost', port: broker.port(listener), path, ca, auth: 'guest:guest' },
    })
    const [response] = await once(request, 'response')
    assert.equal(response.statusCode, 200)
    response.destroy()
  }
})

test('a page of another origin may not connect where origins are named; programs may', async () => {
  const statusOf = async (origin: string | undefined): Promise<number> => {
    const socket = new WebSocket(`ws://localhost:${broker.port('web-mqtt')}/ws`, ['mqtt'], {
      ...(origin === undefined ? {} : { origin }),
    })
    socket.on('error', () => undefined)
    const status = await new Promise<number>((resolve) => {
      socket.on('open', () => resolve(101))
      socket.on('unexpected-response', (_request, response) => resolve(response.statusCode ?? 0))
    })
    socket.terminate()
    return status
  }
  assert.equal(await statusOf('https://evil.example'), 403)
  assert.equal(await statusOf('https://app.example'), 101)
  assert.equal(await statusOf(undefined), 101)
})

// The PROXY protocol

const V1 = 'PROXY TCP4 192.0.2.9 198.51.100.7 40000 5671\r\n'
/** Version 2 from 192.0.2.9:40000, with the extension that says: TLS 1.3 with this suite. */
function v2WithTls(): Buffer {
  const tlv = (type: number, value: Buffer): Buffer =>
    Buffer.concat([Buffer.from([type, value.length >>> 8, value.length & 0xff]), value])
  const inner = Buffer.concat([
    Buffer.from([1, 0, 0, 0, 0]),
    tlv(0x21, Buffer.from('TLSv1.3')),
    tlv(0x23, Buffer.from('TLS_AES_256_GCM_SHA384')),
  ])
  const rest = Buffer.concat([
    Buffer.from([192, 0, 2, 9, 198, 51, 100, 7, 0x9c, 0x40, 0x16, 0x27]),
    tlv(0x04, Buffer.from('skipped')),
    tlv(0x20, inner),
  ])
  const head = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
  return Buffer.concat([head, Buffer.from([0x21, 0x11, rest.length >>> 8, rest.length & 0xff]), rest])
}

test('behind a proxy every listener knows the client: AMQP, MQTT, STOMP, WebSocket, each with and without TLS', async () => {
  const proxied = await TlsBroker.start({
    ...ours.settings(ours.server()),
    ...SECURE_PORTS,
    proxy_protocol: 'true',
    'mqtt.proxy_protocol': 'true',
    'web_mqtt.proxy_protocol': 'true',
    'stomp.proxy_protocol': 'true',
    'web_stomp.proxy_protocol': 'true',
    loopback_users: 'none',
  })
  try {
    const hello: Readonly<Record<string, string>> = {
      amqp: 'AMQP\0\0\x09\x01',
      mqtt: '\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0',
      stomp: 'CONNECT\naccept-version:1.2\nhost:/\nlogin:guest\npasscode:guest\n\n\0',
      'web-mqtt': upgrade('mqtt'),
      'web-stomp': upgrade('v12.stomp'),
    }
    for (const [listener, first] of Object.entries(hello)) {
      const plain = await plainSocket(proxied.port(listener), Buffer.from(V1 + first, 'latin1'))
      const [answer] = (await once(plain, 'data')) as [Buffer]
      assert.ok(answer.length > 0, listener)
      if (listener === 'mqtt' || listener === 'stomp') {
        assert.equal(
          (await connections(proxied)).some(({ peer_host }) => peer_host === '192.0.2.9'),
          true,
          listener,
        )
      }
      plain.destroy()
      const raw = await plainSocket(proxied.port(`${listener}s`), V1)
      const secured = tls.connect({ socket: raw, ca, servername: 'localhost' })
      secured.write(Buffer.from(first, 'latin1'))
      await once(secured, 'data')
      secured.destroy()
    }
    const offloaded = await plainSocket(proxied.port('stomp'), Buffer.concat([v2WithTls(), Buffer.from(hello.stomp!)]))
    await once(offloaded, 'data')
    const listed = (await connections(proxied)).find(({ ssl }) => ssl === true)
    assert.equal(listed?.ssl_protocol, 'tlsv1.3')
    assert.equal(listed?.ssl_cipher, 'TLS_AES_256_GCM_SHA384')
    offloaded.destroy()
    const without = await plainSocket(proxied.port('amqp'), hello.amqp!)
    await once(without, 'close')
    await assert.rejects(
      greetOver({ ca }, { host: '127.0.0.1', port: proxied.port('amqps') }),
      'TLS without the header',
    )
  } finally {
    await proxied.stop()
  }
})

function upgrade(subprotocol: string): string {
  return (
    'GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n' +
    `Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: ${subprotocol}\r\n\r\n`
  )
}
