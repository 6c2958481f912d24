/**
 * The suite that every log passes: the laws of `log.ts`, clause by clause. A test file names an implementation by
 * giving a `LogBench`, a way to open it, to let time pass and to lose power.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Block } from './block.ts'
import { BATCH_HEADER_BYTES, KIND_VOID } from './format.ts'
import type { Log } from './log.ts'

/** One log under test. */
export interface LogBench {
  readonly log: Log
  /** Lets pending work happen: timers ring, the disk answers. */
  pass(): Promise<void>
  /** The log after a power loss, followed by nobody yet; null when nothing outlives it. */
  afterPowerLoss(): Promise<LogBench | null>
  /** Blocks that exist. */
  blockCount(): number
}

interface Found {
  readonly position: number
  readonly number: number
}

/** Appends a record whose payload is one number; returns its position. */
function append(log: Log, number: number, payloadBytes = 8): number {
  const at = log.appender.take(8 + payloadBytes)
  const { block } = log.appender
  block.words[at >>> 2] = 8 + payloadBytes
  block.words[(at >>> 2) + 1] = KIND_VOID
  block.words[(at >>> 2) + 2] = number
  return block.base + at
}

async function followed(bench: LogBench): Promise<Found[]> {
  const found: Found[] = []
  await bench.log.follow({
    onProgress: () => undefined,
    onBatch: (block: Block, _bytes: Buffer, words: Uint32Array, from: number, to: number) => {
      for (let at = from + BATCH_HEADER_BYTES; at < to; at += (words[at >>> 2]! + 7) & ~7) {
        if ((words[(at >>> 2) + 1]! & 0xff) !== KIND_VOID) continue
        found.push({ position: block.base + at, number: words[(at >>> 2) + 2]! })
      }
    },
  })
  return found
}

async function untilDurable(bench: LogBench): Promise<void> {
  const upTo = bench.log.appended
  for (let i = 0; bench.log.durable < upTo; i++) {
    assert.ok(i < 2_000, 'the log does not become durable')
    bench.log.awaitDurable({ onDurable: () => undefined })
    bench.log.flush()
    await bench.pass()
  }
}

/** Runs the suite. `open` gives a fresh, empty log that nobody has followed. */
export function testLog(name: string, open: () => Promise<LogBench>): void {
  describe(`log: ${name}`, () => {
    test('positions grow with every record and every batch, and durable never runs ahead', async () => {
      const bench = await open()
      assert.deepEqual(await followed(bench), [])
      let last = 0
      for (let i = 0; i < 400; i++) {
        const position = append(bench.log, i, 8 + (i % 50) * 8)
        assert.ok(position > last)
        assert.ok(bench.log.appended > position)
        assert.ok(bench.log.durable <= bench.log.appended)
        last = position
        if (i % 7 === 0) bench.log.flush()
        if (i % 20 === 0) await bench.pass()
      }
    })

    test('durable reaches what was appended, and sinks are told once, in order, with that position', async () => {
      const bench = await open()
      await followed(bench)
      const told: string[] = []
      append(bench.log, 1)
      const upTo = bench.log.appended
      bench.log.awaitDurable({ onDurable: (position) => told.push(`a ${position >= upTo}`) })
      bench.log.awaitDurable({ onDurable: (position) => told.push(`b ${position >= upTo}`) })
      await untilDurable(bench)
      await bench.pass()
      assert.deepEqual(told, ['a true', 'b true'])
      bench.log.awaitDurable({ onDurable: () => told.push('again') })
      bench.log.flush()
      await untilDurable(bench)
      assert.deepEqual(told, ['a true', 'b true', 'again'])
    })

    test('what was durable comes back in order, each record once; of the rest, a prefix', async () => {
      let bench: LogBench | null = await open()
      await followed(bench)
      const sent: Found[] = []
      for (let life = 0; life < 5 && bench !== null; life++) {
        const { log }: LogBench = bench
        let durableCount = sent.length
        for (let i = 0; i < 150; i++) {
          const number = sent.length + 1
          sent.push({ position: append(log, number, 8 + (i % 9) * 40), number })
          if (i % 11 === 0) log.flush()
          if (i % 17 === 0) await bench.pass()
          if (i === 100) {
            await untilDurable(bench)
            durableCount = sent.length
          }
        }
        while (durableCount < sent.length && sent[durableCount]!.position < log.durable) durableCount++
        bench = await bench.afterPowerLoss()
        if (bench === null) return
        const found = await followed(bench)
        assert.ok(found.length >= durableCount, `${found.length} of ${durableCount} durable records came back`)
        assert.deepEqual(found, sent.slice(0, found.length))
        sent.length = found.length
      }
    })

    test('positions are not used again after a restart', async () => {
      const bench = await open()
      await followed(bench)
      append(bench.log, 1)
      await untilDurable(bench)
      const end = bench.log.durable
      const next = await bench.afterPowerLoss()
      if (next === null) return
      await followed(next)
      assert.ok(append(next.log, 2) >= end - BATCH_HEADER_BYTES)
    })

    test('a released block goes, but not before a complete and durable snapshot lies behind it', async () => {
      const bench = await open()
      await followed(bench)
      const { log } = bench
      const first = log.appender.block
      while (log.appender.block === first) append(log, 1, 200)
      await untilDurable(bench)
      const count = bench.blockCount()
      log.release(first)
      append(log, 2)
      await untilDurable(bench)
      await bench.pass()
      assert.equal(bench.blockCount(), log.isLasting ? count : count - 1)
      const begin = log.appended
      append(log, 3)
      log.completeSnapshot(begin)
      await untilDurable(bench)
      await bench.pass()
      assert.equal(bench.blockCount(), count - 1)
    })

    test('a pinned block stays', async () => {
      const bench = await open()
      await followed(bench)
      const { log } = bench
      if (!log.isLasting) return
      const first = log.appender.block
      while (log.appender.block === first) append(log, 1, 200)
      first.pins++
      log.release(first)
      log.completeSnapshot(log.appended)
      append(log, 2)
      await untilDurable(bench)
      const count = bench.blockCount()
      first.pins--
      append(log, 3)
      await untilDurable(bench)
      await bench.pass()
      assert.equal(bench.blockCount(), count - 1)
    })

    test('close makes durable what was appended', async () => {
      const bench = await open()
      await followed(bench)
      for (let i = 1; i <= 50; i++) append(bench.log, i, 100)
      for (let tries = 0; tries < 20; tries++) {
        try {
          await bench.log.close()
          break
        } catch {
          await bench.pass()
        }
      }
      const next = await bench.afterPowerLoss()
      if (next !== null) assert.equal((await followed(next)).length, 50)
    })
  })
}
