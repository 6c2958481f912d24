/**
 * A file that a trace writes to: text is appended in memory and written in the background, one write at a time.
 *
 * Invariant: at most `WAITING_BYTES_MAX` wait and at most `FILE_BYTES_MAX` are in the file; what is beyond is left out,
 * and the file says how many messages that were. The path of messages never waits for it.
 */
import type { Logger } from '../../base/log.ts'
import type { Disk, DiskFile } from '../../storage/disk.ts'

const WAITING_BYTES_MAX = 16 * 2 ** 20
const FILE_BYTES_MAX = 2 ** 30

/** An open trace file. */
export class TraceFile {
  readonly #file: DiskFile
  readonly #name: string
  readonly #log: Logger
  #waiting: string[] = []
  #waitingBytes = 0
  #at: number
  #lostCount = 0
  #writing: Promise<void> | null = null
  #isFailed = false

  private constructor(file: DiskFile, name: string, at: number, log: Logger) {
    this.#file = file
    this.#name = name
    this.#at = at
    this.#log = log
  }

  /** Opens the file, to append to what is there. */
  static async open(disk: Disk, name: string, log: Logger): Promise<TraceFile> {
    const file = await disk.open(name, true)
    const entry = (await disk.list()).find((each) => each.name === name)
    return new TraceFile(file, name, entry?.bytes ?? 0, log)
  }

  /** Whether a message would only be counted: then its text need not be made. */
  get isFull(): boolean {
    return this.#isFailed || this.#waitingBytes >= WAITING_BYTES_MAX || this.#at >= FILE_BYTES_MAX
  }

  /** A message that there was no room for. */
  noteLost(): void {
    this.#lostCount++
  }

  /** Appends one message. */
  append(text: string): void {
    this.#waiting.push(text)
    this.#waitingBytes += Buffer.byteLength(text)
    this.#writing ??= this.#write()
  }

  /** Writes what waits and closes the file. */
  async close(): Promise<void> {
    await this.#writing
    await this.#file.close()
  }

  async #write(): Promise<void> {
    // One write for everything of the turn.
    await new Promise((resolve) => setImmediate(resolve))
    try {
      while (this.#waiting.length > 0) {
        const bytes = Buffer.from(this.#waiting.join('') + this.#lostNote())
        this.#waiting = []
        this.#waitingBytes = 0
        await this.#file.write(bytes, 0, bytes.length, this.#at)
        this.#at += bytes.length
      }
    } catch (error) {
      this.#isFailed = true
      this.#waiting = []
      const reason = error instanceof Error ? error.message : String(error)
      this.#log.error(`the trace file ${this.#name} cannot be written and ends here: ${reason}`)
    } finally {
      this.#writing = null
    }
  }

  #lostNote(): string {
    if (this.#lostCount === 0) return ''
    const note = `{"lost":${this.#lostCount}}\n`
    this.#lostCount = 0
    return note
  }
}
