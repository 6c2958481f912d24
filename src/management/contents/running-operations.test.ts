import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../base/clock.ts'
import { RunningOperations } from './running-operations.ts'

test('the end waits for what runs, and lets nothing begin or go on', async () => {
  const operations = new RunningOperations()
  const clock = new ManualClock()
  const order: string[] = []
  let goOn = (): void => undefined
  const running = operations.run(async () => {
    await new Promise<void>((resolve) => {
      goOn = resolve
    })
    order.push('batch')
    operations.check()
  })
  const refused = assert.rejects(running, { status: 503 })
  const ended = operations.end(clock).then(() => order.push('end'))
  await assert.rejects(
    operations.run(async () => undefined),
    { status: 503 },
  )
  goOn()
  await Promise.all([refused, ended])
  assert.deepEqual(order, ['batch', 'end'])
})

test('the end does not wait for ever', async () => {
  const operations = new RunningOperations()
  const clock = new ManualClock()
  void operations.run(() => new Promise(() => undefined))
  let hasEnded = false
  const ended = operations.end(clock).then(() => {
    hasEnded = true
  })
  clock.advance(4_999)
  await new Promise((resolve) => setImmediate(resolve))
  assert.equal(hasEnded, false)
  clock.advance(1)
  await ended
})
