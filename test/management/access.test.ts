// Contract of users, permissions, tags and logins. [RabbitMQ: management HTTP API, access and permissions]
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { answerOf, type Credentials, ManagedBroker } from './managed-broker.ts'

let broker: ManagedBroker
before(async () => {
  broker = await ManagedBroker.start()
})
after(() => broker.stop())

test('without credentials 401 and a challenge; with wrong ones a reason', async () => {
  const none = await broker.get('overview', null)
  assert.equal(none.status, 401)
  assert.equal(none.text, '')
  assert.equal(none.headers.get('www-authenticate'), 'Basic realm="RabbitMQ Management"')
  const wrong = await broker.get('overview', ['guest', 'wrong'])
  assert.equal(wrong.status, 401)
  assert.deepEqual(wrong.json, { error: 'not_authorized', reason: 'Login failed' })
})

test('users are created, changed, shown and deleted', async () => {
  assert.equal((await broker.put('users/u', { password: 'p' })).json.reason, 'tags_not_present')
  assert.equal((await broker.put('users/u', { password: 'p', tags: 'management, policymaker' })).status, 201)
  assert.deepEqual((await broker.get('users/u')).json.tags, ['management', 'policymaker'])
  assert.equal((await broker.put('users/u', { password: 'p2', tags: ['management'] })).status, 204)
  assert.deepEqual((await broker.get('whoami', ['u', 'p2'])).json, { name: 'u', tags: ['management'] })
  assert.equal((await broker.get('whoami', ['u', 'p'])).status, 401)
  const { password_hash } = (await broker.get('users/u')).json
  assert.equal((await broker.put('users/copy', { password_hash, tags: 'management' })).status, 201)
  assert.equal((await broker.get('whoami', ['copy', 'p2'])).status, 200)
  assert.deepEqual((await broker.put('users/u', { password_hash: 'zz', tags: '' })).json.reason, 'not_base64')
  const lonely = (await broker.get('users/without-permissions')).json.map(({ name }: { name: string }) => name)
  assert.deepEqual(lonely, ['copy', 'u'])
  assert.deepEqual((await broker.post('users/bulk-delete', { users: ['u', 'none'] })).json.reason, [
    'no_such_user',
    'none',
  ])
  assert.equal((await broker.get('users/u')).status, 200)
  assert.equal((await broker.post('users/bulk-delete', { users: ['u', 'copy'] })).status, 204)
  assert.equal((await broker.get('users/u')).status, 404)
})

test('a protected user stays as it is', async () => {
  await broker.put('users/safe', { password: 'p', tags: ['protected'] })
  assert.equal((await broker.put('users/safe', { password: 'q', tags: [] })).status, 400)
  assert.equal((await broker.delete('users/safe')).status, 400)
})

test('permissions and topic permissions are set, shown and cleared', async () => {
  await broker.put('users/perm', { password: 'p', tags: 'management' })
  const patterns = { configure: '', write: 'a.*', read: '.*' }
  assert.equal((await broker.put('permissions/%2F/perm', patterns)).status, 201)
  assert.equal((await broker.put('permissions/%2F/perm', patterns)).status, 204)
  assert.deepEqual((await broker.get('permissions/%2F/perm')).json, { user: 'perm', vhost: '/', ...patterns })
  assert.equal((await broker.put('permissions/%2F/perm', { ...patterns, read: '(' })).status, 400)
  assert.equal((await broker.put('permissions/%2F/perm', { write: '' })).json.reason, '[{key_missing,configure}]')
  assert.equal((await broker.put('permissions/%2F/none', patterns)).json.reason, 'vhost_or_user_not_found')
  assert.equal((await broker.get('users/perm/permissions')).json.length, 1)
  assert.equal((await broker.get('vhosts/%2F/permissions')).json.length, 2)
  const topic = { exchange: 'amq.topic', write: 'a', read: 'b' }
  assert.equal((await broker.put('topic-permissions/%2F/perm', topic)).status, 201)
  assert.deepEqual((await broker.get('topic-permissions/%2F/perm')).json, [{ user: 'perm', vhost: '/', ...topic }])
  assert.equal((await broker.delete('topic-permissions/%2F/perm/amq.topic')).status, 204)
  assert.equal((await broker.delete('topic-permissions/%2F/perm/amq.topic')).status, 404)
  assert.equal((await broker.delete('permissions/%2F/perm')).status, 204)
  assert.equal((await broker.get('permissions/%2F/perm')).status, 404)
  await broker.delete('users/perm')
})

