import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALICE, binding, refusalOf, TestWorld } from '../../../test/support/model-world.ts'
import type { Binding } from '../routing/exchange.ts'
import { argumentsFromJson, type Json } from '../values/arguments-json.ts'
import { headers } from './headers.ts'

function worldWith(type: string, args: Readonly<Record<string, Json>> = {}, queues = 3): TestWorld {
  const world = new TestWorld()
  world.exchange('x', type, args)
  for (let i = 1; i <= queues; i++) world.queue(`q${i}`)
  return world
}

test('direct: the key equals the binding key', () => {
  const world = worldWith('direct')
  world.bind('x', 'q1', 'a')
  world.bind('x', 'q2', 'a')
  world.bind('x', 'q3', 'b')
  assert.deepEqual(world.targets({ exchange: 'x', key: 'a' }), ['q1', 'q2'])
  assert.deepEqual(world.targets({ exchange: 'x', key: 'b' }), ['q3'])
  assert.deepEqual(world.targets({ exchange: 'x', key: '' }), [])
})

test('fanout: every queue once, however often it is bound', () => {
  const world = worldWith('fanout')
  world.bind('x', 'q1', 'a')
  world.bind('x', 'q1', 'b')
  world.bind('x', 'q2')
  assert.deepEqual(world.targets({ exchange: 'x', key: 'whatever' }), ['q1', 'q2'])
})

test('topic: patterns, and further keys from CC and BCC', () => {
  const world = worldWith('topic')
  world.bind('x', 'q1', 'a.*')
  world.bind('x', 'q2', '#.c')
  world.bind('x', 'q3', 'd')
  assert.deepEqual(world.targets({ exchange: 'x', key: 'a.c' }), ['q1', 'q2'])
  assert.deepEqual(world.targets({ exchange: 'x', key: 'a.b', headers: { CC: ['d'], BCC: ['c'] } }), ['q1', 'q2', 'q3'])
})

test('topic: three # in a binding key are refused', () => {
  const world = worldWith('topic')
  assert.equal(
    refusalOf((answered) => world.vhost.bind(binding('x', 'q1', '#.#.#'), ALICE, answered)),
    "precondition-failed: Topic binding key '#.#.#' uses 3 '#' wildcards, at most 2 are allowed",
  )
})

function headersMatch(args: Readonly<Record<string, Json>>, headers: Readonly<Record<string, Json>>): boolean {
  const world = worldWith('headers', {}, 1)
  world.bind('x', 'q1', '', args)
  return world.targets({ exchange: 'x', headers }).length === 1
}

test('headers: all is the default; void asks for presence; without arguments all matches and any does not', () => {
  assert.equal(headersMatch({ a: 1, b: 'x' }, { a: 1, b: 'x', c: true }), true)
  assert.equal(headersMatch({ a: 1, b: 'x' }, { a: 1 }), false)
  assert.equal(headersMatch({ a: null }, { a: 'anything' }), true)
  assert.equal(headersMatch({ a: null }, { b: 1 }), false)
  assert.equal(headersMatch({}, { b: 1 }), true)
  assert.equal(headersMatch({ 'x-match': 'any' }, { b: 1 }), false)
  assert.equal(headersMatch({ 'x-match': 'any', a: 1, b: 2 }, { b: 2 }), true)
})

test('headers: of a message with many bindings to match, the table is read once', () => {
  // It keeps bindings and looks at their arguments alone; it needs nothing of its exchange.
  const index = headers.create(undefined as never, new Map(), undefined as never)
  for (let i = 0; i < 40; i++) {
    index.bind({ arguments: argumentsFromJson({ 'x-match': 'any', [`k${i}`]: i }) } as Binding)
  }
  let readCount = 0
  const facts = {
    header: () => assert.fail('reads the table from its start each time'),
    headers: () => {
      readCount++
      return argumentsFromJson({ k7: 7, k8: 'other' })
    },
    property: () => undefined,
  }
  let foundCount = 0
  index.route('', facts, { add: () => foundCount++, addTarget: () => assert.fail('it has no keeper') })
  assert.deepEqual([foundCount, readCount], [1, 1])
})

test('headers: values are equal when type and value are', () => {
  assert.equal(headersMatch({ a: 1 }, { a: '1' }), false)
  assert.equal(headersMatch({ a: 1.5 }, { a: 1.5 }), true)
  assert.equal(headersMatch({ a: ['x', 1] }, { a: ['x', 1] }), true)
  assert.equal(headersMatch({ a: { b: 1 } }, { a: { b: 2 } }), false)
})

test('headers: arguments with x- count only for the kinds that say so', () => {
  assert.equal(headersMatch({ 'x-match': 'all', 'x-a': 1 }, { b: 1 }), true)
  assert.equal(headersMatch({ 'x-match': 'all-with-x', 'x-a': 1 }, { b: 1 }), false)
  assert.equal(headersMatch({ 'x-match': 'all-with-x', 'x-a': 1 }, { 'x-a': 1 }), true)
  assert.equal(headersMatch({ 'x-match': 'any-with-x', 'x-a': 1 }, { 'x-a': 1 }), true)
  assert.equal(headersMatch({ 'x-match': 'any', 'x-a': 1 }, { 'x-a': 1 }), false)
})

test('headers: x-match is validated', () => {
  const world = worldWith('headers')
  const refusal = (match: Json): string =>
    refusalOf((answered) => world.vhost.bind(binding('x', 'q1', '', { 'x-match': match }), ALICE, answered))
  assert.equal(
    refusal('some'),
    'precondition-failed: Invalid x-match field value "some"; expected all, any, all-with-x, or any-with-x',
  )
  assert.equal(refusal(1), 'precondition-failed: Invalid x-match field type long (value 1); expected longstr')
})

