// Without an SDK of OpenTelemetry nothing is loaded and nothing is followed.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ManagedBroker } from './managed-broker.ts'

test('without an SDK the path of messages is as it was; one that is named is imported', async () => {
  const plain = await ManagedBroker.start()
  const vhost = plain.booted.parts.broker.vhost('/')
  assert.deepEqual([vhost?.isTraced, vhost?.tracer.observer], [false, null])
  await plain.stop()

  const folder = mkdtempSync(join(tmpdir(), 'warren-sdk-'))
  const sdk = join(folder, 'sdk.cjs')
  // What registering a provider leaves behind; it makes no spans.
  const provider = '{ getTracer: () => ({}) }'
  writeFileSync(sdk, `globalThis[Symbol.for('opentelemetry.js.api.1')] = { version: '1.9.0', trace: ${provider} }\n`)
  try {
    const followed = await ManagedBroker.start({ 'warren.telemetry.sdk': sdk })
    assert.equal(followed.booted.parts.broker.vhost('/')?.isTraced, true)
    await followed.stop()
  } finally {
    Reflect.deleteProperty(globalThis, Symbol.for('opentelemetry.js.api.1'))
    rmSync(folder, { recursive: true })
  }
  await assert.rejects(ManagedBroker.start({ 'warren.telemetry.sdk': './missing-sdk' }), /missing-sdk/)
})
