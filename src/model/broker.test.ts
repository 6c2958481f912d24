import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ALICE,
  draftOf,
  headersOf,
  queueDeclaration,
  refusalOf,
  TestWorld,
  VHOST,
  value,
} from '../../test/support/model-world.ts'
import type { CloseReason, ConnectionHandle } from './connections.ts'
import { MessageView } from './message/message.ts'
import {
  DEAD_LETTER_LOGGED,
  DEAD_LETTER_REFUSED,
  DEAD_LETTER_TAKEN,
  DEAD_LETTER_UNROUTED,
} from './queue/dead-letter.ts'
import { ADMIT_REFUSED } from './queue/queue.ts'
import { argumentsToJson } from './values/arguments-json.ts'

function connection(id: string, user: string, vhost: string, closed: string[]): ConnectionHandle {
  return {
    id,
    user,
    vhost,
    name: id,
    channelCount: 2,
    close: (reason: CloseReason, text: string) => closed.push(`${id} ${reason} ${text}`),
  } as unknown as ConnectionHandle // The registry reads nothing else.
}

function permit(world: TestWorld, user: string, vhost: string): void {
  const record = { vhost, user, configure: '.*', write: '.*', read: '.*' }
  world.metadata.transact([], [{ op: 'put', key: ['permission', vhost, user], value: record }], () => undefined)
}

test('a vhost has its own exchanges, and those of the default vhost are more', () => {
  const world = new TestWorld()
  value((answered) => world.broker.putVhost({ ...VHOST, name: 'v' }, answered))
  const names = [...world.broker.vhost('v')!.exchanges()].map((exchange) => exchange.name)
  assert.deepEqual(names, [
    '',
    'amq.direct',
    'amq.fanout',
    'amq.headers',
    'amq.match',
    'amq.topic',
    'amq.rabbitmq.trace',
  ])
  assert.deepEqual([...world.vhost.exchanges()].map((exchange) => exchange.name).slice(7), [
    'amq.rabbitmq.log',
    'amq.rabbitmq.event',
  ])
})

test('deleting a vhost takes everything in it along, and its connections', () => {
  const world = new TestWorld()
  value((answered) => world.broker.putVhost({ ...VHOST, name: 'v' }, answered))
  const vhost = world.broker.vhost('v')!
  value((answered) => vhost.declareQueue(queueDeclaration('q'), ALICE, answered))
  value((answered) => vhost.declareQueue({ ...queueDeclaration('e'), exclusive: true }, ALICE, answered))
  permit(world, 'alice', 'v')
  permit(world, 'alice', '/')
  const closed: string[] = []
  world.broker.connections.add(connection('c1', 'alice', 'v', closed))
  world.broker.connections.add(connection('c2', 'alice', '/', closed))
  value((answered) => world.broker.deleteVhost('v', answered))
  assert.equal(world.broker.vhost('v'), undefined)
  assert.deepEqual(
    [...world.metadata.list([])].map(({ key }) => key.join(' ')),
    ['permission / alice', 'vhost /'],
  )
  assert.deepEqual(closed, ["c1 vhost-deleted vhost 'v' is deleted"])
  assert.deepEqual([vhost.queueCount, vhost.exchangeCount], [0, 0])
  assert.equal(
    refusalOf((answered) => world.broker.deleteVhost('v', answered)),
    'not-found: vhost v not found',
  )
})

test('a protected vhost is not deleted', () => {
  const world = new TestWorld()
  value((answered) => world.broker.putVhost({ ...VHOST, protectedFromDeletion: true }, answered))
  assert.equal(
    refusalOf((answered) => world.broker.deleteVhost('/', answered)),
    "precondition-failed: Refusing to delete virtual host '/' because it is protected from deletion",
  )
})

