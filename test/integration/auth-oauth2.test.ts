// Logins by tokens of a real identity provider, over every protocol: scopes, expiry, renewal, and keys that change.
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import { generateKeyPair, SignJWT } from 'jose'
import { ByteReader } from '../../src/base/bytes.ts'
import { ManualClock } from '../../src/base/clock.ts'
import { createLogger, LogLevels, type LogRecord } from '../../src/base/log.ts'
import { type BootedBroker, startBroker } from '../../src/boot.ts'
import { settingsWith } from '../../src/config/build-settings.ts'
import { FREE_PORTS } from '../../src/config/free-ports.ts'
import { encodeAuth } from '../../src/protocols/mqtt/codec.ts'
import { readProperties } from '../../src/protocols/mqtt/properties.ts'
import { TOKEN_METHOD } from '../../src/protocols/mqtt/renewal.ts'
import { AUTH, LEVEL_5, NOT_AUTHORIZED, RE_AUTHENTICATE } from '../../src/protocols/mqtt/spec.ts'
import { IdentityProvider } from '../support/identity-provider.ts'
import { MqttClient } from '../support/mqtt-client.ts'
import { StompClient } from '../support/stomp-client.ts'
import { WireClient } from '../support/wire-client.ts'

const ALL = ['rabbitmq.configure:*/*', 'rabbitmq.read:*/*', 'rabbitmq.write:*/*']
const lines: LogRecord[] = []
const clients: { destroy(): void }[] = []
const running: BootedBroker[] = []
// The broker's time: tokens end when a test says so.
const clock = new ManualClock(Date.now())
let provider: IdentityProvider
let broker: BootedBroker

async function boot(settings: Readonly<Record<string, string>> = {}): Promise<BootedBroker> {
  const sink = { write: (record: LogRecord) => lines.push(record) }
  const started = await startBroker({
    settings: settingsWith({ ...FREE_PORTS, ...provider.settings, ...settings }),
    dataDir: null,
    logger: createLogger({ sink, levels: new LogLevels('debug'), clock }),
    clock,
  })
  running.push(started)
  return started
}

async function connect(password: string, to = broker): Promise<WireClient> {
  const client = await WireClient.connect('127.0.0.1', to.listeners.amqp!)
  clients.push(client)
  return await client.open({ user: 'whoever', password })
}

async function isRefused(password: string, to = broker): Promise<void> {
  const client = await WireClient.connect('127.0.0.1', to.listeners.amqp!)
  clients.push(client)
  await client.greet()
  client.startOk({ user: 'whoever', password })
  await client.refused(403, /^ACCESS_REFUSED - Login was refused using authentication mechanism PLAIN/)
}

before(async () => {
  provider = await IdentityProvider.start()
  broker = await boot()
})

afterEach(() => {
  for (const client of clients.splice(0)) client.destroy()
})

after(async () => {
  for (const started of running) await started.stop()
  await provider.stop()
})

test('a token logs in as its owner, and its scopes are what the owner may do', async () => {
  const token = await provider.token(['rabbitmq.configure:*/*', 'rabbitmq.read:*/*', 'rabbitmq.write:*/own-*'])
  const channel = await (await connect(token)).channel()
  await channel.call('queue.declare', { queue: 'own-q' })
  await channel.call('exchange.declare', { exchange: 'own-x', type: 'fanout' })
  await channel.call('queue.bind', { queue: 'own-q', exchange: 'own-x' })
  await channel.call('confirm.select')
  await channel.publishConfirmed('own-x', '', 'allowed')
  channel.publish('', 'own-q', 'not allowed')
  await channel.refused(
    403,
    "ACCESS_REFUSED - write access to exchange 'amq.default' in vhost '/' refused for user 'app'",
  )
})

test('routing keys of topic exchanges are part of a scope', async () => {
  const token = await provider.token(['rabbitmq.configure:*/*', 'rabbitmq.write:*/amq.topic/sensors.*'])
  const channel = await (await connect(token)).channel()
  await channel.call('confirm.select')
  await channel.publishConfirmed('amq.topic', 'sensors.1', 'allowed')
  channel.publish('amq.topic', 'actors.1', 'no')
  await channel.refused(403, /^ACCESS_REFUSED - write access to topic 'actors.1' in exchange 'amq.topic'/)
})

