/**
 * A disk that fails when told to: for tests. Implements `Disk` over a `MemoryDisk`.
 *
 * Every call that changes something is a *write point* and has a number. From `failFrom` on, so many points fail with an
 * error code; from `stopAt` on nothing happens any more, as for a process that died: what the machine finds afterwards is
 * `memory.powerLoss()` or `memory.processDeath()`.
 */
import { type Disk, type DiskEntry, DiskError, type DiskFile } from './disk.ts'
import type { MemoryDisk } from './disk-memory.ts'

/** Which write points fail, and how. */
export interface FaultPlan {
  /** First failing point, counted from 1; 0 is none. */
  failFrom: number
  failCount: number
  code: string
  /** Only operations of this name (`write`, `sync`, …) fail; '' is any. */
  operation: string
  /** At this point and after it, nothing happens; 0 is never. */
  stopAt: number
  /** Of the write at `stopAt`, these many bytes still reach the file. */
  tornBytes: number
}

class FaultyFile implements DiskFile {
  readonly #disk: FaultyDisk
  readonly #file: DiskFile
  readonly #name: string

  constructor(disk: FaultyDisk, file: DiskFile, name: string) {
    this.#disk = disk
    this.#file = file
    this.#name = name
  }

  writeNow(bytes: Uint8Array, start: number, end: number, at: number): void {
    try {
      this.#disk.point('write', this.#name)
    } catch (error) {
      if (error instanceof Stopped && error.isFirst) {
        this.#file.writeNow(bytes, start, Math.min(end, start + this.#disk.plan.tornBytes), at)
      }
      throw error
    }
    this.#file.writeNow(bytes, start, end, at)
  }

  async write(bytes: Uint8Array, start: number, end: number, at: number): Promise<void> {
    await afterAWhile()
    this.writeNow(bytes, start, end, at)
  }

  async read(into: Uint8Array, start: number, end: number, at: number): Promise<number> {
    await afterAWhile()
    if (this.#disk.readFailures > 0) {
      this.#disk.readFailures--
      throw new DiskError('read', this.#name, 'EIO', 'injected')
    }
    const { name, from, to } = this.#disk.badPlace
    if (name === this.#name && at < to && at + end - start > from) {
      throw new DiskError('read', this.#name, 'EIO', 'a bad place (injected)')
    }
    return this.#file.read(into, start, end, at)
  }

  async sync(): Promise<void> {
    this.#disk.point('sync', this.#name)
    await afterAWhile()
    await this.#file.sync()
  }

  syncNow(): void {
    this.#disk.point('sync', this.#name)
    this.#disk.syncsNow++
    this.#file.syncNow()
  }

  async truncate(bytes: number): Promise<void> {
    this.#disk.point('truncate', this.#name)
    await this.#file.truncate(bytes)
  }

  async close(): Promise<void> {
    await this.#file.close()
  }
}

/** The process died here. */
class Stopped extends DiskError {
  readonly isFirst: boolean

  constructor(operation: string, name: string, isFirst: boolean) {
    super(operation, name, 'ESTOPPED', 'the disk has stopped')
    this.isFirst = isFirst
  }
}

/** Disks answer later, so that turns pass while they work. */
function afterAWhile(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** A disk with a plan of faults. */
export class FaultyDisk implements Disk {
  readonly path = 'faulty'
  readonly memory: MemoryDisk
  readonly plan: FaultPlan = { failFrom: 0, failCount: 0, code: 'EIO', operation: '', stopAt: 0, tornBytes: 0 }
  /** Write points passed so far. */
  points = 0
  failures = 0
  /** Syncs for which the calling thread waited. */
  syncsNow = 0
  /** So many reads fail from now on. */
  readFailures = 0
  /** Reads of this file that touch `[from, to)` fail; '' is none. */
  readonly badPlace = { name: '', from: 0, to: 0 }

  constructor(memory: MemoryDisk) {
    this.memory = memory
  }

  /** Passes a write point, or throws what the plan says. */
  point(operation: string, name: string): void {
    const { plan } = this
    this.points++
    if (plan.stopAt > 0 && this.points >= plan.stopAt) {
      throw new Stopped(operation, name, this.points === plan.stopAt)
    }
    if (plan.operation !== '' && plan.operation !== operation) return
    if (plan.failFrom === 0 || this.points < plan.failFrom || this.failures >= plan.failCount) return
    this.failures++
    throw new DiskError(operation, name, plan.code, 'injected')
  }

  async open(name: string, create: boolean): Promise<DiskFile> {
    if (create) this.point('open', name)
    return new FaultyFile(this, await this.memory.open(name, create), name)
  }

  async rename(from: string, to: string): Promise<void> {
    this.point('rename', from)
    await this.memory.rename(from, to)
  }

  async remove(name: string): Promise<void> {
    this.point('remove', name)
    await this.memory.remove(name)
  }

  list(folder?: string): Promise<DiskEntry[]> {
    return this.memory.list(folder)
  }

  async syncFolder(): Promise<void> {
    this.point('sync', this.path)
    await this.memory.syncFolder()
  }

  freeBytes(): Promise<number> {
    return this.memory.freeBytes()
  }

  lock(): Promise<void> {
    return this.memory.lock()
  }

  unlock(): Promise<void> {
    return this.memory.unlock()
  }
}
