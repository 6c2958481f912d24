/**
 * What every implementation of the metadata port must do, as tests: registered once per implementation.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { type Randomness, SeededRandomness } from '../base/random.ts'
import type { Guard, Metadata, MetadataKey, MetadataOp, TransactionResult } from './metadata-port.ts'

/** An implementation under test. */
export interface MetadataSubject {
  readonly name: string
  /** A new, empty one. */
  create(): Promise<Metadata>
  /** Closes it and opens it again on what it kept; undefined when it keeps nothing. */
  readonly reopen: ((metadata: Metadata) => Promise<Metadata>) | undefined
}

/** Commits, and resolves with how it ended. */
export function transact(
  metadata: Metadata,
  guards: readonly Guard[],
  ops: readonly MetadataOp[],
): Promise<TransactionResult> {
  return new Promise((resolve) => metadata.transact(guards, ops, resolve))
}

function ephemeral(
  metadata: Metadata,
  guards: readonly Guard[],
  ops: readonly MetadataOp[],
): TransactionResult | undefined {
  let ended: TransactionResult | undefined
  metadata.transactEphemeral(guards, ops, (result) => {
    ended = result
  })
  return ended
}

function transactEphemeral(
  metadata: Metadata,
  guards: readonly Guard[],
  ops: readonly MetadataOp[],
): Promise<TransactionResult> {
  return new Promise((resolve) => metadata.transactEphemeral(guards, ops, resolve))
}

/** A put. */
export function put(key: MetadataKey, value: unknown): MetadataOp {
  return { op: 'put', key, value }
}

function drop(key: MetadataKey): MetadataOp {
  return { op: 'drop', key }
}

/** Keys and values below a prefix, in the order of `list`. */
export function contents(metadata: Metadata, prefix: MetadataKey = []): unknown[] {
  return [...metadata.list(prefix)].map(({ key, value }) => [key.join('/'), value])
}

/** Registers the suite. */
export function describeMetadata(subject: MetadataSubject): void {
  describe(`metadata: ${subject.name}`, () => {
    const check = (name: string, body: (metadata: Metadata) => Promise<void>): void => {
      test(name, async () => {
        const metadata = await subject.create()
        try {
          await body(metadata)
        } finally {
          await metadata.close()
        }
      })
    }
    checkCommits(check)
    checkGuards(check)
    checkWatchers(check)
    checkEphemeral(check)
    checkEphemeralInFlight(check)
    checkModel(check)
    if (subject.reopen !== undefined) checkReopen(subject, subject.reopen)
  })
}

type Check = (name: string, body: (metadata: Metadata) => Promise<void>) => void

