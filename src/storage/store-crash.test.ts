/**
 * The store against a naive model, over a disk that loses what was not synced, at any write point.
 *
 * What must hold after a crash: whatever was durable and never settled is there, unchanged and in order; whatever was
 * settled durably stays gone; nothing is there that was not put.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { FaultyDisk } from './disk-faulty.ts'
import { MemoryDisk } from './disk-memory.ts'
import type { Ledger } from './ledger.ts'
import { StoreHarness } from './store-harness.ts'

interface Entry {
  readonly number: number
  readonly bytes: number
  readonly tag: number
  readonly isDurable: boolean
  value: number
  /** Appended before this position. */
  readonly position: number
  isSettled: boolean
  isSettledForGood: boolean
}

const LEDGERS = 3
const THREADS = { blockBytes: 4096, residentBytes: 8 * 4096, unsyncedBytesMax: 1 << 20, isSyncOnLoop: false }
const LOOP = { ...THREADS, isSyncOnLoop: true }

/** One life of the store after another, with what it must remember. */
class Lives {
  readonly #options: typeof THREADS
  readonly ids: number[] = []
  readonly entries: Map<number, Entry>[] = []
  disk: FaultyDisk
  harness!: StoreHarness
  ledgers: Ledger[] = []
  number = 0

  constructor(disk: FaultyDisk, options: typeof THREADS) {
    this.disk = disk
    this.#options = options
  }