test('what is no valid token of the provider is refused, and stands in no line of the log', async () => {
  lines.length = 0
  const token = await provider.token(ALL)
  const [head, claims, signature] = token.split('.') as [string, string, string]
  const forged = await generateKeyPair('RS256')
  const signed = (alg: string): SignJWT =>
    new SignJWT({ scope: ALL.join(' '), aud: 'rabbitmq', iss: provider.issuer })
      .setProtectedHeader({ alg, kid: 'key-1' })
      .setExpirationTime('1h')
  const secret = Buffer.from('0123456789abcdef0123456789abcdef')
  const unsigned = Buffer.from('{"alg":"none"}').toString('base64url')
  const bad = [
    await provider.token(ALL, { audience: 'another' }),
    `${head}.${Buffer.from(Buffer.from(claims, 'base64url').toString().replace('app', 'root')).toString('base64url')}.${signature}`,
    `${unsigned}.${claims}.${signature}`,
    await signed('RS256').sign(forged.privateKey),
    await signed('HS256').sign(secret),
    `${head}.${claims}.`,
    'no token at all',
  ]
  for (const each of bad) await isRefused(each)
  const logged = JSON.stringify(lines, (_key, value) => (value instanceof Error ? `${value.stack}` : value))
  for (const each of [...bad.slice(0, 5), token])
    assert.ok(!logged.includes(each.slice(0, 60)) || each === 'no token at all')
})

test('users of the next back end log in as ever', async () => {
  const client = await WireClient.connect('127.0.0.1', broker.listeners.amqp!)
  clients.push(client)
  await (await client.open()).channel()
})

test('a token that ends closes its connections, each in its protocol’s way', async () => {
  clock.advance(Date.now() - clock.nowMs())
  const token = await provider.token([...ALL, 'rabbitmq.write:*/amq.topic/sensors.*'], { ttlSeconds: 30 })
  const amqp = await connect(token)
  const mqtt = await MqttClient.open(broker.listeners.mqtt!, LEVEL_5)
  assert.equal((await mqtt.connect({ clientId: 'ends', userName: 'whoever', password: Buffer.from(token) })).code, 0)
  const stomp = await StompClient.connect(broker.listeners.stomp!)
  clients.push(stomp)
  await stomp.login('1.2', { login: 'whoever', passcode: token })
  clock.advance(25_000)
  await (await amqp.channel()).call('queue.declare', { queue: 'still-there' })
  for (let seconds = 0; seconds < 10; seconds++) {
    clock.advance(1_000)
    // What is said now is sent before time goes on.
    await new Promise((resolve) => setImmediate(resolve))
  }
  await amqp.refused(320, 'CONNECTION_FORCED - credential expired')
  assert.equal(await mqtt.refusal(), 0xa0)
  await stomp.refused('Access refused', /credential expired/)
  await isRefused(token)
})

test('update-secret renews: the connection lives on, with the scopes of the new token', async () => {
  const client = await connect(await provider.token(ALL, { ttlSeconds: 100 }))
  const channel = await client.channel()
  await channel.call('confirm.select')
  await channel.call('queue.declare', { queue: 'renewed' })
  await channel.publishConfirmed('', 'renewed', 'before')
  const renewed = await provider.token(['rabbitmq.read:*/*'], { ttlSeconds: 1000 })
  client.send('connection.update-secret', { newSecret: renewed, reason: 'it ends soon' })
  await client.expect('connection.update-secret-ok')
  clock.advance(150_000)
  assert.equal(await channel.depth('renewed'), 1)
  channel.publish('', 'renewed', 'after')
  await channel.refused(403, /^ACCESS_REFUSED - write access to exchange 'amq.default'/)
  client.send('connection.update-secret', {
    newSecret: await provider.token(ALL, { clientId: 'other', ttlSeconds: 1000 }),
    reason: 'another user',
  })
  await client.refused(530, 'NOT_ALLOWED - New secret was refused by one of the backends')
})

test('keys change while the broker runs; the old ones end to count', async () => {
  const old = await provider.token(ALL, { ttlSeconds: 3600 })
  await connect(old)
  await provider.rotateKeys()
  clock.advance(6_000)
  await connect(await provider.token(ALL, { ttlSeconds: 3600 }))
  await isRefused(old)
})

test('a provider that is down refuses new logins only until it is back, and none whose key is known', async () => {
  const token = await provider.token(ALL, { ttlSeconds: 3600 })
  const late = await boot()
  provider.setDown(true)
  await isRefused(token, late)
  assert.ok(late.parts.backends.questions.counters.get('oauth2')!.failed > 0)
  await connect(token)
  clock.advance(11 * 60_000)
  await connect(token)
  provider.setDown(false)
  await connect(token, late)
})

