// Long lists in a browser: 5,000 queues scrolled, filtered, sorted and acted on; every view has an address.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import amqp from 'amqplib'
import type { Page } from 'playwright-core'
import type { EmbeddedBroker } from '../../src/library.ts'
import { callApi, startConsole, Visitor, workPerFrameMs } from './browser.ts'

const QUEUES = 5_000
const WHEEL_FRAMES = 120

let broker: EmbeddedBroker
let base: string
let visitor: Visitor
let client: Awaited<ReturnType<typeof amqp.connect>>

before(async () => {
  const started = await startConsole()
  broker = started.broker
  base = started.base
  client = await amqp.connect(broker.url!)
  const channel = await client.createConfirmChannel()
  for (let i = 0; i < QUEUES; i += 250) {
    await Promise.all(
      Array.from({ length: 250 }, (_, k) => channel.assertQueue(`many.${String(i + k).padStart(4, '0')}`)),
    )
  }
  channel.sendToQueue('many.4321', Buffer.from('deepest'))
  await channel.waitForConfirms()
  visitor = await Visitor.arrive(base)
  await visitor.signIn()
  await visitor.settle()
})

beforeEach(() => {
  visitor.complaints.length = 0
})

after(async () => {
  await visitor.leave()
  await client.close()
  await broker.stop()
})

function rowCount(page: Page): Promise<number> {
  return page.locator('tbody tr[data-row]').count()
}

function scrollTo(page: Page, share: number): Promise<unknown> {
  return page.evaluate(`(() => {
    const list = document.querySelector('.table-scroll')
    list.scrollTop = list.scrollHeight * ${share}
  })()`)
}

test('5,000 queues are one list: scrolled from end to end, with few rows in the document', async () => {
  const { page } = visitor
  await visitor.go('/queues')
  await visitor.sees(/^1 to \d+ of 5,000$/)
  await page.getByRole('link', { name: 'many.0000', exact: true }).waitFor()
  await scrollTo(page, 1)
  await page.getByRole('link', { name: 'many.4999', exact: true }).waitFor()
  await visitor.sees(/^4,9\d\d to 5,000 of 5,000$/)
  assert.ok((await rowCount(page)) < 120, `${await rowCount(page)} rows in the document`)
  await scrollTo(page, 0.5)
  await page
    .getByRole('link', { name: /^many\.25\d\d$/ })
    .first()
    .waitFor()
  assert.equal(await page.getByRole('table').getAttribute('aria-rowcount'), String(QUEUES + 1))
  assert.deepEqual(visitor.complaints, [])
})

test('a wheel turned all the way draws in time', async () => {
  const { page } = visitor
  // The place of the test before is written to the address after a while.
  await page.waitForURL(/from=2\d\d\d/)
  await visitor.go('/queues')
  await page.getByRole('link', { name: 'many.0000', exact: true }).waitFor()
  let rowsMax = 0
  const frameMs = await workPerFrameMs(
    page,
    WHEEL_FRAMES,
    `new Promise((resolve) => {
      const list = document.querySelector('.table-scroll')
      let frames = 0
      let rowsMax = 0
      const step = () => {
        rowsMax = Math.max(rowsMax, list.querySelectorAll('tbody tr').length)
        list.scrollTop += 400
        if (++frames < ${WHEEL_FRAMES}) requestAnimationFrame(step)
        else resolve(rowsMax)
      }
      requestAnimationFrame(step)
    })`,
    (result) => {
      rowsMax = Number(result)
    },
  )
  assert.ok(rowsMax > 10 && rowsMax < 130, `${rowsMax} rows in the document`)
  // Drawing all 5,000 rows takes seconds.
  assert.ok(frameMs > 0 && frameMs < 50, `a frame took ${frameMs} ms`)
})

test('filter, order, columns and place are in the address, and a link brings them back', async () => {
  const { page } = visitor
  await visitor.go('/queues')
  await page.getByLabel('Filter Queues').fill('many.43')
  await visitor.sees(/^1 to \d+ of 100 \(5,000 in all\)$/)
  await page.getByRole('button', { name: 'Ready' }).click()
  await page.locator('tbody tr[data-row]').first().getByRole('link', { name: 'many.4321' }).waitFor()
  await visitor.click('Choose columns')
  await page.getByRole('checkbox', { name: 'Bytes' }).check()
  await page.keyboard.press('Escape')
  await page.getByRole('columnheader', { name: 'Bytes' }).waitFor()
  await scrollTo(page, 0.5)
  await page.waitForURL(/q=many\.43&sort=ready&desc=true&from=\d+/)
  const link = page.url()
  await page.goto('about:blank')
  await page.goto(link)
  await visitor.settle()
  await page.getByRole('columnheader', { name: 'Bytes' }).waitFor()
  await visitor.sees(/^[3-6]\d to \d+ of 100/)
  assert.equal(page.url(), link)
  // Once more from the head: the order is still by depth.
  await scrollTo(page, 0)
  await page.locator('tbody tr[data-row]').first().getByRole('link', { name: 'many.4321' }).waitFor()
  await page.getByLabel('Filter Queues').fill('/9{2}$/')
  await visitor.sees(/of 50 \(/)
  assert.deepEqual(visitor.complaints, [])
})

test('several queues are chosen across the list and deleted at once', async () => {
  const { page } = visitor
  await visitor.go('/queues?q=many.00')
  await page.getByLabel('Choose / many.0001').check()
  await scrollTo(page, 1)
  await page.getByLabel('Choose / many.0099').check()
  await visitor.sees('2 chosen')
  await visitor.click('Delete')
  await page.getByRole('dialog').getByText('many.0001, many.0099').waitFor()
  await visitor.confirm('Delete')
  await visitor.sees(/of 98 \(4,998 in all\)/)
  await page.getByLabel('Choose all that match').check()
  await visitor.sees('98 chosen')
  await visitor.click('Delete')
  await visitor.confirm('Delete')
  await visitor.sees('Nothing matches the filter.')
  const left = (await callApi(base, 'GET', 'queues?page=1&page_size=1')) as { total_count: number }
  assert.equal(left.total_count, QUEUES - 100)
  await page.getByLabel('Filter Queues').fill('')
  await visitor.sees(/of 4,900$/)
  // While their names are on the way the list changes: the box stays as it was clicked.
  let answer = (): void => undefined
  const mayAnswer = new Promise<void>((resolve) => {
    answer = resolve
  })
  await page.route('**/api/queues?*page_size=500*', async (request) => {
    await mayAnswer
    await request.continue()
  })
  await page.getByLabel('Choose all that match').click()
  await callApi(base, 'PUT', 'queues/%2F/meanwhile', {})
  await visitor.sees(/of 4,901$/)
  assert.equal(await page.getByLabel('Choose all that match').isChecked(), true)
  answer()
  await visitor.sees('500 chosen')
  await page.unroute('**/api/queues?*page_size=500*')
  assert.deepEqual(visitor.complaints, [])
})
