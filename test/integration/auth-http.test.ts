// Logins and permissions decided by a real web server: RabbitMQ's requests, and that only those wait who have to.
import assert from 'node:assert/strict'
import { after, afterEach, before, beforeEach, test } from 'node:test'
import { SystemClock } from '../../src/base/clock.ts'
import { createLogger, LogLevels, type LogRecord } from '../../src/base/log.ts'
import { type BootedBroker, startBroker } from '../../src/boot.ts'
import { settingsWith } from '../../src/config/build-settings.ts'
import { FREE_PORTS } from '../../src/config/free-ports.ts'
import { LEVEL_5, PUBACK } from '../../src/protocols/mqtt/spec.ts'
import { type Asked, AuthServer, Gate } from '../support/auth-server.ts'
import { TestAuthority } from '../support/certificates.ts'
import { MqttClient } from '../support/mqtt-client.ts'
import { StompClient } from '../support/stomp-client.ts'
import { WireClient } from '../support/wire-client.ts'
import { eventually } from '../support/wire-inbox.ts'

const USER = { user: 'alice', password: 'wonder land&=' }
const lines: LogRecord[] = []
const logger = createLogger({
  sink: { write: (record) => lines.push(record) },
  levels: new LogLevels('debug'),
  clock: new SystemClock(),
})
const running: BootedBroker[] = []
const clients: { destroy(): void }[] = []
let server: AuthServer
let broker: BootedBroker

async function boot(settings: Readonly<Record<string, string>>): Promise<BootedBroker> {
  const started = await startBroker({
    settings: settingsWith({ ...FREE_PORTS, ...server.settings(), ...settings }),
    dataDir: null,
    logger,
  })
  running.push(started)
  return started
}

async function connect(to = broker): Promise<WireClient> {
  const client = await WireClient.connect('127.0.0.1', to.listeners.amqp!)
  clients.push(client)
  return await client.open(USER)
}

/** Answers everything at once but what `matches`, which waits for the gate. */
function holdBack(gate: Gate, matches: (asked: Asked) => boolean): void {
  server.answer = (asked) => (matches(asked) ? gate.answer : 'allow management')
}

before(async () => {
  server = await AuthServer.start()
  broker = await boot({})
})

beforeEach(() => {
  server.answer = () => 'allow management'
  server.asked.length = 0
  lines.length = 0
})

afterEach(() => {
  for (const client of clients.splice(0)) client.destroy()
})

after(async () => {
  for (const started of running) await started.stop()
  await server.stop()
})

test('the questions are those of RabbitMQ', async () => {
  const channel = await (await connect()).channel()
  await channel.call('queue.declare', { queue: 'http.q' })
  await channel.call('exchange.declare', { exchange: 'http.t', type: 'topic' })
  await channel.call('queue.bind', { queue: 'http.q', exchange: 'http.t', routingKey: 'a.#' })
  await channel.call('confirm.select')
  await channel.publishConfirmed('http.t', 'a.b', 'one')
  assert.equal((await channel.get('http.q'))?.body.toString(), 'one')
  const resource = { username: 'alice', vhost: '/', tags: 'management' }
  const queue = { ...resource, resource: 'queue', name: 'http.q' }
  const exchange = { ...resource, resource: 'exchange', name: 'http.t' }
  const topic = {
    ...resource,
    resource: 'topic',
    name: 'http.t',
    'variable_map.username': 'alice',
    'variable_map.vhost': '/',
  }
  assert.deepEqual(
    server.asked.map(({ path, form }) => [path, form]),
    [
      ['user', { username: 'alice', password: USER.password }],
      ['vhost', { username: 'alice', vhost: '/', ip: '127.0.0.1', tags: 'management' }],
      ['resource', { ...queue, permission: 'configure' }],
      ['resource', { ...exchange, permission: 'configure' }],
      ['resource', { ...queue, permission: 'write' }],
      ['resource', { ...exchange, permission: 'read' }],
      ['topic', { ...topic, permission: 'read', routing_key: 'a.#' }],
      ['resource', { ...exchange, permission: 'write' }],
      ['topic', { ...topic, permission: 'write', routing_key: 'a.b' }],
      ['resource', { ...queue, permission: 'read' }],
    ],
  )
  assert.ok(server.asked.every(({ method }) => method === 'GET'))
  server.asked.length = 0
  await channel.publishConfirmed('http.t', 'a.b', 'two')
  assert.deepEqual(server.asked, [])
})