function checkCommits(check: Check): void {
  check('a committed value is read back, frozen, with its revision', async (metadata) => {
    const result = await transact(metadata, [], [put(['user', 'a'], { tags: ['x'] })])
    assert.ok(result.ok)
    const entry = metadata.get(['user', 'a'])
    assert.ok(entry !== undefined)
    assert.deepEqual([entry.key, entry.value], [['user', 'a'], { tags: ['x'] }])
    assert.equal(entry.revision, result.revision)
    assert.equal(metadata.revision, result.revision)
    assert.ok(Object.isFrozen((entry.value as { tags: string[] }).tags))
  })
  check('revisions grow by commit, and only touched entries move', async (metadata) => {
    await transact(metadata, [], [put(['k', 'a'], 1), put(['k', 'b'], 1)])
    const first = metadata.get(['k', 'a'])!.revision
    assert.equal(metadata.get(['k', 'b'])!.revision, first)
    await transact(metadata, [], [put(['k', 'b'], 2)])
    assert.equal(metadata.get(['k', 'a'])!.revision, first)
    assert.ok(metadata.get(['k', 'b'])!.revision > first)
  })
  check('list gives the entries below a prefix in key order, element by element', async (metadata) => {
    const keys = [
      ['q', 'a', 'z'],
      ['q', 'a!', 'a'],
      ['q', 'a', 'b'],
      ['q', 'ab'],
      ['q'],
      ['p', 'a'],
      ['q', '', 'x'],
      ['qa', 'a'],
    ]
    await transact(
      metadata,
      [],
      keys.map((key) => put(key, 0)),
    )
    const listed = [...metadata.list(['q'])].map((entry) => entry.key)
    assert.deepEqual(listed, [['q'], ['q', '', 'x'], ['q', 'a', 'b'], ['q', 'a', 'z'], ['q', 'a!', 'a'], ['q', 'ab']])
    assert.deepEqual(
      [...metadata.list(['q', 'a'])].map((entry) => entry.key),
      [
        ['q', 'a', 'b'],
        ['q', 'a', 'z'],
      ],
    )
    assert.equal([...metadata.list([])].length, keys.length)
  })
  check('elements may hold any character, and none runs into the next', async (metadata) => {
    const odd = ['\u0000', '\u0000\u0000', '\u0001', '/', '', 'ü', '\u{1f407}', 'a'.repeat(5000)]
    const keys = odd.flatMap((a) => odd.map((b) => ['k', a, b]))
    await transact(
      metadata,
      [],
      keys.map((key, i) => put(key, i)),
    )
    for (const [i, key] of keys.entries()) assert.equal(metadata.get(key)?.value, i)
    for (const a of odd) assert.equal([...metadata.list(['k', a])].length, odd.length)
  })
  check('drop-prefix takes everything below, and the key itself', async (metadata) => {
    await transact(metadata, [], [put(['v', 'a'], 1), put(['v', 'a', 'x'], 2), put(['v', 'ab'], 3), put(['w'], 4)])
    await transact(metadata, [], [{ op: 'drop-prefix', key: ['v', 'a'] }, put(['v', 'a', 'new'], 5)])
    assert.deepEqual(contents(metadata), [
      ['v/a/new', 5],
      ['v/ab', 3],
      ['w', 4],
    ])
  })
  check('dropping what is absent is no error', async (metadata) => {
    const result = await transact(metadata, [], [drop(['k'])])
    assert.ok(result.ok)
  })
  check('barrier resolves after everything accepted before', async (metadata) => {
    let count = 0
    for (let i = 0; i < 20; i++) metadata.transact([], [put(['k', String(i)], i)], () => count++)
    await metadata.barrier()
    assert.equal(count, 20)
    await metadata.barrier()
  })
  check('dones come in the order of the calls', async (metadata) => {
    const order: number[] = []
    for (let i = 0; i < 50; i++) {
      const guards: Guard[] = i % 3 === 0 ? [{ key: ['nothing'], expect: 'present' }] : []
      metadata.transact(guards, [put(['k'], i)], () => order.push(i))
    }
    await metadata.barrier()
    assert.deepEqual(order, [...order.keys()])
    assert.equal(metadata.get(['k'])?.value, 49)
  })
  check('a chain of a thousand commits, each from the done of the one before, ends', async (metadata) => {
    await new Promise<void>((resolve) => {
      const next = (i: number): void => {
        if (i === 1000) resolve()
        else metadata.transact([], [put(['k'], i)], () => next(i + 1))
      }
      next(0)
    })
    assert.equal(metadata.get(['k'])?.value, 999)
  })
  check('after close, transactions are unavailable', async (metadata) => {
    await metadata.close()
    const result = await transact(metadata, [], [put(['k'], 1)])
    assert.ok(!result.ok && result.reason === 'unavailable')
  })
}

