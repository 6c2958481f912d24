/**
 * The bytes of the metadata's journal: a file header, then frames. Read and written by `journal-copy.ts` and
 * `metadata-journal.ts` alone.
 *
 * All numbers are little-endian 32-bit words; u64 are two words, low first, and below 2⁵³. Everything starts at a
 * multiple of 8. Two files, `a.journal` and `b.journal`, hold the same bytes.
 *
 *   file header (64 bytes)
 *     word 0–1  "WarrenMd"            word 4–5   generation: grows when the journal is written anew
 *     word 2    format version        word 6–14  zero (room for later versions)
 *     word 3    zero                  word 15    crc32 of words 0–14
 *
 *   frame: header (32 bytes), then JSON, filled up with spaces to a multiple of 8
 *     word 0    "WMf1"                word 3     kind
 *     word 1    bytes, header too     word 4–5   offset of this frame in the file
 *     word 2    crc32 of words 3–…    word 6–7   generation
 *
 *   kind 1  entries   [[store id, key, value, revision], …]         the snapshot that a generation begins with
 *   kind 2  complete  {"entries": count, "revision": n, "losses": n}  ends the snapshot
 *   kind 3  changes   {"revision": n, "changes": [[store id, key, value, revision] or [store id] when it goes, …]}
 *
 * A frame of another offset or generation is what an earlier use of the disk left behind. Readers skip kinds they do not
 * know. A transaction is in one frame, so it is there whole or not at all.
 */
import { crc32 } from 'node:zlib'

/** Written by this version; a larger one in a file is refused. */
export const JOURNAL_VERSION = 1
export const FILE_HEADER_BYTES = 64
export const FRAME_HEADER_BYTES = 32
export const KIND_ENTRIES = 1
export const KIND_COMPLETE = 2
export const KIND_CHANGES = 3

const MAGIC = 'WarrenMd'
const FRAME_MAGIC = 0x31664d57 // "WMf1"
const HEADER_CRC_AT = 60
const SPACE = 0x20
const HIGH = 0x1_0000_0000

/** What a file header says. */
export interface JournalHeader {
  readonly version: number
  readonly generation: number
}

function writeWide(bytes: Buffer, value: number, at: number): void {
  bytes.writeUInt32LE(value % HIGH, at)
  bytes.writeUInt32LE(Math.floor(value / HIGH), at + 4)
}

function readWide(bytes: Buffer, at: number): number {
  return bytes.readUInt32LE(at) + bytes.readUInt32LE(at + 4) * HIGH
}

/** The header of a file. */
export function encodeHeader(generation: number, version = JOURNAL_VERSION): Buffer {
  const bytes = Buffer.alloc(FILE_HEADER_BYTES)
  bytes.write(MAGIC, 'latin1')
  bytes.writeUInt32LE(version, 8)
  writeWide(bytes, generation, 16)
  bytes.writeUInt32LE(crc32(bytes.subarray(0, HEADER_CRC_AT)), HEADER_CRC_AT)
  return bytes
}

/** Reads the header of a file; null when it is not one. A header of any version is recognised. */
export function decodeHeader(bytes: Buffer): JournalHeader | null {
  if (bytes.length < FILE_HEADER_BYTES || bytes.toString('latin1', 0, MAGIC.length) !== MAGIC) return null
  if (bytes.readUInt32LE(HEADER_CRC_AT) !== crc32(bytes.subarray(0, HEADER_CRC_AT))) return null
  return { version: bytes.readUInt32LE(8), generation: readWide(bytes, 16) }
}

/** A frame for this place. */
export function encodeFrame(kind: number, content: unknown, at: number, generation: number): Buffer {
  const json = JSON.stringify(content)
  const used = FRAME_HEADER_BYTES + Buffer.byteLength(json)
  const bytes = Buffer.allocUnsafe((used + 7) & ~7)
  bytes.write(json, FRAME_HEADER_BYTES)
  bytes.fill(SPACE, used)
  bytes.writeUInt32LE(FRAME_MAGIC, 0)
  bytes.writeUInt32LE(bytes.length, 4)
  bytes.writeUInt32LE(kind, 12)
  writeWide(bytes, at, 16)
  writeWide(bytes, generation, 24)
  bytes.writeUInt32LE(crc32(bytes.subarray(12)), 8)
  return bytes
}

/** Whether the bytes may be the header of the frame at this place: all but the checksum is looked at. */
export function isFrameHeader(bytes: Buffer, at: number, generation: number): boolean {
  if (bytes.length < FRAME_HEADER_BYTES || bytes.readUInt32LE(0) !== FRAME_MAGIC) return false
  const length = frameBytes(bytes)
  return (
    length >= FRAME_HEADER_BYTES && length % 8 === 0 && readWide(bytes, 16) === at && readWide(bytes, 24) === generation
  )
}

/** Length of the frame that begins with these bytes. */
export function frameBytes(header: Buffer): number {
  return header.readUInt32LE(4)
}

/** Whether the whole frame is what was written. */
export function isSoundFrame(frame: Buffer): boolean {
  return frame.readUInt32LE(8) === crc32(frame.subarray(12))
}

export function frameKind(frame: Buffer): number {
  return frame.readUInt32LE(12)
}

/** The content of a sound frame. */
export function frameContent(frame: Buffer): unknown {
  return JSON.parse(frame.toString('utf8', FRAME_HEADER_BYTES))
}

/** Generation that a frame's header names. */
export function frameGeneration(header: Buffer): number {
  return readWide(header, 24)
}