test('by POST, the form is the body', async () => {
  const posting = await boot(server.settings('post'))
  await (await connect(posting)).channel()
  assert.deepEqual(server.asked[0], {
    method: 'POST',
    path: 'user',
    form: { username: 'alice', password: USER.password },
  })
})

test('deny refuses in the words of RabbitMQ', async () => {
  server.answer = ({ path }) => (path === 'resource' ? 'deny' : 'ALLOW')
  const channel = await (await connect()).channel()
  channel.send('queue.declare', { queue: 'denied' })
  await channel.refused(
    403,
    "ACCESS_REFUSED - configure access to queue 'denied' in vhost '/' refused for user 'alice'",
  )
  server.answer = ({ path }) => (path === 'vhost' ? 'deny not yours' : 'allow')
  const client = await WireClient.connect('127.0.0.1', broker.listeners.amqp!)
  await client.authenticate(USER)
  client.tuneOk()
  client.send('connection.open', { virtualHost: '/' })
  await client.refused(530, "NOT_ALLOWED - access to vhost '/' refused for user 'alice'")
  server.answer = () => 'deny'
  const refused = await WireClient.connect('127.0.0.1', broker.listeners.amqp!)
  await refused.greet()
  refused.startOk(USER)
  await refused.refused(403, /^ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN/)
})

test('a channel that waits for its permission holds up nobody else, and its own order is kept', async () => {
  const client = await connect()
  const [slow, fast] = [await client.channel(1), await client.channel(2)]
  for (const channel of [slow, fast]) await channel.call('confirm.select')
  await fast.call('queue.declare', { queue: 'order.q' })
  await fast.call('exchange.declare', { exchange: 'order.x', type: 'fanout' })
  await fast.call('queue.bind', { queue: 'order.q', exchange: 'order.x' })
  await fast.publishConfirmed('', 'order.q', 'allowed before')
  const gate = new Gate()
  holdBack(gate, ({ form }) => form.name === 'order.x' && form.permission === 'write')
  slow.publish('order.x', '', 'first')
  slow.publish('', 'order.q', 'second')
  slow.publish('order.x', '', Buffer.alloc(300_000, 'x'))
  slow.send('queue.declare', { queue: 'order.after' })
  slow.publish('', 'order.q', 'last')
  for (let n = 0; n < 3; n++) await fast.publishConfirmed('', 'order.q', `meanwhile ${n}`)
  gate.open()
  await eventually(async () => assert.equal(await fast.depth('order.q'), 8))
  const confirmed: number[] = []
  while ((confirmed.at(-1) ?? 0) < 4) {
    const { name, args } = await client.inbox(1).next('anything', () => true)
    if (name === 'basic.ack') confirmed.push(Number(args.deliveryTag))
    else assert.equal(name, 'queue.declare-ok')
  }
  await fast.consume('order.q', { noAck: true })
  const bodies = (await fast.bodies(8)).map((body) => body.slice(0, 12))
  const own = ['first', 'second', 'x'.repeat(12), 'last']
  assert.deepEqual(bodies.slice(0, 4), ['allowed befo', 'meanwhile 0', 'meanwhile 1', 'meanwhile 2'])
  assert.deepEqual(bodies.slice(4), own)
})

test('what waits is bounded: a client that goes on publishing is read no more, and loses nothing', async () => {
  const client = await connect()
  const [slow, fast] = [await client.channel(1), await client.channel(2)]
  await fast.call('queue.declare', { queue: 'flood.q' })
  await slow.call('confirm.select')
  const gate = new Gate()
  holdBack(gate, ({ form }) => form.name === 'amq.default' && form.permission === 'write')
  const body = Buffer.alloc(10_000, 'f')
  for (let n = 0; n < 600; n++) slow.publish('', 'flood.q', body)
  await eventually(async () => {
    const { receivedBytes } = [...broker.parts.broker.connections.all()].at(-1)!.status()
    assert.ok(receivedBytes > 1_000_000)
  })
  assert.ok([...broker.parts.broker.connections.all()].at(-1)!.status().receivedBytes < 3_000_000)
  gate.open()
  await fast.depthBecomes('flood.q', 600)
})

