// The console as a whole: how much of it is loaded, that the keyboard is enough, many tabs, and a broker that goes away.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { EmbeddedBroker } from '../../src/library.ts'
import { projectRoot } from '../support/broker-process.ts'
import { callApi, startConsole, Visitor } from './browser.ts'

/** What the first page may take on the wire. */
const FIRST_PAGE_BYTES_MAX = 250_000

let broker: EmbeddedBroker
let base: string

before(async () => {
  const started = await startConsole()
  broker = started.broker
  base = started.base
})
after(() => broker.stop())

test('the first page is small, and comes from the broker alone', async () => {
  const visitor = await Visitor.arrive(base)
  try {
    const { page } = visitor
    const requests: string[] = []
    let loadedBytes = 0
    page.on('request', (request) => requests.push(request.url()))
    page.on('response', (response) => {
      if (/\/(assets\/|favicon|$)/.test(new URL(response.url()).pathname)) {
        loadedBytes += Number(response.headers()['content-length'] ?? 0)
      }
    })
    await page.reload()
    await visitor.signIn()
    await visitor.settle()
    assert.deepEqual(
      requests.filter((url) => !url.startsWith(base)),
      [],
    )
    assert.ok(loadedBytes > 50_000 && loadedBytes < FIRST_PAGE_BYTES_MAX, `${loadedBytes} bytes`)
    // Decoders that few need are files of their own.
    assert.equal(
      requests.some((url) => /binary/.test(url)),
      false,
    )
    const page404 = await fetch(`${base}assets/none.js`)
    assert.equal(page404.status, 404)
    const policy = (await fetch(base)).headers.get('content-security-policy') ?? ''
    assert.match(policy, /^default-src 'self';/)
    assert.doesNotMatch(policy, /unsafe/)
    const html = await (await fetch(base)).text()
    assert.doesNotMatch(html, /<script(?![^>]* src=)|<style|style=|onclick/)
  } finally {
    await visitor.leave()
  }
})

test('no page inserts text as HTML', () => {
  const root = `${projectRoot}/ui/src`
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    if (!statSync(`${root}/${name}`).isFile()) continue
    const text = readFileSync(`${root}/${name}`, 'utf8')
    assert.doesNotMatch(text, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function/, name)
  }
})

test('the keyboard is enough: signing in, declaring, choosing, deleting, the palette', async () => {
  const visitor = await Visitor.arrive(base)
  const { keyboard } = visitor.page
  const focused = () =>
    visitor.page.evaluate(
      `(document.activeElement?.getAttribute('aria-label') ?? document.activeElement?.textContent ?? '').trim()`,
    ) as Promise<string>
  /** Tabs until something of this name has the focus. */
  const tabTo = async (name: string | RegExp, back = false): Promise<void> => {
    for (let i = 0; i < 80; i++) {
      const text = await focused()
      if (typeof name === 'string' ? text === name : name.test(text)) return
      await keyboard.press(back ? 'Shift+Tab' : 'Tab')
    }
    assert.fail(`Tab never reaches ${name}`)
  }
  try {
    await visitor.page.getByLabel('User name').waitFor()
    await keyboard.type('guest')
    await keyboard.press('Tab')
    await keyboard.type('guest')
    await keyboard.press('Enter')
    await visitor.settle()
    await keyboard.press('Tab')
    assert.equal(await focused(), 'Skip to the page')
    await tabTo(/^Queues/)
    await keyboard.press('Enter')
    await visitor.page.getByRole('heading', { name: 'Queues' }).waitFor()
    await visitor.settle()
    await tabTo('Declare')
    await keyboard.press('Enter')
    // The dialog has taken the focus, and keeps it.
    await visitor.page.getByRole('dialog').waitFor()
    await keyboard.type('by.keyboard')
    await keyboard.press('Enter')
    await visitor.page.getByRole('heading', { name: 'by.keyboard' }).waitFor()
    await visitor.settle()
    await tabTo('Delete')
    await keyboard.press('Enter')
    await visitor.page.getByRole('dialog').waitFor()
    await keyboard.press('Escape')
    await visitor.page.getByRole('dialog').waitFor({ state: 'detached' })
    assert.equal(await focused(), 'Delete')
    await keyboard.press('Enter')
    await visitor.page.getByRole('dialog').waitFor()
    await tabTo('Delete')
    await keyboard.press('Enter')
    await visitor.page.getByRole('heading', { name: 'Queues' }).waitFor()
    const left = (await callApi(base, 'GET', 'queues')) as readonly unknown[]
    assert.deepEqual(left, [])
    await keyboard.press('Control+k')
    await visitor.page.getByRole('combobox', { name: 'Search and commands' }).waitFor()
    await keyboard.type('polic')
    await keyboard.press('Enter')
    await visitor.page.getByRole('heading', { name: 'Policies', level: 1 }).waitFor()
    await keyboard.press('Control+k')
    await visitor.page.getByRole('combobox', { name: 'Search and commands' }).waitFor()
    await keyboard.type('exchange')
    await keyboard.press('ArrowDown')
    await keyboard.press('Enter')
    await visitor.page.getByRole('dialog', { name: 'Declare an exchange' }).waitFor()
    await keyboard.press('Escape')
    await visitor.page.getByRole('dialog').waitFor({ state: 'detached' })
    await keyboard.press('?')
    await visitor.page.getByRole('dialog', { name: 'Keys' }).waitFor()
    assert.deepEqual(visitor.complaints, [])
  } finally {
    await visitor.leave()
  }
})

