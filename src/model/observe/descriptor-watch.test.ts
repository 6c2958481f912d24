import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../base/clock.ts'
import { SILENT_LOGGER } from '../../base/log.ts'
import { TimerWheel } from '../../base/timer-wheel.ts'
import { Alarms } from './alarms.ts'
import { DescriptorWatch, type OpenDescriptors } from './descriptor-watch.ts'

/** A process whose descriptors the test sets. */
class Machine {
  readonly clock = new ManualClock()
  readonly alarms = new Alarms()
  readonly watch: DescriptorWatch
  found: OpenDescriptors | undefined | Error = { used: 20, max: 100 }
  connectionCount = 0
  readCount = 0

  constructor() {
    this.watch = new DescriptorWatch({
      alarms: this.alarms,
      read: async () => {
        this.readCount++
        if (this.found instanceof Error) throw this.found
        return this.found
      },
      connectionCount: () => this.connectionCount,
      wheel: new TimerWheel(this.clock, (error) => assert.fail(String(error))),
      logger: SILENT_LOGGER,
      watermark: 0.9,
    })
  }

  async advance(ms: number): Promise<void> {
    this.clock.advance(ms)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

test('at the watermark new clients are refused, publishers are not blocked, and both end by themselves', async () => {
  const machine = new Machine()
  await machine.watch.start()
  assert.equal(machine.watch.admits(), true)
  machine.found = { used: 90, max: 100 }
  await machine.advance(10_000)
  assert.deepEqual(machine.alarms.raised, ['file_descriptors'])
  assert.deepEqual([machine.alarms.isBlocking, machine.alarms.reason], [false, ''])
  assert.equal(machine.watch.admits(), false)
  machine.found = { used: 89, max: 100 }
  // Near the limit it is read every second.
  await machine.advance(1_000)
  assert.deepEqual(machine.alarms.raised, [])
  assert.equal(machine.watch.admits(), true)
})

test('clients between two readings count', async () => {
  const machine = new Machine()
  machine.connectionCount = 10
  await machine.watch.start()
  machine.connectionCount = 79
  assert.equal(machine.watch.admits(), true)
  assert.deepEqual(machine.watch.status(), { used: 89, max: 100 })
  machine.connectionCount = 80
  assert.equal(machine.watch.admits(), false)
  assert.deepEqual(machine.alarms.raised, ['file_descriptors'])
})

test('the watermark counts at once, and a memory alarm goes on blocking', async () => {
  const machine = new Machine()
  await machine.watch.start()
  machine.alarms.set('memory', true)
  machine.watch.setWatermark(0.1)
  assert.deepEqual(machine.alarms.raised, ['memory', 'file_descriptors'])
  assert.equal(machine.alarms.reason, 'low on memory')
  machine.watch.setWatermark(0.9)
  assert.deepEqual(machine.alarms.raised, ['memory'])
  assert.equal(machine.alarms.isBlocking, true)
})

test('without an answer there is no alarm; a failure leaves it as it is', async () => {
  const silent = new Machine()
  silent.found = undefined
  await silent.watch.start()
  silent.connectionCount = 1_000_000
  assert.deepEqual([silent.watch.admits(), silent.watch.status()], [true, undefined])
  const failing = new Machine()
  failing.found = { used: 95, max: 100 }
  await failing.watch.start()
  failing.found = new Error('no more files')
  await failing.advance(1_000)
  assert.equal(failing.watch.admits(), false)
  failing.found = { used: 5, max: 100 }
  await failing.advance(1_000)
  assert.equal(failing.watch.admits(), true)
  failing.watch.stop()
  const before = failing.readCount
  await failing.advance(60_000)
  assert.equal(failing.readCount, before)
})
