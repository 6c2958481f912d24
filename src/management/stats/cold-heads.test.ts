import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../base/clock.ts'
import type { Queue } from '../../model/queue/queue.ts'
import { ColdHeads } from './cold-heads.ts'

/** A queue whose head was published at 7 and is on disk. */
class ColdQueue {
  readyCount = 1
  seenAtMs = 0
  isLoaded = false
  readonly loads: (() => void)[] = []
  readonly contents = {
    head: 1,
    load: (_: number, done: () => void): void => {
      this.loads.push(done)
    },
  }

  status(): { oldestReadyAtMs: number } {
    if (this.isLoaded) this.seenAtMs = 7
    return { oldestReadyAtMs: this.seenAtMs }
  }

  answer(): void {
    this.isLoaded = true
    for (const done of this.loads.splice(0)) done()
    this.isLoaded = false
  }

  /** What the tests need of a queue is above. */
  get queue(): Queue {
    return this as unknown as Queue
  }
}

test('a cold head is read once, and its age is known afterwards', async () => {
  const heads = new ColdHeads(new ManualClock())
  const cold = new ColdQueue()
  heads.onCold(cold.queue)
  const seen = heads.see(cold.queue)
  assert.equal(cold.loads.length, 1)
  cold.answer()
  await seen
  assert.equal(cold.status().oldestReadyAtMs, 7)
  await heads.see(cold.queue)
  assert.equal(cold.loads.length, 0)
})

test('a disk that gives nothing is not waited for, and reads are bounded', async () => {
  const clock = new ManualClock()
  const heads = new ColdHeads(clock)
  const queues = Array.from({ length: 100 }, () => new ColdQueue())
  for (const { queue } of queues) heads.onCold(queue)
  assert.equal(queues.filter(({ loads }) => loads.length > 0).length, 64)
  const seen = heads.see(queues[0]!.queue)
  clock.advance(1_000)
  await seen
  // Those that were emptied meanwhile make room.
  for (const cold of queues.slice(0, 10)) cold.readyCount = 0
  for (const { queue } of queues.slice(64)) heads.onCold(queue)
  assert.equal(queues.filter(({ loads }) => loads.length > 0).length, 74)
})