test('a goodbye waits for the publishes before it', async () => {
  const client = await connect()
  const channel = await client.channel()
  await channel.call('queue.declare', { queue: 'goodbye.q' })
  const gate = new Gate()
  holdBack(gate, ({ form }) => form.name === 'amq.default')
  channel.publish('', 'goodbye.q', 'not lost')
  const closed = client.close()
  await eventually(async () => assert.ok(server.asked.some(({ form }) => form.name === 'amq.default')))
  gate.open()
  await closed
  const other = await (await connect()).channel()
  assert.equal((await other.get('goodbye.q'))?.body.toString(), 'not lost')
})

test('a refusal closes the channel that waited, with what followed it; the next one works', async () => {
  const client = await connect()
  const channel = await client.channel()
  const gate = new Gate()
  holdBack(gate, ({ form }) => form.name === 'never.x')
  channel.publish('never.x', '', 'one')
  channel.send('queue.declare', { queue: 'never.q' })
  gate.open('deny')
  await channel.refused(403, /^ACCESS_REFUSED - write access to exchange 'never.x' in vhost '\/' refused/, 60, 40)
  const next = await client.channel(1)
  await next.call('queue.declare', { queue: 'next.q' })
})

test('a transaction is published whole or not at all', async () => {
  const client = await connect()
  const channel = await client.channel()
  await channel.call('queue.declare', { queue: 'tx.q' })
  await channel.call('tx.select')
  const gate = new Gate()
  holdBack(gate, ({ form }) => form.name === 'amq.default')
  channel.publish('', 'tx.q', 'one')
  channel.publish('', 'tx.q', 'two')
  channel.send('tx.commit')
  gate.open()
  await channel.expect('tx.commit-ok')
  assert.equal(await channel.depth('tx.q'), 2)
})

test('a back end that does not answer in time refuses; so does one that is broken or gone', async () => {
  const hasty = await boot({ 'auth_http.request_timeout': '2s' })
  const client = await connect(hasty)
  const channel = await client.channel()
  holdBack(new Gate(), ({ path }) => path === 'resource')
  channel.send('queue.declare', { queue: 'late' })
  await channel.refused(403, /^ACCESS_REFUSED - configure access to queue 'late'/)
  const counters = hasty.parts.backends.questions.counters.get('http')!
  assert.deepEqual([counters.timedOut, counters.waiting], [1, 0])
  assert.match(
    lines
      .filter(({ level }) => level === 'error')
      .map(({ text }) => text)
      .join(),
    /http cannot answer: no answer within 2000 ms/,
  )
  for (const answer of [{ status: 500, body: 'allow' }, 'maybe', 'allow'.repeat(20_000)]) {
    server.answer = ({ path }) => (path === 'user' ? 'allow' : answer)
    const broken = await WireClient.connect('127.0.0.1', hasty.listeners.amqp!)
    await broken.authenticate(USER)
    broken.tuneOk()
    broken.send('connection.open', { virtualHost: '/' })
    await broken.refused(530, /access to vhost '\/' refused for user 'alice'/)
  }
  const gone = await boot({ 'auth_http.user_path': 'http://127.0.0.1:1/user?password=hidden' })
  const refused = await WireClient.connect('127.0.0.1', gone.listeners.amqp!)
  await refused.greet()
  refused.startOk(USER)
  await refused.refused(403, /^ACCESS_REFUSED - Login was refused/)
  const logged = JSON.stringify(lines, (_key, value) => (value instanceof Error ? `${value.stack}` : value))
  assert.doesNotMatch(logged, /wonder|hidden/)
})

