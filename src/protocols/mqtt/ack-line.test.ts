import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../base/clock.ts'
import { Turn } from '../../base/turn.ts'
import type { DurableSink, MessageStore } from '../../model/message/message-store.ts'
import { ProtocolTraffic } from '../../model/observe/traffic.ts'
import type { Outbox } from '../../net/outbox.ts'
import { AckLine } from './ack-line.ts'
import { PUBACK } from './spec.ts'

/** A line over a log that is moved by hand. */
class Bench {
  appended = 0
  durable = 0
  readonly sent: number[] = []
  readonly traffic = new ProtocolTraffic()
  readonly clock = new ManualClock()
  readonly line: AckLine
  readonly turn: Turn
  #waiting: DurableSink[] = []

  constructor() {
    this.turn = new Turn(
      (error) => {
        throw error
      },
      () => undefined,
    )
    const bench = this
    const store = {
      get appended() {
        return bench.appended
      },
      get durable() {
        return bench.durable
      },
      awaitDurable: (sink: DurableSink) => this.#waiting.push(sink),
    }
    // The line uses these members of both alone.
    const outbox = { bytes: Buffer.alloc(8), reserve: () => 0 } as unknown as Outbox
    const world = { turn: this.turn, store: store as unknown as MessageStore, clock: this.clock }
    this.line = new AckLine(world, outbox, this.traffic, { onAcked: (_type, packetId) => this.sent.push(packetId) })
  }

  /** The log is durable up to here. */
  sync(upTo: number): void {
    this.durable = upTo
    const waiting = this.#waiting
    this.#waiting = []
    for (const sink of waiting) sink.onDurable(upTo)
  }

  publish(packetId: number): void {
    this.appended++
    this.line.add(PUBACK, packetId, 0, true)
  }
}

test('acks leave in order, when the log is durable up to the end of their turn', () => {
  const bench = new Bench()
  bench.publish(1)
  bench.publish(2)
  bench.turn.end()
  bench.publish(3)
  bench.turn.end()
  assert.deepEqual(bench.sent, [])
  bench.sync(1)
  assert.deepEqual(bench.sent, [], 'half of the first turn is not enough')
  bench.sync(2)
  assert.deepEqual(bench.sent, [1, 2])
  bench.clock.advance(5)
  bench.sync(3)
  assert.deepEqual(bench.sent, [1, 2, 3])
  assert.equal(bench.line.count, 0)
  assert.deepEqual([bench.traffic.confirmed, bench.traffic.confirmWaitMs.sum], [3, 5], 'each is counted with its wait')
})

test('an ack that need not wait goes behind those that do', () => {
  const bench = new Bench()
  bench.line.add(PUBACK, 1, 0, false)
  bench.turn.end()
  assert.deepEqual(bench.sent, [1])
  bench.publish(2)
  bench.turn.end()
  bench.line.add(PUBACK, 3, 0, false)
  bench.turn.end()
  assert.deepEqual(bench.sent, [1])
  bench.sync(1)
  assert.deepEqual(bench.sent, [1, 2, 3])
})

test('a held ack holds back what is behind it, and waits for the log as well', () => {
  const bench = new Bench()
  bench.publish(1)
  bench.appended++
  const release = bench.line.addHeld(PUBACK, 2, 0, true)
  bench.publish(3)
  bench.turn.end()
  bench.publish(4)
  bench.turn.end()
  release()
  assert.deepEqual(bench.sent, [], 'released, not durable')
  bench.sync(4)
  assert.deepEqual(bench.sent, [1, 2, 3, 4])

  const held = bench.line.addHeld(PUBACK, 5, 0, false)
  bench.publish(6)
  bench.turn.end()
  bench.sync(5)
  bench.publish(7)
  bench.turn.end()
  assert.deepEqual(bench.sent, [1, 2, 3, 4])
  held()
  assert.deepEqual(bench.sent, [1, 2, 3, 4, 5, 6], 'what had become durable meanwhile')
  bench.sync(6)
  assert.deepEqual(bench.sent, [1, 2, 3, 4, 5, 6, 7])
})

test('a long line is compacted while it waits', () => {
  const bench = new Bench()
  for (let turn = 1; turn <= 50; turn++) {
    for (let i = 0; i < 100; i++) bench.publish(turn)
    bench.turn.end()
    bench.sync(bench.appended - 50)
  }
  bench.sync(bench.appended)
  assert.equal(bench.sent.length, 5000)
  assert.deepEqual(
    bench.sent,
    [...bench.sent].sort((a, b) => a - b),
  )
  assert.equal(bench.line.count, 0)
})

test('a closed line sends nothing', () => {
  const bench = new Bench()
  bench.publish(1)
  bench.turn.end()
  bench.line.close()
  bench.sync(1)
  assert.deepEqual(bench.sent, [])
})
