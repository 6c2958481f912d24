import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../base/clock.ts'
import { Histogram } from '../../base/histogram.ts'
import { Turn } from '../../base/turn.ts'
import type { MessageStore, SafeSink } from '../../model/message/message-store.ts'
import { ChunkPool } from '../../net/chunk-pool.ts'
import { Outbox } from '../../net/outbox.ts'
import type { Transport } from '../../net/transport.ts'
import { AckFields, decodeMethod, readMethodId } from './codec.ts'
import { Confirms } from './confirms.ts'
import { FrameReader } from './frame-reader.ts'
import { BASIC_ACK, BASIC_NACK } from './spec.ts'

/** A log that becomes durable when the test says so. */
class Log {
  appended = 0
  durable = 0
  readonly #sinks: SafeSink[] = []

  get safe(): number {
    return this.durable
  }

  awaitSafe(sink: SafeSink): void {
    this.#sinks.push(sink)
  }

  sync(upTo = this.appended): void {
    this.durable = upTo
    for (const sink of this.#sinks.splice(0)) sink.onSafe(upTo)
  }
}

function bed() {
  const turn = new Turn(
    (error) => {
      throw error
    },
    () => undefined,
  )
  const log = new Log()
  const said: string[] = []
  const reader = new FrameReader(
    {
      onFrame: (_type, channel, bytes, start, end) => {
        assert.equal(channel, 7)
        if (readMethodId(bytes, start) === BASIC_NACK) {
          said.push(`nack ${decodeMethod(BASIC_NACK, bytes, start, end).deliveryTag}`)
          return
        }
        assert.equal(readMethodId(bytes, start), BASIC_ACK)
        const ack = new AckFields()
        ack.read(bytes, start, end)
        said.push(`ack ${ack.deliveryTag}${ack.multiple ? ' and before' : ''}`)
      },
    },
    0,
  )
  const transport = {
    cork: () => undefined,
    uncork: () => undefined,
    write: (bytes: Buffer, start: number, end: number, written: () => void) => {
      reader.feed(bytes.subarray(start, end))
      written()
    },
  } as unknown as Transport // The outbox calls nothing else here.
  const outbox = new Outbox(transport, new ChunkPool(), turn, { onPressure: () => undefined })
  const counters = { confirmed: 0 }
  const clock = new ManualClock()
  const waitMs = new Histogram([1, 100])
  // Confirms read these three of a store.
  const store = log as unknown as MessageStore
  const confirms = new Confirms(7, { turn, store, outbox, clock, waitMs }, [counters])
  const heard = (): string[] => {
    turn.end()
    return said.splice(0)
  }
  return { turn, log, confirms, counters, heard, clock, waitMs }
}

test('publishes that need no log are acked together at the end of the turn', () => {
  const { confirms, heard, counters } = bed()
  for (let i = 0; i < 3; i++) confirms.published(false)
  assert.deepEqual(heard(), ['ack 3 and before'])
  confirms.published(false)
  assert.deepEqual(heard(), ['ack 4'])
  assert.equal(counters.confirmed, 4)
  assert.equal(confirms.unconfirmedCount, 0)
})

test('publishes that need the log are acked when it is durable, never before', () => {
  const { confirms, heard, log } = bed()
  log.appended = 10
  confirms.published(true)
  confirms.published(true)
  assert.deepEqual(heard(), [])
  log.appended = 20
  confirms.published(true)
  assert.deepEqual(heard(), [])
  log.sync(10)
  assert.deepEqual(heard(), ['ack 2 and before'])
  log.sync(20)
  assert.deepEqual(heard(), ['ack 3'])
})

test('a publish that needs no log waits behind one that does', () => {
  const { confirms, heard, log } = bed()
  log.appended = 10
  confirms.published(true)
  assert.deepEqual(heard(), [])
  confirms.published(false)
  assert.deepEqual(heard(), [])
  log.sync()
  assert.deepEqual(heard(), ['ack 2 and before'])
})

test('a refused publish is nacked alone, and no ack names it', () => {
  const { confirms, heard } = bed()
  confirms.published(false)
  confirms.published(false)
  confirms.refused()
  assert.deepEqual(heard(), ['nack 3', 'ack 2 and before'])
  confirms.refused()
  confirms.published(false)
  assert.deepEqual(heard(), ['nack 4', 'ack 5'])
  assert.equal(confirms.unconfirmedCount, 0)
})

test('a closed channel says nothing more', () => {
  const { confirms, heard, log } = bed()
  log.appended = 10
  confirms.published(true)
  assert.deepEqual(heard(), [])
  confirms.close()
  log.sync()
  assert.deepEqual(heard(), [])
})

test('how long publishes waited for their confirms is counted, each of them', () => {
  const { confirms, heard, log, clock, waitMs } = bed()
  confirms.published(false)
  heard()
  for (let i = 0; i < 3; i++) confirms.published(true)
  log.appended = 1
  heard()
  clock.advance(50)
  log.sync()
  heard()
  assert.deepEqual(waitMs.counts, [1, 3, 0])
  assert.equal(waitMs.sum, 150)
})
