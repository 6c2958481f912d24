/**
 * `promtool check metrics` over every page of metrics, with objects of all kinds and odd names. `test/interop/setup.sh`
 * brings promtool.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import amqplib from 'amqplib'
import mqtt from 'mqtt'
import { SILENT_LOGGER } from '../../src/base/log.ts'
import { startBroker } from '../../src/boot.ts'
import { settingsWith } from '../../src/config/build-settings.ts'
import { FREE_PORTS } from '../../src/config/free-ports.ts'
import { projectRoot } from '../support/broker-process.ts'

const FAMILIES = [
  'queue_coarse_metrics',
  'queue_consumer_count',
  'queue_metrics',
  'queue_delivery_metrics',
  'queue_exchange_metrics',
  'exchange_metrics',
  'exchange_bindings',
  'connection_coarse_metrics',
  'connection_metrics',
  'connection_churn_metrics',
  'channel_metrics',
  'channel_exchange_metrics',
  'channel_queue_metrics',
  'channel_process_metrics',
  'node_coarse_metrics',
  'node_metrics',
  'node_persister_metrics',
  'auth_attempt_metrics',
  'vhost_status',
]
const PAGES = [
  '/metrics',
  '/metrics/per-object',
  `/metrics/detailed?${FAMILIES.map((family) => `family=${family}`).join('&')}`,
  '/metrics/memory-breakdown',
]
const own = join(projectRoot, 'var/interop/prometheus/usr/bin/promtool')
const promtool = existsSync(own) ? own : 'promtool'

/** What promtool says of a page: nothing, when it is clean. */
function check(text: string): Promise<{ readonly code: number | null; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(promtool, ['check', 'metrics'])
    let output = ''
    child.stdout.on('data', (chunk) => (output += chunk))
    child.stderr.on('data', (chunk) => (output += chunk))
    child.on('error', reject)
    child.on('close', (code) => resolve({ code, output }))
    child.stdin.end(text)
  })
}

test('promtool accepts every page', async () => {
  const booted = await startBroker({ settings: settingsWith(FREE_PORTS), dataDir: null, logger: SILENT_LOGGER })
  const connection = await amqplib.connect(`amqp://127.0.0.1:${booted.listeners.amqp}`)
  try {
    const channel = await connection.createConfirmChannel()
    for (const queue of ['plain', 'odd "name" \\ with\nline']) {
      await channel.assertQueue(queue)
      await channel.consume(queue, (message) => message !== null && channel.ack(message))
      channel.sendToQueue(queue, Buffer.from('x'))
    }
    await channel.waitForConfirms()
    const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${booted.listeners.mqtt}`)
    await client.publishAsync('topic', 'x', { qos: 1 })
    await client.endAsync()
    for (const page of PAGES) {
      const response = await fetch(`http://127.0.0.1:${booted.listeners.prometheus}${page}`)
      const { code, output } = await check(await response.text())
      assert.deepEqual([output, code], ['', 0], page)
    }
  } finally {
    await connection.close()
    await booted.stop()
  }
})

test('promtool would notice', async () => {
  const { code, output } = await check('# TYPE a counter\na 1\n# TYPE a counter\n')
  assert.notEqual(code, 0)
  assert.match(output, /a/)
})
