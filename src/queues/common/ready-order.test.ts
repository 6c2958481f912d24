/**
 * The order of ready entries equals a list that is sorted anew each time, for both ways of returning and with levels.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MemoryLedger, MemoryStore } from './memory-store.ts'
import { type Ordering, ReadyOrder } from './ready-order.ts'

interface Entry {
  readonly sequence: number
  readonly level: number
  /** Order of its return; 0 when it never came back. */
  returned: number
  isSetAside: boolean
}

/** Keeps the order and a sorted list side by side. */
class Pair {
  readonly ledger: MemoryLedger
  readonly order: ReadyOrder
  readonly #ordering: Ordering
  #ready: Entry[] = []
  readonly #held: Entry[] = []
  #returns = 0

  constructor(ordering: Ordering) {
    const store = new MemoryStore()
    store.reserve(true, 1, 4)
    this.ledger = store.ledger(1)
    this.#ordering = ordering
    this.order = new ReadyOrder(this.ledger, ordering)
  }

  add(priority: number): void {
    const tag = this.order.tagOfPriority(priority)
    const sequence = this.ledger.enter(0, 1, tag)
    this.order.add(sequence, tag)
    this.#ready.push({ sequence, level: this.order.levelOfTag(tag), returned: 0, isSetAside: false })
  }

  shift(): void {
    const sequence = this.order.peek()
    const expected = this.#sorted()[0]
    assert.equal(sequence, expected?.sequence ?? 0)
    if (expected === undefined) return
    assert.equal(this.order.isHeadReturned, expected.returned > 0)
    this.order.shift()
    this.#drop(expected)
    this.#held.push(expected)
  }

  giveBack(pick: number): void {
    // An entry that was never delivered comes back only where returns come first.
    const candidates = this.#held.filter((each) => this.#ordering.returnsFirst || !each.isSetAside)
    const entry = candidates[pick % candidates.length]
    if (entry === undefined) return
    this.#held.splice(this.#held.indexOf(entry), 1)
    entry.returned = ++this.#returns
    this.order.giveBack(entry.sequence)
    this.#ready.push(entry)
  }

  settleHeld(): void {
    const entry = this.#held.shift()
    if (entry !== undefined) this.#settle(entry)
  }

  remove(pick: number, isSettledLater: boolean): void {
    const entry = this.#ready[pick % (this.#ready.length || 1)]
    if (entry === undefined) return
    assert.equal(this.order.isReady(entry.sequence), true)
    this.order.remove(entry.sequence, isSettledLater)
    this.#drop(entry)
    entry.isSetAside = isSettledLater
    if (isSettledLater) this.#held.push(entry)
    else this.#settle(entry)
  }

  removeSurplus(): void {
    const lowest = [...this.#ready].sort((a, b) => a.level - b.level || this.#compare(a, b))[0]
    const sequence = this.order.peekSurplus()
    if (this.#ordering.dropsLowest) assert.equal(this.#levelOf(sequence), lowest?.level ?? -1)
    else assert.equal(sequence, this.order.peek())
    if (lowest === undefined) return
    const entry = this.#ready.find((each) => each.sequence === sequence)!
    this.order.remove(sequence, false)
    this.#drop(entry)
    this.#settle(entry)
  }

  recount(): void {
    assert.equal(this.order.recount(this.ledger.nextSequence), this.#ready.length)
  }

  check(): void {
    assert.equal(this.order.count, this.#ready.length)
    for (const entry of this.#held) assert.equal(this.order.isReady(entry.sequence), false)
    const counts = this.order.countsByLevel()
    for (let level = 0; level < this.#ordering.levelCount; level++) {
      assert.equal(counts[level], this.#ready.filter((entry) => entry.level === level).length)
    }
  }

  #levelOf(sequence: number): number {
    return this.#ready.find((entry) => entry.sequence === sequence)?.level ?? -1
  }

  #compare(a: Entry, b: Entry): number {
    return a.sequence - b.sequence
  }

  #sorted(): Entry[] {
    const { returnsFirst } = this.#ordering
    return [...this.#ready].sort((a, b) => {
      if (returnsFirst && (a.returned > 0 || b.returned > 0)) {
        return (a.returned || Number.POSITIVE_INFINITY) - (b.returned || Number.POSITIVE_INFINITY)
      }
      return b.level - a.level || this.#compare(a, b)
    })
  }

  #drop(entry: Entry): void {
    this.#ready = this.#ready.filter((each) => each !== entry)
  }

  #settle(entry: Entry): void {
    this.order.forget(entry.sequence)
    this.ledger.settle(entry.sequence)
  }
}

const operations = fc.array(
  fc.record({
    what: fc.constantFrom(
      'add',
      'add',
      'add',
      'shift',
      'shift',
      'giveBack',
      'settle',
      'remove',
      'setAside',
      'lowest',
      'recount',
    ),
    pick: fc.nat(12),
  }),
  { maxLength: 80 },
)

function run(ordering: Ordering): void {
  fc.assert(
    fc.property(operations, (steps) => {
      const pair = new Pair(ordering)
      for (const { what, pick } of steps) {
        if (what === 'add') pair.add(pick)
        else if (what === 'shift') pair.shift()
        else if (what === 'giveBack') pair.giveBack(pick)
        else if (what === 'settle') pair.settleHeld()
        else if (what === 'remove') pair.remove(pick, false)
        else if (what === 'setAside') pair.remove(pick, true)
        else if (what === 'lowest') pair.removeSurplus()
        else pair.recount()
        pair.check()
      }
    }),
    { numRuns: 300 },
  )
}

test('one level, returned entries in their place', () =>
  run({ levelCount: 1, defaultLevel: 0, returnsFirst: false, dropsLowest: false }))
test('several levels, returned entries in their place', () =>
  run({ levelCount: 6, defaultLevel: 0, returnsFirst: false, dropsLowest: false }))
test('several levels, returned entries first', () =>
  run({ levelCount: 8, defaultLevel: 4, returnsFirst: true, dropsLowest: true }))

test('the usual priority has tag 0', () => {
  const order = new ReadyOrder(new MemoryLedger(1, new MemoryStore()), {
    levelCount: 32,
    defaultLevel: 4,
    returnsFirst: true,
    dropsLowest: true,
  })
  assert.deepEqual([order.tagOfPriority(undefined), order.tagOfPriority(4)], [0, 0])
  assert.deepEqual([order.levelOfTag(0), order.levelOfTag(order.tagOfPriority(31))], [4, 31])
})
