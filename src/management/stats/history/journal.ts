/**
 * The segment of the history that is being filled: frames one after the other, in memory and, the same bytes, in a file.
 *
 * A restart goes on with it: what was torn at the end is cut off. When it is long enough it is sealed, which sorts it by
 * queue (`sealed-segment.ts`). Owned by the queue history.
 */
import { breathe } from '../../../base/breathe.ts'
import { ByteWriter } from '../../../base/bytes.ts'
import type { Disk } from '../../../storage/disk.ts'
import type { Row } from '../fields.ts'
import { changedMask, readChanges, writeChanges, writeVarint } from './entry-codec.ts'
import { closeFrame, EntryCursor, type Frame, type FrameTime, frameAt, openFrame } from './frame.ts'
import type { LastRows } from './last-rows.ts'

const MAGIC = Buffer.from('WMqhist1')
const NO_FRAME = -1

/** A frame, and the changes of one queue in it; null when its numbers stayed. */
export interface Mark {
  readonly frame: FrameTime
  readonly changes: Buffer | null
}

/** Frames in the order of time. */
export class Journal {
  readonly name: string
  readonly frames: Frame[] = []
  readonly #bytes = new ByteWriter()
  #frameAt = NO_FRAME
  #idMax = 0
  #writtenBytes = 0

  constructor(name: string) {
    this.name = name
    this.#bytes.bytes(MAGIC)
  }

  /** What is whole of the bytes of a file; undefined when they are none of ours. */
  static read(name: string, bytes: Buffer): Journal | undefined {
    if (!bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined
    const journal = new Journal(name)
    let at = MAGIC.length
    let newestMs = 0
    for (let frame = frameAt(bytes, at, bytes.length); frame !== undefined; frame = frameAt(bytes, at, bytes.length)) {
      if (frame.timeMs <= newestMs) break
      newestMs = frame.timeMs
      journal.frames.push(frame)
      at = frame.end
    }
    journal.#bytes.bytes(bytes.subarray(MAGIC.length, at))
    journal.#writtenBytes = at
    return journal
  }

  get byteCount(): number {
    return this.#bytes.length
  }

  get newestMs(): number {
    return this.frames.at(-1)?.timeMs ?? 0
  }

  /** Whether a frame was begun and not ended: its changes are lost to those that follow. */
  get isTorn(): boolean {
    return this.#frameAt !== NO_FRAME
  }

  get bytes(): Buffer {
    return this.#bytes.buffer
  }

  begin(): void {
    this.#idMax = 0
    this.#frameAt = openFrame(this.#bytes)
  }

  /** Notes the numbers of a queue, when they changed. */
  note(id: number, row: Row, last: LastRows): void {
    if (id > this.#idMax) this.#idMax = id
    const at = last.placeOf(id, row)
    if (at < 0) return
    const mask = changedMask(row, last.rows, at)
    if (mask === 0) return
    writeVarint(this.#bytes, id)
    const lengthAt = this.#bytes.reserve(1)
    writeChanges(this.#bytes, mask, row, last.rows, at)
    this.#bytes.buffer[lengthAt] = this.#bytes.length - lengthAt - 1
  }

  end(timeMs: number, coverMs: number): void {
    const idMax = Math.max(this.#idMax, this.frames.at(-1)?.idMax ?? 0)
    this.frames.push(closeFrame(this.#bytes, this.#frameAt, { timeMs, coverMs, idMax }))
    this.#frameAt = NO_FRAME
  }

  /** The numbers as of the newest frame, for going on after a restart. */
  async replay(last: LastRows): Promise<void> {
    for (const frame of this.frames) {
      const cursor = new EntryCursor(this.bytes, frame)
      while (cursor.advance()) {
        const at = last.placeFor(cursor.id)
        if (at >= 0) readChanges(cursor.reader, last.rows, at)
      }
      await breathe()
    }
  }

  /** All frames, with the changes of one queue. */
  marksOf(id: number): Mark[] {
    return this.frames.map((frame) => {
      const cursor = new EntryCursor(this.bytes, frame)
      while (cursor.advance()) {
        if (cursor.id === id) return { frame, changes: this.bytes.subarray(cursor.start, cursor.next) }
      }
      return { frame, changes: null }
    })
  }

  /** Writes what the file does not have yet. After a failure the next call begins where this one did. */
  async write(disk: Disk): Promise<void> {
    const end = this.frames.at(-1)?.end ?? 0
    const start = this.#writtenBytes
    if (end <= start) return
    const bytes = this.bytes
    const file = await disk.open(this.name, true)
    try {
      if (start > 0) await file.truncate(start)
      await file.write(bytes, start, end, start)
      this.#writtenBytes = end
    } finally {
      await file.close()
    }
  }
}
