// The parts of the console that need no browser: how messages are routed, where dead letters come from, what an import changes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Binding, Exchange, GotMessage, Queue } from '../../ui/src/base/types.ts'
import { deadLetterQueues, deathOf } from '../../ui/src/pages/deaths.ts'
import { difference } from '../../ui/src/pages/definitions-difference.ts'
import { layOut } from '../../ui/src/pages/graph.ts'
import { headersMatch, routeMessage, topicMatches } from '../../ui/src/pages/routing.ts'

function exchange(name: string, type: string, args: Record<string, unknown> = {}): Exchange {
  return { name, vhost: '/', type, durable: true, auto_delete: false, internal: false, arguments: args }
}

function binding(
  source: string,
  destination: string,
  routingKey = '',
  type: Binding['destination_type'] = 'queue',
): Binding {
  return {
    source,
    destination,
    destination_type: type,
    routing_key: routingKey,
    vhost: '/',
    arguments: {},
    properties_key: routingKey || '~',
  }
}

function queue(name: string, args: Record<string, unknown> = {}): Queue {
  return { name, vhost: '/', durable: true, auto_delete: false, arguments: args }
}

test('topic patterns', () => {
  const rows: readonly (readonly [string, string, boolean])[] = [
    ['#', '', true],
    ['#', 'a.b', true],
    ['*', '', false],
    ['*', 'a', true],
    ['*', 'a.b', false],
    ['a.#', 'a', true],
    ['a.#.z', 'a.z', true],
    ['a.#.z', 'a.b.c.z', true],
    ['a.*.z', 'a.z', false],
    ['#.#', 'x', true],
    ['a.b', 'a.b.c', false],
    ['', '', true],
  ]
  for (const [pattern, key, expected] of rows) assert.equal(topicMatches(pattern, key), expected, `${pattern} ${key}`)
})

test('headers patterns', () => {
  assert.equal(headersMatch({ 'x-match': 'all', a: 1, b: 2 }, { a: 1, b: 2, c: 3 }), true)
  assert.equal(headersMatch({ 'x-match': 'all', a: 1, b: 2 }, { a: 1 }), false)
  assert.equal(headersMatch({ 'x-match': 'any', a: 1, b: 2 }, { b: 2 }), true)
  assert.equal(headersMatch({ 'x-match': 'any', 'x-a': 1 }, { 'x-a': 1 }), false)
  assert.equal(headersMatch({ 'x-match': 'any-with-x', 'x-a': 1 }, { 'x-a': 1 }), true)
})

test('a message goes through exchanges, alternates and cycles', () => {
  const world = {
    exchanges: [
      exchange('in', 'direct', { 'alternate-exchange': 'rest' }),
      exchange('rest', 'fanout'),
      exchange('hash', 'x-hash'),
    ],
    bindings: [
      binding('in', 'one', 'k'),
      binding('in', 'rest', 'both', 'exchange'),
      binding('rest', 'in', '', 'exchange'),
      binding('rest', 'all'),
      binding('hash', 'any'),
    ],
  }
  const queuesOf = (name: string, routingKey: string) =>
    routeMessage(world, { exchange: name, routingKey, headers: {} })
  assert.deepEqual(queuesOf('in', 'k').queues, ['one'])
  assert.deepEqual(queuesOf('in', 'both').queues, ['all'])
  assert.deepEqual(queuesOf('in', 'none').queues, ['all'])
  assert.deepEqual(queuesOf('in', 'none').alternates, ['in'])
  assert.deepEqual(queuesOf('hash', 'k').unknown, ['hash'])
})

test('dead letters are followed to their queue, and their death is read', () => {
  const found = deadLetterQueues(
    [
      queue('work', { 'x-dead-letter-exchange': 'dlx' }),
      queue('direct', { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dead' }),
      queue('dead'),
    ],
    [exchange('dlx', 'fanout')],
    [binding('dlx', 'dead')],
  )
  assert.deepEqual(
    found.map(({ queue: { name }, sources }) => [name, sources]),
    [['dead', ['direct', 'work']]],
  )
  const message: GotMessage = {
    payload: '',
    payload_bytes: 0,
    payload_encoding: 'string',
    exchange: 'dlx',
    routing_key: 'x',
    redelivered: false,
    message_count: 0,
    properties: {
      headers: { 'x-death': [{ reason: 'expired', queue: 'work', exchange: 'in', 'routing-keys': ['k'], count: 3 }] },
    },
  }
  assert.deepEqual(deathOf(message), { reason: 'expired', queue: 'work', exchange: 'in', routingKey: 'k', count: 3 })
})

test('what an import would change', () => {
  const present = {
    queues: [
      { vhost: '/', name: 'a', durable: true },
      { vhost: '/', name: 'b', durable: true },
    ],
  }
  const wanted = {
    queues: [
      { name: 'a', vhost: '/', durable: true },
      { name: 'b', vhost: '/', durable: false },
      { name: 'c', vhost: '/', durable: true },
    ],
  }
  assert.deepEqual(difference(present, wanted), { added: ['queues: / c'], changed: ['queues: / b'], sameCount: 1 })
})

test('a topology has its exchanges before its queues, and shows a filtered name with its neighbours', () => {
  const input = {
    exchanges: [],
    queues: [],
    bindings: [binding('a', 'b', '', 'exchange'), binding('b', 'q'), binding('other', 'elsewhere')],
    consumers: [],
  }
  const graph = layOut({ ...input, filter: '' })
  const columns = new Map(graph.nodes.map(({ id, column }) => [id, column]))
  assert.deepEqual([columns.get('exchange a'), columns.get('exchange b'), columns.get('queue q')], [0, 1, 2])
  const filtered = layOut({ ...input, filter: 'elsewhere' })
  assert.deepEqual(filtered.nodes.map(({ id }) => id).sort(), ['exchange other', 'queue elsewhere'])
})
