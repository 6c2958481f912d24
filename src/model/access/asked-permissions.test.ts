import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../base/clock.ts'
import { TimerWheel } from '../../base/timer-wheel.ts'
import { AccessEpoch } from './access-epoch.ts'
import { AccessPending, known, whenKnown } from './access-pending.ts'
import { AskedPermissions } from './asked-permissions.ts'
import type { Access, AccessQuestion, Authorization } from './authorization.ts'

const EPOCH_MS = 60_000

/** Another system, which answers when the test says so. */
class Oracle implements Authorization {
  readonly asked: AccessQuestion[] = []
  readonly #open: ((access: Access) => void)[] = []

  may(question: AccessQuestion): Promise<Access> {
    this.asked.push(question)
    return new Promise((resolve) => this.#open.push(resolve))
  }

  async answer(access: Access): Promise<void> {
    this.#open.shift()!(access)
    await settled()
  }
}

/** Continuations of what has just resolved have run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function scene(authorization: Authorization): { clock: ManualClock; permissions: AskedPermissions } {
  const clock = new ManualClock()
  const epoch = new AccessEpoch(new TimerWheel(clock, (error) => assert.fail(String(error))))
  return {
    clock,
    permissions: new AskedPermissions({ user: 'u', vhost: '/', clientId: undefined, authorization, epoch }),
  }
}

/** The answer, or `pending`. */
function now(ask: () => boolean): boolean | 'pending' {
  try {
    return ask()
  } catch (error) {
    assert.ok(error instanceof AccessPending)
    return 'pending'
  }
}

test('a question is asked once however often it is put, and what is granted is remembered', async () => {
  const oracle = new Oracle()
  const { permissions } = scene(oracle)
  const write = (): boolean | 'pending' => now(() => permissions.canWrite('exchange', 'x'))
  assert.deepEqual([write(), write(), oracle.asked.length], ['pending', 'pending', 1])
  await oracle.answer('allowed')
  assert.deepEqual([write(), write(), oracle.asked.length], [true, true, 1])
  assert.deepEqual(oracle.asked[0], { on: 'exchange', vhost: '/', name: 'x', permission: 'write', clientId: undefined })
  now(() => permissions.canWrite('exchange', ''))
  assert.equal((oracle.asked[1] as { name: string }).name, 'amq.default')
})

test('a refusal, or no answer at all, is forgotten after ten seconds', async () => {
  for (const refusal of ['refused', 'unavailable'] as const) {
    const oracle = new Oracle()
    const { clock, permissions } = scene(oracle)
    const read = (): boolean | 'pending' => now(() => permissions.canRead('queue', 'q'))
    assert.equal(read(), 'pending')
    await oracle.answer(refusal)
    assert.deepEqual([read(), read(), oracle.asked.length], [false, false, 1])
    clock.advance(10_000)
    assert.deepEqual([read(), oracle.asked.length], ['pending', 2])
  }
})

test('what was granted goes on to count while it is asked again, until the answer is another', async () => {
  const oracle = new Oracle()
  const { clock, permissions } = scene(oracle)
  const write = (): boolean | 'pending' => now(() => permissions.canWrite('exchange', 'x'))
  write()
  await oracle.answer('allowed')
  write()
  const { revision } = permissions
  clock.advance(EPOCH_MS)
  assert.notEqual(permissions.revision, revision)
  assert.deepEqual([write(), write(), oracle.asked.length], [true, true, 2])
  await oracle.answer('unavailable')
  assert.equal(write(), true)
  clock.advance(EPOCH_MS)
  assert.equal(write(), true)
  const before = permissions.revision
  await oracle.answer('refused')
  assert.ok(permissions.revision > before)
  assert.equal(write(), 'pending')
  await oracle.answer('refused')
  assert.equal(write(), false)
})

test('new credentials make all answers void', () => {
  const { permissions } = scene({ may: () => 'allowed' })
  assert.deepEqual([permissions.mayEnter(), permissions.canWriteTopic('t', 'k')], [true, true])
  const { revision } = permissions
  permissions.renew({ may: ({ on }) => (on === 'vhost' ? 'allowed' : 'refused') })
  assert.notEqual(permissions.revision, revision)
  assert.deepEqual([permissions.mayEnter(), permissions.canWriteTopic('t', 'k')], [true, false])
})

test('memory is bounded: the oldest answers go first', () => {
  let asked = 0
  const { permissions } = scene({
    may: () => {
      asked++
      return 'allowed'
    },
  })
  for (let i = 0; i < 300; i++) permissions.canReadTopic('t', `key.${i}`)
  permissions.canReadTopic('t', 'key.299')
  assert.equal(asked, 300)
  permissions.canReadTopic('t', 'key.0')
  assert.equal(asked, 301)
})

test('a step that asks runs again until all is known', async () => {
  const oracle = new Oracle()
  const { permissions } = scene(oracle)
  let done = 0
  const failures: unknown[] = []
  const step = (): void => {
    if (!permissions.canRead('queue', 'a') || !permissions.canRead('queue', 'b')) throw new Error('refused')
    done++
  }
  whenKnown(step, (error) => failures.push(error))
  await oracle.answer('allowed')
  await oracle.answer('allowed')
  assert.deepEqual([done, failures, oracle.asked.length], [1, [], 2])
  const later = known(() => permissions.canRead('queue', 'c'))
  await oracle.answer('refused')
  assert.equal(await later, false)
})

test('a step that never comes to an end is given up', async () => {
  const step = (): void => {
    throw new AccessPending(Promise.resolve())
  }
  const failure = await new Promise((resolve) => whenKnown(step, resolve))
  assert.match(String(failure), /for ever/)
  await assert.rejects(known(step), /for ever/)
})
