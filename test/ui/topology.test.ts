// The topology and the route tester with real clients: 500 objects, problems in colour, rates on the edges, and what the
// tester says is where messages go.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import amqp from 'amqplib'
import type { EmbeddedBroker } from '../../src/library.ts'
import { callApi, startConsole, Visitor, workPerFrameMs } from './browser.ts'

const FRAMES = 90
const CONSUMERS = 20
const EXCHANGES = 60
const QUEUES = 420

let broker: EmbeddedBroker
let base: string
let visitor: Visitor
const clients: Awaited<ReturnType<typeof amqp.connect>>[] = []

before(async () => {
  const started = await startConsole()
  broker = started.broker
  base = started.base
  for (let i = 0; i < CONSUMERS; i++) {
    clients.push(await amqp.connect(broker.url!, { clientProperties: { connection_name: `service-${i}` } }))
  }
  const channel = await clients[0]!.createConfirmChannel()
  for (let i = 0; i < EXCHANGES; i++) await channel.assertExchange(`events.${i}`, 'topic')
  for (let i = 0; i < QUEUES; i++) {
    await channel.assertQueue(`q.${i}`)
    await channel.bindQueue(`q.${i}`, `events.${i % EXCHANGES}`, `k.${i}.#`)
  }
  for (let i = 0; i < CONSUMERS; i++) {
    const consumer = await clients[i]!.createChannel()
    for (let k = 0; k < 3; k++) await consumer.consume(`q.${i * 3 + k}`, () => undefined, { noAck: true })
  }
  // Nobody consumes from it: that is a problem.
  channel.sendToQueue('q.400', Buffer.from('waits'))
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
  for (const client of clients) await client.close()
  await broker.stop()
})

test('500 objects are drawn, and moving over them is smooth', async () => {
  const { page } = visitor
  await visitor.go('/topology')
  await visitor.sees('500 objects')
  assert.equal(await page.locator('.topology .all .node').count(), EXCHANGES + QUEUES + CONSUMERS)
  await page
    .getByRole('link', { name: /q\.400/ })
    .and(page.locator('.warn'))
    .waitFor()
  const frameMs = await workPerFrameMs(
    page,
    FRAMES,
    `new Promise((resolve) => {
      const list = document.querySelector('.topology')
      const nodes = [...document.querySelectorAll('.topology .node')]
      let frames = 0
      const step = () => {
        list.scrollTop += 60
        nodes[(frames * 7) % nodes.length].dispatchEvent(new MouseEvent('mouseenter'))
        if (++frames < ${FRAMES}) requestAnimationFrame(step)
        else resolve(frames)
      }
      requestAnimationFrame(step)
    })`,
  )
  // Drawing all objects anew takes several times as long.
  assert.ok(frameMs > 0 && frameMs < 60, `a frame took ${frameMs} ms`)
  const folder = process.env.WARREN_SCREENSHOTS
  if (folder !== undefined) await page.screenshot({ path: `${folder}/topology-500-light.png` })
  assert.deepEqual(await visitor.violations(), [])
  assert.deepEqual(visitor.complaints, [])
})

test('a name, or the problems alone, are shown with their neighbours; the address says so', async () => {
  const { page } = visitor
  await visitor.go('/topology')
  await page.getByLabel('Show what is called').fill('service-3')
  await page.waitForURL(/q=service-3/)
  await page.getByLabel('Show what is called').fill('events.7')
  // The exchange and its seven queues.
  await visitor.sees('8 objects, 7 connections')
  await page.getByLabel('Show what is called').fill('')
  await page.getByLabel('Only problems (1)').check()
  await visitor.sees('2 objects, 1 connection')
  await page.reload()
  await visitor.sees('2 objects, 1 connection')
  await visitor.click('Smaller')
  await visitor.page.getByRole('button', { name: 'Larger' }).click()
  assert.deepEqual(visitor.complaints, [])
})

test('rates stand on the edges while messages flow', async () => {
  const { page } = visitor
  const channel = await clients[1]!.createChannel()
  const timer = setInterval(() => channel.publish('events.5', 'k.5.a', Buffer.from('x')), 20)
  try {
    await visitor.go('/topology?q=q.5')
    await page
      .locator('.topology .all .edge .rate')
      .filter({ hasText: /^\d+(\.\d+)?\/s$/ })
      .first()
      .waitFor()
  } finally {
    clearInterval(timer)
    await channel.close()
  }
})

test('the tester says where a message goes, and the message goes there', async () => {
  const { page } = visitor
  const channel = await clients[0]!.createConfirmChannel()
  await channel.assertExchange('shop', 'topic')
  await channel.assertExchange('audit', 'fanout')
  await channel.assertExchange('rest', 'fanout')
  for (const name of ['eu', 'all', 'audited', 'leftovers']) await channel.assertQueue(name)
  await channel.bindQueue('eu', 'shop', 'order.*.eu')
  await channel.bindQueue('all', 'shop', 'order.#')
  await channel.bindExchange('audit', 'shop', '#.eu')
  await channel.bindQueue('audited', 'audit', '')
  await channel.bindQueue('leftovers', 'rest', '')
  // An alternate exchange by policy, which is not among the exchange's arguments.
  await callApi(base, 'PUT', 'policies/%2F/ae', {
    pattern: '^shop$',
    'apply-to': 'exchanges',
    definition: { 'alternate-exchange': 'rest' },
  })
  const ask = async (key: string): Promise<void> => {
    await page.getByLabel('Routing key').fill(key)
    await page.waitForURL(new RegExp(`key=${key.replaceAll('.', '\\.')}(&|$)`))
  }
  await visitor.go('/route')
  await page.getByRole('combobox', { name: 'Exchange' }).selectOption('shop')
  await ask('order.new.eu')
  await visitor.sees('It would go to all, audited, eu.')
  const lit = page.locator('.topology .above .node')
  assert.equal(await lit.count(), 5)
  assert.equal(await page.getByRole('row', { name: /shop order\.\*\.eu eu/ }).count(), 1)
  channel.publish('shop', 'order.new.eu', Buffer.from('x'))
  await channel.waitForConfirms()
  for (const queue of ['eu', 'all', 'audited']) assert.ok((await channel.get(queue, { noAck: true })) !== false, queue)
  await ask('nothing.like.it')
  await visitor.sees('It would go to leftovers.')
  await visitor.sees('Nothing matched at shop: the alternate exchange took over.')
  await page.reload()
  await visitor.sees('It would go to leftovers.')
  await callApi(base, 'DELETE', 'policies/%2F/ae')
  await page.getByRole('combobox', { name: 'Exchange' }).selectOption('amq.headers')
  await visitor.sees('No queue would get it')
  await channel.bindQueue('eu', 'amq.headers', '', { 'x-match': 'all', region: 'eu' })
  await visitor.click('+ any')
  await page.getByLabel('Headers: name 1').fill('region')
  await page.getByLabel('Headers: value of region').fill('eu')
  await visitor.sees('It would go to eu.')
  await page.getByRole('combobox', { name: 'Exchange' }).selectOption('amq.default')
  await ask('leftovers')
  await visitor.sees('It would go to leftovers.')
  assert.deepEqual(await visitor.violations(), [])
  assert.deepEqual(visitor.complaints, [])
})