function checkGuards(check: Check): void {
  check('a guard that does not hold is a conflict that names its key; nothing changes', async (metadata) => {
    await transact(metadata, [], [put(['a'], 1)])
    const before = metadata.revision
    const failing: Guard[] = [
      { key: ['a'], expect: 'absent' },
      { key: ['b'], expect: 'present' },
      { key: ['a'], expect: before - 1 },
      { key: ['b'], expect: before },
    ]
    for (const guard of failing) {
      const result = await transact(metadata, [guard], [put(['a'], 2), drop(['a'])])
      assert.deepEqual(result, { ok: false, reason: 'conflict', key: guard.key })
    }
    assert.equal(metadata.revision, before)
    assert.deepEqual(contents(metadata), [['a', 1]])
  })
  check('guards that hold let the transaction through', async (metadata) => {
    await transact(metadata, [], [put(['a'], 1)])
    const guards: Guard[] = [
      { key: ['a'], expect: metadata.revision },
      { key: ['a'], expect: 'present' },
      { key: ['b'], expect: 'absent' },
    ]
    assert.ok((await transact(metadata, guards, [put(['b'], 2)])).ok)
  })
  check('of two creators in one turn one wins', async (metadata) => {
    const absent: Guard[] = [{ key: ['q'], expect: 'absent' }]
    const [first, second] = await Promise.all([
      transact(metadata, absent, [put(['q'], 'first')]),
      transact(metadata, absent, [put(['q'], 'second')]),
    ])
    assert.ok(first.ok)
    assert.deepEqual(second, { ok: false, reason: 'conflict', key: ['q'] })
    assert.equal(metadata.get(['q'])?.value, 'first')
  })
  check('guards see what earlier transactions of the same turn did', async (metadata) => {
    await transact(metadata, [], [put(['v'], 1), put(['v', 'q'], 1)])
    const results = await Promise.all([
      transact(metadata, [], [{ op: 'drop-prefix', key: ['v'] }]),
      transact(metadata, [{ key: ['v'], expect: 'present' }], [put(['v', 'x'], 1)]),
      transact(metadata, [{ key: ['v', 'q'], expect: 'absent' }], [put(['v', 'q'], 2)]),
      transact(metadata, [{ key: ['v', 'q'], expect: 'present' }], [drop(['v', 'q'])]),
      transact(metadata, [{ key: ['v', 'q'], expect: metadata.revision }], [put(['v', 'q'], 3)]),
    ])
    assert.deepEqual(
      results.map((result) => result.ok),
      [true, false, true, true, false],
    )
    assert.deepEqual(contents(metadata), [])
  })
}

function checkWatchers(check: Check): void {
  check('a watcher first sees everything present, then every change before its done', async (metadata) => {
    await transact(metadata, [], [put(['a'], 1), put(['b'], 2)])
    const seen: unknown[] = []
    metadata.watch((revision, ops) => {
      seen.push([revision, ops])
    })
    assert.deepEqual(seen.slice(0), [[metadata.revision, [put(['a'], 1), put(['b'], 2)]]])
    metadata.transact([], [drop(['a']), put(['c'], 3)], (result) => {
      assert.ok(result.ok)
      seen.push('done')
    })
    await metadata.barrier()
    assert.deepEqual(seen.slice(1), [[metadata.revision, [drop(['a']), put(['c'], 3)]], 'done'])
  })
  check(
    'all watchers see the same changes in the same order, also when one of them makes changes',
    async (metadata) => {
      const logs: number[][] = [[], []]
      metadata.watch((_revision, ops) => {
        logs[0]!.push(...ops.map((op) => (op.op === 'put' ? Number(op.value) : -1)))
        const last = logs[0]!.at(-1) ?? 0
        if (last > 0 && last < 5) {
          metadata.transactEphemeral([], [put(['e'], last + 10)], () => undefined)
          metadata.transact([], [put(['k'], last + 1)], () => undefined)
        }
      })
      metadata.watch((_revision, ops) => logs[1]!.push(...ops.map((op) => (op.op === 'put' ? Number(op.value) : -1))))
      await transact(metadata, [], [put(['k'], 1)])
      while (metadata.get(['k'])?.value !== 5) await metadata.barrier()
      assert.deepEqual(logs[0], [1, 11, 2, 12, 3, 13, 4, 14, 5])
      assert.deepEqual(logs[1], logs[0])
    },
  )
  check('a refused transaction is not seen', async (metadata) => {
    let changes = -1
    metadata.watch(() => changes++)
    await transact(metadata, [{ key: ['x'], expect: 'present' }], [put(['a'], 1)])
    assert.equal(changes, 0)
  })
}

