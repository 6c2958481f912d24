/**
 * The records that say what became of entries: changes of a ledger, its deletion, and the parts of a snapshot.
 * Sequences are u64 in two words, low first. All have no owners; the payload starts at word 2 of the record.
 *
 *   ledger changes                             snapshot part                        deleted    begin, end
 *     word 2    ledger id                        word 2–6  as in ledger changes       word 2     word 2–3 begin: next
 *     word 3    ranges                           word 7–8  next sequence              ledger id  ledger id; end: place
 *     word 4    remembered values                word 9–10 from: the interval this               of the begin
 *     word 5–6  delivered up to                  word 11–12 to   part describes
 *     then per range 3 words: first, count; per value 3 words: sequence, value
 *
 *   label: word 2 ledger id, word 3 bytes, then the text in UTF-8
 *
 * In changes, ranges are the settled entries. In a part they are the live ones: what lies in the interval and in none of
 * the ranges is settled.
 */
import type { Appender } from './appender.ts'
import {
  KIND_LEDGER,
  KIND_LEDGER_DELETED,
  KIND_LEDGER_LABEL,
  KIND_SNAPSHOT_BEGIN,
  KIND_SNAPSHOT_END,
  KIND_SNAPSHOT_PART,
  readWide,
  writeWide,
} from './format.ts'
import type { Ledger } from './ledger.ts'

const CHANGE_WORDS = 7
const PART_WORDS = 13
const TRIPLE_WORDS = 3
/** Ranges and values of one record at most. */
export const TRIPLES_MAX = 8_192
/** Longest range of a snapshot part: bounds the values that one range can add. */
const RANGE_ENTRIES_MAX = 65_536

function head(appender: Appender, kind: number, wordCount: number): number {
  const at = appender.take(wordCount * 4)
  const words = appender.block.words
  words[at >>> 2] = wordCount * 4
  words[(at >>> 2) + 1] = kind
  return at >>> 2
}

/** Writes triples from a flat list of pairs; returns the word behind them. */
function triples(words: Uint32Array, word: number, pairs: readonly number[], from: number, to: number): number {
  for (let i = from; i < to; i += 2) {
    writeWide(words, word, pairs[i]!)
    words[word + 2] = pairs[i + 1]!
    word += TRIPLE_WORDS
  }
  return word
}

/** Appends what the ledger's journal holds, and empties it. */
export function appendChanges(appender: Appender, ledger: Ledger): void {
  const ranges = ledger.journal.takeRanges()
  const remembered = ledger.journal.takeRemembered()
  let range = 0
  let value = 0
  do {
    const rangeEnd = Math.min(ranges.length, range + TRIPLES_MAX * 2)
    const valueEnd = Math.min(remembered.length, value + TRIPLES_MAX * 2)
    const tripleCount = (rangeEnd - range + valueEnd - value) / 2
    const word = head(appender, KIND_LEDGER, CHANGE_WORDS + tripleCount * TRIPLE_WORDS)
    const words = appender.block.words
    words[word + 2] = ledger.id
    words[word + 3] = (rangeEnd - range) / 2
    words[word + 4] = (valueEnd - value) / 2
    writeWide(words, word + 5, ledger.deliveredUpTo)
    const next = triples(words, word + CHANGE_WORDS, ranges, range, rangeEnd)
    triples(words, next, remembered, value, valueEnd)
    range = rangeEnd
    value = valueEnd
  } while (range < ranges.length || value < remembered.length)
}

/** Appends whose ledger it is, when somebody said. */
export function appendLabel(appender: Appender, ledger: Ledger): void {
  if (ledger.label === '') return
  const text = Buffer.from(ledger.label)
  const word = head(appender, KIND_LEDGER_LABEL, 4 + ((text.length + 3) >>> 2))
  const { bytes, words } = appender.block
  words[word + 2] = ledger.id
  words[word + 3] = text.length
  bytes.set(text, (word + 4) * 4)
  ledger.isLabelled = true
}

/** Applies a label that recovery found. */
export function replayLabel(bytes: Buffer, words: Uint32Array, word: number, ledger: Ledger): void {
  const from = (word + 4) * 4
  ledger.label = bytes.toString('utf8', from, from + words[word + 3]!)
  ledger.isLabelled = true
}

