// Damaged folders, two brokers on one folder. `node dist/test/crash/broker-damage.js` tries many more damages.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { projectRoot, startBrokerProcess } from '../support/broker-process.ts'
import { check, damageBrokers } from './broker-damage.ts'
import { Client } from './clients.ts'

for (const part of ['messages', 'metadata'] as const) {
  test(`${part}: a flipped bit or a cut file: found, told, set aside; all the rest comes up`, async () => {
    const figures = await damageBrokers(2, process.pid, part)
    assert.equal(figures.trials, 2)
    assert.equal(figures.foundByCheck + figures.soundForCheck, 2, 'warren check ended by a signal')
    assert.deepEqual(
      [figures.refusedStarts, figures.diedStarts, figures.lostQueues],
      [0, 0, 0],
      JSON.stringify(figures),
    )
  })
}

test('a queue lost with damage in both copies of the metadata: its messages are kept until it is declared again, or given up', async () => {
  const made = await startBrokerProcess({ dataDir: mkdtempSync(join(tmpdir(), 'warren-lost-')) })
  const folder = made.dataDir
  try {
    const client = await Client.open(made.amqpUrl)
    for (const queue of ['lost-one', 'lost-two']) {
      await client.channel.assertQueue(queue, { durable: true })
      for (let i = 0; i < 5; i++) client.channel.sendToQueue(queue, Buffer.from(`${queue}-${i}`), { persistent: true })
    }
    await client.channel.waitForConfirms()
    await client.connection.close()
    assert.equal(await made.stop(), 0)
    for (const name of ['lost-one', 'lost-two']) overwriteInCopies(folder, name)
    assert.match(check(folder).output, /5 messages of queue 'lost-one' in vhost '\/': its record is missing; kept/)
    const again = await startBrokerProcess({ dataDir: folder })
    assert.match(again.output, /5 messages of queue 'lost-two' in vhost '\/' are kept: its record is missing/)
    const second = await Client.open(again.amqpUrl)
    assert.equal((await second.channel.assertQueue('lost-one', { durable: true })).messageCount, 5)
    await second.connection.close()
    assert.equal(await again.stop(), 0)
    const checked = check(folder)
    assert.equal(checked.code, 1)
    assert.doesNotMatch(checked.output, /lost-one/)
    assert.match(check(folder, '--repair', '--drop-unclaimed').output, /'lost-two'.*dropped at the next start/)
    assert.equal(check(folder).code, 0)
    const last = await startBrokerProcess({ dataDir: folder })
    const third = await Client.open(last.amqpUrl)
    assert.equal((await third.channel.assertQueue('lost-two', { durable: true })).messageCount, 0)
    assert.equal((await third.channel.checkQueue('lost-one')).messageCount, 5)
    await third.connection.close()
    assert.equal(await last.stop(), 0)
  } finally {
    await made.kill()
    rmSync(folder, { recursive: true, force: true })
  }
})

/** Damages the record of a queue in both copies of the metadata. */
function overwriteInCopies(folder: string, name: string): void {
  for (const copy of ['a.journal', 'b.journal']) {
    const file = join(folder, 'metadata', copy)
    const bytes = readFileSync(file)
    for (let at = bytes.indexOf(name); at >= 0; at = bytes.indexOf(name, at + 1)) bytes[at]! ^= 1
    writeFileSync(file, bytes)
  }
}

test('a second broker on the folder refuses to start, as does the check; the first one does not notice', async () => {
  const broker = await startBrokerProcess()
  try {
    const args = ['bin/warren.js', 'server', '--data-dir', broker.dataDir, '--set', 'listeners.tcp.default=0']
    const second = spawnSync(process.execPath, args, { cwd: projectRoot, encoding: 'utf8', timeout: 20_000 })
    assert.equal(second.status, 1, second.stderr)
    assert.match(`${second.stdout}${second.stderr}`, new RegExp(`in use.*process ${broker.pid}|process ${broker.pid}`))
    const checked = check(broker.dataDir)
    assert.equal(checked.code, 1)
    assert.match(checked.output, new RegExp(`process ${broker.pid}`))
  } finally {
    assert.equal(await broker.stop(), 0)
  }
})
