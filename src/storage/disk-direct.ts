/**
 * Large writes past the system's page cache (`O_DIRECT`), straight from the block's memory.
 *
 * A page of the cache has to be found, filled and given back; for a log that nobody reads while it is in memory anyway that is
 * half of the cost of writing it. [measured: docs/performance.md] Files are written through the cache when the platform or the
 * file system has no such thing, which the first attempt tells.
 *
 * Pages written here and pages of the cache are different ones, except after a failure; the system keeps both coherent.
 */
import * as fs from 'node:fs'

/** Whole pages are written here: a multiple of any disk's block. */
const PAGE_BYTES = 4096
/** Smaller writes are cheaper through the cache: the sync takes them along. */
const DIRECT_BYTES_MIN = 128 * 1024
/** The file system cannot, or not this way. */
const UNSUPPORTED = new Set(['EINVAL', 'ENOTSUP', 'EOPNOTSUPP', 'ENOENT', 'ELOOP', 'EACCES', 'EPERM'])

/** Whether one folder's files are written directly. */
export class DirectWrites {
  #isOn: boolean

  constructor(isOn: boolean) {
    this.#isOn = isOn && fs.constants.O_DIRECT !== undefined && process.platform === 'linux'
  }

  /** Whether a write of so many bytes should be. */
  isWorthwhile(byteCount: number): boolean {
    return this.#isOn && byteCount >= DIRECT_BYTES_MIN
  }

  /** It does not work here. */
  turnOff(): void {
    this.#isOn = false
  }
}

/** The whole pages within a range. */
export interface PageRange {
  readonly start: number
  readonly end: number
}

/** A second, direct descriptor of an open file. */
export class DirectFile {
  readonly #fd: number
  readonly #writes: DirectWrites
  #directFd: Promise<number> | null = null

  constructor(fd: number, writes: DirectWrites) {
    this.#fd = fd
    this.#writes = writes
  }

  /**
   * Writes the whole pages of `bytes[start, end)` at the same offset of the file and resolves to their range; to null, and turns
   * direct writes off, when that does not work here. Rejects with the system's error.
   */
  async write(bytes: Uint8Array, start: number, end: number): Promise<PageRange | null> {
    const pages = { start: Math.ceil(start / PAGE_BYTES) * PAGE_BYTES, end: Math.floor(end / PAGE_BYTES) * PAGE_BYTES }
    try {
      // Whatever its name is by now.
      this.#directFd ??= open(`/proc/self/fd/${this.#fd}`)
      const fd = await this.#directFd
      for (let from = pages.start; from < pages.end; ) {
        const count = await writeSome(fd, bytes, from, pages.end)
        if (count === 0 || count % PAGE_BYTES !== 0) return null
        from += count
      }
      return pages
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && UNSUPPORTED.has(String(error.code)))) throw error
      this.#writes.turnOff()
      return null
    }
  }

  /** Closes this descriptor; the file's own stays open. */
  async close(): Promise<void> {
    const fd = await this.#directFd?.catch(() => undefined)
    this.#directFd = null
    if (fd !== undefined) await new Promise<void>((resolve) => fs.close(fd, () => resolve()))
  }
}

function open(path: string): Promise<number> {
  const flags = fs.constants.O_RDWR | fs.constants.O_DIRECT
  return new Promise((resolve, reject) => {
    fs.open(path, flags, (error, fd) => (error === null ? resolve(fd) : reject(error)))
  })
}

function writeSome(fd: number, bytes: Uint8Array, from: number, to: number): Promise<number> {
  return new Promise((resolve, reject) => {
    fs.write(fd, bytes, from, to - from, from, (error, count) => (error === null ? resolve(count) : reject(error)))
  })
}