/** Appends that the ledger is gone. */
export function appendDeleted(appender: Appender, ledgerId: number): void {
  const word = head(appender, KIND_LEDGER_DELETED, 3)
  appender.block.words[word + 2] = ledgerId
}

/** Appends the begin of a snapshot and returns its position. `nextLedgerId`: smaller ids are never used again. */
export function appendSnapshotBegin(appender: Appender, nextLedgerId: number): number {
  const word = head(appender, KIND_SNAPSHOT_BEGIN, 4)
  writeWide(appender.block.words, word + 2, nextLedgerId)
  return appender.block.base + word * 4
}

/** Appends the end of the snapshot that began at this position. */
export function appendSnapshotEnd(appender: Appender, begin: number): void {
  const word = head(appender, KIND_SNAPSHOT_END, 4)
  writeWide(appender.block.words, word + 2, begin)
}

/**
 * Appends the state of a ledger from sequence `from` on, as far as one record goes; returns the sequence to go on with,
 * or 0 when the ledger is described to its end.
 */
export function appendPart(appender: Appender, ledger: Ledger, from: number): number {
  const ranges: number[] = []
  const values: number[] = []
  const end = ledger.nextSequence
  let sequence = ledger.nextLive(from)
  while (sequence < end && ranges.length < TRIPLES_MAX && values.length < TRIPLES_MAX) {
    const gap = ledger.pages.nextGap(sequence, Math.min(end, sequence + RANGE_ENTRIES_MAX))
    ranges.push(sequence, gap - sequence)
    ledger.pages.collectValues(sequence, gap, values)
    sequence = ledger.nextLive(gap)
  }
  const tripleCount = (ranges.length + values.length) / 2
  const word = head(appender, KIND_SNAPSHOT_PART, PART_WORDS + tripleCount * TRIPLE_WORDS)
  const words = appender.block.words
  words[word + 2] = ledger.id
  words[word + 3] = ranges.length / 2
  words[word + 4] = values.length / 2
  writeWide(words, word + 5, ledger.deliveredUpTo)
  writeWide(words, word + 7, end)
  writeWide(words, word + 9, from)
  writeWide(words, word + 11, sequence)
  triples(words, triples(words, word + PART_WORDS, ranges, 0, ranges.length), values, 0, values.length)
  return sequence < end ? sequence : 0
}

/** Applies a record of changes that recovery found. `word` is the record's first. */
export function replayChanges(words: Uint32Array, word: number, ledger: Ledger): void {
  const rangeCount = words[word + 3]!
  ledger.deliveredUpTo = Math.max(ledger.deliveredUpTo, readWide(words, word + 5))
  let at = word + CHANGE_WORDS
  for (let i = 0; i < rangeCount; i++, at += TRIPLE_WORDS) {
    const first = readWide(words, at)
    ledger.settleRange(first, first + words[at + 2]!)
    ledger.reserveUpTo(first + words[at + 2]!)
  }
  replayValues(words, at, words[word + 4]!, ledger)
  ledger.reserveUpTo(ledger.deliveredUpTo + 1)
}

/** Applies a part of a snapshot: what it does not list is settled. */
export function replayPart(words: Uint32Array, word: number, ledger: Ledger): void {
  const rangeCount = words[word + 3]!
  ledger.deliveredUpTo = Math.max(ledger.deliveredUpTo, readWide(words, word + 5))
  ledger.reserveUpTo(readWide(words, word + 7))
  let at = word + PART_WORDS
  let settledFrom = readWide(words, word + 9)
  for (let i = 0; i < rangeCount; i++, at += TRIPLE_WORDS) {
    const first = readWide(words, at)
    ledger.settleRange(settledFrom, first)
    settledFrom = first + words[at + 2]!
  }
  ledger.settleRange(settledFrom, readWide(words, word + 11))
  replayValues(words, at, words[word + 4]!, ledger)
}

function replayValues(words: Uint32Array, at: number, count: number, ledger: Ledger): void {
  for (let i = 0; i < count; i++, at += TRIPLE_WORDS) ledger.remember(readWide(words, at), words[at + 2]!)
}