test('MQTT waits for its permissions, too, and says what the server needs to know', async () => {
  const client = await MqttClient.open(broker.listeners.mqtt!, LEVEL_5)
  const login = { userName: 'alice', password: Buffer.from('secret'), clientId: 'sensor-1' }
  const will = { topic: 'http/will', payload: Buffer.from('gone'), qos: 1 as const, retain: false, properties: {} }
  assert.equal((await client.connect({ ...login, will })).code, 0)
  const known = { username: 'alice', vhost: '/', client_id: 'sensor-1' }
  assert.deepEqual(server.of('user')[0]?.form, { ...known, password: 'secret' })
  assert.deepEqual(server.of('vhost')[0]?.form, { ...known, ip: '127.0.0.1', tags: 'management' })
  const gate = new Gate()
  holdBack(gate, ({ path }) => path === 'topic')
  const subscribed = client.subscribe(['http/#'])
  client.publish({ topic: 'http/a', payload: '1', qos: 1, packetId: 7 })
  client.publish({ topic: 'http/b', payload: '2', qos: 0 })
  await eventually(async () => assert.equal(server.of('topic').length, 1))
  gate.open()
  assert.deepEqual(await subscribed, [2])
  assert.equal((await client.next(PUBACK)).body.readUInt16BE(0), 7)
  assert.deepEqual([(await client.nextMessage()).topic, (await client.nextMessage()).topic], ['http/a', 'http/b'])
  const topic = server.of('topic').find(({ form }) => form.permission === 'write')
  assert.equal(topic?.form['variable_map.client_id'], 'sensor-1')
  server.answer = ({ path }) => (path === 'topic' ? 'deny' : 'allow')
  client.publish({ topic: 'http/forbidden', payload: '3', qos: 0 })
  assert.equal(await client.refusal(), 0x87)
})

test('a will is published when its permission arrives, though its client is gone', async () => {
  const login = { userName: 'alice', password: Buffer.from('secret') }
  const watcher = await MqttClient.open(broker.listeners.mqtt!, LEVEL_5)
  await watcher.connect({ ...login, clientId: 'watcher' })
  await watcher.subscribe(['late/#'])
  const client = await MqttClient.open(broker.listeners.mqtt!, LEVEL_5)
  const will = { topic: 'late/will', payload: Buffer.from('gone'), qos: 0 as const, retain: false, properties: {} }
  await client.connect({ ...login, clientId: 'leaver', will })
  const gate = new Gate()
  holdBack(gate, ({ form }) => form.routing_key === 'late.will')
  await client.drop()
  await eventually(async () => assert.ok(server.asked.some(({ form }) => form.routing_key === 'late.will')))
  gate.open()
  assert.equal((await watcher.nextMessage()).topic, 'late/will')
  await watcher.disconnect()
})

test('STOMP waits for its permissions, too', async () => {
  const client = await StompClient.connect(broker.listeners.stomp!)
  clients.push(client)
  await client.login('1.2', { login: 'alice', passcode: 'secret' })
  const gate = new Gate()
  holdBack(gate, ({ path }) => path !== 'user')
  client.send('SUBSCRIBE', { id: '1', destination: '/topic/http.stomp' })
  client.send('SEND', { destination: '/topic/http.stomp' }, 'one')
  client.send('BEGIN', { transaction: 't' })
  client.send('SEND', { destination: '/queue/http.stomp.q', transaction: 't' }, 'two')
  client.send('COMMIT', { transaction: 't', receipt: 'committed' })
  client.send('SUBSCRIBE', { id: '2', destination: '/queue/http.stomp.q', receipt: 'subscribed' })
  gate.open()
  await client.bodies('one')
  const frames = [await client.next(), await client.next(), await client.next()]
  assert.deepEqual(frames.map(({ command }) => command).sort(), ['MESSAGE', 'RECEIPT', 'RECEIPT'])
  server.answer = () => 'deny'
  client.send('SEND', { destination: '/exchange/amq.fanout' }, 'no')
  await client.refused('access_refused', /write access to exchange 'amq.fanout' in vhost '\/' refused for user 'alice'/)
})

