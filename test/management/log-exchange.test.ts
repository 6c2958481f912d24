// The log as messages: `amq.rabbitmq.log` with the level as routing key.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SystemClock } from '../../src/base/clock.ts'
import { startBroker } from '../../src/boot.ts'
import { settingsWith } from '../../src/config/build-settings.ts'
import { FREE_PORTS } from '../../src/config/free-ports.ts'
import { openLog } from '../../src/config/log-output.ts'
import { WireClient } from '../support/wire-client.ts'

async function run(
  texts: Readonly<Record<string, string | boolean>>,
  use: (client: WireClient, log: (level: 'info' | 'error', text: string) => void) => Promise<void>,
): Promise<void> {
  const settings = settingsWith({ ...FREE_PORTS, 'log.console': false, ...texts })
  const nowhere = { write: () => undefined }
  const streams = { stdout: nowhere, stderr: nowhere }
  const log = await openLog(settings.log, { clock: new SystemClock(), dataDir: null, ...streams })
  const booted = await startBroker({ settings, dataDir: null, logger: log.logger, logControl: log.control })
  try {
    const client = await WireClient.connect('127.0.0.1', booted.listeners.amqp!)
    await client.open()
    await use(client, (level, text) => log.logger.child('queue')[level](text, { depth: 3 }))
    await client.close()
  } finally {
    await booted.stop()
    await log.close()
  }
}

test('lines are published with their level as routing key, and as text', async () => {
  await run({ 'log.exchange': true }, async (client, log) => {
    const channel = await client.channel()
    await channel.call('queue.declare', { queue: 'errors' })
    await channel.call('queue.bind', { queue: 'errors', exchange: 'amq.rabbitmq.log', routingKey: 'error' })
    log('info', 'not for this binding')
    log('error', 'it overflows')
    const { args, body } = await channel.getSoon('errors')
    assert.equal(args.routingKey, 'error')
    assert.match(String(body), /^\d{4}-\d\d-\d\d .* \[error\] <queue> it overflows depth=3$/)
    assert.equal(await channel.get('errors'), undefined)
  })
})

test('lines are JSON where the settings say so, and only as severe as they say', async () => {
  const texts = { 'log.exchange': true, 'log.exchange.formatter': 'json', 'log.exchange.level': 'error' }
  await run(texts, async (client, log) => {
    const channel = await client.channel()
    await channel.call('queue.declare', { queue: 'all' })
    await channel.call('queue.bind', { queue: 'all', exchange: 'amq.rabbitmq.log', routingKey: '#' })
    log('info', 'too little')
    log('error', 'it overflows')
    const { body } = await channel.getSoon('all')
    const { time, ...line } = JSON.parse(String(body))
    assert.deepEqual(line, { level: 'error', category: 'queue', depth: 3, msg: 'it overflows' })
    assert.ok(Date.parse(time) > 0)
  })
})
