import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../base/clock.ts'
import { createLogger, LogLevels, type LogRecord } from '../base/log.ts'
import { SeededRandomness } from '../base/random.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import type { Metadata } from '../model/records/metadata.ts'
import { metadataKeys } from '../model/records/records.ts'
import { stringValue } from '../model/values/arguments.ts'
import { createMemoryMetadata } from '../storage/metadata-memory.ts'
import { Authenticators, type AuthenticatorsOptions } from './authenticators.ts'
import { type Authenticator, type Identity, isRefusal, type LoginRefusal, type LoginSource } from './identity.ts'
import { InternalAuthenticator } from './internal-authenticator.ts'
import { LoginAttempts } from './login-attempts.ts'
import { hashPassword } from './passwords.ts'

const LOCAL: LoginSource = { remoteAddress: '127.0.0.1', isLoopback: true, protocol: 'amqp091' }
const REMOTE: LoginSource = { remoteAddress: '192.0.2.7', isLoopback: false, protocol: 'amqp091' }

interface Bench {
  readonly clock: ManualClock
  readonly login: Authenticators
  readonly metadata: Metadata
  readonly lines: LogRecord[]
}

function bench(options: Partial<AuthenticatorsOptions> = {}): Bench {
  const clock = new ManualClock()
  const metadata = createMemoryMetadata()
  const lines: LogRecord[] = []
  const sink = { write: (record: LogRecord) => lines.push(record) }
  setPassword(metadata, 'guest', 'guest', ['administrator'])
  setPassword(metadata, 'app', 'secret', [])
  const login = new Authenticators({
    chain: [{ authenticator: new InternalAuthenticator(metadata), authorizer: null }],
    mechanisms: ['PLAIN', 'AMQPLAIN', 'EXTERNAL'],
    isLoopbackOnly: (user) => user === 'guest',
    anonymous: null,
    decodeTable: () =>
      new Map([
        ['LOGIN', stringValue('app')],
        ['PASSWORD', stringValue('secret')],
      ]),
    attempts: new LoginAttempts(new TimerWheel(clock, (error) => assert.fail(String(error)))),
    logger: createLogger({ sink, levels: new LogLevels('debug'), clock }),
    ...options,
  })
  return { clock, login, metadata, lines }
}

function setPassword(metadata: Metadata, name: string, password: string, tags: readonly string[]): void {
  const algorithm = 'rabbit_password_hashing_sha512'
  const passwordHash = hashPassword(password, algorithm, new SeededRandomness(3))
  const value = { name, passwordHash, hashingAlgorithm: algorithm, tags, maxConnections: -1, maxChannels: -1 }
  metadata.transact([], [{ op: 'put', key: metadataKeys.user(name), value }], () => undefined)
}

function plain(user: string, password: string): Buffer {
  return Buffer.from(`\0${user}\0${password}`)
}

function reason(result: Identity | LoginRefusal): string {
  return isRefusal(result) ? result.reason : `logged in as ${result.user}`
}

test('a right password gives an identity with the tags of the user', async () => {
  const { login } = bench()
  const result = await login.authenticate({ mechanism: 'PLAIN', response: plain('guest', 'guest'), source: LOCAL })
  const identity = {
    user: 'guest',
    tags: ['administrator'],
    authenticatedBy: 'internal',
    expiresAtMs: null,
    authorization: null,
  }
  assert.deepEqual(result, identity)
  assert.deepEqual(await login.authenticate({ username: 'guest', password: 'guest', source: LOCAL }), identity)
  const byTable = await login.authenticate({ mechanism: 'AMQPLAIN', response: Buffer.from('t'), source: REMOTE })
  assert.equal(reason(byTable), 'logged in as app')
})