function checkEphemeral(check: Check): void {
  check('an ephemeral change is there, seen and done before return', async (metadata) => {
    const seen: unknown[] = []
    metadata.watch((_revision, ops) => seen.push(...ops))
    const result = ephemeral(metadata, [{ key: ['q', 'x'], expect: 'absent' }], [put(['q', 'x'], 1)])
    assert.deepEqual(result, { ok: true, revision: metadata.revision })
    assert.equal(metadata.get(['q', 'x'])?.value, 1)
    assert.deepEqual(seen, [put(['q', 'x'], 1)])
    assert.deepEqual(ephemeral(metadata, [{ key: ['q', 'x'], expect: 'absent' }], [put(['q', 'x'], 2)]), {
      ok: false,
      reason: 'conflict',
      key: ['q', 'x'],
    })
  })
  check('ephemeral changes leave stored entries alone', async (metadata) => {
    await transact(metadata, [], [put(['q', 'stored'], 1)])
    for (const op of [put(['q', 'stored'], 2), drop(['q', 'stored'])]) {
      assert.equal(ephemeral(metadata, [], [op])?.ok, false)
    }
    ephemeral(metadata, [], [put(['q', 'x'], 1)])
    const seen: unknown[] = []
    metadata.watch((_revision, ops) => seen.push(...ops))
    assert.ok(ephemeral(metadata, [], [{ op: 'drop-prefix', key: ['q'] }])?.ok)
    assert.deepEqual(seen.slice(2), [drop(['q', 'x'])])
    assert.deepEqual(contents(metadata), [['q/stored', 1]])
  })
  check('a stored transaction drops ephemeral entries too', async (metadata) => {
    ephemeral(metadata, [], [put(['v', 'x'], 1), put(['v', 'y'], 1), put(['w'], 1)])
    await transact(metadata, [], [drop(['w']), { op: 'drop-prefix', key: ['v'] }])
    assert.deepEqual(contents(metadata), [])
  })
}

function checkEphemeralInFlight(check: Check): void {
  check('of a stored and an ephemeral creator of one turn one wins', async (metadata) => {
    const absent: Guard[] = [{ key: ['q'], expect: 'absent' }]
    const stored = transact(metadata, absent, [put(['q'], 'stored')])
    const other = transactEphemeral(metadata, absent, [put(['q'], 'ephemeral')])
    const [first, second] = await Promise.all([stored, other])
    assert.notEqual(first.ok, second.ok)
    assert.equal(metadata.get(['q'])?.value, first.ok ? 'stored' : 'ephemeral')
  })
  check('an ephemeral change that concerns what is being committed is decided by the outcome', async (metadata) => {
    await transact(metadata, [], [put(['v'], 1)])
    metadata.transact([], [{ op: 'drop-prefix', key: ['v'] }], () => undefined)
    await new Promise((resolve) => setImmediate(resolve))
    const result = await transactEphemeral(metadata, [{ key: ['v'], expect: 'present' }], [put(['v', 'q'], 1)])
    await metadata.barrier()
    const isThere = metadata.get(['v', 'q']) !== undefined
    assert.equal(isThere, metadata.get(['v']) !== undefined && result.ok)
  })
}

function checkModel(check: Check): void {
  for (const seed of [1, 2, 3, 4, 5, 6]) {
    check(`random transactions agree with a naive map (seed ${seed})`, (metadata) => runRandomly(metadata, seed))
  }
}

