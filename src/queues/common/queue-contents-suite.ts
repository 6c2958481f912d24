/**
 * What operators can do with the entries of every kind of queue that keeps them: one part of the suite, run over each kind.
 */
import assert from 'node:assert/strict'
import { MessageView } from '../../model/message/message.ts'
import type { QueueContents } from '../../model/queue/queue.ts'
import type { Check, MakeBed } from './queue-suite.ts'
import { bodyOf, type QueueBed } from './test-bed.ts'

/** Registers the part for a kind. */
export function contentsSuite(bed: MakeBed, check: Check): void {
  check('browsing shows ready entries in order and leaves them where they are', () => {
    const it = bed()
    it.publishAll('a', 'b', 'c')
    assert.deepEqual(browse(it), ['a', 'b', 'c'])
    assert.equal(it.queue.readyCount, 3)
    assert.deepEqual(it.takeAll(), ['a', 'b', 'c'])
    assert.deepEqual(browse(it), [])
  })

  check('unacked entries are not shown, and those that came back are', () => {
    const it = bed()
    it.publishAll('a', 'b', 'c')
    const sink = it.subscribe({ prefetchCount: 2 })
    it.endTurns()
    assert.deepEqual(browse(it), ['c'])
    sink.consumer!.cancel()
    sink.settle('returned')
    const contents = contentsOf(it)
    const first = contents.nextReady(1)
    assert.equal(contents.factsOf(first).redelivered, true)
    assert.equal(browse(it).length, 2)
  })

  check('an entry that is held goes to nobody, and is settled or ready again', () => {
    const it = bed()
    it.publishAll('a', 'b', 'c')
    const contents = contentsOf(it)
    const second = contents.nextReady(contents.nextReady(1) + 1)
    assert.equal(contents.hold(second), true)
    assert.equal(contents.hold(second), false)
    assert.deepEqual([it.queue.readyCount, it.queue.status().readyBytes], [2, 2])
    assert.deepEqual(it.takeAll(), ['a', 'c'])
    contents.release(second, 'returned')
    assert.deepEqual(it.takeAll(), ['b'])
    it.publishAll('d')
    const last = contents.nextReady(1)
    assert.equal(contents.hold(last), true)
    contents.release(last, 'accepted')
    contents.release(last, 'returned')
    assert.deepEqual([it.queue.readyCount, it.store.ledger(1).liveCount], [0, 0])
  })

  check('entries are taken out of the middle, whatever else is delivered', () => {
    const it = bed()
    for (let i = 0; i < 50; i++) it.publish(String(i))
    it.endTurns()
    const contents = contentsOf(it)
    let kept = 0
    for (let at = contents.nextReady(1); at !== 0; at = contents.nextReady(at + 1)) {
      if (kept++ % 3 !== 0) continue
      contents.hold(at)
      contents.release(at, 'accepted')
    }
    const wanted = Array.from({ length: 50 }, (_, i) => i).filter((i) => i % 3 !== 0)
    assert.deepEqual(it.takeAll().map(Number), wanted)
  })

  check('a held entry is ready again after a crash', () => {
    const it = bed()
    it.publishAll('a')
    const contents = contentsOf(it)
    contents.hold(contents.nextReady(1))
    const again = it.restarted()
    again.endTurns()
    assert.deepEqual(again.takeAll(), ['a'])
  })

  check('what is not in memory is loaded to be looked at', () => {
    const it = bed()
    it.publishAll('a', 'b')
    assert.deepEqual(browse(it.restarted()), ['a', 'b'])
  })

  check('while a queue is paused consumers get nothing; publishing and taking go on', () => {
    const it = bed()
    const sink = it.subscribe()
    contentsOf(it).pause()
    it.publishAll('a', 'b')
    assert.deepEqual(sink.bodies, [])
    assert.equal(it.queue.readyCount, 2)
    assert.equal(bodyOf(it.take(true)!.view), 'a')
    contentsOf(it).resume()
    it.endTurns()
    assert.deepEqual(sink.bodies, ['b'])
  })

  check('a deleted queue forgets what is held', () => {
    const it = bed()
    it.publishAll('a')
    const contents = contentsOf(it)
    const held = contents.nextReady(1)
    contents.hold(held)
    it.queue.close('deleted')
    contents.release(held, 'returned')
    assert.equal(contents.nextReady(1), 0)
  })
}

function contentsOf(it: QueueBed): QueueContents {
  assert.ok(it.queue.contents !== null)
  return it.queue.contents
}

function browse(it: QueueBed): string[] {
  const contents = contentsOf(it)
  const view = new MessageView()
  const bodies: string[] = []
  for (let at = contents.nextReady(1); at !== 0; at = contents.nextReady(at + 1)) {
    let isLoaded = false
    if (!contents.open(at, view)) {
      contents.load(at, () => {
        isLoaded = true
      })
      it.endTurns()
      assert.ok(isLoaded && contents.open(at, view))
    }
    bodies.push(bodyOf(view))
  }
  return bodies
}
