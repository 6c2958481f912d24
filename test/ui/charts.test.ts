// Charts in a browser: one crosshair for all of a page, ranges in the address, lines that can be hidden.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import amqp from 'amqplib'
import type { EmbeddedBroker } from '../../src/library.ts'
import { startConsole, Visitor } from './browser.ts'

let broker: EmbeddedBroker
let base: string
let client: Awaited<ReturnType<typeof amqp.connect>>

before(async () => {
  const started = await startConsole()
  broker = started.broker
  base = started.base
  client = await amqp.connect(broker.url!)
  const channel = await client.createConfirmChannel()
  await channel.assertQueue('charted')
  for (let i = 0; i < 20; i++) channel.sendToQueue('charted', Buffer.from('x'))
  await channel.waitForConfirms()
})
after(async () => {
  await client.close()
  await broker.stop()
})

test('the crosshair is shared, and values stand with their units', async () => {
  const visitor = await Visitor.arrive(base)
  try {
    const { page } = visitor
    await visitor.signIn()
    await visitor.settle()
    await visitor.go('/queues/%2F/charted?range=1m')
    await page.getByRole('img', { name: /Messages in the queue: Total 20, Ready 20, Unacked 0/ }).waitFor()
    await page.getByRole('img', { name: /Message rates: Publish [\d.]+\/s/ }).waitFor()
    const box = await page.locator('.chart .u-over').first().boundingBox()
    assert.ok(box !== null)
    await page.mouse.move(box.x + box.width - 4, box.y + box.height / 2)
    await page.locator('.chart .at').nth(1).waitFor()
    const times = await page.locator('.chart .at').allTextContents()
    assert.equal(times.length, 2)
    assert.equal(times[0], times[1])
    assert.match(times[0] ?? '', /\d\d:\d\d:\d\d$/)
    await page.mouse.move(5, 5)
    await page.locator('.chart .at').first().waitFor({ state: 'detached' })
    const shown = page.getByRole('button', { name: /^Ready 20$/ })
    await shown.click()
    assert.equal(await shown.getAttribute('aria-pressed'), 'false')
    assert.deepEqual(visitor.complaints, [])
  } finally {
    await visitor.leave()
  }
})

test('ranges go from a minute to seven days, and the address keeps the choice', async () => {
  const visitor = await Visitor.arrive(base)
  try {
    const { page } = visitor
    await visitor.signIn()
    await visitor.settle()
    const names = await page.getByRole('group', { name: 'Range of the charts' }).getByRole('button').allTextContents()
    assert.deepEqual(names, ['1 min', '10 min', '1 h', '8 h', '24 h', '7 d'])
    const asked = page.waitForRequest((request) => /lengths_age%3D604800%26lengths_incr%3D7200/.test(request.url()))
    await visitor.click('7 d')
    await asked
    assert.match(page.url(), /range=7d/)
    await page.reload()
    await visitor.settle()
    assert.equal(await page.getByRole('button', { name: '7 d' }).getAttribute('aria-pressed'), 'true')
    assert.deepEqual(visitor.complaints, [])
  } finally {
    await visitor.leave()
  }
})

test('a queue has all ranges, and what is not known of it is a gap that says until when', async () => {
  const visitor = await Visitor.arrive(base)
  try {
    const { page } = visitor
    await visitor.signIn()
    await visitor.settle()
    await visitor.go('/queues/%2F/charted')
    const ranges = page.getByRole('group', { name: 'Range of the charts' }).getByRole('button')
    assert.deepEqual(await ranges.allTextContents(), ['1 min', '10 min', '1 h', '8 h', '24 h', '7 d'])
    for (const range of ['24 h', '7 d']) {
      await visitor.click(range)
      await page.getByRole('img', { name: /Messages in the queue: Total 20, Ready 20/ }).waitFor()
      await page
        .getByText(/known since (\d+ \w+ \d{4}, )?\d\d:\d\d:\d\d/)
        .first()
        .waitFor()
    }
    assert.deepEqual(await visitor.violations(), [])
    assert.deepEqual(visitor.complaints, [])
  } finally {
    await visitor.leave()
  }
})
