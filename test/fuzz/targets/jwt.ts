// JSON Web Tokens, as the OAuth 2.0 back end takes them. Two kinds of input, by the first byte: a whole token, and
// claims that the target signs itself. Held: a login is granted or refused, never an error; only a token whose signature
// is right is granted; the same token has the same answer; every question to a granted login is answered.
import { createPrivateKey, createPublicKey, sign, verify } from 'node:crypto'
import type { ResourceServer } from '../../../src/auth/backends/oauth2/claims.ts'
import { Oauth2Backend } from '../../../src/auth/backends/oauth2/oauth2-backend.ts'
import { Provider } from '../../../src/auth/backends/oauth2/providers.ts'
import { Questions } from '../../../src/auth/backends/questions.ts'
import type { AuthenticatorAnswer } from '../../../src/auth/identity.ts'
import { ManualClock } from '../../../src/base/clock.ts'
import { SILENT_LOGGER } from '../../../src/base/log.ts'
import type { Randomness } from '../../../src/base/random.ts'
import { TimerWheel } from '../../../src/base/timer-wheel.ts'
import type { AccessQuestion, Authorization } from '../../../src/model/access/authorization.ts'
import { type FuzzTarget, holds, outcomeOf, pick, words } from '../fuzz-target.ts'
import { anyJson } from './json-grammar.ts'

/** Of an Ed25519 key in PKCS #8, before its 32 bytes. A key of the target's own signs the same on every run. */
const KEY_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex')
const PRIVATE_KEY = createPrivateKey({
  key: Buffer.concat([KEY_HEAD, Buffer.alloc(32, 7)]),
  format: 'der',
  type: 'pkcs8',
})
const PUBLIC_KEY = createPublicKey(PRIVATE_KEY)
const NOW_MS = Date.UTC(2026, 0, 1)
const TOKEN = 0
const CLAIMS = 1

const SERVER: ResourceServer = {
  id: 'broker',
  type: 'broker-type',
  scopePrefix: 'broker.',
  verifiesAudience: true,
  additionalScopesKeys: ['roles', 'realm_access.roles'],
  usernameClaims: ['preferred_username'],
  aliases: new Map([['admin', ['broker.tag:administrator', 'broker.configure:*/*']]]),
  provider: 'provider',
}
const QUESTIONS: readonly AccessQuestion[] = [
  { on: 'vhost', vhost: '/', clientId: undefined },
  { on: 'queue', vhost: '/', name: 'a-queue', permission: 'read', clientId: 'client' },
  { on: 'exchange', vhost: 'finance', name: 'x'.repeat(255), permission: 'configure', clientId: undefined },
  { on: 'topic', vhost: '/', name: 'amq.topic', permission: 'write', routingKey: 'a.b.\ud800', clientId: 'c\udfff' },
]
const SCOPES = [
  'broker.read:*/*',
  'broker.write:%2F/*/a.*',
  'broker.configure:{vhost}/{username}-*',
  'broker.tag:monitoring',
  'admin',
  'broker.read:****/**a**/%',
  'other.read:*/*',
]

const encode = (bytes: Uint8Array | string): string => Buffer.from(bytes).toString('base64url')

function signed(claims: Uint8Array | string, header: unknown = { alg: 'EdDSA', kid: 'key', typ: 'JWT' }): string {
  const content = `${encode(JSON.stringify(header))}.${encode(claims)}`
  return `${content}.${encode(sign(null, Buffer.from(content), PRIVATE_KEY))}`
}

function isSigned(token: string): boolean {
  const [header, claims, signature] = token.split('.')
  return verify(null, Buffer.from(`${header}.${claims}`), PUBLIC_KEY, Buffer.from(signature ?? '', 'base64url'))
}