test('keys typed without a pause are not lost', async () => {
  const visitor = await Visitor.arrive(base)
  const { page } = visitor
  const { keyboard } = page
  /** Presses keys before the page has answered the ones before; those held together go alone. */
  const hurry = async (keys: readonly string[]): Promise<void> => {
    const pressed: Promise<void>[] = []
    for (const key of keys) {
      const isChord = key.includes('+')
      if (isChord) await Promise.all(pressed)
      pressed.push(keyboard.press(key))
      if (isChord) await Promise.all(pressed)
    }
    await Promise.all(pressed)
  }
  try {
    await callApi(base, 'PUT', 'queues/%2F/typed.fast', {})
    await visitor.signIn()
    await visitor.settle()
    for (let round = 0; round < 5; round++) {
      // Nothing is waited for between the keys: each step must be ready for the next one.
      await hurry(['Control+k', ...'declare a q', 'Enter', ...'hasty', 'Escape', '?'])
      await page.getByRole('dialog', { name: 'Keys' }).waitFor()
      assert.equal(await page.locator('dialog').count(), 1)
      await hurry(['Escape', 'Control+k', ...'typed.fast', 'Enter'])
      await page.getByRole('heading', { name: 'typed.fast' }).waitFor()
      await hurry(['Control+k', 'Escape', 'Control+k', ...'queues', 'Enter'])
      await page.getByRole('heading', { name: 'Queues', level: 1 }).waitFor()
      assert.equal(await page.evaluate('document.activeElement.id'), 'page')
    }
    // Pauses as long as the filter's own: what it puts into the address must not come back into the field.
    for (let i = 0; i < 15; i++) await callApi(base, 'PUT', `queues/%2F/filler.${i}`, {})
    await page.getByLabel('Filter Queues').focus()
    const text = 'filler.1filler.2filler.3'
    for (const letter of text) {
      await keyboard.press(letter)
      await page.waitForTimeout(245 + (text.indexOf(letter) % 4) * 5)
    }
    assert.equal(await page.getByLabel('Filter Queues').inputValue(), text)
    assert.deepEqual(visitor.complaints, [])
  } finally {
    await visitor.leave()
    for (const queue of (await callApi(base, 'GET', 'queues')) as readonly { name: string }[]) {
      await callApi(base, 'DELETE', `queues/%2F/${queue.name}`)
    }
  }
})

