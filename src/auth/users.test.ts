import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandomness } from '../base/random.ts'
import { metadataKeys, type VhostRecord } from '../model/records/records.ts'
import { createMemoryMetadata } from '../storage/metadata-memory.ts'
import { credentialValidator } from './credential-validator.ts'
import { verifyPassword } from './passwords.ts'
import { type DefaultObjects, plainVhost, seedDefaults } from './seeding.ts'
import { Users } from './users.ts'

const ALGORITHM = 'rabbit_password_hashing_sha256'
const HASHING = { algorithm: ALGORITHM, randomness: new SeededRandomness(5) } as const

function usersOf(metadata = createMemoryMetadata(), lengthMin = 3): Users {
  const validator = credentialValidator({ kind: 'min_password_length', lengthMin })
  return new Users({ metadata, validator, ...HASHING })
}

async function withVhost(): Promise<{ users: Users; metadata: ReturnType<typeof createMemoryMetadata> }> {
  const metadata = createMemoryMetadata()
  const value = plainVhost('/', '')
  metadata.transact([], [{ op: 'put', key: metadataKeys.vhost('/'), value }], () => undefined)
  const users = usersOf(metadata)
  await users.put('a', { password: { kind: 'password', password: 'secret' } })
  return { users, metadata }
}

const ALL = { configure: '.*', write: '.*', read: '.*' }

test('a new user has what was given and nothing else; a change leaves the rest', async () => {
  const users = usersOf()
  await users.put('a', { password: { kind: 'password', password: 'secret' }, tags: ['monitoring'] })
  const first = users.get('a')
  assert.ok(first !== undefined && verifyPassword('secret', first.passwordHash, first.hashingAlgorithm))
  assert.deepEqual([first.tags, first.maxConnections, first.maxChannels], [['monitoring'], -1, -1])
  await users.put('a', { maxChannels: 7 })
  assert.deepEqual(users.get('a'), { ...first, maxChannels: 7 })
  await users.put('a', { password: { kind: 'none' } })
  assert.equal(users.get('a')?.passwordHash, '')
})

test('an exported hash is taken as it is; what cannot be one is refused', async () => {
  const users = usersOf()
  const hash = 'XsSmamhoyQlFMWpt2sdgA+lcLJz+yxoHLgkBrnj9G3oosCH7'
  await users.put('a', { password: { kind: 'hash', hash, algorithm: ALGORITHM } })
  assert.equal(users.get('a')?.passwordHash, hash)
  for (const [bad, algorithm] of [
    ['abc', ALGORITHM],
    [hash, 'rabbit_password_hashing_sha512'],
    [hash, 'rot13'],
  ] as const) {
    const answer = await users.put('b', { password: { kind: 'hash', hash: bad, algorithm } })
    assert.equal(answer.refusal?.code, 'precondition-failed')
  }
  assert.deepEqual(
    users.list().map((user) => user.name),
    ['a'],
  )
})

test('blank names, short passwords and too many tags are refused', async () => {
  const users = usersOf()
  const texts: (string | undefined)[] = []
  texts.push((await users.put('', {})).refusal?.text)
  texts.push((await users.put('a', { password: { kind: 'password', password: 'xy' } })).refusal?.text)
  texts.push((await users.put('a', { tags: Array.from({ length: 33 }, (_, i) => `t${i}`) })).refusal?.text)
  assert.deepEqual(texts, [
    'user name cannot be blank',
    'minimum required password length: 3',
    'a user can have at most 32 tags',
  ])
})

test('add refuses a name that is taken', async () => {
  const users = usersOf()
  assert.equal((await users.add('a', {})).refusal, null)
  assert.equal((await users.add('a', {})).refusal?.text, "user 'a' already exists")
})

test('permissions need a user and a vhost, and patterns that can be read', async () => {
  const { users } = await withVhost()
  const texts: (string | undefined)[] = []
  for (const record of [
    { vhost: '/', user: 'b', ...ALL },
    { vhost: 'v', user: 'a', ...ALL },
    { vhost: '/', user: 'a', ...ALL, write: '(' },
    { vhost: '/', user: 'a', ...ALL },
  ]) {
    texts.push((await users.setPermission(record)).refusal?.text)
  }
  assert.deepEqual(texts, ["no user 'b'", "no vhost 'v'", "'(' is not a valid regular expression", undefined])
  assert.deepEqual(users.permissions('/'), [{ vhost: '/', user: 'a', ...ALL }])
})

test('deleting a user takes its permissions along; those of others stay', async () => {
  const { users } = await withVhost()
  await users.put('b', {})
  for (const user of ['a', 'b']) {
    await users.setPermission({ vhost: '/', user, ...ALL })
    await users.setTopicPermission({ vhost: '/', user, exchange: 'amq.topic', write: '^a', read: '^b' })
  }
  assert.equal((await users.delete('a')).refusal, null)
  assert.deepEqual(
    users.permissions().map(({ user }) => user),
    ['b'],
  )
  assert.deepEqual(
    users.topicPermissions().map(({ user }) => user),
    ['b'],
  )
  assert.equal((await users.delete('a')).refusal?.text, "no user 'a'")
  await users.clearPermission('/', 'b')
  await users.clearTopicPermissions('/', 'b')
  assert.deepEqual([...users.permissions(), ...users.topicPermissions()], [])
})

const DEFAULTS: DefaultObjects = {
  vhost: '/',
  user: 'guest',
  password: 'guest',
  tags: ['administrator'],
  permissions: ALL,
  users: [
    { name: 'qa', password: 'qa', tags: ['policymaker'], vhostPattern: '^/$', permissions: { ...ALL, configure: '' } },
    { name: 'other', password: 'x', tags: [], vhostPattern: '^elsewhere', permissions: ALL },
  ],
  limits: [
    { vhostPattern: '^elsewhere', maxConnections: 1, maxQueues: 1 },
    { vhostPattern: '.*', maxConnections: null, maxQueues: 9 },
  ],
  operatorPolicies: [
    { name: 'caps', vhostPattern: '.*', queuePattern: '^q', definition: { 'max-length': 10 } },
    { name: 'empty', vhostPattern: '.*', queuePattern: '^q', definition: {} },
  ],
}

test('an empty store is given its first vhost and users; a store with any is left alone', async () => {
  const metadata = createMemoryMetadata()
  assert.equal(await seedDefaults(metadata, DEFAULTS, HASHING), true)
  const users = usersOf(metadata)
  assert.deepEqual(
    users.list().map(({ name, tags }) => [name, tags]),
    [
      ['guest', ['administrator']],
      ['qa', ['policymaker']],
    ],
  )
  assert.deepEqual(
    users.permissions().map(({ user, configure }) => [user, configure]),
    [
      ['guest', '.*'],
      ['qa', ''],
    ],
  )
  const vhost = metadata.get(metadataKeys.vhost('/'))?.value as VhostRecord
  assert.deepEqual([vhost.description, vhost.maxConnections, vhost.maxQueues], ['Default virtual host', -1, 9])
  assert.deepEqual(
    [...metadata.list(['operator-policy'])].map(({ key }) => key),
    [['operator-policy', '/', 'caps']],
  )
  await users.delete('guest')
  assert.equal(await seedDefaults(metadata, DEFAULTS, HASHING), false)
  assert.equal(users.get('guest'), undefined)
})
