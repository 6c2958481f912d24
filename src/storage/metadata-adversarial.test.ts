import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandomness } from '../base/random.ts'
import { AdversarialMetadata } from './metadata-adversarial.ts'
import { contents, describeMetadata, put, runRandomly, transact } from './metadata-suite.ts'

function adversarial(seed: number, failurePercent: number, conflictPercent: number): AdversarialMetadata {
  const randomness = new SeededRandomness(seed)
  return new AdversarialMetadata({
    randomness,
    later: setImmediate,
    delayRoundsMax: 4,
    failurePercent,
    conflictPercent,
  })
}

describeMetadata({ name: 'adversarial, late only', create: async () => adversarial(1, 0, 0), reopen: undefined })

for (let seed = 1; seed <= 20; seed++) {
  test(`random transactions agree with a naive map when groups fail (seed ${seed})`, async () => {
    await runRandomly(adversarial(seed, 30, 30), seed)
  })
}

test('a failed group is unavailable as a whole and leaves nothing', async () => {
  const metadata = adversarial(1, 100, 0)
  const results = await Promise.all([transact(metadata, [], [put(['a'], 1)]), transact(metadata, [], [put(['b'], 1)])])
  for (const result of results) assert.ok(!result.ok && result.reason === 'unavailable')
  assert.deepEqual(contents(metadata), [])
  assert.equal(metadata.revision, 0)
})

test('a guarded key may move under the caller, who then sees a conflict and can try again', async () => {
  const metadata = adversarial(1, 0, 60)
  await transact(metadata, [], [put(['counter'], 0)])
  let conflicts = 0
  for (let i = 0; i < 20; ) {
    const { value, revision } = metadata.get(['counter'])!
    const result = await transact(
      metadata,
      [{ key: ['counter'], expect: revision }],
      [put(['counter'], Number(value) + 1)],
    )
    if (result.ok) i++
    else conflicts++
  }
  assert.equal(metadata.get(['counter'])?.value, 20)
  assert.ok(conflicts > 0)
})
