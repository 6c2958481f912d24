// Signing in to the console at an identity provider, in a real browser: to the provider with PKCE, back with a code, into
// the console with a cookie; and what must not work.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { type EmbeddedBroker, startBroker } from '../../src/library.ts'
import { IdentityProvider, SCOPES } from '../support/identity-provider.ts'
import { Visitor } from './browser.ts'

let provider: IdentityProvider
let broker: EmbeddedBroker
let base: string

before(async () => {
  provider = await IdentityProvider.start()
  broker = await startBroker({
    settings: {
      ...provider.settings,
      'management.tcp.port': 0,
      'mqtt.listeners.tcp': 'none',
      'stomp.listeners.tcp': 'none',
      'management.oauth_enabled': true,
      'management.oauth_client_id': 'console',
      'management.oauth_scopes': `openid ${SCOPES.join(' ')}`,
      'management.oauth_disable_basic_auth': false,
      'warren.console.oauth_provider_name': 'Example Inc',
    },
  })
  base = `http://127.0.0.1:${broker.listeners.http}/`
  provider.allowRedirect(`${base}api/oauth-callback`)
})

after(async () => {
  await broker.stop()
  await provider.stop()
})

/** Where the broker sends a browser, and its cookie. */
async function started(): Promise<{ location: URL; cookie: string }> {
  const reply = await fetch(`${base}api/oauth-login`, { redirect: 'manual' })
  assert.equal(reply.status, 302)
  return { location: new URL(reply.headers.get('location')!), cookie: reply.headers.get('set-cookie')!.split(';')[0]! }
}

test('a browser goes to the provider, signs in there, and is in the console', async () => {
  const visitor = await Visitor.arrive(base)
  const { page } = visitor
  await page.getByRole('link', { name: 'Sign in with Example Inc' }).click()
  await page.getByPlaceholder('Enter any login').fill('alice')
  await page.getByPlaceholder('and password').fill('anything')
  await page.getByRole('button', { name: 'Sign-in' }).click()
  await page.getByRole('button', { name: 'Continue' }).click()
  await visitor.settle()
  // The provider's own page loads a font from elsewhere.
  visitor.complaints.length = 0
  assert.equal(new URL(page.url()).origin, new URL(base).origin)
  const who = await page.evaluate("fetch('./api/login').then((reply) => reply.json())")
  assert.deepEqual((who as { user: unknown }).user, {
    name: 'alice',
    tags: ['management', 'administrator', 'impersonator'],
  })
  const stored = await page.evaluate('JSON.stringify({ ...localStorage, ...sessionStorage }) + document.cookie')
  assert.doesNotMatch(String(stored), /eyJ/)
  await visitor.go('/users')
  await visitor.sees('guest')
  assert.deepEqual(visitor.complaints, [])
  await visitor.leave()
})

test('the request is an authorization code with PKCE, and each is another', async () => {
  const [one, two] = [(await started()).location, (await started()).location]
  const { searchParams } = one
  assert.equal(searchParams.get('response_type'), 'code')
  assert.equal(searchParams.get('code_challenge_method'), 'S256')
  assert.match(searchParams.get('code_challenge') ?? '', /^[\w-]{43}$/)
  assert.equal(searchParams.get('redirect_uri'), `${base}api/oauth-callback`)
  for (const name of ['state', 'code_challenge']) assert.notEqual(searchParams.get(name), two.searchParams.get(name))
})

test('a code counts for the browser that asked, once, and only with its state', async () => {
  const back = async (query: string, cookie = ''): Promise<string> => {
    const reply = await fetch(`${base}api/oauth-callback?${query}`, { headers: { cookie }, redirect: 'manual' })
    assert.equal(reply.status, 403)
    assert.equal(reply.headers.get('set-cookie'), null)
    return await reply.text()
  }
  const { location, cookie } = await started()
  const state = location.searchParams.get('state')!
  assert.match(await back('code=x&state=unknown', cookie), /was not started here/)
  assert.match(await back(`code=x&state=${state}`), /started by another browser/)
  assert.match(await back(`code=x&state=${state}`, cookie), /was not started here/)
  const again = await started()
  const query = `code=x&state=${again.location.searchParams.get('state')}`
  assert.match(await back(query, again.cookie), /gave no token/)
  const denied = await started()
  const said = `error=access_denied<script>&state=${denied.location.searchParams.get('state')}`
  assert.match(await back(said, denied.cookie), /says access_deniedscript\./)
})

