/**
 * The log's file: written in the background by pino's destination, begun anew by size or date. Owned by the log output.
 *
 * A full file becomes `<name>.0`, that one `<name>.1`, and so on up to the number that is kept; with none to keep it is
 * begun anew in place. [RabbitMQ: log.file.rotation.…]
 */
import { mkdirSync, openSync, renameSync, rmSync, statSync } from 'node:fs'
import { dirname } from 'node:path'
import { nextRotationMs, type RotationDate } from './rotation-date.ts'

/** When a file is begun anew, and how many old ones are kept. */
export interface Rotation {
  /** 0: never for its size. */
  readonly bytesMax: number
  /** Null: never for the date. */
  readonly date: RotationDate | null
  readonly countMax: number
}

/** What pino's destination is used for. */
interface LogStream {
  write(line: string): unknown
  end(): void
  on(event: 'error', call: () => void): unknown
  once(event: 'close', call: () => void): unknown
}

/** Makes a stream that writes to a descriptor in the background, and closes it in the end. */
type StreamMaker = (fd: number) => LogStream

/** An open log file. */
export class LogFile {
  readonly path: string
  readonly #rotation: Rotation
  readonly #streamOf: StreamMaker
  #stream: LogStream
  #bytes: number
  #rotateAtMs: number | null = null
  /** Former streams that still write what was buffered. */
  readonly #ending = new Set<Promise<void>>()

  private constructor(path: string, rotation: Rotation, streamOf: StreamMaker) {
    this.path = path
    this.#rotation = rotation
    this.#streamOf = streamOf
    mkdirSync(dirname(path), { recursive: true })
    this.#stream = this.#open()
    this.#bytes = sizeOf(path)
  }

  /** Opens it, making its folder. Rejects when it cannot be written. */
  static async open(path: string, rotation: Rotation): Promise<LogFile> {
    const { destination } = await import('pino')
    return new LogFile(path, rotation, (fd) => destination({ fd, sync: false }))
  }

  /** Writes a line of this time, to a new file when it is time for one. */
  write(line: string, timeMs: number): void {
    const bytes = Buffer.byteLength(line)
    if (this.#isDue(bytes, timeMs)) this.#rotate()
    this.#bytes += bytes
    this.#stream.write(line)
  }

  /** Opens it anew, after something has moved it. Goes on with the old one when it cannot be opened. */
  reopen(): void {
    let stream: LogStream
    try {
      stream = this.#open()
    } catch {
      return
    }
    void this.#end()
    this.#stream = stream
    this.#bytes = sizeOf(this.path)
  }

  /** Writes what is buffered. */
  async close(): Promise<void> {
    void this.#end()
    await Promise.all(this.#ending)
  }

  #open(): LogStream {
    const stream = this.#streamOf(openSync(this.path, 'a'))
    // A full disk must not take the broker down; what could not be written is tried again with the next line.
    stream.on('error', () => undefined)
    return stream
  }

  #end(): Promise<void> {
    const stream = this.#stream
    const ended = new Promise<void>((closed) => stream.once('close', closed))
    this.#ending.add(ended)
    void ended.then(() => this.#ending.delete(ended))
    stream.end()
    return ended
  }

  #isDue(bytes: number, timeMs: number): boolean {
    const { bytesMax, date } = this.#rotation
    if (bytesMax > 0 && this.#bytes > 0 && this.#bytes + bytes > bytesMax) return true
    if (date === null) return false
    this.#rotateAtMs ??= nextRotationMs(date, timeMs)
    if (timeMs < this.#rotateAtMs) return false
    this.#rotateAtMs = nextRotationMs(date, timeMs)
    return this.#bytes > 0
  }

  /** The former stream keeps its file under the new name. */
  #rotate(): void {
    const { countMax } = this.#rotation
    try {
      if (countMax === 0) rmSync(this.path, { force: true })
      else {
        for (let i = countMax - 1; i > 0; i--) moveIfThere(`${this.path}.${i - 1}`, `${this.path}.${i}`)
        moveIfThere(this.path, `${this.path}.0`)
      }
    } catch {
      // A folder that cannot be changed: the file grows on, and it is tried again when it has grown as much once more.
    }
    this.reopen()
    this.#bytes = 0
  }
}

function moveIfThere(from: string, to: string): void {
  if (statSync(from, { throwIfNoEntry: false }) !== undefined) renameSync(from, to)
}

function sizeOf(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.size ?? 0
}
