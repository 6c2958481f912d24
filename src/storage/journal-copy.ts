/**
 * One of the two copies of the metadata's journal, for reading: hands out its sound frames, through a window of bounded
 * size. Used when the metadata is opened or checked.
 *
 * Invariant: a frame is borrowed, valid until the next call.
 */
import { type Disk, DiskError, type DiskFile } from './disk.ts'
import {
  decodeHeader,
  FILE_HEADER_BYTES,
  FRAME_HEADER_BYTES,
  frameBytes,
  frameGeneration,
  isFrameHeader,
  isSoundFrame,
  JOURNAL_VERSION,
} from './journal-format.ts'

const WINDOW_BYTES = 256 * 1024

/** The journal was written by a version that this one does not know. */
export class UnknownJournalFormat extends Error {
  constructor(file: string, version: number) {
    super(
      `${file} has format version ${version}; this version of WarrenMQ reads up to ${JOURNAL_VERSION}. ` +
        'Start the version that wrote it, or a newer one.',
    )
    this.name = 'UnknownJournalFormat'
  }
}

/** A file of the journal. */
export class JournalCopy {
  readonly name: string
  readonly bytes: number
  /** Of its header; 0 when that is damaged. */
  generation = 0
  /** Why a part of it could not be read. That part has no sound frames, then. */
  failure: DiskError | null = null
  readonly #file: DiskFile
  #window: Buffer = Buffer.allocUnsafe(WINDOW_BYTES)
  #from = 0
  #to = 0

  private constructor(name: string, file: DiskFile, bytes: number) {
    this.name = name
    this.#file = file
    this.bytes = bytes
  }

  /** Null when the file is not there. Rejects with `UnknownJournalFormat`, or a `DiskError` when it may not be opened. */
  static async open(disk: Disk, name: string): Promise<JournalCopy | null> {
    const entry = (await disk.list()).find((each) => each.name === name)
    if (entry === undefined) return null
    const copy = new JournalCopy(name, await disk.open(name, false), entry.bytes)
    try {
      const header = decodeHeader(await copy.#view(0, FILE_HEADER_BYTES))
      if (header !== null && header.version > JOURNAL_VERSION) throw new UnknownJournalFormat(name, header.version)
      copy.generation = header?.generation ?? 0
      return copy
    } catch (error) {
      await copy.close()
      throw error
    }
  }

  /** The sound frame of a generation at an offset, or null. */
  async frameAt(at: number, generation: number): Promise<Buffer | null> {
    const header = await this.#view(at, FRAME_HEADER_BYTES)
    if (!isFrameHeader(header, at, generation)) return null
    const length = frameBytes(header)
    if (at + length > this.bytes) return null
    const frame = await this.#view(at, length)
    return frame.length === length && isSoundFrame(frame) ? frame : null
  }

  /** Offset of the next sound frame at or behind `from`; -1 when there is none. */
  async nextFrame(from: number, generation: number): Promise<number> {
    for (let at = from; at + FRAME_HEADER_BYTES <= this.bytes; at += 8) {
      if ((await this.frameAt(at, generation)) !== null) return at
    }
    return -1
  }

  /** The generation that the first frame names, for a file whose header is damaged. */
  async firstGeneration(): Promise<number> {
    const header = await this.#view(FILE_HEADER_BYTES, FRAME_HEADER_BYTES)
    return header.length < FRAME_HEADER_BYTES ? 0 : frameGeneration(header)
  }

  close(): Promise<void> {
    return this.#file.close()
  }

  /** The bytes of a range, fewer at the file's end. */
  async #view(at: number, length: number): Promise<Buffer> {
    const end = Math.min(at + length, this.bytes)
    if (at < this.#from || end > this.#to) await this.#load(at, Math.max(end - at, 0))
    return this.#window.subarray(at - this.#from, Math.max(Math.min(end, this.#to), at) - this.#from)
  }

  async #load(at: number, length: number): Promise<void> {
    if (this.#window.length < length) this.#window = Buffer.allocUnsafe(length)
    this.#from = at
    this.#to = at
    try {
      this.#to += await this.#file.read(this.#window, 0, this.#window.length, at)
    } catch (error) {
      if (!(error instanceof DiskError)) throw error
      this.failure = error
    }
  }
}
