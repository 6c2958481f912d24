// Every page of the console in a real browser, in both themes: no error, nothing for axe to find,
// and screenshots in the folder that WARREN_SCREENSHOTS names.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import amqp from 'amqplib'
import type { EmbeddedBroker } from '../../src/library.ts'
import { callApi, startConsole, type Theme, type Violation, Visitor } from './browser.ts'

const PAGES: Readonly<Record<string, string>> = {
  overview: '/',
  connections: '/connections',
  channels: '/channels',
  exchanges: '/exchanges',
  exchange: '/exchanges/%2F/orders',
  'exchange-bindings': '/exchanges/%2F/orders?tab=bindings',
  queues: '/queues',
  queue: '/queues/%2F/orders.new',
  'queue-consumers': '/queues/%2F/orders.new?tab=consumers',
  'queue-bindings': '/queues/%2F/orders.new?tab=bindings',
  'queue-messages': '/queues/%2F/orders.new?tab=messages',
  'queue-settings': '/queues/%2F/orders.new?tab=settings',
  topology: '/topology',
  route: '/route?exchange=orders&key=order.new',
  'dead-letters': '/dead-letters',
  node: '/nodes',
  log: '/log',
  tracing: '/traces',
  vhosts: '/vhosts',
  vhost: '/vhosts/%2F',
  users: '/users',
  user: '/users/guest',
  policies: '/policies',
  limits: '/limits',
  definitions: '/definitions',
  'feature-flags': '/feature-flags',
  settings: '/settings',
  'not-found': '/nowhere',
}

/** Headings in sight whose middle belongs to something else. */
const COVERED_HEADINGS = `[...document.querySelectorAll('h1, .card h2')].filter((heading) => {
  const range = document.createRange()
  range.selectNodeContents(heading)
  const { x, y, width, height } = range.getBoundingClientRect()
  const on = document.elementFromPoint(x + width / 2, y + height / 2)
  return y > 0 && y + height < innerHeight && on !== null && !heading.contains(on) && !on.contains(heading)
}).map(({ textContent }) => textContent)`

/** Words outside of tables and drawings that stand on other words: the ends of a heading, labels, hints. */
const OVERLAPPING_WORDS = `(() => {
  const boxes = [...document.querySelectorAll('main :is(h1, h2, .label, .hint, .at, .since, .check span, .amounts)')]
    .map((element) => {
      const range = document.createRange()
      range.selectNodeContents(element)
      return { text: element.textContent, element, box: range.getBoundingClientRect() }
    })
    .filter(({ box }) => box.width > 0)
  return boxes.flatMap((one, i) =>
    boxes.slice(i + 1)
      .filter(({ element, box }) =>
        !element.contains(one.element) && !one.element.contains(element) &&
        box.left < one.box.right - 1 && one.box.left < box.right - 1 &&
        box.top < one.box.bottom - 3 && one.box.top < box.bottom - 3)
      .map(({ text }) => one.text + ' / ' + text))
})()`

let broker: EmbeddedBroker
let base: string
let client: Awaited<ReturnType<typeof amqp.connect>>

before(async () => {
  const started = await startConsole()
  broker = started.broker
  base = started.base
  client = await amqp.connect(broker.url!, { clientProperties: { connection_name: 'order-service' } })
  const channel = await client.createConfirmChannel()
  await channel.assertExchange('orders', 'topic')
  await channel.assertExchange('dlx', 'fanout')
  await channel.assertQueue('orders.new', { arguments: { 'x-dead-letter-exchange': 'dlx', 'x-max-length': 1_000 } })
  await channel.assertQueue('dead.letters')
  await channel.bindQueue('orders.new', 'orders', 'order.new.#')
  await channel.bindQueue('dead.letters', 'dlx', '')
  await channel.prefetch(5)
  await channel.consume('orders.new', () => undefined)
  for (let i = 0; i < 40; i++)
    channel.publish('orders', 'order.new.eu', Buffer.from(`{"order":${i}}`), { persistent: true })
  await channel.waitForConfirms()
  await callApi(base, 'PUT', 'users/app', { password: 'app', tags: '' })
  await callApi(base, 'PUT', 'policies/%2F/limits', { pattern: '^dead', definition: { 'max-length': 10_000 } })
})

