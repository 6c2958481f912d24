// How direct, fanout, topic and headers exchanges route. [AMQP 0-9-1 §3.1.3; rabbitmq.com "Exchanges"]
import assert from 'node:assert/strict'
import { conformance, type Scene } from '../../support/conformance.ts'
import { type Table, Typed, type Value } from '../../support/wire-codec.ts'

const { test, testSince } = await conformance('exchange-types')

/** Whether a message is routed: returns tell. */
async function routes(scene: Scene, exchange: string, routingKey: string, headers: Table = {}): Promise<boolean> {
  scene.channel.publish(exchange, routingKey, '', { headers }, { mandatory: true })
  scene.channel.send('channel.flow', { active: true })
  const answer = await scene.client.inbox(1).next('channel.flow-ok', () => true)
  if (answer.name === 'channel.flow-ok') return true
  assert.equal(answer.name, 'basic.return')
  await scene.channel.expect('channel.flow-ok')
  return false
}

async function bound(scene: Scene, type: string, routingKey: string, args: Table = {}): Promise<string> {
  const exchange = await scene.exchange(type)
  const queue = await scene.queue()
  await scene.channel.call('queue.bind', { queue, exchange, routingKey, arguments: args })
  return exchange
}

test('direct: the key must be equal', async (scene) => {
  const exchange = await bound(scene, 'direct', 'key')
  assert.equal(await routes(scene, exchange, 'key'), true)
  assert.equal(await routes(scene, exchange, 'Key'), false)
  assert.equal(await routes(scene, exchange, ''), false)
})

test('direct: one key may reach several queues', async (scene) => {
  const exchange = await scene.exchange('direct')
  const queues = [await scene.queue(), await scene.queue()]
  for (const queue of queues) await scene.channel.call('queue.bind', { queue, exchange, routingKey: 'k' })
  scene.channel.publish(exchange, 'k', 'x')
  for (const queue of queues) await scene.channel.depthBecomes(queue, 1)
})

test('fanout: every key goes everywhere', async (scene) => {
  const exchange = await bound(scene, 'fanout', 'whatever')
  assert.equal(await routes(scene, exchange, 'other'), true)
})

test('default exchange: the key is a queue name', async (scene) => {
  const queue = await scene.queue()
  assert.equal(await routes(scene, '', queue), true)
  assert.equal(await routes(scene, '', scene.name()), false)
})

const TOPICS: readonly [pattern: string, matching: readonly string[], others: readonly string[]][] = [
  ['a.b', ['a.b'], ['a', 'a.b.c', 'A.b', '']],
  ['*', ['a', 'ab'], ['a.b']],
  ['a.*', ['a.b', 'a.'], ['a', 'a.b.c']],
  ['*.*', ['a.b', '.'], ['a', 'a.b.c']],
  ['#', ['', 'a', 'a.b', '..'], []],
  ['a.#', ['a', 'a.b', 'a.b.c', 'a.'], ['b', 'ab']],
  ['#.a', ['a', 'b.a', 'c.b.a'], ['a.b', 'ba']],
  ['a.#.b', ['a.b', 'a.x.b', 'a.x.y.b'], ['a', 'b', 'a.b.c']],
  ['#.a.#', ['a', 'x.a', 'a.x', 'x.a.y', 'x.y.a.z'], ['b', 'x.y']],
  ['*.#', ['a', 'a.b', 'a.b.c'], []],
  ['#.*', ['a', 'a.b'], []],
  ['*.a.#.b.*', ['x.a.b.y', 'x.a.1.2.b.y'], ['a.b', 'x.a.b', 'a.b.y']],
  ['a..b', ['a..b'], ['a.b', 'a.x.b']],
  ['a.*.b', ['a..b', 'a.x.b'], ['a.b']],
  ['a*', ['a*'], ['ab', 'a']],
  ['a.b#', ['a.b#'], ['a.b', 'a.bc']],
]

for (const [pattern, matching, others] of TOPICS) {
  test(`topic: ${pattern}`, async (scene) => {
    const exchange = await bound(scene, 'topic', pattern)
    for (const key of matching) assert.equal(await routes(scene, exchange, key), true, `'${key}' should match`)
    for (const key of others) assert.equal(await routes(scene, exchange, key), false, `'${key}' should not match`)
  })
}

test('topic: an empty binding key matches only the empty routing key', async (scene) => {
  const exchange = await bound(scene, 'topic', '')
  assert.equal(await routes(scene, exchange, ''), true)
  assert.equal(await routes(scene, exchange, 'a'), false)
})

testSince('4.3', 'topic: more than two # words in a binding key are 406', async (scene) => {
  const exchange = await scene.exchange('topic')
  const queue = await scene.queue()
  scene.channel.send('queue.bind', { queue, exchange, routingKey: '#.a.#.b.#' })
  await scene.channel.refused(
    406,
    "PRECONDITION_FAILED - Topic binding key '#.a.#.b.#' uses 3 '#' wildcards, at most 2 are allowed",
    50,
    20,
  )
})