test('the HTTP API asks as often as it must, and lists what the caller may see', async () => {
  await new Promise<void>((resolve) => {
    const record = { ...broker.parts.broker.vhost('/')!.record, name: 'hidden' }
    broker.parts.broker.putVhost(record, () => resolve())
  })
  const gate = new Gate()
  holdBack(gate, ({ path, form }) => path === 'vhost' && form.vhost === '/')
  const previous = server.answer
  server.answer = (asked) => (asked.path === 'vhost' && asked.form.vhost === 'hidden' ? 'deny' : previous(asked))
  const call = (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`http://127.0.0.1:${broker.listeners.http}/api/${path}`, {
      ...init,
      headers: {
        authorization: `Basic ${Buffer.from('alice:secret').toString('base64')}`,
        'content-type': 'application/json',
      },
    })
  const listing = call('vhosts')
  await eventually(async () => assert.equal(server.of('vhost').length, 2))
  gate.open()
  const names = ((await (await listing).json()) as { name: string }[]).map(({ name }) => name)
  assert.deepEqual(names, ['/'])
  assert.equal(server.of('vhost').length, 2)
  assert.equal((await call('queues/%2F/http.api', { method: 'PUT', body: '{}' })).status, 201)
  server.answer = ({ path }) => (path === 'resource' ? 'deny' : 'allow management')
  assert.equal((await call('queues/%2F/http.api', { method: 'DELETE' })).status, 401)
})

test('the chain: login by one, permissions by the other; the cache asks once', async () => {
  const cached = await boot({
    'auth_backends.1': 'cache',
    'auth_cache.cached_backend': 'http',
    'auth_backends.2': 'internal',
  })
  server.answer = ({ form }) => (form.username === 'guest' ? 'deny' : 'allow')
  for (let n = 0; n < 3; n++) {
    const client = await connect(cached)
    await (await client.channel()).call('queue.declare', { queue: 'cached.q' })
  }
  assert.deepEqual(
    server.asked.map(({ path }) => path),
    ['user', 'vhost', 'resource'],
  )
  cached.parts.backends.clearCache()
  await connect(cached)
  assert.equal(server.of('user').length, 2)
  const guest = await WireClient.connect('127.0.0.1', cached.listeners.amqp!)
  clients.push(guest)
  await (await (await guest.open()).channel()).call('queue.declare', { queue: 'internal.q' })
  const split = await boot({ 'auth_backends.1.authn': 'internal', 'auth_backends.1.authz': 'http' })
  server.asked.length = 0
  server.answer = ({ path }) => (path === 'resource' ? 'deny' : 'allow monitoring')
  const other = await WireClient.connect('127.0.0.1', split.listeners.amqp!)
  clients.push(other)
  const channel = await (await other.open()).channel()
  channel.send('queue.declare', { queue: 'split.q' })
  await channel.refused(403, /refused for user 'guest'/)
  assert.deepEqual(server.of('user')[0]?.form, { username: 'guest' })
  assert.equal(server.of('vhost')[0]?.form.tags, 'monitoring')
})

test('over HTTPS the server’s certificate is checked, and the broker shows its own', async () => {
  const authority = new TestAuthority()
  const other = new TestAuthority('Another CA')
  const certificate = authority.server()
  const client = authority.client('broker')
  const secure = await AuthServer.start({
    cert: certificate.certificate,
    key: certificate.key,
    ca: authority.authority.certificate,
    requestCert: true,
    rejectUnauthorized: true,
  })
  const trusts = (file: string): Record<string, string> => ({
    ...secure.settings('post'),
    'auth_http.ssl_options.cacertfile': file,
    'auth_http.ssl_options.verify': 'verify_peer',
  })
  const own = {
    'auth_http.ssl_options.certfile': client.certificateFile,
    'auth_http.ssl_options.keyfile': client.keyFile,
  }
  try {
    const good = await boot({ ...trusts(authority.authority.certificateFile), ...own })
    await (await (await connect(good)).channel()).call('queue.declare', { queue: 'https.q' })
    assert.equal(secure.of('user')[0]?.form.password, USER.password)
    const wrong: readonly Record<string, string>[] = [
      { ...trusts(other.authority.certificateFile), ...own },
      // No certificate of the broker's.
      trusts(authority.authority.certificateFile),
      // The system's authorities do not know this one.
      { ...secure.settings('post'), 'auth_http.ssl_options.verify': 'verify_peer', ...own },
    ]
    const askedBefore = secure.asked.length
    for (const settings of wrong) {
      const refusing = await boot(settings)
      await assert.rejects(connect(refusing), /ACCESS_REFUSED/)
      assert.ok(refusing.parts.backends.questions.counters.get('http')!.failed > 0)
    }
    assert.equal(secure.asked.length, askedBefore, 'no password reached a server that is not trusted')
  } finally {
    await secure.stop()
    authority.remove()
    other.remove()
  }
})
