/**
 * The bytes of the log: block headers, batch headers and records. Everything that reads or writes them is built on this.
 *
 * All numbers are little-endian 32-bit words; u64 are two words, low first, and below 2⁵³. Everything starts at a
 * multiple of 8. A log file is the image of one block:
 *
 *   block header (64 bytes)
 *     word 0–1  "WarrenLg"            word 4–5  block number            word 8    crc32 of words 0–7
 *     word 2    format version        word 6–7  created at, ms          word 9–15 zero (room for later versions)
 *     word 3    block bytes (of the folder: addresses are number × this + offset)
 *
 *   batch: header (56 bytes), then records
 *     word 0    "WBt1"                word 4–5   position of this batch   word 10–11 sealed at, ms
 *     word 1    bytes, header too     word 6–7   position of its parent   word 12–13 the log was durable up to here
 *     word 2    crc32 of words 3–…    word 8     crc32 of its parent
 *     word 3    epoch                 word 9     zero (room)
 *
 *   record: head, owners, payload
 *     word 0    bytes, without padding to 8
 *     word 1    kind | flags<<8 | owners<<16
 *     per owner: ledger id · sequence low · sequence high 15 bits | volatile<<15 | tag<<16
 *     payload
 *
 * A batch whose position is not where it stands is what an earlier use of the file left behind. A broken batch is damage
 * when a later batch says that the log was durable past it; otherwise it is the torn tail of the last write.
 */
import { crc32 } from 'node:zlib'

/** Written by this version; a larger one in a file is refused. */
export const FORMAT_VERSION = 1
export const BLOCK_HEADER_BYTES = 64
export const BATCH_HEADER_BYTES = 56
/** A batch is sealed when it grows past this: what one bit error can cost, and what one cold read must verify. */
export const BATCH_BYTES_MAX = 128 * 1024
/** Words before the owners. */
export const RECORD_HEAD_BYTES = 8
export const OWNER_BYTES = 12
/** Default size of a block. Also the largest: a ledger keeps offsets in 21 bits of 8 bytes. */
export const BLOCK_BYTES_MAX = 2 ** 24

/** A message with its owners. */
export const KIND_MESSAGE = 1
/** The same message, written again by compaction, with the owners that were still live. */
export const KIND_MOVED = 2
/** What changed in a ledger during a turn: settled ranges, delivered watermark, remembered values. */
export const KIND_LEDGER = 3
export const KIND_LEDGER_DELETED = 4
/** A snapshot begins; its parts follow, among other records. */
export const KIND_SNAPSHOT_BEGIN = 5
/** The exact state of an interval of a ledger at this place of the log. */
export const KIND_SNAPSHOT_PART = 6
/** Every ledger has been described since the begin: what settled entries before it is not needed any more. */
export const KIND_SNAPSHOT_END = 7

/** Nothing: the batch that holds it says how far the log was durable. Written when the log comes to rest. */
export const KIND_REST = 8
/** Fills the place of damaged batches. */
export const KIND_VOID = 9
/** The label of a ledger: whose it is. */
export const KIND_LEDGER_LABEL = 10

/** In an owner's third word: the ledger is not durable; after a restart the owner is ignored. */
export const OWNER_VOLATILE = 0x8000

const MAGIC_LOW = 0x72726157 // "Warr"
const MAGIC_HIGH = 0x674c6e65 // "enLg"
/** First word of every batch. */
export const BATCH_MAGIC = 0x31744257 // "WBt1"
const HIGH = 0x1_0000_0000

/** Rounds up to a multiple of 8. */
export function align8(bytes: number): number {
  return (bytes + 7) & ~7
}

/** A u64 from two words. */
export function readWide(words: Uint32Array, word: number): number {
  return words[word]! + words[word + 1]! * HIGH
}

/** A u64 to two words. */
export function writeWide(words: Uint32Array, word: number, value: number): void {
  words[word] = value >>> 0
  words[word + 1] = Math.floor(value / HIGH)
}

