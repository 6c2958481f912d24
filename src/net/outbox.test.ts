import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Turn } from '../base/turn.ts'
import { ChunkPool, LARGE_CHUNK_BYTES, SMALL_CHUNK_BYTES } from './chunk-pool.ts'
import { OUTBOX_HIGH_BYTES, Outbox } from './outbox.ts'
import type { Transport, TransportEnds } from './transport.ts'

const ENDS: TransportEnds = { peerHost: '', peerPort: 0, host: '', port: 0, isLoopback: true, tls: null }

/** Takes writes and completes them when told, from the memory as it is then: a chunk given back too early shows. */
class SlowTransport implements Transport {
  readonly ends = ENDS
  readonly pending: { bytes: Buffer; start: number; end: number; written: () => void }[] = []
  readonly received: Buffer[] = []
  ended = false

  open(): void {}
  pause(): void {}
  resume(): void {}
  cork(): void {}
  uncork(): void {}
  destroy(): void {}

  write(bytes: Buffer, start: number, end: number, written: () => void): void {
    this.pending.push({ bytes, start, end, written })
  }

  end(): void {
    this.ended = true
  }

  complete(count = this.pending.length): void {
    for (const { bytes, start, end, written } of this.pending.splice(0, count)) {
      this.received.push(Buffer.from(bytes.subarray(start, end)))
      written()
    }
  }

  get all(): Buffer {
    return Buffer.concat(this.received)
  }
}

function bed() {
  const turn = new Turn(
    (error) => {
      throw error
    },
    () => undefined,
  )
  const transport = new SlowTransport()
  const pool = new ChunkPool()
  const pressure: boolean[] = []
  const outbox = new Outbox(transport, pool, turn, { onPressure: (isHigh) => pressure.push(isHigh) })
  return { turn, transport, pool, outbox, pressure }
}

test('what is written in a turn leaves in one write at its end', () => {
  const { turn, transport, outbox } = bed()
  outbox.write(Buffer.from('one '))
  outbox.write(Buffer.from('two'))
  assert.equal(transport.pending.length, 0)
  turn.end()
  assert.equal(transport.pending.length, 1)
  transport.complete()
  assert.equal(transport.all.toString(), 'one two')
})

test('an idle outbox holds no memory', () => {
  const { turn, transport, outbox, pool } = bed()
  outbox.write(Buffer.alloc(SMALL_CHUNK_BYTES + 1))
  turn.end()
  assert.equal(pool.lentCount, 1)
  assert.equal(outbox.bytes.length, 0)
  transport.complete()
  assert.equal(pool.lentCount, 0)
})

test('a large range goes by reference, and its owner is told when it was written', () => {
  const { turn, transport, outbox } = bed()
  const unpinned: number[] = []
  const owner = { unpin: (address: number) => unpinned.push(address) }
  const body = Buffer.alloc(10_000, 'b')
  outbox.write(Buffer.from('<'))
  outbox.writeReference(body, 100, 9_000, owner, 77)
  outbox.write(Buffer.from('>'))
  turn.end()
  assert.deepEqual(unpinned, [])
  assert.ok(transport.pending.some(({ bytes }) => bytes === body))
  transport.complete()
  assert.deepEqual(unpinned, [77])
  assert.equal(transport.all.toString(), `<${'b'.repeat(8_900)}>`)
})

test('pressure is told above the high mark and again below the low one', () => {
  const { transport, outbox, pressure } = bed()
  for (let bytes = 0; bytes <= OUTBOX_HIGH_BYTES + 2 * LARGE_CHUNK_BYTES; bytes += 1_000) outbox.reserve(1_000)
  assert.deepEqual(pressure, [true])
  assert.equal(outbox.isHigh, true)
  transport.complete()
  assert.deepEqual(pressure, [true, false])
})

test('a closed outbox drops what comes, and keeps nothing', () => {
  const { turn, transport, outbox, pool } = bed()
  let unpinned = 0
  outbox.write(Buffer.from('lost'))
  outbox.close()
  outbox.write(Buffer.from('lost too'))
  outbox.writeReference(Buffer.alloc(5_000), 0, 5_000, { unpin: () => unpinned++ }, 1)
  turn.end()
  assert.equal(transport.pending.length, 0)
  assert.equal(unpinned, 1)
  assert.equal(pool.lentCount, 0)
})

test('endAfterFlush sends what is there, then ends', () => {
  const { turn, transport, outbox } = bed()
  outbox.write(Buffer.from('bye'))
  outbox.endAfterFlush()
  assert.equal(transport.ended, false)
  turn.end()
  assert.equal(transport.ended, true)
  transport.complete()
  assert.equal(transport.all.toString(), 'bye')
})

test('any mix of writes, references, turns and completions leaves in order, and every chunk comes back', () => {
  const step = fc.oneof(
    fc.record({ kind: fc.constant('write'), bytes: fc.integer({ min: 1, max: 9_000 }) }),
    fc.record({ kind: fc.constant('write'), bytes: fc.integer({ min: 60_000, max: 150_000 }) }),
    fc.record({ kind: fc.constant('reference'), bytes: fc.integer({ min: 1, max: 5_000 }) }),
    fc.record({ kind: fc.constantFrom('turn', 'complete'), bytes: fc.nat(3) }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { turn, transport, outbox, pool } = bed()
      const expected: Buffer[] = []
      let pins = 0
      const owner = { unpin: () => pins-- }
      let mark = 0
      for (const { kind, bytes } of steps) {
        if (kind === 'turn') turn.end()
        else if (kind === 'complete') transport.complete(bytes)
        else {
          const content = Buffer.alloc(bytes, String.fromCharCode(97 + (mark++ % 26)))
          expected.push(content)
          if (kind === 'write') outbox.write(content)
          else {
            pins++
            outbox.writeReference(Buffer.concat([Buffer.from('x'), content]), 1, bytes + 1, owner, 1)
          }
        }
      }
      turn.end()
      transport.complete()
      assert.ok(transport.all.equals(Buffer.concat(expected)))
      assert.equal(pool.lentCount, 0)
      assert.equal(pins, 0)
      assert.equal(outbox.pendingBytes, 0)
    }),
    { numRuns: 200 },
  )
})
