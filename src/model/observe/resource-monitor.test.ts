import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../base/clock.ts'
import { SILENT_LOGGER } from '../../base/log.ts'
import { TimerWheel } from '../../base/timer-wheel.ts'
import { Alarms } from './alarms.ts'
import { type ResourceLimit, ResourceMonitor } from './resource-monitor.ts'

const GIB = 2 ** 30

/** A monitor of a machine of 10 GiB whose readings the test sets. */
class Machine {
  readonly clock = new ManualClock()
  readonly alarms = new Alarms()
  readonly monitor: ResourceMonitor
  usedBytes = GIB
  freeBytes: number | Error = 100 * GIB
  diskReadCount = 0

  constructor(memoryLimit: ResourceLimit, diskLimit: ResourceLimit) {
    this.monitor = new ResourceMonitor({
      alarms: this.alarms,
      probes: {
        memoryUsedBytes: () => this.usedBytes,
        memoryTotalBytes: () => 10 * GIB,
        diskFreeBytes: async () => {
          this.diskReadCount++
          if (typeof this.freeBytes !== 'number') throw this.freeBytes
          return this.freeBytes
        },
      },
      wheel: new TimerWheel(this.clock, (error) => assert.fail(String(error))),
      logger: SILENT_LOGGER,
      memoryLimit,
      diskLimit,
      memoryIntervalMs: 2500,
    })
  }

  /** Moves time, then lets the answer of a disk probe arrive. */
  async advance(ms: number): Promise<void> {
    this.clock.advance(ms)
    await new Promise((resolve) => setImmediate(resolve))
  }
}

const RELATIVE: ResourceLimit = { kind: 'relative', fraction: 0.6 }
const DISK: ResourceLimit = { kind: 'absolute', bytes: 50_000_000 }

test('the memory alarm follows the watermark, at the next reading', async () => {
  const machine = new Machine(RELATIVE, DISK)
  await machine.monitor.start()
  machine.usedBytes = 6 * GIB
  await machine.advance(2500)
  assert.equal(machine.alarms.isBlocking, false)
  machine.usedBytes = 6 * GIB + 1
  await machine.advance(2499)
  assert.equal(machine.alarms.isBlocking, false)
  await machine.advance(1)
  assert.equal(machine.alarms.reason, 'low on memory')
  machine.usedBytes = GIB
  await machine.advance(2500)
  assert.equal(machine.alarms.isBlocking, false)
})

test('a watermark of zero blocks at once, and a changed one counts at once', async () => {
  const machine = new Machine(RELATIVE, DISK)
  await machine.monitor.start()
  machine.monitor.setMemoryLimit({ kind: 'relative', fraction: 0 })
  assert.ok(machine.alarms.isRaised('memory'))
  machine.monitor.setMemoryLimit({ kind: 'absolute', bytes: 2 * GIB })
  assert.equal(machine.alarms.isBlocking, false)
  machine.monitor.setMemoryLimit({ kind: 'absolute', bytes: 1000 * GIB })
  assert.equal(machine.monitor.status().memoryLimitBytes, 10 * GIB)
})

test('the disk alarm follows the free space; its limit may be relative to memory', async () => {
  const machine = new Machine(RELATIVE, DISK)
  machine.freeBytes = 49_999_999
  await machine.monitor.start()
  assert.equal(machine.alarms.reason, 'low on disk')
  machine.freeBytes = 50_000_000
  await machine.advance(100)
  assert.equal(machine.alarms.isBlocking, false)
  machine.freeBytes = 20 * GIB
  await machine.monitor.setDiskLimit({ kind: 'relative', fraction: 2.5 })
  assert.ok(machine.alarms.isRaised('disk'))
  assert.equal(machine.monitor.status().diskLimitBytes, 25 * GIB)
})

test('free space is read seldom when there is plenty, often when there is little', async () => {
  const machine = new Machine(RELATIVE, DISK)
  await machine.monitor.start()
  await machine.advance(9_999)
  assert.equal(machine.diskReadCount, 1)
  machine.freeBytes = 51_000_000
  await machine.advance(1)
  assert.equal(machine.diskReadCount, 2)
  await machine.advance(100)
  assert.equal(machine.diskReadCount, 3)
})

test('a probe that fails leaves the alarm as it is, and is tried again', async () => {
  const machine = new Machine(RELATIVE, DISK)
  machine.freeBytes = 1
  await machine.monitor.start()
  machine.freeBytes = new Error('stale handle')
  await machine.advance(1_000)
  assert.ok(machine.alarms.isRaised('disk'))
  machine.freeBytes = GIB
  await machine.advance(10_000)
  assert.equal(machine.alarms.isBlocking, false)
})

test('a stopped monitor reads no more', async () => {
  const machine = new Machine(RELATIVE, DISK)
  await machine.monitor.start()
  machine.monitor.stop()
  machine.usedBytes = 9 * GIB
  await machine.advance(60_000)
  assert.equal(machine.alarms.isBlocking, false)
  assert.equal(machine.diskReadCount, 1)
})