  async begin(): Promise<void> {
    this.harness = await StoreHarness.open(this.disk, this.#options)
    const { store } = this.harness
    for (let i = this.ids.length; i < LEDGERS; i++) {
      this.ids.push(store.newLedgerId())
      this.entries.push(new Map())
    }
    this.ledgers = this.ids.map((id) => store.ledger(id, true))
    store.dropUnclaimed()
  }

  put(mask: number, bytes: number, isDurable: boolean): void {
    const chosen = this.ids.map((_, i) => i).filter((i) => (mask & (1 << i)) !== 0)
    const number = ++this.number
    const tag = number & 0xff
    const first = chosen.map((i) => this.ledgers[i]!.nextSequence)
    this.harness.put(
      chosen.map((i) => this.ledgers[i]!),
      number,
      isDurable,
      bytes,
      tag,
    )
    const position = this.harness.store.appended
    for (const [k, i] of chosen.entries()) {
      const entry = { number, bytes, tag, isDurable, value: 0, position, isSettled: false, isSettledForGood: false }
      this.entries[i]!.set(first[k]!, entry)
    }
  }

  settle(i: number, choice: number, count: number): void {
    const ledger = this.ledgers[i]!
    if (ledger.liveCount === 0) return
    let sequence = ledger.nextLive(1 + (choice % (ledger.nextSequence - 1)))
    for (let k = 0; k < count && sequence < ledger.nextSequence; k++) {
      ledger.settle(sequence)
      this.entries[i]!.get(sequence)!.isSettled = true
      sequence = ledger.nextLive(sequence)
    }
  }

  /** A publisher waits for its confirm: the next sync is due. */
  awaitConfirm(): void {
    this.harness.store.awaitDurable({ onDurable: () => undefined })
  }

  remember(i: number, value: number): void {
    const ledger = this.ledgers[i]!
    const sequence = ledger.nextLive(1)
    if (sequence === ledger.nextSequence) return
    ledger.remember(sequence, value)
    this.entries[i]!.get(sequence)!.value = value
  }

  /** Everything done so far is durable now. */
  async quiesce(): Promise<void> {
    const { harness } = this
    await harness.untilQuiet(3)
    await harness.untilDurable()
    await harness.untilQuiet(3)
    await harness.untilDurable()
    for (const entries of this.entries) {
      for (const [sequence, entry] of entries) {
        if (entry.isSettled) entry.isSettledForGood = true
        if (entry.isSettled) entries.delete(sequence)
      }
    }
  }

  /** What this life knows must agree with the store, byte for byte. */
  async compareLive(): Promise<void> {
    for (const [i, ledger] of this.ledgers.entries()) {
      const expected = [...this.entries[i]!].filter(([, entry]) => !entry.isSettled)
      assert.deepEqual(
        await this.harness.contents(ledger),
        expected.map(([sequence, entry]) => [sequence, entry.number]),
      )
      assert.equal(ledger.liveCount, expected.length)
      assert.equal(
        ledger.liveBytes,
        expected.reduce((sum, [, entry]) => sum + entry.bytes, 0),
      )
      for (const [sequence, entry] of expected) {
        assert.equal(ledger.tagOf(sequence), entry.tag)
        assert.equal(ledger.recall(sequence), entry.value)
      }
    }
  }

  /** The store died and this disk was found. Compares what came back, and goes on from it. */
  async rebirth(found: MemoryDisk): Promise<void> {
    const durable = this.harness.store.durable
    this.disk = new FaultyDisk(found)
    const before = this.entries.map((entries) => new Map(entries))
    await this.begin()
    assert.deepEqual(this.harness.reports.damages, [])
    for (const [i, ledger] of this.ledgers.entries()) {
      const contents = await this.harness.contents(ledger)
      const present = new Map(contents)
      for (const [sequence, entry] of before[i]!) {
        const isDue = entry.isDurable && entry.position <= durable && !entry.isSettled
        if (isDue) assert.equal(present.get(sequence), entry.number, `entry ${sequence} of ledger ${i} is lost`)
      }
      const next = new Map<number, Entry>()
      for (const [sequence, number] of contents) {
        const entry = before[i]!.get(sequence)
        assert.ok(entry?.isDurable, `entry ${sequence} of ledger ${i} was invented`)
        assert.equal(number, entry.number)
        assert.equal(ledger.tagOf(sequence), entry.tag)
        next.set(sequence, { ...entry, value: ledger.recall(sequence), isSettled: false, position: 0 })
      }
      this.entries[i] = next
    }
  }
}

type Command =
  | readonly ['put', number, number, boolean]
  | readonly ['settle', number, number, number]
  | readonly ['remember', number, number]
  | readonly ['await confirm']
  | readonly ['turn', number]
  | readonly ['later', number]
  | readonly ['quiesce']
  | readonly ['crash', number]

const command: fc.Arbitrary<Command> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.tuple(
      fc.constant('put' as const),
      fc.integer({ min: 1, max: 7 }),
      fc.oneof(fc.integer({ min: 8, max: 700 }), fc.constant(6_000)),
      fc.boolean(),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(
      fc.constant('settle' as const),
      fc.integer({ min: 0, max: LEDGERS - 1 }),
      fc.nat(1_000),
      fc.integer({ min: 1, max: 12 }),
    ),
  },
  { weight: 1, arbitrary: fc.tuple(fc.constant('remember' as const), fc.nat(LEDGERS - 1), fc.nat(9)) },
  { weight: 3, arbitrary: fc.constant(['await confirm'] as const) },
  { weight: 4, arbitrary: fc.tuple(fc.constant('turn' as const), fc.integer({ min: 1, max: 5 })) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('later' as const), fc.integer({ min: 50, max: 1_500 })) },
  { weight: 1, arbitrary: fc.constant(['quiesce'] as const) },
  { weight: 1, arbitrary: fc.tuple(fc.constant('crash' as const), fc.nat()) },
)

async function run(lives: Lives, step: Command): Promise<void> {
  switch (step[0]) {
    case 'put':
      return lives.put(step[1], step[2], step[3])
    case 'settle':
      return lives.settle(step[1], step[2], step[3])
    case 'remember':
      return lives.remember(step[1], step[2])
    case 'await confirm':
      return lives.awaitConfirm()
    case 'turn':
      return lives.harness.untilQuiet(step[1])
    case 'later':
      return lives.harness.clock.advance(step[1])
    case 'quiesce':
      await lives.quiesce()
      return lives.compareLive()
    case 'crash':
      return lives.rebirth(leftBehind(lives.disk.memory, step[1]))
  }
}

/** Some of the ways in which a disk is found after a crash, chosen by a number. */
function leftBehind(memory: MemoryDisk, choice: number): MemoryDisk {
  let state = choice
  const next = (below: number): number => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % below
  }
  if (choice % 3 === 0) return memory.processDeath()
  return memory.powerLoss((bytes) => [0, bytes, next(bytes + 1)][next(3)]!, choice % 2 === 0)
}