/** Random transactions, many in flight, against a map that applies what watchers were told. */
export async function runRandomly(metadata: Metadata, seed: number): Promise<void> {
  const randomness = new SeededRandomness(seed)
  const model = new Map<string, unknown>()
  let seenRevision = metadata.revision
  metadata.watch((revision, ops) => {
    assert.ok(revision >= seenRevision)
    seenRevision = revision
    for (const op of ops) applyTo(model, op)
  })
  let endedCount = 0
  const startedCount = 400
  for (let i = 0; i < startedCount; i++) {
    const guards = randomness.below(3) === 0 ? [randomGuard(randomness, metadata)] : []
    const ops = Array.from({ length: randomness.below(4) }, () => randomOp(randomness, i))
    const done = (result: TransactionResult): void => {
      endedCount++
      if (result.ok) assert.ok(result.revision <= metadata.revision)
      else if (result.reason === 'conflict') assert.ok(guards.length > 0 || isEphemeral)
    }
    const isEphemeral = randomness.below(4) === 0
    if (isEphemeral) metadata.transactEphemeral(guards, ops, done)
    else metadata.transact(guards, ops, done)
    if (randomness.below(20) === 0) await metadata.barrier()
  }
  await metadata.barrier()
  assert.equal(endedCount, startedCount)
  const expected = [...model].sort(([a], [b]) => (a < b ? -1 : 1))
  assert.deepEqual(contents(metadata), expected)
}

function applyTo(model: Map<string, unknown>, op: MetadataOp): void {
  const text = op.key.join('/')
  if (op.op === 'put') model.set(text, op.value)
  else if (op.op === 'drop') model.delete(text)
  else for (const key of [...model.keys()]) if (key === text || key.startsWith(`${text}/`)) model.delete(key)
}

function randomKey(randomness: Randomness): MetadataKey {
  return [`k${randomness.below(3)}`, `n${randomness.below(8)}`]
}

function randomOp(randomness: Randomness, value: number): MetadataOp {
  const dice = randomness.below(12)
  if (dice === 0) return { op: 'drop-prefix', key: randomKey(randomness).slice(0, 1) }
  return dice < 4 ? drop(randomKey(randomness)) : put(randomKey(randomness), value)
}

function randomGuard(randomness: Randomness, metadata: Metadata): Guard {
  const key = randomKey(randomness)
  const dice = randomness.below(3)
  if (dice === 0) return { key, expect: metadata.get(key)?.revision ?? 'absent' }
  return { key, expect: dice === 1 ? 'absent' : 'present' }
}

function checkReopen(subject: MetadataSubject, reopen: (metadata: Metadata) => Promise<Metadata>): void {
  test('what was committed is there after reopening, ephemeral entries are not', async () => {
    let metadata = await subject.create()
    await transact(metadata, [], [put(['a'], { deep: [1, 'ü', null] }), put(['b'], 1), put(['c'], 1)])
    await transact(metadata, [], [drop(['b']), put(['c'], 2)])
    ephemeral(metadata, [], [put(['e'], 1)])
    const revision = metadata.revision
    metadata = await reopen(metadata)
    assert.deepEqual(contents(metadata), [
      ['a', { deep: [1, 'ü', null] }],
      ['c', 2],
    ])
    assert.ok(metadata.revision > revision)
    assert.ok((await transact(metadata, [{ key: ['c'], expect: metadata.get(['c'])!.revision }], [drop(['c'])])).ok)
    metadata = await reopen(metadata)
    assert.deepEqual(contents(metadata), [['a', { deep: [1, 'ü', null] }]])
    await metadata.close()
  })
  test('random transactions leave on disk what they left in memory', async () => {
    let metadata = await subject.create()
    await runRandomly(metadata, 77)
    const ephemerals = new Set(contents(metadata).map((entry) => JSON.stringify(entry)))
    metadata = await reopen(metadata)
    for (const entry of contents(metadata)) assert.ok(ephemerals.has(JSON.stringify(entry)))
    const before = contents(metadata)
    metadata = await reopen(metadata)
    assert.deepEqual(contents(metadata), before)
    await metadata.close()
  })
}
