/**
 * A file of lines that is rotated: `audit.log`, and before it `audit.log.1` (the newest) to `audit.log.<count - 1>`.
 *
 * Lines are appended in memory and written in the background, one write at a time; nobody waits for the disk. What does
 * not fit the bound of waiting bytes is left out, and the log says so. A disk that fails is tried again with the next line.
 */
import type { Logger } from '../../base/log.ts'
import type { Disk, DiskFile } from '../../storage/disk.ts'

const WAITING_BYTES_MAX = 4 * 2 ** 20

/** How large, and how many. */
export interface AuditFileOptions {
  readonly disk: Disk
  readonly name: string
  readonly fileBytesMax: number
  /** The current one included. */
  readonly fileCountMax: number
  readonly logger: Logger
}

/** One per broker. */
export class AuditFile {
  readonly #options: AuditFileOptions
  #file: DiskFile | null = null
  #at = 0
  #waiting: string[] = []
  #waitingBytes = 0
  #writing: Promise<void> | null = null
  #isFailing = false

  constructor(options: AuditFileOptions) {
    this.#options = options
  }

  /** Appends a line, which has no line feed of its own. */
  append(line: string): void {
    const byteCount = Buffer.byteLength(line) + 1
    if (this.#waitingBytes + byteCount > WAITING_BYTES_MAX) return this.#fail('too much waits for the disk')
    this.#waiting.push(`${line}\n`)
    this.#waitingBytes += byteCount
    this.#writing ??= this.#write()
  }

  /** Writes what waits and closes the file. */
  async close(): Promise<void> {
    await this.#writing
    await this.#file?.close()
    this.#file = null
  }

  async #write(): Promise<void> {
    // One write for everything of the turn.
    await new Promise((resolve) => setImmediate(resolve))
    try {
      while (this.#waiting.length > 0) {
        const bytes = Buffer.from(this.#waiting.join(''))
        const file = await this.#fileFor(bytes.length)
        this.#waiting = []
        this.#waitingBytes = 0
        await file.write(bytes, 0, bytes.length, this.#at)
        this.#at += bytes.length
      }
      await this.#file?.sync()
      this.#isFailing = false
    } catch (error) {
      this.#fail(error instanceof Error ? error.message : String(error))
    } finally {
      this.#writing = null
    }
  }

  /** The file with room for so many bytes; a full one becomes an old one. */
  async #fileFor(byteCount: number): Promise<DiskFile> {
    const { disk, name, fileBytesMax } = this.#options
    if (this.#file === null) {
      this.#file = await disk.open(name, true)
      this.#at = (await disk.list()).find((entry) => entry.name === name)?.bytes ?? 0
    }
    if (this.#at === 0 || this.#at + byteCount <= fileBytesMax) return this.#file
    await this.#file.close()
    this.#file = null
    await this.#rotate()
    this.#file = await disk.open(name, true)
    this.#at = 0
    return this.#file
  }

  async #rotate(): Promise<void> {
    const { disk, name, fileCountMax } = this.#options
    const present = new Set((await disk.list()).map((entry) => entry.name))
    const named = (age: number): string => (age === 0 ? name : `${name}.${age}`)
    await disk.remove(named(fileCountMax - 1))
    for (let age = fileCountMax - 2; age >= 0; age--) {
      if (present.has(named(age))) await disk.rename(named(age), named(age + 1))
    }
  }

  /** Says it once per change of state. */
  #fail(reason: string): void {
    if (!this.#isFailing) this.#options.logger.error(`the audit log ${this.#options.name} cannot be written: ${reason}`)
    this.#isFailing = true
  }
}