test('who may connect: limits, the vhost, permissions', () => {
  const world = new TestWorld({ settings: { connectionCountMax: 3 } })
  const { connections } = world.broker
  const refusal = (user = 'alice', vhost = '/'): string | undefined =>
    world.broker.refusesConnection(world.broker.sessionPermissions({ user, authorization: null }, vhost))?.text
  assert.equal(refusal(), "access to vhost '/' refused for user 'alice'")
  assert.equal(refusal('alice', 'nowhere'), 'vhost nowhere not found')
  permit(world, 'alice', '/')
  assert.equal(refusal(), undefined)
  const user = { name: 'alice', passwordHash: '', hashingAlgorithm: '', tags: [], maxConnections: 1, maxChannels: 3 }
  world.metadata.transact([], [{ op: 'put', key: ['user', 'alice'], value: user }], () => undefined)
  connections.add(connection('1', 'alice', '/', []))
  assert.equal(refusal(), "connection refused for user 'alice': user connection limit (1) is reached")
  assert.equal(world.broker.refusesChannel('alice'), undefined)
  value((answered) => world.broker.parameters.setUserLimits('alice', { 'max-channels': 2 }, answered))
  assert.match(world.broker.refusesChannel('alice')!.text, /maximum allowed user limit of 2$/)
  value((answered) => world.broker.parameters.setVhostLimits('/', { 'max-connections': 1 }, answered))
  assert.equal(refusal(), "access to vhost '/' refused for user 'alice': connection limit (1) is reached")
  connections.add(connection('2', 'bob', '/', []))
  connections.add(connection('3', 'bob', '/', []))
  assert.equal(refusal(), 'connection refused: node connection limit (3) is reached')
  connections.remove(connections.get('2')!)
  assert.deepEqual([connections.count, connections.countOfUser('bob'), connections.countOfVhost('/')], [2, 1, 2])
})

test('the connections of a deleted user are closed', () => {
  const world = new TestWorld()
  const closed: string[] = []
  world.metadata.transact([], [{ op: 'put', key: ['user', 'bob'], value: {} }], () => undefined)
  world.broker.connections.add(connection('c1', 'bob', '/', closed))
  world.broker.connections.add(connection('c2', 'alice', '/', closed))
  world.metadata.transact([], [{ op: 'drop', key: ['user', 'bob'] }], () => undefined)
  assert.deepEqual(closed, ["c1 user-gone user 'bob' was deleted"])
})

test('limits and parameters are validated', () => {
  const world = new TestWorld()
  const { parameters } = world.broker
  assert.equal(
    refusalOf((answered) => parameters.setVhostLimits('/', { 'max-foo': 5 }, answered)),
    'precondition-failed: Unrecognised terms [{<<"max-foo">>,5}] in limits',
  )
  assert.equal(
    refusalOf((answered) => parameters.setVhostLimits('/', { 'max-queues': 'x' }, answered)),
    'precondition-failed: max-queues should be a number, actually was <<"x">>',
  )
  assert.equal(
    refusalOf((answered) => parameters.setUserLimits('nobody', { 'max-channels': 1 }, answered)),
    "not-found: user 'nobody' not found",
  )
  const record = { vhost: '/', component: 'shovel', name: 's', value: { a: 1 } }
  assert.equal(
    refusalOf((answered) => parameters.set(record, answered)),
    'precondition-failed: component shovel not found',
  )
  parameters.register({ name: 'shovel', refuses: (_vhost, name) => (name === 'bad' ? 'no such name' : undefined) })
  value((answered) => parameters.set(record, answered))
  assert.equal(
    refusalOf((answered) => parameters.set({ ...record, name: 'bad' }, answered)),
    'precondition-failed: no such name',
  )
  assert.deepEqual(parameters.list('/'), [record])
  assert.deepEqual(parameters.get('/', 'shovel', 's'), record)
  value((answered) => parameters.clear('/', 'shovel', 's', answered))
  assert.match(
    refusalOf((answered) => parameters.clear('/', 'shovel', 's', answered)),
    /^not-found/,
  )
  value((answered) => parameters.setGlobal('cluster_name', 'here', answered))
  assert.deepEqual(parameters.listGlobal(), [{ name: 'cluster_name', value: 'here' }])
  value((answered) => parameters.clearGlobal('cluster_name', answered))
  assert.equal(parameters.getGlobal('cluster_name'), undefined)
})