/** crc32 of a range. */
export function checksum(bytes: Uint8Array, start: number, end: number): number {
  return crc32(bytes.subarray(start, end))
}

/** Writes the header at the start of a block. */
export function writeBlockHeader(
  bytes: Buffer,
  words: Uint32Array,
  number: number,
  blockBytes: number,
  nowMs: number,
  version = FORMAT_VERSION,
): void {
  words.fill(0, 0, BLOCK_HEADER_BYTES / 4)
  words[0] = MAGIC_LOW
  words[1] = MAGIC_HIGH
  words[2] = version
  words[3] = blockBytes
  writeWide(words, 4, number)
  writeWide(words, 6, nowMs)
  words[8] = checksum(bytes, 0, 32)
}

/** What a block header says. */
export interface BlockHeader {
  readonly version: number
  readonly blockBytes: number
  readonly number: number
  readonly createdAtMs: number
}

/** Reads the header at the start of a file; null when it is not one. A header of any version is recognised. */
export function readBlockHeader(bytes: Uint8Array, words: Uint32Array): BlockHeader | null {
  if (words[0] !== MAGIC_LOW || words[1] !== MAGIC_HIGH || words[8] !== checksum(bytes, 0, 32)) return null
  return { version: words[2]!, blockBytes: words[3]!, number: readWide(words, 4), createdAtMs: readWide(words, 6) }
}

/** The chain that a batch continues. */
export interface BatchChain {
  readonly epoch: number
  readonly parentPosition: number
  readonly parentCrc: number
  readonly durable: number
  readonly sealedAtMs: number
}

/** Writes the header of the finished batch `[start, end)` and returns its checksum. `position` is that of its first byte. */
export function sealBatch(
  bytes: Buffer,
  words: Uint32Array,
  start: number,
  end: number,
  position: number,
  chain: BatchChain,
): number {
  const word = start >>> 2
  words[word] = BATCH_MAGIC
  words[word + 1] = end - start
  words[word + 3] = chain.epoch
  writeWide(words, word + 4, position)
  writeWide(words, word + 6, chain.parentPosition)
  words[word + 8] = chain.parentCrc
  words[word + 9] = 0
  writeWide(words, word + 10, chain.sealedAtMs)
  writeWide(words, word + 12, chain.durable)
  const crc = checksum(bytes, start + 12, end)
  words[word + 2] = crc
  return crc
}

/**
 * Length of the sound batch that starts at `at` and has this position; 0 when there is none. Nothing at or behind `end`
 * is looked at.
 */
export function soundBatchBytes(
  bytes: Uint8Array,
  words: Uint32Array,
  at: number,
  end: number,
  position: number,
): number {
  if (at + BATCH_HEADER_BYTES > end) return 0
  const word = at >>> 2
  if (words[word] !== BATCH_MAGIC || readWide(words, word + 4) !== position) return 0
  const length = words[word + 1]!
  if (length <= BATCH_HEADER_BYTES || length % 8 !== 0 || at + length > end) return 0
  return checksum(bytes, at + 12, at + length) === words[word + 2]! ? length : 0
}

/** Offset of the next sound batch at or behind `from`; -1 when there is none. `base`: position of offset 0. */
export function nextSoundBatch(bytes: Uint8Array, words: Uint32Array, from: number, end: number, base: number): number {
  for (let at = from; at + BATCH_HEADER_BYTES < end; at += 8) {
    if (words[at >>> 2] === BATCH_MAGIC && soundBatchBytes(bytes, words, at, end, base + at) > 0) return at
  }
  return -1
}

/** The name of a block's log file. */
export function logFileName(number: number): string {
  return `${number.toString(16).padStart(8, '0')}.log`
}

/** The block number in a log file's name, or -1. */
export function logFileNumber(name: string): number {
  return /^[0-9a-f]{8}\.log$/.test(name) ? Number.parseInt(name.slice(0, 8), 16) : -1
}
