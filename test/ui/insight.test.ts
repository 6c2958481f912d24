// What operators look things up in: settings with their origin, the log, traces of messages. A broker as it is run: in a
// process of its own, with a data folder.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, beforeEach, test } from 'node:test'
import amqp from 'amqplib'
import { type BrokerProcess, startBrokerProcess } from '../support/broker-process.ts'
import { callApi, Visitor } from './browser.ts'

let broker: BrokerProcess
let base: string
let visitor: Visitor

before(async () => {
  broker = await startBrokerProcess({ set: ['heartbeat=77', 'default_pass=guest'] })
  base = `http://127.0.0.1:${broker.listeners.http}/`
  visitor = await Visitor.arrive(base)
  await visitor.signIn()
  await visitor.settle()
})

beforeEach(() => {
  visitor.complaints.length = 0
})

after(async () => {
  await visitor.leave()
  await broker.stop()
})

test('settings show what is in force, where it comes from, and no secret', async () => {
  const { page } = visitor
  await visitor.go('/settings?q=heartbeat')
  const row = page.getByRole('row', { name: /^heartbeat/ })
  await row.getByText('77', { exact: true }).waitFor()
  await row.getByText('--set').waitFor()
  await visitor.go('/settings?set=true&size=500')
  await page
    .getByRole('row', { name: /^default_pass/ })
    .getByText('********')
    .waitFor()
  assert.equal(await page.getByRole('row', { name: /^log\.file/ }).count(), 0)
  await page.getByLabel(/^Only what was set \(\d+\)$/).uncheck()
  await page
    .getByRole('row', { name: /^channel_max/ })
    .getByText('default', { exact: true })
    .waitFor()
  assert.deepEqual(visitor.complaints, [])
})

test('the log is followed, filtered by text and level, and its level is set', async () => {
  const { page } = visitor
  await visitor.go('/log')
  await visitor.sees(/starting WarrenMQ/)
  const client = await amqp.connect(broker.amqpUrl)
  await visitor.sees(/user 'guest' authenticated/)
  await page.getByLabel('Contains').fill('authenticated')
  await page.getByText(/starting WarrenMQ/).waitFor({ state: 'detached' })
  await page.waitForURL(/q=authenticated/)
  await page.getByLabel('From level').selectOption('error')
  await visitor.sees('Nothing matches.')
  await page.reload()
  await visitor.sees('Nothing matches.')
  await visitor.click('Set level')
  await page.getByRole('dialog').getByLabel('Category').selectOption('connection')
  await page.getByRole('dialog').getByLabel('Level').selectOption('error')
  await visitor.confirm('Set')
  await visitor.sees('The log of connection has the level error.')
  await client.close()
  const download = page.waitForEvent('download')
  await page.getByLabel('From level').selectOption('debug')
  await page.getByLabel('Contains').fill('')
  await visitor.sees(/starting WarrenMQ/)
  await visitor.click('Save')
  assert.match(readFileSync(await (await download).path(), 'utf8'), /^\S+ \S+ \[info\] <startup> starting WarrenMQ/)
  assert.deepEqual(visitor.complaints, [])
})

test('a trace is started, its file read, and both ended', async () => {
  const { page } = visitor
  await visitor.go('/traces')
  await visitor.sees('No trace runs')
  await visitor.click('Start a trace')
  await page.getByLabel('Name', { exact: true }).fill('letters')
  await page.getByLabel('Pattern').fill('publish.#')
  await page.getByLabel('Format').selectOption('text')
  await visitor.confirm('Start')
  await page.getByRole('cell', { name: 'publish.#' }).waitFor()
  await callApi(base, 'PUT', 'queues/%2F/traced', {})
  const client = await amqp.connect(broker.amqpUrl)
  const channel = await client.createConfirmChannel()
  channel.sendToQueue('traced', Buffer.from('written to the file'))
  await channel.waitForConfirms()
  await client.close()
  await page.getByRole('row', { name: /letters\.log [1-9]/ }).waitFor()
  await visitor.click('letters.log')
  await page.getByRole('dialog').getByText('written to the file').waitFor()
  assert.deepEqual(await visitor.violations(), [])
  await page.getByRole('dialog').getByRole('button', { name: 'Dismiss' }).click()
  await visitor.click('End')
  await visitor.sees('No trace runs')
  await visitor.click('Delete the file letters.log')
  await visitor.confirm('Delete')
  await visitor.sees('No files')
  assert.deepEqual(visitor.complaints, [])
})
