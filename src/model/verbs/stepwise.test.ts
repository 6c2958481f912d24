import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ALICE, binding, TestWorld, texts, VHOST, value } from '../../../test/support/model-world.ts'
import type { Vhost } from '../vhost.ts'
import type { Answered } from './answer.ts'
import { STEP_COUNT } from './stepwise.ts'

const MANY = 3 * STEP_COUNT + 7
const NO_CONDITIONS = { ifUnused: false, ifEmpty: false }
const EXCHANGE = { type: 'topic', durable: false, autoDelete: false, internal: false, arguments: texts({}) }
const QUEUE = { durable: true, exclusive: false, autoDelete: false, arguments: texts({}) }

/** A queue with very many bindings from a transient exchange. */
function bind(vhost: Vhost, count = MANY): void {
  value((answered) => vhost.declareQueue({ name: 'q', ...QUEUE }, ALICE, answered))
  value((answered) => vhost.declareExchange({ name: 'x', ...EXCHANGE }, answered))
  for (let i = 0; i < count; i++) value((answered) => vhost.bind(binding('x', 'q', `k.${i}`), ALICE, answered))
}

/** Asks, and ends turns until the answer is there. Returns how much was left after each. */
function watched<T>(world: TestWorld, left: () => number, ask: (answered: Answered<T>) => void): number[] {
  const seen: number[] = []
  const answers: boolean[] = []
  ask(({ refusal }) => answers.push(refusal === null))
  for (let turns = 0; answers.length === 0 && turns < 100; turns++) {
    seen.push(left())
    world.turn.end()
  }
  assert.deepEqual(answers, [true])
  return seen
}

const GRADUAL = [MANY - STEP_COUNT, MANY - 2 * STEP_COUNT, MANY - 3 * STEP_COUNT]

test('an exchange of very many bindings is deleted in steps, and answered at the end', () => {
  const world = new TestWorld()
  bind(world.vhost)
  const { bindings } = world.vhost.topology
  const ask = (answered: Answered<null>): void => world.vhost.deleteExchange('x', false, answered)
  assert.deepEqual(
    watched(world, () => bindings.size, ask),
    GRADUAL,
  )
  assert.equal(world.vhost.exchange('x'), undefined)
  assert.equal(bindings.size, 0)
})

test('so is a queue', () => {
  const world = new TestWorld()
  bind(world.vhost)
  const { bindings, queues } = world.vhost.topology
  const ask = (answered: Answered<number>): void => world.vhost.deleteQueue('q', NO_CONDITIONS, ALICE, answered)
  assert.deepEqual(
    watched(world, () => bindings.size, ask),
    GRADUAL,
  )
  assert.deepEqual([queues.size, bindings.size], [0, 0])
})

test('a queue that must be empty goes in steps, too; one that is not keeps its bindings', () => {
  const world = new TestWorld()
  bind(world.vhost)
  const { bindings, queues } = world.vhost.topology
  const conditions = { ifUnused: true, ifEmpty: true }
  world.publish({ exchange: 'x', key: 'k.1' })
  world.vhost.deleteQueue('q', conditions, ALICE, ({ refusal }) => assert.equal(refusal?.code, 'precondition-failed'))
  world.settle()
  assert.equal(bindings.size, MANY)
  value((answered) => answered(world.vhost.purgeQueue('q', ALICE)))
  const ask = (answered: Answered<number>): void => world.vhost.deleteQueue('q', conditions, ALICE, answered)
  assert.deepEqual(
    watched(world, () => bindings.size, ask),
    GRADUAL,
  )
  assert.deepEqual([queues.size, bindings.size], [0, 0])
})

test('an exchange that must be unused goes in steps when very many others lead to it', () => {
  const world = new TestWorld()
  world.exchange('to', 'direct')
  for (let i = 0; i < MANY; i++) world.bindExchange('amq.direct', 'to', `k.${i}`)
  const { bindings } = world.vhost.topology
  const ask = (answered: Answered<null>): void => world.vhost.deleteExchange('to', true, answered)
  assert.deepEqual(
    watched(world, () => bindings.size, ask),
    GRADUAL,
  )
  assert.equal(bindings.size, 0)
})

test('a queue whose bindings are being removed belongs to its owner; others remove none', () => {
  const world = new TestWorld()
  world.queue('e', { exclusive: true })
  for (let i = 0; i < MANY; i++) world.bind('amq.direct', 'e', `k.${i}`)
  world.vhost.deleteQueue('e', NO_CONDITIONS, { user: 'bob', connectionId: 'another' }, ({ refusal }) =>
    assert.equal(refusal?.code, 'resource-locked'),
  )
  world.settle()
  const { bindings } = world.vhost.topology
  assert.equal(bindings.size, MANY)
  const left = watched<null>(
    world,
    () => bindings.size,
    (answered) => world.vhost.releaseOwner(ALICE.connectionId!, () => answered({ value: null, refusal: null })),
  )
  assert.equal(left.length, 4)
  assert.deepEqual([world.vhost.topology.queues.size, bindings.size], [0, 0])
})

test('the exclusive queues of a connection that closes, and those of a vhost, go some at a time', () => {
  const world = new TestWorld()
  for (let i = 0; i < MANY; i++) world.queue(`e${i}`, { exclusive: true })
  const { queues } = world.vhost.topology
  const left = watched<null>(
    world,
    () => queues.size,
    (answered) => world.vhost.releaseOwner(ALICE.connectionId!, () => answered({ value: null, refusal: null })),
  )
  assert.deepEqual(left.slice(0, 3), GRADUAL)
  assert.equal(queues.size, 0)
})

test('a vhost is emptied in steps before it goes; its connections are closed at the first', () => {
  const world = new TestWorld()
  value((answered) => world.broker.putVhost({ ...VHOST, name: 'v' }, answered))
  const vhost = world.broker.vhost('v')!
  bind(vhost)
  const { topology } = vhost
  for (let i = 0; i < MANY; i++) {
    value((answered) => vhost.declareExchange({ name: `x${i}`, ...EXCHANGE }, answered))
    value((answered) => vhost.declareQueue({ name: `q${i}`, ...QUEUE }, ALICE, answered))
  }
  const sizes = (): number => topology.bindings.size + topology.queues.size + topology.exchanges.size
  const before = sizes()
  const left = [before, ...watched<null>(world, sizes, (answered) => world.broker.deleteVhost('v', answered))]
  for (let i = 1; i < left.length; i++) assert.ok(left[i - 1]! - left[i]! <= STEP_COUNT, `step ${i}: ${left}`)
  assert.ok(left.at(-1)! <= 2 * STEP_COUNT, `left for the last transaction: ${left.at(-1)}`)
  assert.equal(world.broker.vhost('v'), undefined)
})