test('wrong, unknown and empty credentials are refused alike, and logged without the password', async () => {
  const { login, lines } = bench()
  for (const [user, password] of [
    ['guest', 'wrong-word'],
    ['nobody', 'wrong-word'],
    ['guest', ''],
  ] as const) {
    const result = await login.authenticate({ mechanism: 'PLAIN', response: plain(user, password), source: LOCAL })
    assert.equal(reason(result), 'credentials')
  }
  assert.equal(lines.length, 3)
  assert.ok(!JSON.stringify(lines).includes('wrong-word'))
  assert.deepEqual(login.attempts.counters.get('amqp091'), { attempts: 3, succeeded: 0, failed: 3 })
})

test('a loopback-only user comes in from this machine alone', async () => {
  const { login } = bench()
  const attempt = { mechanism: 'PLAIN', response: plain('guest', 'guest') }
  const refused = await login.authenticate({ ...attempt, source: REMOTE })
  assert.ok(isRefusal(refused))
  assert.deepEqual([refused.reason, refused.text], ['loopback-only', "user 'guest' can only connect via localhost"])
  assert.equal(reason(await login.authenticate({ ...attempt, source: LOCAL })), 'logged in as guest')
  const wrong = await login.authenticate({ mechanism: 'PLAIN', response: plain('guest', 'x'), source: REMOTE })
  assert.equal(reason(wrong), 'credentials', 'who does not know the password learns nothing about the user')
})

test('mechanisms: offered in order, unknown and disabled ones refused with their own texts', async () => {
  const { login } = bench()
  assert.deepEqual(login.mechanisms(LOCAL), ['PLAIN', 'AMQPLAIN'])
  assert.deepEqual(login.mechanisms({ ...LOCAL, certificateUser: 'app' }), ['PLAIN', 'AMQPLAIN', 'EXTERNAL'])
  for (const [mechanism, text] of [
    ['CRAM-MD5', "unknown authentication mechanism 'CRAM-MD5'"],
    ['ANONYMOUS', "invalid authentication mechanism 'ANONYMOUS'"],
    ['EXTERNAL', "invalid authentication mechanism 'EXTERNAL'"],
  ] as const) {
    const result = await login.authenticate({ mechanism, response: null, source: LOCAL })
    assert.deepEqual(result, { reason: 'mechanism', text, user: '' })
  }
})

test('EXTERNAL logs in the user of the certificate without a password', async () => {
  const { login } = bench()
  const attempt = { mechanism: 'EXTERNAL', response: Buffer.alloc(0) }
  const result = await login.authenticate({ ...attempt, source: { ...REMOTE, certificateUser: 'app' } })
  assert.equal(reason(result), 'logged in as app')
  const unknown = await login.authenticate({ ...attempt, source: { ...REMOTE, certificateUser: 'nobody' } })
  assert.equal(reason(unknown), 'credentials')
})

test('ANONYMOUS logs in as the configured user, under the same rules', async () => {
  const anonymous = { user: 'guest', password: 'guest' }
  const { login } = bench({ mechanisms: ['ANONYMOUS'], anonymous })
  const attempt = { mechanism: 'ANONYMOUS', response: null }
  assert.equal(reason(await login.authenticate({ ...attempt, source: LOCAL })), 'logged in as guest')
  assert.equal(reason(await login.authenticate({ ...attempt, source: REMOTE })), 'loopback-only')
})

test('a changed password counts at once', async () => {
  const { login, metadata } = bench()
  setPassword(metadata, 'app', 'changed', [])
  assert.equal(reason(await login.authenticate({ username: 'app', password: 'secret', source: LOCAL })), 'credentials')
  assert.equal(
    reason(await login.authenticate({ username: 'app', password: 'changed', source: LOCAL })),
    'logged in as app',
  )
})

function answering(name: string, answer: Awaited<ReturnType<Authenticator['authenticate']>> | Error): Authenticator {
  return { name, authenticate: async () => (answer instanceof Error ? Promise.reject(answer) : answer) }
}

