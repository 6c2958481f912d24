// The parts of the console that need no browser: how messages are routed, where dead letters come from, what an import changes.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Binding, Exchange, GotMessage, Queue } from '../../ui/src/base/types.ts'
import { deadLetterQueues } from '../../ui/src/pages/deaths.ts'
import { difference } from '../../ui/src/pages/definitions-difference.ts'
import { effectiveSettings } from '../../ui/src/pages/effective-settings.ts'
import { layOut } from '../../ui/src/pages/graph.ts'
import { conditionsOf, describeFilter, filterOf } from '../../ui/src/pages/messages/conditions.ts'
import { decode, decodings } from '../../ui/src/pages/messages/decode.ts'
import { indentJson } from '../../ui/src/pages/messages/indent-json.ts'
import { headersMatch, routeMessage, topicMatches } from '../../ui/src/pages/routing.ts'
import { knownSince, lonely, niceMax, pointsOf } from '../../ui/src/parts/chart-data.ts'

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
})

test('JSON is indented as it is written', () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) =>
      assert.equal(indentJson(JSON.stringify(value)), JSON.stringify(value, null, 2)),
    ),
  )
  assert.equal(
    indentJson('{"n":12345678901234567890,"n":1e400,"e":[],"o":{ },"t":"a\\"{,}"}'),
    '{\n  "n": 12345678901234567890,\n  "n": 1e400,\n  "e": [],\n  "o": {},\n  "t": "a\\"{,}"\n}',
  )
})

test('conditions and the filter they stand for are the same thing', () => {
  const value = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null))
  const named = fc.dictionary(
    fc.string({ minLength: 1 }).filter((name) => name === name.trim() && name !== '__proto__'),
    value,
    { minKeys: 1, noNullPrototype: true },
  )
  const filter = fc.record(
    {
      body_contains: fc.string(),
      routing_key: fc.string(),
      headers: named,
      properties: named,
      older_than_ms: fc.nat(1_000_000).map((seconds) => seconds * 1_000),
      body_bytes_min: fc.nat(),
      redelivered: fc.boolean(),
      dead_letter_reason: fc.constantFrom('rejected', 'expired'),
    },
    { requiredKeys: [], noNullPrototype: true },
  )
  fc.assert(fc.property(filter, (given) => assert.deepEqual(filterOf(conditionsOf(given)), given)))
  assert.deepEqual(filterOf([{ kind: 'header', name: 'n', value: '"""' }]), { headers: { n: '"""' } })
  assert.deepEqual(filterOf([{ kind: 'header', name: 'n', value: '007' }]), { headers: { n: '007' } })
  assert.throws(() => filterOf([{ kind: 'older', name: '', value: 'soon' }]), /Older than/)
  assert.equal(describeFilter({ headers: { tenant: 'a', trace: null } }), 'header tenant is a, header trace is there')
  assert.equal(describeFilter({}), 'all messages')
})

function message(payload: string, encoding: 'string' | 'base64', contentType?: string): GotMessage {
  return {
    payload,
    payload_bytes: 0,
    payload_encoding: encoding,
    exchange: '',
    routing_key: '',
    redelivered: false,
    properties: contentType === undefined ? {} : { content_type: contentType },
  }
}