test('the store may hold bindings before queues, and bindings that lost their ends', () => {
  const world = new TestWorld()
  world.exchange('x', 'direct')
  world.queue('q')
  world.bind('x', 'q', 'k')
  const stray = [...world.metadata.list(['binding'])][0]!
  const key = ['binding', '/', 'x', 'queue', 'gone', 'k', '~']
  const value = { ...(stray.value as object), destination: 'gone' }
  world.metadata.transact([], [{ op: 'put', key, value }], () => undefined)
  world.settle()
  assert.equal(world.metadata.get(key), undefined, 'the stray binding was dropped')
  const again = new TestWorld({ metadata: world.metadata, store: world.store })
  assert.deepEqual(again.targets({ exchange: 'x', key: 'k' }), ['q'])
})

test('dead letters are routed like messages, past targets that the filter leaves out', () => {
  const world = new TestWorld()
  world.queue('q')
  world.queue('r')
  for (const name of ['q', 'r']) world.bind('amq.fanout', name)
  const letter = draftOf({ exchange: 'amq.fanout', persistent: true })
  assert.equal(world.vhost.publishDeadLetter(letter, null), DEAD_LETTER_LOGGED)
  assert.equal(world.vhost.publishDeadLetter(draftOf({ exchange: 'amq.fanout' }), null), DEAD_LETTER_TAKEN)
  assert.equal(world.vhost.publishDeadLetter(letter, { accepts: () => false }), DEAD_LETTER_UNROUTED)
  assert.equal(world.vhost.publishDeadLetter(draftOf({ exchange: 'nowhere' }), null), DEAD_LETTER_UNROUTED)
  assert.equal(world.vhost.publishDeadLetter(letter, { accepts: ({ name }) => name === 'r' }), DEAD_LETTER_LOGGED)
  assert.deepEqual([world.queue('q').bodies.length, world.queue('r').bodies.length], [2, 3])
  world.queue('q').admission = ADMIT_REFUSED
  assert.equal(world.vhost.publishDeadLetter(letter, null), DEAD_LETTER_REFUSED)
})

test('the firehose copies what is published and delivered', () => {
  const world = new TestWorld()
  const traces = world.queue('traces')
  world.queue('q')
  world.bind('amq.rabbitmq.trace', 'traces', '#')
  assert.equal(world.vhost.isTraced, false)
  value((answered) => world.broker.putVhost({ ...VHOST, tracing: true }, answered))
  assert.equal(world.vhost.isTraced, true)
  const context = { connection: 'c', channel: 1, user: 'alice' }
  const draft = draftOf({ key: 'q', body: 'hello', headers: { a: 1 } })
  const route = world.vhost.routeOf(world.vhost.exchange('')!, draft)
  world.vhost.tracer.published(draft, route, context)
  world.vhost.publishTo(route, draft)
  const view = new MessageView()
  assert(world.store.open(world.store.lastAddress, view))
  world.vhost.tracer.delivered(view, 'q', true, context)
  assert.deepEqual(traces.received, [
    { exchange: 'amq.rabbitmq.trace', routingKey: 'publish.', body: 'hello' },
    { exchange: 'amq.rabbitmq.trace', routingKey: 'deliver.q', body: 'hello' },
  ])
  assert(world.store.open(world.store.lastAddress, view))
  assert.deepEqual(argumentsToJson(headersOf(view)), {
    exchange_name: '',
    routing_keys: ['q'],
    properties: { headers: { a: 1 }, delivery_mode: 1 },
    node: 'warren@test',
    vhost: '/',
    connection: 'c',
    channel: 1,
    user: 'alice',
    redelivered: 1,
  })
  world.vhost.tracer.published(draftOf({ exchange: 'amq.rabbitmq.trace', key: 'x' }), route, context)
  world.vhost.tracer.delivered(view, 'traces', false, context)
  assert.equal(traces.received.length, 2, 'traces are not traced')
})

test('objects announce their life to whoever observes', () => {
  const world = new TestWorld()
  const events: string[] = []
  world.broker.events.observe({
    isListening: true,
    onEvent: (name, vhost, fields) => events.push(`${name} ${vhost} ${String(fields.name ?? fields.destination_name)}`),
  })
  world.queue('q')
  world.bind('amq.direct', 'q', 'k')
  value<number>((answered) => world.vhost.deleteQueue('q', { ifUnused: false, ifEmpty: false }, ALICE, answered))
  assert.deepEqual(events, ['queue.created / q', 'binding.created / q', 'binding.deleted / q', 'queue.deleted / q'])
})
