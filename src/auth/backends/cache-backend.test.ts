import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../base/clock.ts'
import { SeededRandomness } from '../../base/random.ts'
import type { Access, AccessQuestion } from '../../model/access/authorization.ts'
import type { AuthenticatorAnswer, Credentials, Identity, LoginSource } from '../identity.ts'
import type { Backend } from './backend.ts'
import { CacheBackend } from './cache-backend.ts'

const SOURCE: LoginSource = { remoteAddress: '192.0.2.1', isLoopback: false, protocol: 'amqp091' }
const QUESTION: AccessQuestion = { on: 'queue', vhost: '/', name: 'q', permission: 'read', clientId: undefined }

/** A back end that counts, and answers what the test says. */
class Counted implements Backend {
  readonly name = 'counted'
  logins = 0
  questions = 0
  access: Access = 'allowed'
  answer: 'identity' | 'refused' | 'unavailable' = 'identity'

  authenticate({ user }: Credentials): Promise<AuthenticatorAnswer> {
    this.logins++
    if (this.answer === 'refused') return Promise.resolve({ kind: 'refused', text: 'no' })
    if (this.answer === 'unavailable') return Promise.resolve({ kind: 'unavailable', error: new Error('down') })
    const may = (): Promise<Access> => {
      this.questions++
      return Promise.resolve(this.access)
    }
    const identity = { user, tags: [], authenticatedBy: this.name, expiresAtMs: null, authorization: { may } }
    return Promise.resolve({ kind: 'identity', identity })
  }

  authorize({ user }: Identity, source: LoginSource): Promise<AuthenticatorAnswer> {
    return this.authenticate({ user, password: null, source })
  }
}

function scene(keepsRefusals = false): { cache: CacheBackend; backend: Counted; clock: ManualClock } {
  const backend = new Counted()
  const clock = new ManualClock()
  const cached = { authenticator: backend, authorizer: null }
  const cache = new CacheBackend({ cached, ttlMs: 1000, keepsRefusals, clock, randomness: new SeededRandomness(1) })
  return { cache, backend, clock }
}

async function identityOf(cache: CacheBackend, password = 'secret', user = 'u'): Promise<Identity> {
  const answer = await cache.authenticate({ user, password, source: SOURCE })
  assert.ok(answer.kind === 'identity')
  return answer.identity
}

test('an answer is asked for once, by many at a time, until its time is over', async () => {
  const { cache, backend, clock } = scene()
  await Promise.all([identityOf(cache), identityOf(cache), identityOf(cache)])
  assert.equal(backend.logins, 1)
  await identityOf(cache, 'another password')
  await identityOf(cache, 'secret', 'another user')
  assert.equal(backend.logins, 3)
  clock.advance(999)
  await identityOf(cache)
  assert.equal(backend.logins, 3)
  clock.advance(1)
  await identityOf(cache)
  assert.equal(backend.logins, 4)
  cache.clear()
  await identityOf(cache)
  assert.equal(backend.logins, 5)
})

test('permissions are kept over logins; refusals only when the settings say so; no answer never', async () => {
  for (const [access, keepsRefusals, expected] of [
    ['allowed', false, 1],
    ['refused', false, 3],
    ['refused', true, 1],
    ['unavailable', true, 3],
  ] as const) {
    const { cache, backend } = scene(keepsRefusals)
    backend.access = access
    for (let n = 0; n < 3; n++) {
      const { authorization } = await identityOf(cache)
      assert.equal(await authorization?.may(QUESTION), access)
    }
    assert.equal(backend.questions, expected, access)
  }
})

test('a refused login is asked again, one that nobody could decide as well', async () => {
  for (const answer of ['refused', 'unavailable'] as const) {
    const { cache, backend } = scene()
    backend.answer = answer
    for (let n = 0; n < 2; n++) {
      assert.equal((await cache.authenticate({ user: 'u', password: 'x', source: SOURCE })).kind, answer)
    }
    assert.equal(backend.logins, 2)
  }
})

test('answers are bounded', async () => {
  const { cache } = scene()
  const { authorization } = await identityOf(cache)
  for (let n = 0; n < 50_010; n++) void authorization?.may({ ...QUESTION, name: `q${n}` })
  assert.equal(cache.count, 50_000)
})
