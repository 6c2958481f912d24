/**
 * What the store's tests share: a store whose turns end when the test says so, and messages that are one number.
 */
import { ManualClock } from '../base/clock.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import { Turn } from '../base/turn.ts'
import type { Disk } from './disk.ts'
import type { Ledger } from './ledger.ts'
import { openMessageStore, type StoreOptions } from './open-store.ts'
import type { Damage, StorageReport } from './report.ts'
import type { BlockStore } from './store.ts'

function rethrow(error: unknown): never {
  throw error
}

/** Reads the number that `StoreHarness.put` wrote. */
export class NumberView {
  number = 0
  bytes = 0

  at(bytes: Buffer, words: Uint32Array, payloadAt: number): void {
    this.number = words[payloadAt >>> 2]!
    this.bytes = words[(payloadAt >>> 2) + 1]!
    for (let i = payloadAt + 8; i < payloadAt + this.bytes; i++) {
      if (bytes[i] !== (this.number & 0xff)) throw new Error(`message ${this.number} is torn at byte ${i - payloadAt}`)
    }
  }
}

/** Collects what a store reports. */
export class Reports implements StorageReport {
  readonly damages: Damage[] = []
  readonly notices: string[] = []
  readonly troubles: string[] = []
  readonly health: string[] = []
  readonly bugs: unknown[] = []

  onHealth(health: { readonly state: string; readonly reason: string }): void {
    this.health.push(health.state)
  }
  onDamage(damage: Damage): void {
    this.damages.push(damage)
  }
  onTrouble(text: string): void {
    this.troubles.push(text)
  }
  onNotice(text: string): void {
    this.notices.push(text)
  }
  onProgress(): void {}
  onBug(error: unknown): void {
    this.bugs.push(error)
  }
}

/** A store in a test's hands. */
export class StoreHarness {
  readonly store: BlockStore
  readonly turn: Turn
  readonly clock: ManualClock
  readonly reports: Reports
  readonly view = new NumberView()

  constructor(store: BlockStore, turn: Turn, clock: ManualClock, reports: Reports) {
    this.store = store
    this.turn = turn
    this.clock = clock
    this.reports = reports
  }

  static async open(disk: Disk | null, options: Partial<StoreOptions> = {}): Promise<StoreHarness> {
    const clock = new ManualClock()
    const turn = new Turn(rethrow, () => undefined)
    const reports = new Reports()
    const store = await openMessageStore({
      disk,
      turn,
      clock,
      wheel: new TimerWheel(clock, rethrow),
      report: reports,
      weigh: (_bytes, words, payloadAt) => words[(payloadAt >>> 2) + 1]!,
      blockBytes: 4096,
      residentBytes: 64 * 4096,
      // Disks of tests take no time: every small sync would be fast.
      isSyncOnLoop: false,
      ...options,
    })
    return new StoreHarness(store, turn, clock, reports)
  }

  /** Stores a message in the ledgers; returns the sequence in the first. */
  put(ledgers: readonly Ledger[], number: number, durable = true, bytes = 40, tag = 0): number {
    const { store } = this
    store.reserve(durable, ledgers.length, bytes)
    const word = store.payloadAt >>> 2
    store.words[word] = number
    store.words[word + 1] = bytes
    store.bytes.fill(number & 0xff, store.payloadAt + 8, store.payloadAt + bytes)
    let first = 0
    for (let slot = ledgers.length - 1; slot >= 0; slot--) first = ledgers[slot]!.enter(slot, bytes, tag)
    return first
  }

  /** The number of the message in an entry, loading it when it is cold; -1 when it was lost. */
  async read(ledger: Ledger, sequence: number): Promise<number> {
    for (let tries = 0; tries < 10; tries++) {
      if (this.store.open(ledger.addressOf(sequence), this.view)) return this.view.number
      const answers: boolean[] = []
      this.store.load(ledger, sequence, { onLoaded: (failed) => answers.push(failed) })
      for (let rounds = 0; answers.length === 0; rounds++) {
        if (rounds > 100) throw new Error(`the load of entry ${sequence} is not answered`)
        await this.untilQuiet(1)
      }
      if (answers[0]) return -1
    }
    throw new Error(`entry ${sequence} does not come into memory`)
  }

  /** All live entries as [sequence, number]. */
  async contents(ledger: Ledger): Promise<[number, number][]> {
    const found: [number, number][] = []
    for (let at = ledger.nextLive(1); at < ledger.nextSequence; at = ledger.nextLive(at + 1)) {
      const number = await this.read(ledger, at)
      if (number >= 0) found.push([at, number])
    }
    return found
  }

  endTurn(): void {
    this.turn.end()
  }

  /** Ends turns, and lets the disk answer, until nothing moves any more. */
  async untilQuiet(rounds = 12): Promise<void> {
    for (let i = 0; i < rounds; i++) {
      this.turn.end()
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }

  /** Ends turns until everything appended is durable. */
  async untilDurable(): Promise<void> {
    const upTo = this.store.appended
    for (let i = 0; this.store.durable < upTo; i++) {
      if (i > 1_000) throw new Error('the log does not become durable')
      if (this.store.health.state === 'failed') this.clock.advance(5_000)
      this.store.awaitDurable({ onDurable: () => undefined })
      this.turn.end()
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }
}