test('the chain: the first decisive answer wins; who is down is passed over and logged', async () => {
  const identity = { user: 'x', tags: [], authenticatedBy: 'b', expiresAtMs: null, authorization: null }
  const down = answering('down', new Error('no route'))
  const unavailable = answering('away', { kind: 'unavailable', error: new Error('timeout') })
  const no = answering('no', { kind: 'refused', text: 'unknown here' })
  const never = answering('never', { kind: 'refused-finally', reason: 'credentials', text: 'locked' })
  const yes = answering('yes', { kind: 'identity', identity })
  const outcomes: string[] = []
  for (const chain of [
    [down, no, yes],
    [never, yes],
    [no, unavailable],
    [down, unavailable],
    [yes, never],
  ]) {
    const { login, lines } = bench({ chain: chain.map((authenticator) => ({ authenticator, authorizer: null })) })
    const result = await login.authenticate({ username: 'x', password: 'y', source: LOCAL })
    outcomes.push(`${isRefusal(result) ? result.text : 'in'} ${lines.filter((line) => line.level === 'error').length}`)
  }
  assert.deepEqual(outcomes, [
    'in 1',
    'locked 0',
    'unknown here 1',
    "user 'x' - no authenticator could answer 2",
    'in 0',
  ])
})

test('refusals of an address that keeps failing come later and later; a right password does not wait', async () => {
  const { login, clock } = bench()
  const wrong = (): Promise<Identity | LoginRefusal> =>
    login.authenticate({ username: 'app', password: 'wrong', source: REMOTE })
  for (let i = 0; i < 3; i++) assert.equal(reason(await wrong()), 'credentials')
  let answered = false
  const fourth = wrong().then(() => {
    answered = true
  })
  await Promise.resolve()
  const right = await login.authenticate({ username: 'app', password: 'secret', source: REMOTE })
  assert.equal(reason(right), 'logged in as app')
  assert.equal(answered, false)
  clock.advance(100)
  await fourth
  const other = { ...REMOTE, remoteAddress: '192.0.2.8' }
  assert.equal(reason(await login.authenticate({ username: 'app', password: 'wrong', source: other })), 'credentials')
  clock.advance(60_000)
  assert.equal(reason(await wrong()), 'credentials')
})

test('all addresses of an IPv6 network are one that keeps failing', async () => {
  const { login, clock } = bench()
  const waits = async (remoteAddress: string): Promise<boolean> => {
    let answered = false
    const attempt = login.authenticate({ username: 'app', password: 'wrong', source: { ...REMOTE, remoteAddress } })
    void attempt.then(() => {
      answered = true
    })
    for (let i = 0; i < 10; i++) await Promise.resolve()
    const isWaiting = !answered
    clock.advance(isWaiting ? 5_000 : 0)
    await attempt
    return isWaiting
  }
  for (const last of ['::1', ':0:0:1:2', '::ffff:3']) assert.equal(await waits(`2001:db8:0:7${last}`), false)
  for (const last of ['::4', ':1:2:3:4']) assert.equal(await waits(`2001:db8:0:7${last}`), true)
  for (const other of ['2001:db8::8', '2001:db8:0:8::1', '192.0.2.9', 'fe80::1'])
    assert.equal(await waits(other), false)
})

test('an address with too many refusals waiting is not even looked at', async () => {
  const { login, clock } = bench()
  const waiting: Promise<Identity | LoginRefusal>[] = []
  for (let i = 0; i < 53; i++) waiting.push(login.authenticate({ username: 'app', password: 'wrong', source: REMOTE }))
  await Promise.all(waiting.slice(0, 3))
  const right = { username: 'app', password: 'secret', source: REMOTE }
  assert.equal(reason(await login.authenticate(right)), 'throttled')
  clock.advance(5_000)
  await Promise.all(waiting)
  assert.equal(reason(await login.authenticate(right)), 'logged in as app')
})

test('attempts from this machine never wait', async () => {
  const { login } = bench()
  for (let i = 0; i < 100; i++) {
    assert.equal(reason(await login.authenticate({ username: 'app', password: 'no', source: LOCAL })), 'credentials')
  }
})