test('bodies are decoded by what they are', async () => {
  assert.deepEqual(decodings(message('{"a":1}', 'string')), ['json', 'text', 'hex'])
  const packed = message(
    Buffer.from('82a161cf0020000000000001a162c403010203', 'hex').toString('base64'),
    'base64',
    'application/msgpack',
  )
  assert.equal(decodings(packed)[0], 'msgpack')
  assert.deepEqual(JSON.parse(await decode(packed, 'msgpack')), { a: '9007199254740993', b: 'bytes 010203' })
  const cbor = message(Buffer.from('a26161f56162820102', 'hex').toString('base64'), 'base64', 'application/cbor')
  assert.equal(decodings(cbor)[0], 'cbor')
  assert.deepEqual(JSON.parse(await decode(cbor, 'cbor')), { a: true, b: [1, 2] })
  assert.match(await decode(message('{"a"', 'string'), 'cbor'), /^This is not CBOR: /)
  assert.match(await decode(message('/w==', 'base64'), 'hex'), /^000000 {2}ff/)
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

test('a chart has gaps where nothing is known, also where a counter began anew', () => {
  const samples = (values: readonly (number | null)[]) =>
    values.map((sample, i) => ({ sample, timestamp: (i + 1) * 10_000 })).toReversed()
  const length = { label: 'Ready', series: 1, details: { rate: 0, samples: samples([null, 2, null, 4]) } }
  assert.deepEqual(pointsOf([length]), [
    [10, 20, 30, 40],
    [null, 2, null, 4],
  ])
  const counter = {
    label: 'Publish',
    series: 1,
    isCounter: true,
    details: { rate: 0, samples: samples([null, 100, 200, 5, 15, null, 15]) },
  }
  assert.deepEqual(pointsOf([counter]), [
    [20, 30, 40, 50, 60, 70],
    [null, 10, null, 1, null, null],
  ])
})

test('what nothing leads to is drawn, too; a cycle of exchanges takes no more columns than it has exchanges', () => {
  const graph = layOut({
    exchanges: [
      exchange('amq.topic', 'topic'),
      exchange('', 'direct'),
      exchange('in', 'fanout'),
      exchange('idle', 'direct'),
    ],
    queues: [queue('work'), queue('by.name.alone')],
    bindings: [
      binding('in', 'out', '', 'exchange'),
      binding('out', 'in', '', 'exchange'),
      binding('in', 'in', '', 'exchange'),
      binding('out', 'work'),
    ],
    consumers: [],
    filter: '',
  })
  assert.deepEqual(graph.nodes.map(({ id }) => id).sort(), [
    'exchange idle',
    'exchange in',
    'exchange out',
    'queue by.name.alone',
    'queue work',
  ])
  assert.equal(graph.columnCount, 4)
  assert.equal(new Set(graph.nodes.map(({ column, row }) => `${column} ${row}`)).size, graph.nodes.length)
})

test('scales begin at zero and end at or above the largest value, in readable quarters', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 0, max: 1e15, noNaN: true }),
      fc.constantFrom('count', 'rate', 'bytes'),
      (max, unit) => {
        const top = niceMax(max, unit as 'count')
        assert.ok(top >= max * (1 - 1e-9))
        // Half a message is none.
        if (unit === 'count' && max < 1e9) assert.equal((top / 4) % 1, 0, `${top} for ${max}`)
      },
    ),
  )
  assert.deepEqual(
    [niceMax(null, 'rate'), niceMax(0, 'bytes'), niceMax(37, 'count'), niceMax(5_000, 'bytes')],
    [4, 1_024, 40, 8_192],
  )
})

test('of limits the lowest counts, of everything else the declaration', () => {
  const rows = effectiveSettings({
    args: { 'x-max-length': 100, 'x-overflow': 'reject-publish', 'x-queue-type': 'classic' },
    policy: { name: 'p', definition: { 'max-length': 50, overflow: 'drop-head', 'message-ttl': 60_000 } },
    operatorPolicy: { name: 'o', definition: { 'message-ttl': 5_000, 'max-length': 70 } },
  })
  assert.deepEqual(
    rows.map(({ name, value, origin, overruled }) => [name, value, origin, overruled]),
    [
      ['max-length', 50, 'policy p', ['100 of the declaration', '70 of the operator policy o']],
      ['message-ttl', 5_000, 'operator policy o', ['1 min of the policy p']],
      ['overflow', 'reject-publish', 'declaration', ['drop-head of the policy p']],
      ['queue-type', 'classic', 'declaration', []],
    ],
  )
})

test('a chart that begins with a gap says since when something is known', () => {
  const times = Array.from({ length: 100 }, (_, i) => i)
  const from = (first: number) => times.map((i) => (i < first ? null : i))
  assert.equal(knownSince([times, from(40), from(60)]), 40)
  assert.equal(knownSince([times, from(3)]), undefined)
  assert.equal(knownSince([times, from(100)]), undefined)
  assert.equal(knownSince([[], []]), undefined)
})

test('values between gaps are seen', () => {
  assert.deepEqual(lonely([1, null, 2, 3, null, 4, undefined, null, 5]), [0, 5, 8])
  assert.equal(lonely([null, 1, 2, null]), null)
  assert.equal(lonely([]), null)
})