function backend(patterns: 'wildcard' | 'regexpr'): Oauth2Backend {
  const clock = new ManualClock(NOW_MS)
  const timers = new TimerWheel(clock, (error) => {
    throw error
  })
  const settings = {
    name: 'provider',
    issuer: null,
    jwksUri: null,
    tokenEndpoint: null,
    authorizationEndpoint: null,
    endSessionEndpoint: null,
    discoveryPath: '/',
    algorithms: [],
    signingKeys: new Map([['key', PUBLIC_KEY]]),
    defaultKey: 'key',
  }
  const client = { request: () => Promise.reject(new Error('nobody is asked')), close: () => undefined }
  const questions = new Questions({ timers, clock, logger: SILENT_LOGGER })
  const provider = new Provider({ settings, client, questions, timeoutMs: 1_000, clock })
  return new Oauth2Backend({
    resourceServers: [SERVER],
    providers: new Map([['provider', provider]]),
    scopePatterns: patterns,
    clockToleranceSeconds: 0,
    clock,
  })
}

function claimsAt(random: Randomness): string {
  const scope = Array.from({ length: random.below(4) }, () => pick(random, SCOPES))
  const claims: Record<string, unknown> = {
    aud: pick<unknown>(random, ['broker', ['broker', 'other'], 'broker other']),
    scope: random.below(2) === 0 ? scope : scope.join(' '),
    exp: NOW_MS / 1000 + random.below(100),
    sub: 'somebody',
  }
  const more = [
    'preferred_username',
    'roles',
    'realm_access',
    'authorization',
    'authorization_details',
    'nbf',
    'iss',
    'exp',
  ]
  for (let i = random.below(3); i > 0; i--) claims[pick(random, more)] = anyJson(random)
  return JSON.stringify(claims)
}

/** Every question, asked of a granted login; the answers as letters. */
async function answers(authorization: Authorization): Promise<string> {
  const found: string[] = []
  for (const question of QUESTIONS) found.push((await authorization.may(question))[0]!)
  return found.join('')
}

async function outcome(answer: AuthenticatorAnswer, token: string): Promise<string> {
  if (answer.kind === 'refused') return outcomeOf(new Error(answer.text))
  if (answer.kind === 'unavailable') {
    holds(/has no address of its keys/.test(answer.error.message), `unavailable: ${answer.error.stack}`)
    return 'a key that is not known'
  }
  holds(answer.kind === 'identity', 'refused for good')
  holds(isSigned(token), 'a token was granted that nobody signed')
  const { identity } = answer
  holds(typeof identity.user === 'string' && identity.user !== '', 'a login without a name')
  holds(identity.authorization !== null, 'a token leaves its permissions to the table')
  return `granted ${Math.min(identity.tags.length, 3)} ${await answers(identity.authorization)}`
}

/** The target. */
export function jwtTarget(random: Randomness): FuzzTarget {
  const backends = [backend('wildcard'), backend('regexpr')]
  const input = (kind: number, bytes: string): Buffer => Buffer.concat([Buffer.from([kind]), Buffer.from(bytes)])
  const generate = (from: Randomness): Buffer => {
    const claims = claimsAt(from)
    if (from.below(3) > 0) return input(CLAIMS, claims)
    const alg = pick(from, ['EdDSA', 'none', 'HS256', 'RS256', 'ES256', ''])
    return input(TOKEN, signed(claims, { alg, kid: pick<unknown>(from, ['key', 'other', '__proto__', 1, undefined]) }))
  }
  return {
    name: 'jwt',
    seeds: Array.from({ length: 40 }, () => generate(random)),
    dictionary: words(
      '.',
      '"aud":',
      '"scope":',
      'broker.',
      '*',
      '/',
      '{vhost}',
      '%2F',
      '\\ud800',
      'null',
      '[]',
      '{}',
      '==',
    ),
    generate,
    async check(bytes) {
      const rest = bytes.subarray(1)
      const token = (bytes[0] ?? TOKEN) % 2 === TOKEN ? rest.toString('latin1') : signed(rest)
      const found: string[] = []
      for (const each of backends) {
        const credentials = { user: 'ignored', password: token } as Parameters<Oauth2Backend['authenticate']>[0]
        found.push(await outcome(await each.authenticate(credentials), token))
      }
      return found.join(' ')
    },
  }
}
