import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ALICE,
  type ListingQueue,
  queueDeclaration,
  TestWorld,
  VHOST,
  value,
} from '../../../test/support/model-world.ts'
import { argumentsToJson } from '../values/arguments-json.ts'
import { Alarms } from './alarms.ts'
import { AlarmEvents } from './event-exchange.ts'

function eventsOf(world: TestWorld, queue: ListingQueue): { key: string; headers: Record<string, unknown> }[] {
  world.settle()
  return queue.received.map(({ exchange, routingKey, body }, i) => {
    assert.deepEqual([exchange, body], ['amq.rabbitmq.event', ''])
    return { key: routingKey, headers: argumentsToJson(queue.headers[i]!) }
  })
}

test('what is made and deleted is told to whoever is bound', () => {
  const world = new TestWorld()
  const events = world.queue('events')
  world.bind('amq.rabbitmq.event', 'events', 'queue.*')
  world.bind('amq.rabbitmq.event', 'events', 'exchange.#')
  world.queue('q', { durable: true })
  world.exchange('x', 'fanout', { 'alternate-exchange': 'a' })
  value((answered) => world.vhost.deleteQueue('q', { ifUnused: false, ifEmpty: false }, ALICE, answered))
  const told = eventsOf(world, events)
  assert.deepEqual(
    told.map(({ key, headers }) => `${key} ${headers.vhost} ${headers.name}`),
    ['queue.created / q', 'exchange.created / x', 'queue.deleted / q'],
  )
  assert.deepEqual(told[1]?.headers.arguments, { 'alternate-exchange': 'a' })
  assert.equal(told[0]?.headers.user_who_performed_action, 'alice')
  assert.equal(told[0]?.headers.timestamp_in_ms, world.clock.nowMs())
})

test('users, permissions and policies are told without secrets', () => {
  const world = new TestWorld()
  const events = world.queue('events')
  world.bind('amq.rabbitmq.event', 'events', '#')
  eventsOf(world, events)
  events.received.length = 0
  events.headers.length = 0
  const user = {
    name: 'u',
    passwordHash: 'secret',
    hashingAlgorithm: 'h',
    tags: ['t'],
    maxConnections: -1,
    maxChannels: -1,
  }
  const permission = { vhost: '/', user: 'u', configure: '', write: '.*', read: '^r' }
  const definition = { 'max-length': 5 }
  const policy = { vhost: '/', name: 'p', pattern: '^a', applyTo: 'queues', priority: 1, definition }
  world.metadata.transact(
    [],
    [
      { op: 'put', key: ['user', 'u'], value: user },
      { op: 'put', key: ['permission', '/', 'u'], value: permission },
      { op: 'put', key: ['policy', '/', 'p'], value: policy },
    ],
    () => undefined,
  )
  world.metadata.transact([], [{ op: 'drop', key: ['user', 'u'] }], () => undefined)
  const told = eventsOf(world, events)
  assert.deepEqual(
    told.map(({ key }) => key),
    ['user.created', 'permission.created', 'policy.set', 'user.deleted'],
  )
  assert.equal(JSON.stringify(told).includes('secret'), false)
  assert.equal(told[1]?.headers.read, '^r')
  assert.deepEqual(told[2]?.headers.definition, definition)
})

test('nothing is kept while nobody is bound, and events of other vhosts come here too', () => {
  const world = new TestWorld()
  world.queue('before')
  assert.equal(world.broker.events.isObserved, false)
  const events = world.queue('events')
  world.bind('amq.rabbitmq.event', 'events', 'queue.created')
  assert.equal(world.broker.events.isObserved, true)
  value((answered) => world.broker.putVhost({ ...VHOST, name: 'v' }, answered))
  value((answered) => world.broker.vhost('v')!.declareQueue(queueDeclaration('far'), ALICE, answered))
  assert.deepEqual(
    eventsOf(world, events).map(({ headers }) => `${headers.vhost} ${headers.name}`),
    ['v far'],
  )
  value((answered) => world.vhost.deleteQueue('events', { ifUnused: false, ifEmpty: false }, ALICE, answered))
  assert.equal(world.broker.events.isObserved, false)
})

test('alarms are told when they begin and end', () => {
  const world = new TestWorld()
  const alarms = new Alarms()
  new AlarmEvents(world.broker.events, alarms, 'n')
  const events = world.queue('events')
  world.bind('amq.rabbitmq.event', 'events', 'alarm.*')
  alarms.set('disk', true)
  alarms.set('memory', true)
  alarms.set('disk', false)
  assert.deepEqual(
    eventsOf(world, events).map(({ key, headers }) => `${key} ${headers.alarm}`),
    ['alarm.set disk', 'alarm.set memory', 'alarm.cleared disk'],
  )
})

test('many events at once are told in slices, all of them', () => {
  const world = new TestWorld()
  const events = world.queue('events')
  world.bind('amq.rabbitmq.event', 'events', 'test')
  for (let i = 0; i < 2_500; i++) world.broker.events.announce('test', '/', { i })
  const told = eventsOf(world, events)
  assert.equal(told.length, 2_500)
  assert.equal(told.at(-1)?.headers.i, 2_499)
})