/** A fixed life: many small turns, confirms, settlements behind, a straggler, a fan-out, deep enough for snapshots and cold reads. */
async function script(lives: Lives): Promise<void> {
  for (let round = 0; round < 30; round++) {
    for (let i = 0; i < 6; i++) lives.put(1 + ((round + i) % 7), 60 + ((round * 37 + i * 11) % 300), i !== 3)
    if (round > 3) for (let i = 0; i < LEDGERS; i++) lives.settle(i, i === 0 ? 2 : 0, 3)
    if (round % 5 === 0) lives.remember(1, round)
    if (round % 4 !== 0) lives.awaitConfirm()
    await lives.harness.untilQuiet(round % 3 === 0 ? 6 : 1)
    if (round % 7 === 0) lives.harness.clock.advance(200)
  }
}

for (const [where, options] of [
  ['threads', THREADS],
  ['the event loop', LOOP],
] as const) {
  describe(`message store and crashes, syncs on ${where}`, () => {
    test('agrees with a naive model, over any number of crashes', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(command, { maxLength: 120, size: 'max' }), async (steps) => {
          const lives = new Lives(new FaultyDisk(new MemoryDisk()), options)
          await lives.begin()
          for (const step of steps) await run(lives, step)
          await lives.quiesce()
          await lives.compareLive()
          assert.deepEqual(lives.harness.reports.bugs, [])
        }),
        { numRuns: 150 },
      )
    })

    test('agrees with a naive model while the disk fails now and then, and resumes by itself', async () => {
      const fault = fc.record({
        failFrom: fc.integer({ min: 1, max: 60 }),
        failCount: fc.integer({ min: 1, max: 6 }),
        code: fc.constantFrom('ENOSPC', 'EIO'),
        operation: fc.constantFrom('', 'write', 'sync', 'rename', 'open'),
      })
      await fc.assert(
        fc.asyncProperty(fc.array(command, { maxLength: 80, size: 'max' }), fault, async (steps, plan) => {
          const lives = new Lives(new FaultyDisk(new MemoryDisk()), options)
          await lives.begin()
          Object.assign(lives.disk.plan, plan)
          for (const step of steps) await run(lives, step)
          await lives.quiesce()
          await lives.compareLive()
          assert.equal(lives.harness.store.health.state, 'running')
        }),
        { numRuns: 100 },
      )
    })

    test('stopped at any write point, with the last write torn and unsynced bytes lost, loses nothing durable', async () => {
      const whole = new Lives(new FaultyDisk(new MemoryDisk()), options)
      await whole.begin()
      const first = whole.disk.points
      await script(whole)
      const last = whole.disk.points
      assert.ok(last - first > 50)
      assert.equal(whole.disk.syncsNow > 0, options.isSyncOnLoop)
      for (let stopAt = first + 1; stopAt <= last; stopAt++) {
        for (const [tornBytes, choice] of [
          [0, 1],
          [30, 2],
          [200, 3],
          [1e9, 4],
        ] as const) {
          const lives = new Lives(new FaultyDisk(new MemoryDisk()), options)
          await lives.begin()
          lives.disk.plan.stopAt = stopAt
          lives.disk.plan.tornBytes = tornBytes
          await script(lives)
          await lives.rebirth(leftBehind(lives.disk.memory, choice * 7 + stopAt))
          lives.put(7, 50, true)
          await lives.quiesce()
          await lives.compareLive()
        }
      }
    })

    test('failing at any write point delays confirms and loses nothing', async () => {
      const whole = new Lives(new FaultyDisk(new MemoryDisk()), options)
      await whole.begin()
      const first = whole.disk.points
      await script(whole)
      const last = whole.disk.points
      for (let failFrom = first + 1; failFrom <= last; failFrom++) {
        for (const code of ['ENOSPC', 'EIO']) {
          const lives = new Lives(new FaultyDisk(new MemoryDisk()), options)
          await lives.begin()
          Object.assign(lives.disk.plan, { failFrom, failCount: 3, code })
          await script(lives)
          await lives.quiesce()
          await lives.compareLive()
          await lives.rebirth(lives.disk.memory.powerLoss())
          await lives.compareLive()
        }
      }
    })
  })
}