test('each tag opens what it should and nothing more', async () => {
  await broker.put('vhosts/own')
  const users: Record<string, Credentials> = {}
  for (const tag of ['none', 'management', 'policymaker', 'monitoring', 'administrator']) {
    users[tag] = [tag, 'p']
    await broker.put(`users/${tag}`, { password: 'p', tags: tag === 'none' ? '' : tag })
    await broker.put(`permissions/own/${tag}`, { configure: '^c', write: '.*', read: '.*' })
  }
  const statuses = async (path: string): Promise<number[]> => {
    const found: number[] = []
    for (const user of Object.values(users)) found.push((await broker.get(path, user)).status)
    return found
  }
  assert.deepEqual(await statuses('overview'), [401, 200, 200, 200, 200])
  assert.deepEqual(await statuses('queues/own'), [401, 200, 200, 200, 200])
  assert.deepEqual(await statuses('queues/%2F'), [401, 401, 401, 200, 200])
  assert.deepEqual(await statuses('nodes'), [401, 401, 401, 200, 200])
  assert.deepEqual(await statuses('parameters'), [401, 401, 200, 401, 200])
  assert.deepEqual(await statuses('users'), [401, 401, 401, 401, 200])
  assert.deepEqual(await statuses('definitions'), [401, 401, 401, 401, 200])
  const policy = { pattern: '.', definition: { 'max-length': 1 } }
  assert.equal(
    (await broker.put('policies/own/p', policy, users.management)).json.reason,
    'User not authorised to access object',
  )
  assert.equal((await broker.put('policies/own/p', policy, users.policymaker)).status, 201)
  assert.equal((await broker.put('policies/%2F/p', policy, users.policymaker)).status, 401)
  assert.equal((await broker.put('operator-policies/own/p', policy, users.policymaker)).status, 401)
  assert.equal((await broker.put('queues/own/x', {}, users.management)).json.reason, 'Access refused.')
  assert.equal((await broker.put('queues/own/c', {}, users.management)).status, 201)
  const seen = (await broker.get('vhosts', users.management)).json.map(({ name }: { name: string }) => name)
  assert.deepEqual(seen, ['own'])
  assert.equal((await broker.get('overview', users.none)).json.reason, 'Not management user')
})

test('a login gives a token that works until it is given back', async () => {
  const form = { method: 'POST', body: new URLSearchParams({ username: 'guest', password: 'guest' }) }
  const login = await answerOf(await fetch(`${broker.base}/api/login`, form))
  assert.equal(login.json.user.name, 'guest')
  const authorization = `Bearer ${login.json.token.value}`
  const whoami = async (): Promise<number> =>
    (await fetch(`${broker.base}/api/whoami`, { headers: { authorization } })).status
  assert.equal(await whoami(), 200)
  await fetch(`${broker.base}/api/login`, { method: 'DELETE', headers: { authorization } })
  assert.equal(await whoami(), 401)
  const again = await answerOf(await fetch(`${broker.base}/api/login`, form))
  broker.clock.advance(481 * 60_000)
  const late = await fetch(`${broker.base}/api/whoami`, {
    headers: { authorization: `Bearer ${again.json.token.value}` },
  })
  assert.equal(late.status, 401)
})

test('limits of users are set, shown and lifted', async () => {
  await broker.put('users/limited', { password: 'p', tags: '' })
  assert.equal((await broker.put('user-limits/limited/max-channels', { value: 10 })).status, 204)
  assert.deepEqual((await broker.get('user-limits/limited')).json, [{ user: 'limited', value: { 'max-channels': 10 } }])
  assert.deepEqual((await broker.get('users/limited')).json.limits, { 'max-channels': 10 })
  assert.match((await broker.put('user-limits/limited/max-foo', { value: 1 })).json.reason, /^Unrecognised terms/)
  assert.equal((await broker.delete('user-limits/limited/max-channels')).status, 204)
  assert.deepEqual((await broker.get('user-limits')).json, [])
})

const CONSOLE = { 'x-warren-session': '1' }

test('a browser gets its session as a cookie that no script sees', async () => {
  const body = new URLSearchParams({ username: 'guest', password: 'guest' })
  const login = await fetch(`${broker.base}/api/login`, { method: 'POST', body, headers: CONSOLE })
  assert.deepEqual(Object.keys((await answerOf(login)).json), ['user'])
  const set = login.headers.get('set-cookie') ?? ''
  const port = new URL(broker.base).port
  assert.match(
    set,
    new RegExp(`^warren_session_${port}=wsession\\.[\\w-]{32}; Max-Age=28800; HttpOnly; SameSite=Strict$`),
  )
  const cookie = `theme=dark; ${set.split(';')[0]}`
  const call = (method: string, path: string, headers: Record<string, string> = {}): Promise<Response> =>
    fetch(`${broker.base}/api/${path}`, { method, headers: { cookie, ...headers } })
  assert.equal((await call('GET', 'whoami')).status, 200)
  assert.deepEqual(await (await call('GET', 'login')).json(), { user: { name: 'guest', tags: ['administrator'] } })
  // Another page of the same host may make the browser send the cookie, never the header.
  assert.equal((await call('PUT', 'vhosts/by-cookie')).status, 401)
  assert.equal((await call('PUT', 'vhosts/by-cookie', CONSOLE)).status, 201)
  assert.equal((await call('DELETE', 'vhosts/by-cookie', CONSOLE)).status, 204)
  const leaving = await call('DELETE', 'login', CONSOLE)
  assert.match(leaving.headers.get('set-cookie') ?? '', /=; Max-Age=0; HttpOnly/)
  assert.equal((await call('GET', 'whoami')).status, 401)
  assert.deepEqual(await (await call('GET', 'login')).json(), { user: null })
})

test('a cookie over TLS stays on TLS, and the console is never challenged', async () => {
  const body = new URLSearchParams({ username: 'guest', password: 'guest' })
  const headers = { ...CONSOLE, 'x-forwarded-proto': 'https' }
  const login = await fetch(`${broker.base}/api/login`, { method: 'POST', body, headers })
  assert.match(login.headers.get('set-cookie') ?? '', /SameSite=Strict; Secure$/)
  const refused = await fetch(`${broker.base}/api/whoami`, { headers: CONSOLE })
  assert.equal(refused.status, 401)
  assert.equal(refused.headers.get('www-authenticate'), null)
  const wrong = new URLSearchParams({ username: 'guest', password: 'wrong' })
  const failed = await fetch(`${broker.base}/api/login`, { method: 'POST', body: wrong, headers: CONSOLE })
  assert.equal(failed.headers.get('www-authenticate'), null)
})
