// Sessions of the console: a cookie that no script sees, shared by tabs, ended by signing out; other ways to sign in.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { EmbeddedBroker } from '../../src/library.ts'
import { startConsole, Visitor } from './browser.ts'

let broker: EmbeddedBroker
let base: string

before(async () => {
  const started = await startConsole()
  broker = started.broker
  base = started.base
})
after(() => broker.stop())

test('the password is not kept: the session is a cookie that scripts cannot read', async () => {
  const visitor = await Visitor.arrive(base)
  try {
    await visitor.signIn()
    await visitor.settle()
    const context = visitor.page.context()
    const [cookie] = await context.cookies()
    assert.match(cookie?.name ?? '', /^warren_session_\d+$/)
    assert.equal(cookie?.httpOnly, true)
    assert.equal(cookie?.sameSite, 'Strict')
    assert.equal(await visitor.page.evaluate('document.cookie'), '')
    const kept = String(await visitor.page.evaluate('JSON.stringify({ ...localStorage, ...sessionStorage })'))
    assert.doesNotMatch(kept, new RegExp(`wsession|Basic|Bearer|${btoa('guest:guest')}`))

    const second = await context.newPage()
    await second.goto(base)
    await second.getByRole('heading', { name: 'Overview' }).waitFor()
    await visitor.click('User guest')
    await visitor.click('Sign out')
    await second.getByLabel('User name').waitFor()
    assert.deepEqual(await context.cookies(), [])
    assert.deepEqual(visitor.complaints, [])
  } finally {
    await visitor.leave()
  }
})

test('a session that a cookie alone tells of is gone on with', async () => {
  const visitor = await Visitor.arrive(base)
  try {
    await visitor.signIn()
    await visitor.settle()
    await visitor.page.evaluate('localStorage.clear()')
    await visitor.page.reload()
    await visitor.settle()
    await visitor.click('User guest')
    assert.deepEqual(visitor.complaints, [])
  } finally {
    await visitor.leave()
  }
})

test('an identity provider is offered when the broker has one', async () => {
  const visitor = await Visitor.arrive(base)
  try {
    assert.equal(await visitor.page.getByRole('link', { name: /^Sign in with/ }).count(), 0)
    await visitor.page.route('**/api/auth', (route) =>
      route.fulfill({
        json: { oauth_enabled: true, oauth_provider_name: 'Example ID', oauth_login_url: './api/there' },
      }),
    )
    await visitor.page.reload()
    const link = visitor.page.getByRole('link', { name: 'Sign in with Example ID' })
    await link.waitFor()
    assert.equal(await link.getAttribute('href'), './api/there')
    assert.deepEqual(await visitor.violations(), [])
  } finally {
    await visitor.leave()
  }
})