test('the HTTP API takes a token as Bearer, with the tags of its scopes', async () => {
  const call = async (scopes: readonly string[], path: string): Promise<Response> =>
    fetch(`http://127.0.0.1:${broker.listeners.http}/api/${path}`, {
      headers: { authorization: `Bearer ${await provider.token(scopes, { ttlSeconds: 3600 })}` },
    })
  const whoami = await call([...ALL, 'rabbitmq.tag:management'], 'whoami')
  assert.deepEqual(await whoami.json(), { name: 'app', tags: ['management'] })
  assert.equal((await call(ALL, 'queues')).status, 401)
  assert.equal((await call(['rabbitmq.tag:administrator'], 'users')).status, 200)
  assert.equal((await call(['rabbitmq.tag:management'], 'nodes')).status, 401)
  const vhosts = await call(['rabbitmq.tag:management', 'rabbitmq.read:*/*'], 'vhosts')
  assert.equal(((await vhosts.json()) as unknown[]).length, 1)
})

test('with sign-in at a provider, names and passwords are not accepted by the HTTP API', async () => {
  const strict = await boot({ 'management.oauth_enabled': 'true', 'management.oauth_client_id': 'console' })
  const base = `http://127.0.0.1:${strict.listeners.http}/api`
  const password = { authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}` }
  assert.equal((await fetch(`${base}/whoami`, { headers: password })).status, 401)
  const form = new URLSearchParams({ username: 'guest', password: 'guest' })
  assert.equal((await fetch(`${base}/login`, { method: 'POST', body: form })).status, 401)
  const token = await provider.token(['rabbitmq.tag:management'], { ttlSeconds: 3600 })
  const byToken = new URLSearchParams({ username: '', password: token })
  assert.equal((await fetch(`${base}/login`, { method: 'POST', body: byToken })).status, 200)
})

test('MQTT and STOMP go by the scopes, too', async () => {
  const token = await provider.token(['rabbitmq.configure:*/*', 'rabbitmq.write:*/amq.topic/sensors.*'], {
    ttlSeconds: 3600,
  })
  const mqtt = await MqttClient.open(broker.listeners.mqtt!, LEVEL_5)
  await mqtt.connect({ clientId: 'scoped', userName: '', password: Buffer.from(token) })
  assert.deepEqual(await mqtt.subscribe(['sensors/1']), [NOT_AUTHORIZED])
  mqtt.publish({ topic: 'actors/1', payload: 'no', qos: 0 })
  assert.equal(await mqtt.refusal(), NOT_AUTHORIZED)
  const stomp = await StompClient.connect(broker.listeners.stomp!)
  clients.push(stomp)
  await stomp.login('1.2', { login: 'whoever', passcode: token })
  stomp.send('SUBSCRIBE', { id: '1', destination: '/queue/unreadable' })
  await stomp.refused('access_refused', /read access to queue 'unreadable' in vhost '\/' refused for user 'app'/)
})

test('several resource servers: the audience chooses, each with its prefix', async () => {
  const several = await boot({
    'auth_oauth2.resource_servers.one.id': 'first-broker',
    'auth_oauth2.resource_servers.one.scope_prefix': 'rabbitmq.',
    'auth_oauth2.resource_servers.one.preferred_username_claims.1': 'jti',
    'auth_oauth2.oauth_providers.second.issuer': 'http://127.0.0.1:1',
    'auth_oauth2.resource_servers.two.oauth_provider_id': 'second',
  })
  const client = await connect(await provider.token(ALL, { audience: 'first-broker', ttlSeconds: 3600 }), several)
  await (await client.channel()).call('queue.declare', { queue: 'of-the-first' })
  const [connection] = [...several.parts.broker.connections.all()]
  assert.notEqual(connection?.user, 'app')
  await isRefused(await provider.token(ALL, { audience: 'two', ttlSeconds: 3600 }), several)
})

/** An AUTH packet of a client. */
function reauthenticate(token: string, method = TOKEN_METHOD, reasonCode = RE_AUTHENTICATE): Buffer {
  const properties = { authenticationMethod: method, authenticationData: Buffer.from(token) }
  return encodeAuth({ reasonCode, properties })
}

async function openMqtt(): Promise<MqttClient> {
  const client = await MqttClient.open(broker.listeners.mqtt!, LEVEL_5)
  clients.push({ destroy: () => void client.drop() })
  return client
}

async function mqttWithToken(token: string, clientId: string, cleanStart = true): Promise<MqttClient> {
  const client = await openMqtt()
  const { code, properties } = await client.connect({
    clientId,
    cleanStart,
    userName: null,
    password: null,
    properties: {
      authenticationMethod: TOKEN_METHOD,
      authenticationData: Buffer.from(token),
      sessionExpiryInterval: 100,
    },
  })
  assert.deepEqual([code, properties.authenticationMethod], [0, TOKEN_METHOD])
  return client
}

/** Time goes on in steps, so that what is said at each is sent. */
async function pass(seconds: number): Promise<void> {
  for (let i = 0; i < seconds; i++) {
    clock.advance(1_000)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('MQTT 5.0 renews by AUTH: the connection lives on, with the scopes of the new token', async () => {
  const aheadSeconds = Math.ceil((clock.nowMs() - Date.now()) / 1_000)
  const client = await mqttWithToken(await provider.token(ALL, { ttlSeconds: aheadSeconds + 60 }), 'renewing')
  assert.deepEqual(await client.subscribe(['sensors/1']), [2])
  const scopes = ['rabbitmq.configure:*/*', 'rabbitmq.read:*/*', 'rabbitmq.write:*/mqtt-*']
  client.send(reauthenticate(await provider.token(scopes, { ttlSeconds: 3600 })))
  const { body } = await client.next(AUTH)
  assert.equal(body[0], 0)
  assert.equal(readProperties(new ByteReader(body, 1, body.length), AUTH).authenticationMethod, TOKEN_METHOD)
  await pass(90)
  await client.settle()
  client.publish({ topic: 'sensors/1', payload: 'no longer', qos: 0 })
  assert.equal(await client.refusal(), NOT_AUTHORIZED)
})

test('MQTT 5.0: a token that is bad, of another user, or too weak for the subscriptions ends the connection', async () => {
  const good = await provider.token(ALL, { ttlSeconds: 3600 })
  const cases: readonly [string, string][] = [
    ['no token', 'none'],
    ['another user', await provider.token(ALL, { clientId: 'other', ttlSeconds: 3600 })],
    ['weak', await provider.token(['rabbitmq.configure:*/*', 'rabbitmq.write:*/*'], { ttlSeconds: 3600 })],
  ]
  for (const [name, token] of cases) {
    const client = await mqttWithToken(good, `bad ${name}`)
    assert.deepEqual(await client.subscribe(['sensors/1']), [2])
    client.send(reauthenticate(token))
    assert.equal(await client.refusal(), NOT_AUTHORIZED, name)
  }
})

test('MQTT 5.0: AUTH must be as CONNECT announced it', async () => {
  const token = await provider.token(ALL, { ttlSeconds: 3600 })
  const plain = await openMqtt()
  await plain.connect({ clientId: 'plain', userName: 'x', password: Buffer.from(token) })
  plain.send(reauthenticate(token))
  assert.equal(await plain.refusal(), 0x82)
  const wrong: readonly [Buffer, number][] = [
    [reauthenticate(token, 'SCRAM-SHA-256'), 0x8c],
    [reauthenticate(token, TOKEN_METHOD, 0x18), 0x82],
    [Buffer.from([0xf0, 0]), 0x82],
    [Buffer.from([0xf1, 0]), 0x81],
  ]
  for (const [packet, code] of wrong) {
    const client = await mqttWithToken(token, `wrong ${code}`)
    client.send(packet)
    assert.equal(await client.refusal(), code)
  }
})

test('a session of MQTT does not go on with subscriptions that its user may not have any more', async () => {
  const first = await mqttWithToken(await provider.token(ALL, { ttlSeconds: 3600 }), 'lasting', false)
  assert.deepEqual(await first.subscribe(['sensors/1']), [2])
  await first.drop()
  const weak = await provider.token(['rabbitmq.configure:*/*', 'rabbitmq.write:*/*'], { ttlSeconds: 3600 })
  const client = await openMqtt()
  const sketch = { clientId: 'lasting', cleanStart: false, userName: 'x', password: Buffer.from(weak) }
  assert.equal((await client.connect(sketch)).code, NOT_AUTHORIZED)
  const again = await mqttWithToken(await provider.token(ALL, { ttlSeconds: 3600 }), 'lasting', false)
  await again.settle()
})

test('update-secret: tags of the new token count, and consumers that may read no more are cancelled', async () => {
  const client = await connect(await provider.token(ALL, { ttlSeconds: 3600 }))
  const channel = await client.channel()
  await channel.call('queue.declare', { queue: 'tagged' })
  await channel.call('basic.consume', { queue: 'tagged', consumerTag: 'reader' })
  const asAnother = async (queue: string): Promise<void> => {
    const other = await client.channel(2)
    other.publish('', queue, 'for somebody', { userId: 'somebody' })
    await other.refused(
      406,
      /^PRECONDITION_FAILED - user_id property set to 'somebody' but authenticated user was 'app'/,
    )
  }
  await asAnother('tagged')
  const renewed = await provider.token(['rabbitmq.configure:*/*', 'rabbitmq.write:*/*', 'rabbitmq.tag:impersonator'], {
    ttlSeconds: 3600,
  })
  client.send('connection.update-secret', { newSecret: renewed, reason: 'another role' })
  await client.expect('connection.update-secret-ok')
  assert.equal((await channel.expect('basic.cancel')).args.consumerTag, 'reader')
  const impersonating = await client.channel(3)
  await impersonating.call('confirm.select')
  await impersonating.publishConfirmed('', 'tagged', 'for somebody', { userId: 'somebody' })
})
