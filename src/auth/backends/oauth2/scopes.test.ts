import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { AccessQuestion } from '../../../model/access/authorization.ts'
import { type Claims, type ResourceServer, scopesOf, userNameOf } from './claims.ts'
import { matchesWildcard, ScopeGrants } from './scopes.ts'

const SERVER: ResourceServer = {
  id: 'rabbit',
  type: 'rabbitmq',
  scopePrefix: 'rabbit.',
  verifiesAudience: true,
  additionalScopesKeys: [],
  usernameClaims: [],
  aliases: new Map(),
  provider: '',
}

function on(
  kind: 'queue' | 'exchange',
  vhost: string,
  name: string,
  permission: 'configure' | 'write' | 'read',
): AccessQuestion {
  return { on: kind, vhost, name, permission, clientId: undefined }
}

function topic(routingKey: string, clientId?: string): AccessQuestion {
  return { on: 'topic', vhost: '/', name: 'amq.topic', permission: 'write', routingKey, clientId }
}

test('stars match anything, the rest is percent-encoded and stands for itself', () => {
  const cases: readonly [string, string, boolean][] = [
    ['a', 'a', true],
    ['a', 'A', false],
    ['/', '%2F', true],
    ['anything', '*', true],
    ['', '*', true],
    ['prefix-x', 'prefix-*', true],
    ['a-b-c', '*-b-*', true],
    ['ab', 'ab*b', false],
    ['abcab', 'ab*ab', true],
    ['a*c', 'a%2Ac', true],
    ['abc', 'a%2Ac', false],
    ['a.c', 'a%c', false],
    ['a%c', 'a%c', true],
  ]
  for (const [subject, pattern, expected] of cases) assert.equal(matchesWildcard(subject, pattern), expected, pattern)
})

test('a wildcard says what the regular expression says', () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 12 })
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom('a', 'b'), maxLength: 12 }), letters, (subject, pattern) => {
      assert.equal(matchesWildcard(subject, pattern), new RegExp(`^${pattern.replaceAll('*', '.*')}$`).test(subject))
    }),
  )
})

test('grants: by permission, vhost, name and routing key', () => {
  const grants = new ScopeGrants(
    ['read:*/q-*', 'write:%2F/amq.topic/{client_id}.*', 'configure:one', 'burn:*/*', 'tag:monitoring', 'write:a/b/c/d'],
    'wildcard',
    {},
  )
  assert.deepEqual(grants.tags, ['monitoring'])
  assert.equal(grants.allows(on('queue', 'v', 'q-1', 'read')), true)
  assert.equal(grants.allows(on('queue', 'v', 'q-1', 'write')), false)
  assert.equal(grants.allows(on('queue', 'v', 'x', 'read')), false)
  assert.equal(grants.allows(on('exchange', '/', 'amq.topic', 'write')), true)
  assert.equal(grants.allows(on('exchange', 'v', 'amq.topic', 'write')), false)
  assert.equal(grants.allows(topic('c1.x', 'c1')), true)
  assert.equal(grants.allows(topic('c2.x', 'c1')), false)
  assert.equal(grants.allows({ on: 'vhost', vhost: 'any', clientId: undefined }), true)
  const none = new ScopeGrants(['tag:administrator', 'write:b/*'], 'wildcard', {})
  assert.equal(none.allows({ on: 'vhost', vhost: 'a', clientId: undefined }), false)
})

test('regular expressions match the whole name, and values of variables are not expressions', () => {
  const grants = new ScopeGrants(['read:.*/q[0-9]+', 'write:.*/{sub}'], 'regexpr', { sub: 'a.c' })
  assert.equal(grants.allows(on('queue', 'v', 'q12', 'read')), true)
  assert.equal(grants.allows(on('queue', 'v', 'q12x', 'read')), false)
  assert.equal(grants.allows(on('queue', 'v', 'a.c', 'write')), true)
  assert.equal(grants.allows(on('queue', 'v', 'abc', 'write')), false)
})

test('scopes come from several claims, by aliases, and lose their prefix', () => {
  const claims: Claims = {
    scope: 'rabbit.read:*/* openid admins',
    roles: { deep: ['rabbit.write:*/*'] },
    extra: { rabbit: ['configure:*/*'], another: ['configure:a/*'] },
    authorization: { permissions: [{ rsname: 'x', scopes: ['rabbit.read:v/*'] }] },
  }
  const aliases = new Map([['admins', ['rabbit.tag:administrator', 'rabbit.read:%2F/*']]])
  const server = { ...SERVER, aliases, additionalScopesKeys: ['roles.deep', 'extra', 'missing.too'] }
  assert.deepEqual(scopesOf(claims, server), [
    'read:*/*',
    'tag:administrator',
    'read:%2F/*',
    'write:*/*',
    'configure:*/*',
    'read:v/*',
  ])
  assert.deepEqual(scopesOf({ scope: ['read:a/b', 'rabbit.read:c/d'] }, { ...SERVER, scopePrefix: '' }), [
    'read:a/b',
    'rabbit.read:c/d',
  ])
})

test('rich authorization requests become scopes of this cluster', () => {
  const claims: Claims = {
    authorization_details: [
      {
        type: 'rabbitmq',
        locations: ['cluster:rab*/vhost:finance-*/queue:a-*/exchange:x'],
        actions: ['read', 'configure'],
      },
      { type: 'rabbitmq', locations: 'cluster:rabbit', actions: ['administrator', 'write'] },
      { type: 'rabbitmq', locations: ['cluster:other', 'vhost:no-cluster'], actions: ['read'] },
      { type: 'mail', locations: ['cluster:rabbit'], actions: ['read'] },
    ],
  }
  assert.deepEqual(scopesOf(claims, SERVER), [
    'read:finance-*/a-*',
    'read:finance-*/x',
    'configure:finance-*/a-*',
    'configure:finance-*/x',
    'tag:administrator',
    'write:*/*',
  ])
  assert.deepEqual(scopesOf(claims, { ...SERVER, type: null }), [])
})

test('the user name is the first claim there is', () => {
  assert.equal(userNameOf({ sub: 's', client_id: 'c', name: 'n' }, SERVER), 's')
  assert.equal(userNameOf({ client_id: 'c' }, SERVER), 'c')
  assert.equal(userNameOf({ sub: 's', name: 'n' }, { ...SERVER, usernameClaims: ['email', 'name'] }), 'n')
  assert.equal(userNameOf({ sub: '' }, SERVER), 'unknown')
})

test('whatever the claims are, reading them throws nothing', () => {
  const server = { ...SERVER, additionalScopesKeys: ['scope', 'a.b', '__proto__'] }
  fc.assert(
    fc.property(
      fc.dictionary(fc.constantFrom('scope', 'a', 'aud', 'authorization', 'authorization_details'), fc.jsonValue()),
      (claims) => {
        const scopes = scopesOf(claims, server)
        new ScopeGrants(scopes, 'wildcard', {}).allows(topic('k'))
        assert.equal(typeof userNameOf(claims, server), 'string')
      },
    ),
  )
})