test('a page that is left and opened again and again stays live', async () => {
  const visitor = await Visitor.arrive(base)
  const { page } = visitor
  try {
    await callApi(base, 'PUT', 'queues/%2F/revisited', {})
    await visitor.signIn()
    await visitor.settle()
    // What a page shows is remembered for two seconds after it is left: it is opened before, and after, that has ended.
    for (const [address, stayMs] of [
      ['/queues/%2F/revisited', 300],
      ['/', 1_200],
      ['/queues/%2F/revisited', 300],
      ['/', 1_200],
      ['/queues/%2F/revisited', 1_500],
    ] as const) {
      await page.evaluate(`location.hash = '#${address}'`)
      await page.waitForTimeout(stayMs)
    }
    // Another resource is watched with those that are on the page.
    await page.getByRole('link', { name: 'Bindings' }).click()
    await visitor.settle()
    await callApi(base, 'PUT', 'policies/%2F/late', { pattern: '^revisited$', definition: { 'max-length': 9 } })
    await visitor.sees('policy late')
    assert.deepEqual(visitor.complaints, [])
  } finally {
    await visitor.leave()
    await callApi(base, 'DELETE', 'policies/%2F/late')
    await callApi(base, 'DELETE', 'queues/%2F/revisited')
  }
})

test('every focus is seen', async () => {
  const visitor = await Visitor.arrive(base)
  try {
    await visitor.signIn()
    await visitor.settle()
    await visitor.go('/queues')
    for (let i = 0; i < 40; i++) {
      await visitor.page.keyboard.press('Tab')
      const style = (await visitor.page.evaluate(`(() => {
        const e = document.activeElement
        if (e === null || e === document.body) return 'solid'
        const { outlineStyle, outlineWidth } = getComputedStyle(e)
        return outlineStyle === 'none' || outlineWidth === '0px' ? e.outerHTML : outlineStyle
      })()`)) as string
      assert.equal(style, 'solid')
    }
  } finally {
    await visitor.leave()
  }
})

test('eight tabs in sight at once all work, though a browser opens six connections to a host', async () => {
  const visitor = await Visitor.arrive(base)
  try {
    await visitor.signIn()
    await visitor.settle()
    const pages = [visitor.page]
    for (let i = 0; i < 7; i++) {
      const page = await visitor.page.context().newPage()
      await page.goto(`${base}#/queues`)
      await page.locator('.pulse:is([data-state="live"], [data-state="polling"])').waitFor()
      pages.push(page)
    }
    await callApi(base, 'PUT', 'queues/%2F/seen.everywhere', {})
    await visitor.go('/queues')
    for (const page of pages) await page.getByRole('link', { name: 'seen.everywhere' }).waitFor()
    let liveCount = 0
    for (const page of pages) liveCount += await page.locator('.pulse[data-state="live"]').count()
    assert.ok(liveCount >= 1 && liveCount <= 3, `${liveCount} are live`)
    assert.deepEqual(visitor.complaints, [])
    await callApi(base, 'DELETE', 'queues/%2F/seen.everywhere')
  } finally {
    await visitor.leave()
  }
})

test('a broker that restarts under a page is noticed, and the page goes on', async () => {
  const visitor = await Visitor.arrive(base)
  try {
    const { page } = visitor
    await visitor.signIn()
    await visitor.go('/queues?q=after')
    await broker.stop()
    await page.locator('.pulse[data-state="lost"]').waitFor()
    await visitor.sees('Connection lost')
    const started = await startConsole(Number(new URL(base).port))
    broker = started.broker
    // Sessions are in the broker's memory; the page keeps its place.
    await visitor.sees('Your session has ended.')
    await visitor.signIn()
    await visitor.settle()
    assert.match(page.url(), /#\/queues\?q=after$/)
    await callApi(base, 'PUT', 'queues/%2F/after.restart', {})
    await page.getByRole('link', { name: 'after.restart' }).waitFor()
  } finally {
    await visitor.leave()
  }
})
