// Sessions of the console: a cookie that no script sees, shared by tabs, ended by signing out; other ways to sign in.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { EmbeddedBroker } from '../../src/library.ts'
import { callApi, startConsole, Visitor } from './browser.ts'

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

test('rights that are taken away are gone from the page, too', async () => {
  const setTags = (tags: string) => callApi(base, 'PUT', 'users/fading', { password: 'fading', tags })
  await setTags('administrator')
  const visitor = await Visitor.arrive(base)
  const { page } = visitor
  try {
    await visitor.signIn('fading', 'fading')
    await visitor.settle()
    const users = page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Users' })
    await users.waitFor()
    await setTags('monitoring')
    // By its address: the link may be gone already.
    await page.evaluate("location.hash = '#/users'")
    await visitor.sees('There is no such page')
    await users.waitFor({ state: 'detached' })
    await visitor.go('/queues')
    await page.getByRole('heading', { name: 'Queues', level: 1 }).waitFor()
    await setTags('')
    await page.evaluate("location.hash = '#/exchanges'")
    await visitor.sees('Your user may not enter the console any more.')
    await setTags('management')
    await visitor.signIn('fading', 'fading')
    await page.getByRole('heading', { name: 'Exchanges', level: 1 }).waitFor()
    await callApi(base, 'DELETE', 'users/fading')
    // Whatever asks next, this or what is live already.
    await page.evaluate("location.hash = '#/queues'")
    await visitor.sees('Your session has ended.')
  } finally {
    await visitor.leave()
  }
})

test('a session that ends under a dialog: the next user finds the page without it', async () => {
  const visitor = await Visitor.arrive(base)
  const { page } = visitor
  try {
    await visitor.signIn()
    await visitor.settle()
    await visitor.go('/queues')
    await visitor.click('Declare')
    await page.getByLabel('Name', { exact: true }).fill('never.declared')
    await page.context().clearCookies()
    await page.getByRole('dialog').getByRole('button', { name: 'Declare', exact: true }).click()
    await visitor.sees('Your session has ended.')
    await visitor.signIn()
    await visitor.settle()
    assert.match(page.url(), /#\/queues$/)
    assert.equal(await page.getByRole('dialog').count(), 0)
    assert.deepEqual(await callApi(base, 'GET', 'queues'), [])
  } finally {
    await visitor.leave()
  }
})

test('two tabs of a browser: who signs in in one is signed in in the other; two browsers are apart', async () => {
  await callApi(base, 'PUT', 'users/second', { password: 'second', tags: 'monitoring' })
  const visitor = await Visitor.arrive(base)
  const other = await Visitor.arrive(base)
  try {
    await visitor.signIn()
    await visitor.settle()
    await other.signIn('second', 'second')
    await other.settle()
    const tab = await visitor.page.context().newPage()
    await tab.goto(base)
    await tab.getByRole('button', { name: 'User guest' }).click()
    await tab
      .getByRole('button', { name: 'Sign out' })
      .or(tab.getByRole('menuitem', { name: 'Sign out' }))
      .click()
    await visitor.page.getByLabel('User name').waitFor()
    await visitor.signIn('second', 'second')
    await tab.getByRole('button', { name: 'User second' }).waitFor()
    assert.equal(await tab.getByRole('link', { name: 'Users' }).count(), 0)
    await other.page.getByRole('button', { name: 'User second' }).waitFor()
  } finally {
    await visitor.leave()
    await other.leave()
    await callApi(base, 'DELETE', 'users/second')
  }
})