after(async () => {
  await client.close()
  await broker.stop()
})

for (const theme of ['light', 'dark'] as const satisfies readonly Theme[]) {
  test(`every page, ${theme}`, async () => {
    const visitor = await Visitor.arrive(base, theme)
    try {
      const found: Record<string, readonly Violation[]> = { 'sign-in': await visitor.violations() }
      await visitor.signIn()
      await visitor.settle()
      for (const [name, address] of Object.entries(PAGES)) {
        await visitor.go(address)
        await visitor.page.locator('h1, .empty strong').first().waitFor()
        found[name] = await visitor.violations()
        assert.deepEqual(await visitor.page.evaluate(COVERED_HEADINGS), [], `${name}: headings that something covers`)
        const folder = process.env.WARREN_SCREENSHOTS
        if (folder !== undefined) await visitor.page.screenshot({ path: `${folder}/${name}-${theme}.png` })
      }
      for (const [name, violations] of Object.entries(found)) assert.deepEqual(violations, [], name)
      assert.deepEqual(visitor.complaints, [])
    } finally {
      await visitor.leave()
    }
  })
}

test('the overview tells who is slow', async () => {
  const visitor = await Visitor.arrive(base)
  try {
    await visitor.signIn()
    await visitor.settle()
    await visitor.page
      .getByRole('listitem')
      .filter({ hasText: /orders\.new\s*35 ready, its consumer is at its limit, oldest/ })
      .waitFor()
    assert.deepEqual(visitor.complaints, [])
  } finally {
    await visitor.leave()
  }
})

test('a consumer at its limit is told by name, and what it holds is live', async () => {
  const visitor = await Visitor.arrive(base)
  const { page } = visitor
  try {
    await visitor.signIn()
    await visitor.settle()
    await visitor.go('/queues/%2F/orders.new?tab=consumers')
    const row = page.getByRole('row', { name: /5, reached/ })
    await row.getByRole('cell', { name: '100 %' }).waitFor()
    const channel = await client.createChannel()
    await channel.prefetch(50)
    await channel.consume('orders.new', () => undefined, { consumerTag: 'second' })
    await page
      .getByRole('row', { name: /^second/ })
      .getByRole('cell', { name: '35', exact: true })
      .waitFor()
    await channel.close()
    await page.getByRole('row', { name: /^second/ }).waitFor({ state: 'detached' })
    assert.deepEqual(visitor.complaints, [])
  } finally {
    await visitor.leave()
  }
})

test('a phone: no page is wider than the screen', async () => {
  const visitor = await Visitor.arrive(base, 'light', 360)
  try {
    await visitor.signIn()
    await visitor.settle()
    for (const [name, address] of Object.entries(PAGES)) {
      await visitor.go(address)
      assert.ok(Number(await visitor.page.evaluate('document.documentElement.scrollWidth')) <= 360, name)
      assert.deepEqual(await visitor.page.evaluate(COVERED_HEADINGS), [], `${name}: headings that something covers`)
      assert.deepEqual(await visitor.page.evaluate(OVERLAPPING_WORDS), [], `${name}: words over words`)
    }
    await visitor.click('Navigation')
    await visitor.page.getByRole('link', { name: 'Queues' }).click()
    await visitor.page.getByRole('heading', { name: 'Queues' }).waitFor()
  } finally {
    await visitor.leave()
  }
})

test('a wrong password and a user without a tag are told so', async () => {
  const visitor = await Visitor.arrive(base)
  try {
    await visitor.signIn('guest', 'wrong')
    await visitor.sees('User name or password is not right.')
    await visitor.signIn('app', 'app')
    await visitor.sees(/no management tag|not right/)
  } finally {
    await visitor.leave()
  }
})