test('topic: unbinding one of two overlapping patterns leaves the other', async (scene) => {
  const exchange = await scene.exchange('topic')
  const queue = await scene.queue()
  for (const routingKey of ['a.#', 'a.*']) await scene.channel.call('queue.bind', { queue, exchange, routingKey })
  await scene.channel.call('queue.unbind', { queue, exchange, routingKey: 'a.#' })
  assert.equal(await routes(scene, exchange, 'a.b'), true)
  assert.equal(await routes(scene, exchange, 'a.b.c'), false)
})

const HEADERS: readonly [name: string, binding: Table, matching: readonly Table[], others: readonly Table[]][] = [
  [
    'all is the default',
    { a: 1, b: 'two' },
    [
      { a: 1, b: 'two' },
      { a: 1, b: 'two', c: 3 },
    ],
    [{ a: 1 }, { a: 1, b: 'three' }, {}],
  ],
  ['all', { 'x-match': 'all', a: 1, b: 2 }, [{ a: 1, b: 2 }], [{ a: 1 }, { b: 2 }]],
  ['any', { 'x-match': 'any', a: 1, b: 2 }, [{ a: 1 }, { b: 2, a: 9 }, { a: 1, b: 2 }], [{ a: 2, b: 1 }, {}]],
  ['all without conditions matches everything', { 'x-match': 'all' }, [{}, { a: 1 }], []],
  ['any without conditions matches nothing', { 'x-match': 'any' }, [], [{}, { a: 1 }]],
  ['a void value asks for presence', { a: null }, [{ a: 1 }, { a: 'x' }], [{ b: 1 }, {}]],
  ['a void value with any asks for presence', { 'x-match': 'any', a: null }, [{ a: 1 }, { a: false }], [{ b: 1 }]],
  ['types matter', { a: 1 }, [{ a: 1 }, { a: new Typed('l', 1) }], [{ a: '1' }, { a: true }]],
  [
    'all ignores conditions whose name starts with x-',
    { 'x-match': 'all', a: 1, 'x-b': 2 },
    [{ a: 1 }],
    [{ 'x-b': 2 }],
  ],
  [
    'any ignores conditions whose name starts with x-',
    { 'x-match': 'any', a: 1, 'x-b': 2 },
    [{ a: 1 }],
    [{ 'x-b': 2 }],
  ],
  [
    'all-with-x includes them',
    { 'x-match': 'all-with-x', a: 1, 'x-b': 2 },
    [{ a: 1, 'x-b': 2 }],
    [{ a: 1 }, { 'x-b': 2 }],
  ],
  ['any-with-x includes them', { 'x-match': 'any-with-x', a: 1, 'x-b': 2 }, [{ a: 1 }, { 'x-b': 2 }], [{ a: 2 }]],
  ['text and bytes compare by content', { a: 'text' }, [{ a: 'text' }], [{ a: 'Text' }, { a: '' }]],
  ['booleans', { a: true }, [{ a: true }], [{ a: false }, { a: 1 }, { a: 'true' }]],
]

for (const [name, binding, matching, others] of HEADERS) {
  const isWithX = String(binding['x-match']).endsWith('-with-x')
  test(`headers: ${name}`, async (scene) => {
    if (isWithX && scene.since('3.10', false, true)) return
    const exchange = await bound(scene, 'headers', '', binding)
    for (const headers of matching) {
      assert.equal(await routes(scene, exchange, '', headers), true, `${JSON.stringify(headers)} should match`)
    }
    for (const headers of others) {
      assert.equal(await routes(scene, exchange, '', headers), false, `${JSON.stringify(headers)} should not match`)
    }
  })
}

test('headers: the routing key plays no part', async (scene) => {
  const exchange = await bound(scene, 'headers', 'binding-key', { a: 1 })
  assert.equal(await routes(scene, exchange, 'routing-key', { a: 1 }), true)
})

test('headers: several bindings of one queue with other conditions', async (scene) => {
  const exchange = await scene.exchange('headers')
  const queue = await scene.queue()
  await scene.channel.call('queue.bind', { queue, exchange, arguments: { a: 1 } })
  await scene.channel.call('queue.bind', { queue, exchange, arguments: { b: 1 } })
  assert.equal(await routes(scene, exchange, '', { b: 1 }), true)
  await scene.channel.call('queue.unbind', { queue, exchange, arguments: { b: 1 } })
  assert.equal(await routes(scene, exchange, '', { b: 1 }), false)
  assert.equal(await routes(scene, exchange, '', { a: 1 }), true)
})

const BAD_MATCHES: readonly [Value, RegExp][] = [
  [
    'some',
    /^PRECONDITION_FAILED - Invalid x-match field value (<<)?"some"(>>)?; expected all, any, all-with-x, or any-with-x$/,
  ],
  [5, /^PRECONDITION_FAILED - Invalid x-match field type signedint \(value 5\); expected longstr$/],
]

for (const [value, text] of BAD_MATCHES) {
  test(`headers: x-match=${String(value)} is 406`, async (scene) => {
    const exchange = await scene.exchange('headers')
    const queue = await scene.queue()
    scene.channel.send('queue.bind', { queue, exchange, arguments: { 'x-match': value } })
    await scene.channel.refused(406, text, 50, 20)
  })
}