test('what the sign-in page needs to know', async () => {
  const about = (await (await fetch(`${base}api/auth`)).json()) as Record<string, unknown>
  assert.equal(about.oauth_enabled, true)
  assert.equal(about.oauth_provider_name, 'Example Inc')
  assert.equal(about.oauth_login_url, './api/oauth-login')
  assert.doesNotMatch(JSON.stringify(about), /secret/)
})

test('several resource servers: the page offers each, and the chosen one’s provider signs in', async () => {
  const [east, west] = [await IdentityProvider.start('shop'), await IdentityProvider.start('lab')]
  const several = await startBroker({
    settings: {
      'auth_backends.1': 'oauth2',
      'auth_oauth2.oauth_providers.east.issuer': east.issuer,
      'auth_oauth2.oauth_providers.west.issuer': west.issuer,
      'auth_oauth2.resource_servers.1.id': 'shop',
      'auth_oauth2.resource_servers.1.oauth_provider_id': 'east',
      'auth_oauth2.resource_servers.1.scope_prefix': 'rabbitmq.',
      'auth_oauth2.resource_servers.2.id': 'lab',
      'auth_oauth2.resource_servers.2.oauth_provider_id': 'west',
      'auth_oauth2.resource_servers.2.scope_prefix': 'rabbitmq.',
      'management.tcp.port': 0,
      'mqtt.listeners.tcp': 'none',
      'stomp.listeners.tcp': 'none',
      'management.oauth_enabled': true,
      // In another order: the ids say what belongs together.
      'management.oauth_resource_servers.1.id': 'lab',
      'management.oauth_resource_servers.1.label': 'The laboratory',
      'management.oauth_resource_servers.1.oauth_client_id': 'console',
      'management.oauth_resource_servers.1.oauth_scopes': `openid ${SCOPES.join(' ')}`,
      'management.oauth_resource_servers.2.id': 'shop',
      'management.oauth_resource_servers.2.label': 'The shop',
      'management.oauth_resource_servers.2.oauth_client_id': 'console',
      'management.oauth_resource_servers.2.oauth_scopes': `openid ${SCOPES.join(' ')}`,
    },
  })
  const home = `http://127.0.0.1:${several.listeners.http}/`
  for (const each of [east, west]) each.allowRedirect(`${home}api/oauth-callback`)
  try {
    const goesTo = async (resource: string): Promise<string> => {
      const reply = await fetch(`${home}api/oauth-login?resource=${resource}`, { redirect: 'manual' })
      return reply.status === 302 ? new URL(reply.headers.get('location')!).origin : await reply.text()
    }
    assert.deepEqual([await goesTo('shop'), await goesTo('lab')], [east.issuer, west.issuer])
    assert.match(await goesTo('nowhere'), /there is no such way to sign in/)
    const visitor = await Visitor.arrive(home)
    const { page } = visitor
    await page.getByRole('link', { name: 'The laboratory' }).waitFor()
    await page.getByRole('link', { name: 'The shop' }).click()
    await page.getByPlaceholder('Enter any login').fill('bob')
    await page.getByPlaceholder('and password').fill('anything')
    assert.equal(new URL(page.url()).origin, east.issuer)
    await page.getByRole('button', { name: 'Sign-in' }).click()
    await page.getByRole('button', { name: 'Continue' }).click()
    await visitor.settle()
    assert.equal(new URL(page.url()).origin, new URL(home).origin)
    const who = await page.evaluate("fetch('./api/login').then((reply) => reply.json())")
    assert.equal((who as { user: { name: unknown } }).user.name, 'bob')
    await visitor.leave()
  } finally {
    await several.stop()
    await east.stop()
    await west.stop()
  }
})
