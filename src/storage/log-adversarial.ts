/**
 * A log that behaves as badly as its contract allows: for tests of what stands on it. Implements `Log`.
 *
 * It is a local log on a disk that answers when it likes, fails now and then and recovers, all from one seed; `crash`
 * leaves what a power loss would leave, with unsynced writes kept, torn or lost at random.
 */
import type { Clock } from '../base/clock.ts'
import { SeededRandomness } from '../base/random.ts'
import type { TimerWheel } from '../base/timer-wheel.ts'
import type { BlockTable } from './block-table.ts'
import { FaultyDisk } from './disk-faulty.ts'
import type { MemoryDisk } from './disk-memory.ts'
import type { Log } from './log.ts'
import { LogFiles } from './log-files.ts'
import { LocalLog } from './log-local.ts'
import { SILENT, type StorageReport } from './report.ts'

/** What an adversarial log is built from. */
export interface AdversarialOptions {
  readonly memory: MemoryDisk
  readonly blocks: BlockTable
  readonly clock: Clock
  readonly wheel: TimerWheel
  readonly seed: number
  readonly report?: StorageReport
}

/** A hostile world around a log. */
export class AdversarialLog {
  readonly log: Log
  readonly disk: FaultyDisk
  readonly #random: SeededRandomness

  constructor(options: AdversarialOptions) {
    const { blocks, clock, wheel } = options
    this.#random = new SeededRandomness(options.seed)
    this.disk = new FaultyDisk(options.memory)
    this.log = new LocalLog({
      files: new LogFiles(this.disk),
      blocks,
      clock,
      wheel,
      confirmAfter: 'sync',
      isSyncOnLoop: this.#random.below(2) === 0,
      unsyncedBytesMax: 1024 * 1024,
      report: options.report ?? SILENT,
    })
  }

  /** Changes the weather: from now on the disk may fail a few times. */
  stir(): void {
    const { plan } = this.disk
    plan.failFrom = this.disk.points + 1 + this.#random.below(20)
    plan.failCount = this.disk.failures + this.#random.below(3)
    plan.code = this.#random.below(2) === 0 ? 'ENOSPC' : 'EIO'
    plan.operation = ['', 'write', 'sync', 'rename', 'open'][this.#random.below(5)]!
  }

  /** What a machine finds that lost power now. The log must not be used any more. */
  crash(): MemoryDisk {
    this.disk.plan.stopAt = 1
    const keep = (bytes: number): number => [0, bytes, this.#random.below(bytes + 1)][this.#random.below(3)]!
    return this.disk.memory.powerLoss(keep, this.#random.below(2) === 0)
  }
}
