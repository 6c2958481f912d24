// Passwords and tokens appear in no log, trace, error, listing, audit entry or metric, whatever goes wrong with them.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { networkInterfaces } from 'node:os'
import { after, before, test } from 'node:test'
import amqp from 'amqplib'
import mqtt from 'mqtt'
import { formatLine } from '../../src/config/log-text.ts'
import { StompClient } from '../support/stomp-client.ts'
import { plainSocket, TlsBroker } from '../support/tls-broker.ts'

/** In every secret that this test uses. */
const MARKER = 'XYZZY-marker'
const ADMIN_PASSWORD = `admin-${MARKER}`

let broker: TlsBroker
let base: string
const said: string[] = []

before(async () => {
  broker = await TlsBroker.start({
    default_user: 'admin',
    default_pass: ADMIN_PASSWORD,
    anonymous_login_user: 'none',
    'ssl_options.password': `key-${MARKER}`,
    'stomp.default_pass': `stomp-${MARKER}`,
    'listeners.ssl': 'none',
    'log.console.level': 'debug',
    'auth_mechanisms.1': 'PLAIN',
    'auth_mechanisms.2': 'AMQPLAIN',
  })
  base = `http://127.0.0.1:${broker.port('http')}/api`
})

after(() => broker.stop())

/** Calls the API and keeps what it answers. */
async function call(method: string, path: string, body?: unknown, authorization = basic('admin', ADMIN_PASSWORD)) {
  const response = await fetch(`${base}/${path}`, {
    method,
    headers: { authorization, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  said.push(JSON.stringify([...response.headers]), await response.text())
  return response.status
}

function basic(user: string, password: string): string {
  return `Basic ${btoa(`${user}:${password}`)}`
}

/** What it refuses with, in words. */
async function refusal(attempt: Promise<unknown>): Promise<void> {
  const error = await attempt.then(
    () => assert.fail('it was let in'),
    (refused: unknown) => refused,
  )
  said.push(error instanceof Error ? error.message : String(error))
}

test('failed and malformed logins over every protocol', async () => {
  const wrong = `wrong-${MARKER}`
  await refusal(amqp.connect(`amqp://admin:${wrong}@127.0.0.1:${broker.port('amqp')}`))
  await refusal(amqp.connect(`amqp://nobody:${wrong}@127.0.0.1:${broker.port('amqp')}`))
  for (const [mechanism, response] of [
    ['PLAIN', `${wrong} without separators`],
    ['AMQPLAIN', `\x05LOGINS\0\0\0\x05admin\x08PASSWORDS\0\0\xff\xff${wrong}`],
  ] as const) {
    const credentials = { mechanism, response: () => Buffer.from(response, 'latin1') }
    await refusal(amqp.connect(`amqp://127.0.0.1:${broker.port('amqp')}`, { credentials }))
  }
  const options = { username: 'admin', password: wrong, reconnectPeriod: 0 }
  await refusal(mqtt.connectAsync(`mqtt://127.0.0.1:${broker.port('mqtt')}`, options))
  const stomp = await StompClient.connect(broker.port('stomp'))
  stomp.send('CONNECT', { 'accept-version': '1.2', host: '/', login: 'admin', passcode: wrong })
  said.push(JSON.stringify(await stomp.next()))
  stomp.destroy()
  for (const authorization of [basic('admin', wrong), `Bearer ${wrong}`, `Basic ${wrong}`, `Digest ${wrong}`]) {
    assert.equal(await call('GET', 'whoami', undefined, authorization), 401)
  }
  await call('POST', 'login', { username: 'admin', password: wrong })
})

test('bodies that carry secrets and are refused', async () => {
  const secret = `body-${MARKER}`
  assert.equal(await call('PUT', 'users/app', { password: secret, tags: 7 }), 400)
  assert.equal(await call('PUT', 'users/app', { password_hash: secret, tags: '' }), 400)
  assert.equal(await call('PUT', 'users/app', `{"password": "${secret}"`), 400)
  assert.equal(await call('POST', 'definitions', { users: [{ name: '', password: secret, tags: '' }] }), 400)
  assert.equal(await call('POST', 'definitions', `{"users": [{"password": "${secret}"`), 400)
  assert.equal(await call('PUT', 'users/app', { password: secret, tags: '' }), 201)
  await call('PUT', 'parameters/shovel/%2F/s', { value: { 'src-uri': `amqp://u:${secret}@h`, 'dest-uri': 'amqp://' } })
  await call('POST', 'warren/authenticate', { username: 'app', password: `${secret}-wrong` })
})

test('traced messages show no credentials of those who publish them', async () => {
  assert.equal(await call('PUT', 'vhosts/%2F', { tracing: true }), 204)
  const connection = await amqp.connect(`amqp://admin:${ADMIN_PASSWORD}@127.0.0.1:${broker.port('amqp')}`)
  const channel = await connection.createChannel()
  const { queue } = await channel.assertQueue('', { exclusive: true })
  await channel.bindQueue(queue, 'amq.rabbitmq.trace', '#')
  const traced = new Promise<amqp.ConsumeMessage | null>((done) => void channel.consume(queue, done, { noAck: true }))
  channel.publish('amq.topic', 'k', Buffer.from('x'))
  said.push(JSON.stringify((await traced)?.properties))
  for (const path of ['connections', 'channels', 'consumers']) await call('GET', path)
  await connection.close()
})

test('no answer, listing, export, metric, log line or audit entry has any of them', async () => {
  const lists = ['overview', 'nodes', 'users', 'parameters', 'definitions', 'config/effective', 'warren/status']
  for (const path of [...lists, 'warren/log?count=1000', 'warren/audit?count=1000']) {
    assert.equal(await call('GET', path), 200, path)
  }
  for (const page of ['metrics', 'metrics/per-object']) {
    said.push(await (await fetch(`http://127.0.0.1:${broker.port('prometheus')}/${page}`)).text())
  }
  assert.ok(broker.log.records.length > 10, 'there is a log to look at')
  said.push(...broker.log.records.map((record) => formatLine(record) + JSON.stringify(record.fields)))
  // Definitions carry parameters as they are, passwords as hashes; whoever may export them may read both.
  const leaks = said.filter((text) => text.includes(MARKER) && !text.includes('"src-uri"'))
  assert.deepEqual(leaks, [])
  const text = said.join('\n')
  for (const encoded of [btoa(ADMIN_PASSWORD), Buffer.from(ADMIN_PASSWORD).toString('hex')]) {
    assert.equal(text.includes(encoded.replace(/=+$/, '')), false)
  }
})

test('the user of the first start comes from this machine alone', async () => {
  const proxied = await TlsBroker.start({
    'listeners.ssl': 'none',
    proxy_protocol: 'true',
    'mqtt.proxy_protocol': 'true',
    'stomp.proxy_protocol': 'true',
  })
  try {
    const from = 'PROXY TCP4 192.0.2.9 192.0.2.1 40000 1\r\n'
    const stomp = await plainSocket(
      proxied.port('stomp'),
      `${from}CONNECT\naccept-version:1.2\nhost:/\nlogin:guest\npasscode:guest\n\n\0`,
    )
    assert.match(String((await once(stomp, 'data'))[0]), /^ERROR[\s\S]*non-loopback access denied/)
    const connect = '\x10\x1a\0\x04MQTT\x04\xc2\0\x3c\0\0\0\x05guest\0\x05guest'
    const client = await plainSocket(proxied.port('mqtt'), Buffer.from(from + connect, 'latin1'))
    const [connack] = (await once(client, 'data')) as [Buffer]
    assert.deepEqual([...connack], [0x20, 2, 0, 5], 'not authorised')
    assert.ok(proxied.lines.some((line) => line.includes("user 'guest' can only connect via localhost")))
    const address = Object.values(networkInterfaces())
      .flat()
      .find((each) => each !== undefined && !each.internal && each.family === 'IPv4')?.address
    if (address === undefined) return
    const url = `http://${address}:${proxied.port('http')}/api/whoami`
    assert.equal((await fetch(url, { headers: { authorization: basic('guest', 'guest') } })).status, 401)
  } finally {
    await proxied.stop()
  }
})
