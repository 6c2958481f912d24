// Damaged folders, two brokers on one folder. `node dist/test/crash/broker-damage.js` tries many more damages.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { projectRoot, startBrokerProcess } from '../support/broker-process.ts'
import { check, damageBrokers } from './broker-damage.ts'

for (const part of ['messages', 'metadata'] as const) {
  test(`${part}: a flipped bit or a cut file: found, told, set aside; all the rest comes up`, async () => {
    const figures = await damageBrokers(3, process.pid, part)
    assert.equal(figures.trials, 3)
    assert.equal(figures.foundByCheck + figures.soundForCheck, 3, 'warren check ended by a signal')
    assert.deepEqual(
      [figures.refusedStarts, figures.diedStarts, figures.lostQueues],
      [0, 0, 0],
      JSON.stringify(figures),
    )
  })
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