/** How many of `count` keys go to each queue. */
function spread(world: TestWorld, count: number): Map<string, number> {
  const counts = new Map<string, number>()
  for (let i = 0; i < count; i++) {
    const [target] = world.targets({ exchange: 'x', key: `key-${i}` })
    counts.set(target!, (counts.get(target!) ?? 0) + 1)
  }
  return counts
}

test('x-consistent-hash: destinations share the keys in proportion to their weights', () => {
  const world = worldWith('x-consistent-hash')
  world.bind('x', 'q1', '1')
  world.bind('x', 'q2', '1')
  world.bind('x', 'q3', '2')
  const counts = spread(world, 8000)
  for (const [name, share] of [
    ['q1', 2000],
    ['q2', 2000],
    ['q3', 4000],
  ] as const) {
    assert(Math.abs(counts.get(name)! - share) < share * 0.1, `${name} got ${counts.get(name)} of about ${share}`)
  }
})

test('x-consistent-hash: a destination that goes moves no key of the others', () => {
  for (const weights of [
    ['1', '1', '1'],
    ['1', '5', '3'],
  ]) {
    const world = worldWith('x-consistent-hash')
    for (let i = 0; i < 3; i++) world.bind('x', `q${i + 1}`, weights[i]!)
    const target = (i: number): string => world.targets({ exchange: 'x', key: `key-${i}` })[0]!
    const before = Array.from({ length: 2000 }, (_, i) => target(i))
    world.vhost.unbind(binding('x', 'q2', weights[1]!), ALICE, () => undefined)
    for (let i = 0; i < before.length; i++) {
      if (before[i] === 'q2') assert.notEqual(target(i), 'q2')
      else assert.equal(target(i), before[i])
    }
  }
})

test('x-consistent-hash: a second binding of the same queue changes nothing until the first goes', () => {
  const world = worldWith('x-consistent-hash', {}, 2)
  world.bind('x', 'q1', '1')
  world.bind('x', 'q2', '1')
  const before = spread(world, 1000)
  world.bind('x', 'q1', '9')
  assert.deepEqual(spread(world, 1000), before)
  world.vhost.unbind(binding('x', 'q1', '1'), ALICE, () => undefined)
  assert(spread(world, 1000).get('q1')! > 800)
})

test('x-consistent-hash: hashes a header or a property when asked to', () => {
  const byHeader = worldWith('x-consistent-hash', { 'hash-header': 'id' })
  const byProperty = worldWith('x-consistent-hash', { 'hash-property': 'message_id' })
  for (const world of [byHeader, byProperty]) for (const queue of ['q1', 'q2', 'q3']) world.bind('x', queue, '1')
  const found = new Set<string>()
  for (let i = 0; i < 50; i++) {
    found.add(byHeader.targets({ exchange: 'x', key: `${i}`, headers: { id: 7 } })[0]!)
    found.add(`p${byProperty.targets({ exchange: 'x', key: `${i}`, properties: { message_id: 'm' } })[0]!}`)
  }
  assert.equal(found.size, 2)
})

test('x-consistent-hash: arguments and weights are validated', () => {
  const world = worldWith('x-consistent-hash')
  const declare = (args: Readonly<Record<string, Json>>) => (): void => world.exchange('y', 'x-consistent-hash', args)
  assert.throws(declare({ 'hash-header': 'a', 'hash-property': 'message_id' }), {
    message: 'refused: hash-header and hash-property are mutually exclusive',
  })
  assert.throws(declare({ 'hash-property': 'reply_to' }), { message: 'refused: Unsupported property: reply_to' })
  const bind = (key: string) => (): void => world.bind('x', 'q1', key)
  assert.throws(bind('a'), { message: 'refused: The binding key must be an integer: <<"a">>' })
  assert.throws(bind('0'), { message: 'refused: The binding key must be greater than 0' })
  assert.throws(bind('10001'), { message: 'refused: The binding key must not exceed 10000' })
})

test('x-modulus-hash: the same key goes to the same queue, whatever the order of binding', () => {
  const first = worldWith('x-modulus-hash')
  const second = worldWith('x-modulus-hash')
  for (const queue of ['q1', 'q2', 'q3']) first.bind('x', queue)
  for (const queue of ['q3', 'q1', 'q2']) second.bind('x', queue)
  assert.deepEqual(spread(first, 300), spread(second, 300))
  for (const share of spread(first, 3000).values()) assert(share > 800)
})

test('x-random and x-local-random: one queue each time, all in the long run', () => {
  for (const type of ['x-random', 'x-local-random']) {
    const world = worldWith(type)
    for (const queue of ['q1', 'q2', 'q3']) world.bind('x', queue)
    for (const share of spread(world, 600).values()) assert(share > 100)
    world.vhost.unbind(binding('x', 'q1'), ALICE, () => undefined)
    assert.deepEqual([...spread(world, 100).keys()].sort(), ['q2', 'q3'])
  }
})

test('x-local-random: takes classic queues with an empty key', () => {
  const world = worldWith('x-local-random')
  world.queue('qq', { arguments: new Map([['x-queue-type', { type: 'longstr', value: 'quorum' }]]) })
  assert.throws(() => world.bind('x', 'q1', 'k'), { message: "refused: Non empty binding 'k' key not permitted" })
  assert.throws(() => world.bind('x', 'qq'), {
    message: 'refused: Queue type rabbit_quorum_queue not valid for this exchange type',
  })
})
