/**
 * Watches memory and free disk space, and raises and clears their alarms. One per broker; started at boot.
 *
 * Memory is read at an even pace. Free space is read the more often the closer it comes to the limit: so often that a
 * disk filled at 250 MB/s is noticed in time. A probe that fails leaves its alarm as it is. [docs/alarms.md]
 */
import type { Logger } from '../../base/log.ts'
import { TimerEntry, type TimerOwner, type TimerWheel } from '../../base/timer-wheel.ts'
import type { Alarms } from './alarms.ts'

const DISK_BYTES_PER_MS = 250_000
const DISK_INTERVAL_MS_MIN = 100
const DISK_INTERVAL_MS_MAX = 10_000

/** A limit in bytes, or as a fraction of the memory there is. Zero as a memory limit blocks all publishers. */
export type ResourceLimit =
  | { readonly kind: 'absolute'; readonly bytes: number }
  | { readonly kind: 'relative'; readonly fraction: number }

/** How the monitor looks at the world. */
export interface ResourceProbes {
  memoryUsedBytes(): number
  /** What `relative` limits refer to, also those of the disk. */
  memoryTotalBytes(): number
  /** Of the file system that holds the data. Undefined: there is none, and the disk is not watched. */
  readonly diskFreeBytes: (() => Promise<number>) | undefined
}

/** What a monitor watches, and how. */
export interface ResourceMonitorOptions {
  readonly alarms: Alarms
  readonly probes: ResourceProbes
  readonly wheel: TimerWheel
  readonly logger: Logger
  readonly memoryLimit: ResourceLimit
  readonly diskLimit: ResourceLimit
  readonly memoryIntervalMs: number
}

/** As last read, for listings. */
export interface ResourceStatus {
  readonly memoryUsedBytes: number
  readonly memoryLimitBytes: number
  /** -1 before the first reading, and without a disk. */
  readonly diskFreeBytes: number
  readonly diskLimitBytes: number
}

/** Watches one broker's resources. */
export class ResourceMonitor implements TimerOwner {
  readonly #options: ResourceMonitorOptions
  readonly #logger: Logger
  readonly #memoryTimer = new TimerEntry(this)
  readonly #diskTimer = new TimerEntry(this)
  #memoryLimit: ResourceLimit
  #diskLimit: ResourceLimit
  #diskFreeBytes = -1
  #diskProbeFails = false
  #stopped = false

  constructor(options: ResourceMonitorOptions) {
    this.#options = options
    this.#logger = options.logger.child('alarm')
    this.#memoryLimit = options.memoryLimit
    this.#diskLimit = options.diskLimit
  }

  /** Reads both for the first time, and goes on by itself. Resolves when the alarms are right. */
  async start(): Promise<void> {
    this.#checkMemory()
    await this.#checkDisk()
  }

  stop(): void {
    this.#stopped = true
    this.#options.wheel.cancel(this.#memoryTimer)
    this.#options.wheel.cancel(this.#diskTimer)
  }

  /** Changes the memory watermark of the running broker; it counts at once. */
  setMemoryLimit(limit: ResourceLimit): void {
    this.#memoryLimit = limit
    this.#checkMemory()
  }

  /** Changes the free space limit of the running broker; resolves when it counts. */
  setDiskLimit(limit: ResourceLimit): Promise<void> {
    this.#diskLimit = limit
    return this.#checkDisk()
  }

  status(): ResourceStatus {
    return {
      memoryUsedBytes: this.#options.probes.memoryUsedBytes(),
      memoryLimitBytes: this.#memoryLimitBytes(),
      diskFreeBytes: this.#diskFreeBytes,
      diskLimitBytes: this.#bytesOf(this.#diskLimit),
    }
  }

  onTimer(_nowMs: number, entry: TimerEntry): void {
    if (entry === this.#memoryTimer) this.#checkMemory()
    // Handles the probe's failures itself.
    else void this.#checkDisk()
  }

  // Checking

  #checkMemory(): void {
    const usedBytes = this.#options.probes.memoryUsedBytes()
    const limitBytes = this.#memoryLimitBytes()
    const changed = this.#options.alarms.set('memory', usedBytes > limitBytes)
    if (changed) this.#logChange('memory', { usedBytes, limitBytes })
    this.#again(this.#memoryTimer, this.#options.memoryIntervalMs)
  }

  async #checkDisk(): Promise<void> {
    const { probes, alarms } = this.#options
    if (probes.diskFreeBytes === undefined) return
    let freeBytes: number
    try {
      freeBytes = await probes.diskFreeBytes()
    } catch (error) {
      if (!this.#diskProbeFails) this.#logger.error('cannot read the free disk space', { error })
      this.#diskProbeFails = true
      return this.#again(this.#diskTimer, DISK_INTERVAL_MS_MAX)
    }
    if (this.#stopped) return
    this.#diskProbeFails = false
    this.#diskFreeBytes = freeBytes
    const limitBytes = this.#bytesOf(this.#diskLimit)
    if (alarms.set('disk', freeBytes < limitBytes)) this.#logChange('disk', { freeBytes, limitBytes })
    const enoughForMs = Math.abs(freeBytes - limitBytes) / DISK_BYTES_PER_MS
    this.#again(this.#diskTimer, Math.min(Math.max(enoughForMs, DISK_INTERVAL_MS_MIN), DISK_INTERVAL_MS_MAX))
  }

  #again(timer: TimerEntry, delayMs: number): void {
    if (this.#stopped) return
    const { wheel } = this.#options
    wheel.schedule(timer, wheel.clock.nowMs() + Math.ceil(delayMs))
  }

  /** A watermark above what there is would never be reached. */
  #memoryLimitBytes(): number {
    return Math.min(this.#bytesOf(this.#memoryLimit), this.#options.probes.memoryTotalBytes())
  }

  #bytesOf(limit: ResourceLimit): number {
    if (limit.kind === 'absolute') return limit.bytes
    return Math.floor(limit.fraction * this.#options.probes.memoryTotalBytes())
  }

  #logChange(name: 'memory' | 'disk', fields: Readonly<Record<string, number>>): void {
    const raised = this.#options.alarms.isRaised(name)
    if (raised)
      this.#logger.warning(`${name} resource limit alarm set: publishers will be blocked until it clears`, fields)
    else this.#logger.warning(`${name} resource limit alarm cleared`, fields)
  }
}
