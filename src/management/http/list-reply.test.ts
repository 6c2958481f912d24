import assert from 'node:assert/strict'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { test } from 'node:test'
import { type Listing, listReply, pick } from './list-reply.ts'

interface Item {
  readonly name: string
  readonly depth: number
}

async function list(query: string, items: readonly Item[]): Promise<{ json: unknown; built: number }> {
  let built = 0
  const listing: Listing<Item> = {
    sources: items,
    nameOf: ({ name }) => name,
    build: ({ name, depth }) => {
      built++
      return { name, stats: { depth } }
    },
    cheap: { name: ({ name }) => name },
  }
  const reply = await listReply(new URLSearchParams(query), listing)
  if (reply.json !== undefined) return { json: reply.json, built }
  let text = ''
  for await (const piece of reply.text as AsyncIterable<string>) text += piece
  return { json: JSON.parse(text), built }
}

const ITEMS = Array.from({ length: 300 }, (_, i) => ({ name: `n${String(i).padStart(3, '0')}`, depth: (i * 7) % 300 }))

test('a page sorted by a cheap column builds only its own entries', async () => {
  const { json, built } = await list('page=1&page_size=10&sort=name&sort_reverse=true', ITEMS)
  assert.equal((json as { items: Item[] }).items[0]?.name, 'n299')
  assert.equal(built, 10)
})

test('sorting by a nested column', async () => {
  const { json } = await list('sort=stats.depth&columns=stats.depth', ITEMS)
  assert.deepEqual(
    json,
    ITEMS.map((_, depth) => ({ stats: { depth } })),
  )
})

test('a list without a page is written whole', async () => {
  assert.equal(((await list('', ITEMS)).json as unknown[]).length, 300)
  assert.deepEqual((await list('', [])).json, [])
})

test('columns reach into objects and lists', () => {
  const entry = { a: 1, b: { c: 2, d: 3 }, e: [{ f: 4, g: 5 }] }
  assert.deepEqual(pick(entry, [['a'], ['b', 'c'], ['e', 'g'], ['x'], ['a', 'y']]), {
    a: 1,
    b: { c: 2 },
    e: [{ g: 5 }],
  })
  assert.deepEqual(pick(entry, [['b'], ['b', 'c']]), { b: { c: 2, d: 3 } })
  assert.deepEqual(entry.b, { c: 2, d: 3 })
})

const EVIL = encodeURIComponent('^(a+)+$')

test('a pattern that would take ages ends in a 400, and soon', async () => {
  const items = Array.from({ length: 1_000 }, (_, i) => ({ name: `${'a'.repeat(60)}!${i}`, depth: i }))
  await assert.rejects(list(`page=1&use_regex=true&name=${EVIL}`, items), { status: 400, reason: /takes too long/ })
  const { json } = await list(`page=1&use_regex=true&name=${encodeURIComponent('^A+!99\\d$')}`, items)
  assert.equal((json as { filtered_count: number }).filtered_count, 10)
})

test('many such patterns at once leave most of the event loop to others', async () => {
  const histogram = monitorEventLoopDelay({ resolution: 5 })
  const one = [{ name: `${'a'.repeat(60)}!`, depth: 0 }]
  histogram.enable()
  const refusals = await Promise.allSettled(
    Array.from({ length: 10 }, () => list(`page=1&use_regex=true&name=${EVIL}`, one)),
  )
  histogram.disable()
  assert.ok(refusals.every((refusal) => refusal.status === 'rejected' && refusal.reason.status === 400))
  // Ten at once would stop the loop for a second or more, one after the other without a pause likewise.
  assert.ok(histogram.percentile(75) < 50e6, `${histogram.percentile(75) / 1e6} ms`)
})

test('a list has an order of its own, by virtual host and name, also where sorting leaves some equal', async () => {
  const items = ['b/x', 'a/z', 'b/a', 'a/y'].map((path) => ({ vhost: path[0]!, name: path[2]!, durable: true }))
  const sorted = async (query: string): Promise<string> => {
    const { text } = await listReply(new URLSearchParams(query), {
      sources: items,
      nameOf: ({ name }) => name,
      build: (item) => item,
      cheap: { vhost: ({ vhost }) => vhost },
    })
    let json = ''
    for await (const piece of text as AsyncIterable<string>) json += piece
    return (JSON.parse(json) as typeof items).map(({ vhost, name }) => `${vhost}/${name}`).join(' ')
  }
  assert.equal(await sorted(''), 'a/y a/z b/a b/x')
  assert.equal(await sorted('sort_reverse=true'), 'b/x b/a a/z a/y')
  assert.equal(await sorted('sort=durable'), 'a/y a/z b/a b/x')
  assert.equal(await sorted('sort=name'), 'b/a b/x a/y a/z')
})
