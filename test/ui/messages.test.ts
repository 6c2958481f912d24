// The message explorer and the dead-letter centre, end to end: real clients publish and reject, the page finds, shows,
// moves and sends back; the HTTP API tells afterwards what is where.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, beforeEach, test } from 'node:test'
import { gzipSync } from 'node:zlib'
import { encode as encodeMessagePack } from '@msgpack/msgpack'
import amqp from 'amqplib'
import { encode as encodeCbor } from 'cborg'
import type { EmbeddedBroker } from '../../src/library.ts'
import { callApi, startConsole, Visitor } from './browser.ts'

let broker: EmbeddedBroker
let base: string
let visitor: Visitor
let client: Awaited<ReturnType<typeof amqp.connect>>
let channel: Awaited<ReturnType<typeof client.createConfirmChannel>>

before(async () => {
  const started = await startConsole()
  broker = started.broker
  base = started.base
  client = await amqp.connect(broker.url!)
  channel = await client.createConfirmChannel()
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

async function depthOf(queue: string): Promise<number> {
  const path = `queues/%2F/${queue}?disable_stats=true&enable_queue_totals=true`
  return ((await callApi(base, 'GET', path)) as { messages: number }).messages
}

async function orders(queue: string, count: number): Promise<void> {
  await channel.assertQueue(queue)
  for (let i = 0; i < count; i++) {
    const headers = { tenant: i % 2 === 0 ? 'north' : 'south', n: i }
    channel.sendToQueue(queue, Buffer.from(`{"order":${i}}`), { headers, messageId: `order-${i}` })
  }
  await channel.waitForConfirms()
}

const row = (text: string | RegExp) => visitor.page.getByRole('row', { name: text })

test('messages are found by header, property and body, and the address says which', async () => {
  const { page } = visitor
  await orders('look', 30)
  await visitor.go('/queues/%2F/look?tab=messages')
  await visitor.sees('30 messages of 30 looked at')
  await visitor.click('+ Header')
  await page.getByLabel('Header: name').fill('tenant')
  await page.getByLabel('Header: value').fill('south')
  await visitor.click('+ Body contains')
  await page.getByLabel('Body contains', { exact: true }).fill('"order":1')
  await visitor.click('Look')
  // 1, 11, 13, 15, 17, 19
  await visitor.sees('6 messages of 30 looked at')
  await page.reload()
  await visitor.sees('6 messages of 30 looked at')
  assert.equal(await page.getByLabel('Header: value').inputValue(), 'south')
  await visitor.click('+ Property')
  await page.getByLabel('Property: name').fill('message_id')
  await page.getByLabel('Property: value').fill('order-13')
  await visitor.click('Look')
  await visitor.sees('1 message of 30 looked at')
  // Looking consumes nothing, and nothing counts as delivered.
  const { messages } = (await callApi(base, 'POST', 'warren/queues/%2F/look/browse', {})) as {
    messages: readonly { redelivered: boolean }[]
  }
  assert.deepEqual([messages.length, messages.some(({ redelivered }) => redelivered)], [30, false])
  assert.deepEqual(visitor.complaints, [])
})

test('a body is shown as JSON, MessagePack and CBOR, copied and saved', async () => {
  const { page } = visitor
  const value = { name: 'Łódź', list: [1, 2, 3] }
  await channel.assertQueue('bodies')
  channel.sendToQueue('bodies', Buffer.from(JSON.stringify(value)), { messageId: 'json' })
  channel.sendToQueue('bodies', Buffer.from(encodeMessagePack(value)), {
    contentType: 'application/x-msgpack',
    messageId: 'msgpack',
  })
  channel.sendToQueue('bodies', Buffer.from(encodeCbor(value)), { contentType: 'application/cbor', messageId: 'cbor' })
  await channel.waitForConfirms()
  await visitor.go('/queues/%2F/bodies?tab=messages')
  for (const kind of ['json', 'msgpack', 'cbor']) {
    await page.getByRole('button', { name: new RegExp(`^\\d: ${kind}$`) }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Body').getByText('"name": "Łódź"').waitFor()
    await dialog.getByRole('button', { name: 'Copy' }).click()
    assert.deepEqual(JSON.parse(String(await page.evaluate('navigator.clipboard.readText()'))), value)
    await dialog.getByRole('button', { name: 'Hex' }).click()
    await dialog
      .getByLabel('Body')
      .getByText(/^000000 {2}/)
      .waitFor()
    const download = page.waitForEvent('download')
    await dialog.getByRole('button', { name: 'Save body' }).click()
    const file = await download
    assert.equal(file.suggestedFilename(), `${kind}.bin`)
    const bytes = readFileSync(await file.path())
    const expected =
      kind === 'json'
        ? Buffer.from(JSON.stringify(value))
        : kind === 'cbor'
          ? encodeCbor(value)
          : encodeMessagePack(value)
    assert.deepEqual([...bytes], [...expected])
    assert.deepEqual(await visitor.violations(), [])
    await dialog.getByRole('button', { name: 'Dismiss' }).click()
  }
  assert.deepEqual(visitor.complaints, [])
})

test('packed, very long and unusual bodies are shown as what they are', async () => {
  const { page } = visitor
  const long = 'x'.repeat(10 * 1024 * 1024)
  await channel.assertQueue('unusual')
  const send = (id: string, body: Buffer, options: object = {}) =>
    channel.sendToQueue('unusual', body, { messageId: id, ...options })
  send('exact', Buffer.from('{"n":12345678901234567890,"n":1}'))
  send('packed', gzipSync('{"packed":true}'), { contentEncoding: 'gzip' })
  send('broken', Buffer.from([0xc3, 0x28, 0x61, 0x62]), { contentType: 'text/plain' })
  send('long', Buffer.from(long))
  await channel.waitForConfirms()
  await visitor.go('/queues/%2F/unusual?tab=messages')
  const dialog = page.getByRole('dialog')
  for (const [id, shown] of [
    ['exact', /^{\s+"n": 12345678901234567890,\s+"n": 1\s+}$/],
    ['packed', /"packed": true/],
    ['broken', /^000000 {2}c3 28 61 62/],
    ['long', /^x+$/],
  ] as const) {
    await page.getByRole('button', { name: new RegExp(`^\\d: ${id}$`) }).click()
    await dialog.getByLabel('Body').getByText(shown).waitFor()
    assert.equal(await dialog.getByLabel('Headers').count(), 0)
    if (id === 'long') {
      await visitor.sees('The beginning of the body is shown, 200,000 of 10,485,760 characters.')
      await dialog.getByRole('button', { name: 'Copy' }).click()
      assert.equal(await page.evaluate('navigator.clipboard.readText().then(({ length }) => length)'), long.length)
    }
    await dialog.getByRole('button', { name: 'Dismiss' }).click()
    await dialog.waitFor({ state: 'detached' })
  }
  assert.deepEqual(visitor.complaints, [])
})

test('messages are copied, moved and deleted after a look at what would happen', async () => {
  const { page } = visitor
  await orders('from', 10)
  await channel.assertQueue('to')
  await visitor.go('/queues/%2F/from?tab=messages')
  await page.getByLabel('Choose 2', { exact: true }).check()
  await page.getByLabel('Choose 4', { exact: true }).check()
  await page.getByRole('group', { name: 'With the chosen' }).getByRole('button', { name: 'Move' }).click()
  await page.getByLabel('Queue', { exact: true }).fill('to')
  await visitor.click('Try without doing it')
  await page.getByRole('dialog').getByText('→ to: 2').waitFor()
  assert.deepEqual([await depthOf('from'), await depthOf('to')], [10, 0])
  await visitor.confirm('Move 2 messages')
  assert.deepEqual([await depthOf('from'), await depthOf('to')], [8, 2])

  await visitor.click('+ Header')
  await page.getByLabel('Header: name').fill('tenant')
  await page.getByLabel('Header: value').fill('north')
  await visitor.click('Look')
  await visitor.sees('5 messages of 8 looked at')
  const all = page.getByRole('group', { name: 'With all that match' })
  await all.getByRole('button', { name: 'Copy' }).click()
  await page.getByLabel('Queue', { exact: true }).fill('to')
  await visitor.click('Try without doing it')
  await visitor.confirm('Copy 5 messages')
  assert.deepEqual([await depthOf('from'), await depthOf('to')], [8, 7])
  await all.getByRole('button', { name: 'Delete' }).click()
  await page.getByRole('dialog').getByText('header tenant is north in from').waitFor()
  await visitor.click('Try without doing it')
  await page.getByRole('dialog').getByText('of 8 looked at would be deleted').waitFor()
  await visitor.confirm('Delete 5 messages')
  assert.equal(await depthOf('from'), 3)
  await visitor.sees('No ready message is like this')
  assert.deepEqual(visitor.complaints, [])
})

test('one message is published again, and several are saved', async () => {
  const { page } = visitor
  await orders('again', 3)
  await visitor.go('/queues/%2F/again?tab=messages')
  await page.getByRole('button', { name: '2: order-1' }).click()
  await page.getByRole('dialog').getByRole('button', { name: 'Publish again' }).click()
  await page
    .getByRole('dialog', { name: 'Publish to the queue again' })
    .getByRole('button', { name: 'Publish' })
    .click()
  await visitor.sees('Published and routed.')
  assert.equal(await depthOf('again'), 4)
  await page.keyboard.press('Escape')
  await page.getByLabel('Choose 1', { exact: true }).check()
  await page.getByLabel('Choose 3', { exact: true }).check()
  const download = page.waitForEvent('download')
  await visitor.click('Save')
  const saved = JSON.parse(readFileSync(await (await download).path(), 'utf8')) as {
    properties: { message_id: string }
  }[]
  assert.deepEqual(
    saved.map(({ properties }) => properties.message_id),
    ['order-0', 'order-2'],
  )
})

test('delivery is paused and resumed', async () => {
  await channel.assertQueue('halted')
  const got: string[] = []
  await channel.consume('halted', (message) => got.push(message?.content.toString() ?? ''), { noAck: true })
  await visitor.go('/queues/%2F/halted')
  await visitor.click('Pause')
  await visitor.confirm('Pause')
  await visitor.sees('delivery is paused')
  channel.sendToQueue('halted', Buffer.from('later'))
  await channel.waitForConfirms()
  assert.deepEqual([await depthOf('halted'), got], [1, []])
  await visitor.click('Resume')
  await visitor.sees('halted delivers again.')
  await visitor.page.getByText('delivery is paused').waitFor({ state: 'detached' })
  const endMs = performance.now() + 10_000
  while (got.length === 0 && performance.now() < endMs) await depthOf('halted')
  assert.deepEqual(got, ['later'])
})

test('dead letters are grouped by reason, queue and exchange, and sent back: some, then all', async () => {
  const { page } = visitor
  await channel.assertExchange('shop', 'direct')
  await channel.assertExchange('graves', 'fanout')
  await channel.assertQueue('grave')
  await channel.bindQueue('grave', 'graves', '')
  const deadLetterExchange = 'graves'
  await channel.assertQueue('work', { deadLetterExchange })
  await channel.assertQueue('short', { deadLetterExchange, messageTtl: 1 })
  await channel.bindQueue('work', 'shop', 'w')
  for (let i = 0; i < 6; i++) channel.publish('shop', 'w', Buffer.from(`work ${i}`), { messageId: `w${i}` })
  for (let i = 0; i < 2; i++) channel.sendToQueue('short', Buffer.from('late'))
  await channel.waitForConfirms()
  for (let i = 0; i < 6; i++) {
    const message = await channel.get('work')
    if (message !== false) channel.nack(message, false, false)
  }
  const endMs = performance.now() + 10_000
  while ((await depthOf('grave')) < 8) assert.ok(performance.now() < endMs, 'not all died')

  await visitor.go('/dead-letters')
  await visitor.sees('8 dead letters')
  await row(/rejected work shop grave 6/).waitFor()
  await row(/expired short \(default exchange\) grave 2/).waitFor()
  await row(/rejected work/)
    .getByRole('button', { name: 'Look inside' })
    .click()
  await visitor.sees('6 messages of 8 looked at')
  await row(/: w0 /).getByRole('checkbox').check()
  await row(/: w2 /).getByRole('checkbox').check()
  await page.getByRole('group', { name: 'With the chosen' }).getByRole('button', { name: 'Send back' }).click()
  await visitor.click('Try without doing it')
  await page.getByRole('dialog').getByText('→ work: 2').waitFor()
  assert.equal(await depthOf('work'), 0)
  await visitor.confirm('Send back 2 messages')
  assert.deepEqual([await depthOf('work'), await depthOf('grave')], [2, 6])
  await row(/rejected work shop grave 4/).waitFor()
  await page.getByRole('group', { name: 'With all that match' }).getByRole('button', { name: 'Send back' }).click()
  await visitor.click('Try without doing it')
  await visitor.confirm('Send back 4 messages')
  assert.deepEqual([await depthOf('work'), await depthOf('grave')], [6, 2])
  const first = await channel.get('work', { noAck: true })
  assert.ok(first !== false)
  assert.deepEqual([first.properties.messageId, first.properties.headers?.['x-death']], ['w0', undefined])
  await visitor.sees('2 dead letters')
  assert.deepEqual(await visitor.violations(), [])
  assert.deepEqual(visitor.complaints, [])
})

test('what a user may not do is said, and does not end the session', async () => {
  await callApi(base, 'PUT', 'users/reader', { password: 'reader', tags: 'management' })
  await callApi(base, 'PUT', 'permissions/%2F/reader', { configure: '^$', write: '^$', read: '.*' })
  await orders('readable', 2)
  const reader = await Visitor.arrive(base)
  try {
    await reader.signIn('reader', 'reader')
    await reader.settle()
    await reader.go('/queues/%2F/readable?tab=messages')
    await reader.sees('2 messages of 2 looked at')
    assert.equal(await reader.page.getByRole('button', { name: 'Send back' }).count(), 0)
    assert.equal(await reader.page.getByRole('button', { name: 'Pause' }).count(), 0)
    await reader.page.getByRole('group', { name: 'With all' }).getByRole('button', { name: 'Copy' }).click()
    await reader.page.getByRole('dialog').getByLabel('Queue', { exact: true }).fill('readable')
    await reader.click('Try without doing it')
    await reader.page.getByRole('dialog').getByText('Access refused.').waitFor()
    await reader.page.keyboard.press('Escape')
    await reader.go('/exchanges')
    await reader.page.getByRole('heading', { name: 'Exchanges' }).waitFor()
  } finally {
    await reader.leave()
  }
})
