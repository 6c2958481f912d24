/**
 * A frame of the history: one point in time, for all queues whose numbers changed. Shared by the segment that is being
 * filled and by those that are finished.
 */
import { crc32 } from 'node:zlib'
import { ByteReader, type ByteWriter } from '../../../base/bytes.ts'
import { readVarint } from './entry-codec.ts'

/** `u32` length of what follows the checksum, `u32` crc32 of it. */
const PREFIX_BYTES = 8
/** Time (`u64`), cover (`u32`), largest id (`u32`). */
const HEAD_BYTES = 16

/** When a frame was taken, and what it speaks for. */
export interface FrameTime {
  readonly timeMs: number
  /** So long it holds unless a later frame comes; 0 when the broker stopped. */
  readonly coverMs: number
  /** Queues with larger ids did not exist yet: ids grow and are never used again. */
  readonly idMax: number
}

/** A frame within the bytes of a journal: its entries are `[start, end)`. */
export interface Frame extends FrameTime {
  readonly start: number
  readonly end: number
}

/** Makes room for the prefix of a frame; `closeFrame` fills it in. Returns where the frame begins. */
export function openFrame(into: ByteWriter): number {
  return into.reserve(PREFIX_BYTES + HEAD_BYTES)
}

/** Finishes the frame that begins at `at` and ends where the writer is. */
export function closeFrame(into: ByteWriter, at: number, time: FrameTime): Frame {
  const { buffer, length } = into
  const payload = at + PREFIX_BYTES
  buffer.writeUInt32BE(Math.floor(time.timeMs / 2 ** 32), payload)
  buffer.writeUInt32BE(time.timeMs % 2 ** 32, payload + 4)
  buffer.writeUInt32BE(time.coverMs, payload + 8)
  buffer.writeUInt32BE(time.idMax, payload + 12)
  buffer.writeUInt32BE(length - payload, at)
  buffer.writeUInt32BE(crc32(buffer.subarray(payload, length)), at + 4)
  return { ...time, start: payload + HEAD_BYTES, end: length }
}

/** The frame at `at`; undefined where none is sound. */
export function frameAt(bytes: Buffer, at: number, end: number): Frame | undefined {
  if (end - at < PREFIX_BYTES + HEAD_BYTES) return undefined
  const payload = at + PREFIX_BYTES
  const payloadBytes = bytes.readUInt32BE(at)
  if (payloadBytes < HEAD_BYTES || payloadBytes > end - payload) return undefined
  const frameEnd = payload + payloadBytes
  if (bytes.readUInt32BE(at + 4) !== crc32(bytes.subarray(payload, frameEnd))) return undefined
  return {
    timeMs: bytes.readUInt32BE(payload) * 2 ** 32 + bytes.readUInt32BE(payload + 4),
    coverMs: bytes.readUInt32BE(payload + 8),
    idMax: bytes.readUInt32BE(payload + 12),
    start: payload + HEAD_BYTES,
    end: frameEnd,
  }
}

/** Walks the entries of a frame: `id` is that of the entry whose changes `reader` stands at. */
export class EntryCursor {
  readonly reader: ByteReader
  id = 0
  /** Where the changes of the entry begin and end. */
  start = 0
  next = 0

  constructor(bytes: Buffer, { start, end }: Frame) {
    this.reader = new ByteReader(bytes, start, end)
    this.next = start
  }

  /** Moves to the next entry; false after the last. */
  advance(): boolean {
    const { reader } = this
    reader.at = this.next
    if (reader.at === reader.end) return false
    this.id = readVarint(reader)
    const bytes = reader.u8()
    this.start = reader.at
    this.next = reader.at + bytes
    return true
  }
}
