import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../base/clock.ts'
import { TimerWheel } from '../../base/timer-wheel.ts'
import { Caller } from '../http/access.ts'
import { objectNotFound } from '../http/api-error.ts'
import { LiveHub } from './live-hub.ts'
import { LiveStream } from './live-stream.ts'

const NO_MODEL = {
  hasVhost: () => true,
  vhostNames: () => [],
  rights: () => assert.fail('nobody asks for rights'),
}
const CALLER = new Caller({ user: 'guest', tags: ['administrator'], authorization: null, expiresAtMs: null }, NO_MODEL)

interface World {
  readonly clock: ManualClock
  readonly hub: LiveHub
  readonly values: Map<string, unknown>
  /** Paths in the order in which they were read. */
  readonly reads: string[]
}

function world(readMs = 0): World {
  const clock = new ManualClock()
  const values = new Map<string, unknown>()
  const reads: string[] = []
  const timers = new TimerWheel(clock, (error) => assert.fail(String(error)))
  const read = async (path: string): Promise<unknown> => {
    reads.push(path)
    if (readMs > 0) {
      await Promise.resolve()
      clock.advance(readMs)
    }
    if (!values.has(path)) throw objectNotFound()
    return structuredClone(values.get(path))
  }
  return { clock, hub: new LiveHub({ timers, clock, read }), values, reads }
}

async function next(text: AsyncGenerator<string>): Promise<string> {
  const { value } = await text.next()
  return String(value)
}

test('a page gets the whole resource, then what changes', async () => {
  const { clock, hub, values } = world()
  values.set('/api/overview', { ready: 1, name: 'n'.repeat(100) })
  const text = new LiveStream(hub, ['/api/overview'], CALLER).text()
  assert.match(await next(text), /^event: hello\n/)
  assert.match(await next(text), /^event: whole\ndata: \{"watch":0,"version":1,"body":\{"ready":1,/)
  const later = next(text)
  values.set('/api/overview', { ready: 2, name: 'n'.repeat(100) })
  clock.advance(1_000)
  assert.equal(await later, 'event: delta\ndata: {"watch":0,"version":2,"delta":[[["ready"],2]]}\n\n')
  await text.return(undefined)
  assert.equal(hub.streamCount, 0)
})

test('pages of a user share one reading', async () => {
  const { hub, values, reads } = world()
  values.set('/api/queues', [])
  const texts = [1, 2, 3].map(() => new LiveStream(hub, ['/api/queues'], CALLER).text())
  for (const text of texts) {
    await next(text)
    assert.match(await next(text), /^event: whole/)
  }
  assert.deepEqual(reads, ['/api/queues'])
  for (const text of texts) await text.return(undefined)
})

test('what cannot be read is told once, and comes back', async () => {
  const { clock, hub, values } = world()
  const text = new LiveStream(hub, ['/api/queues/a/b'], CALLER).text()
  await next(text)
  assert.match(await next(text), /^event: error\ndata: \{"watch":0,"version":1,"error":\{"status":404,/)
  const later = next(text)
  values.set('/api/queues/a/b', { name: 'b' })
  clock.advance(1_000)
  assert.match(await later, /^event: whole\ndata: \{"watch":0,"version":2,"body":\{"name":"b"\}/)
  await text.return(undefined)
})

test('a quiet page hears that the broker is there', async () => {
  const { clock, hub, values } = world()
  values.set('/api/overview', {})
  const text = new LiveStream(hub, ['/api/overview'], CALLER).text()
  await next(text)
  await next(text)
  const later = next(text)
  for (let i = 0; i < 16; i++) {
    clock.advance(1_000)
    // Lets the reading of this tick end.
    await new Promise((resolve) => setImmediate(resolve))
  }
  assert.equal(await later, ': still here\n\n')
  await text.return(undefined)
})

test('what takes long to read is read seldom, but at least every ten seconds', async () => {
  for (const [readMs, pauseMs] of [
    [10, 1_000],
    [100, 5_000],
    [5_000, 10_000],
  ] as const) {
    const { clock, hub, values, reads } = world(readMs)
    values.set('/api/queues', [])
    const text = new LiveStream(hub, ['/api/queues'], CALLER).text()
    await next(text)
    await next(text)
    const settle = () => new Promise((resolve) => setImmediate(resolve))
    while (reads.length === 1) {
      clock.advance(10)
      await settle()
    }
    const before = reads.length
    let passedMs = 0
    for (; reads.length === before && passedMs < 20_000; passedMs += 100) {
      clock.advance(100)
      await settle()
    }
    assert.ok(passedMs >= pauseMs && passedMs <= pauseMs * 1.3, `${readMs} ms: again after ${passedMs} ms`)
    hub.stop()
    await text.return(undefined)
  }
})

test('stopping ends every page', async () => {
  const { hub, values } = world()
  values.set('/api/overview', {})
  const text = new LiveStream(hub, ['/api/overview'], CALLER).text()
  await next(text)
  await next(text)
  const end = text.next()
  hub.stop()
  assert.equal((await end).done, true)
})
