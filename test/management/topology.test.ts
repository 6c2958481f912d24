// Contract of /api/queues, /api/exchanges, /api/bindings. [RabbitMQ: management HTTP API]
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ManagedBroker } from './managed-broker.ts'

let broker: ManagedBroker
before(async () => {
  broker = await ManagedBroker.start()
})
after(() => broker.stop())

test('a queue is declared, declared again, shown and deleted', async () => {
  assert.equal((await broker.put('queues/%2F/q', { durable: true, arguments: { 'x-max-length': 10 } })).status, 201)
  assert.equal((await broker.put('queues/%2F/q', { durable: 'true', arguments: { 'x-max-length': 10 } })).status, 204)
  const { json } = await broker.get('queues/%2F/q')
  assert.equal(json.name, 'q')
  assert.equal(json.type, 'classic')
  assert.equal(json.durable, true)
  assert.equal(json.arguments['x-max-length'], 10)
  assert.equal(json.messages, 0)
  assert.deepEqual(json.messages_details, { rate: 0 })
  assert.equal(json.message_stats, undefined)
  assert.deepEqual(json.consumer_details, [])
  assert.equal((await broker.delete('queues/%2F/q')).status, 204)
  assert.equal((await broker.get('queues/%2F/q')).status, 404)
  assert.equal((await broker.delete('queues/%2F/q')).status, 404)
})

test('declarations are refused in the words of AMQP', async () => {
  await broker.put('queues/%2F/taken', { durable: true })
  const different = await broker.put('queues/%2F/taken', { durable: false })
  assert.equal(different.status, 400)
  assert.equal(different.json.error, 'bad_request')
  assert.match(different.json.reason, /^inequivalent arg 'durable' for queue 'taken' in vhost '\/'/)
  assert.deepEqual((await broker.put('queues/%2F/x', { durable: 'maybe' })).json.reason, ['not_boolean', 'maybe'])
  assert.equal((await broker.put('queues/%2F/x', { node: 'other@host' })).status, 400)
  assert.deepEqual((await broker.put('queues/%2F/amq.x')).json, { error: 'not_authorised', reason: 'Access refused.' })
  const nowhere = await broker.put('queues/nowhere/x')
  assert.equal(nowhere.status, 404)
  assert.deepEqual(nowhere.json, { error: 'not_found', reason: 'vhost_not_found' })
  await broker.delete('queues/%2F/taken')
})

test('names that no message could carry are refused', async () => {
  const long = 'é'.repeat(128)
  const path = encodeURIComponent(long)
  const fits = encodeURIComponent('é'.repeat(127))
  for (const [kind, body] of [
    ['queue', {}],
    ['exchange', { type: 'direct' }],
  ] as const) {
    const { status, json } = await broker.put(`${kind}s/%2F/${path}`, body)
    assert.deepEqual([status, json.reason], [400, `${kind} should be less than 255 bytes, actually was 256`])
    assert.equal((await broker.put(`${kind}s/%2F/${fits}`, body)).status, 201)
  }
  const bound = await broker.post(`bindings/%2F/e/${fits}/q/${fits}`, { routing_key: long })
  assert.deepEqual(
    [bound.status, bound.json.reason],
    [400, 'routing key should be less than 255 bytes, actually was 256'],
  )
  const queue = { durable: true, auto_delete: false, arguments: {}, vhost: '/' }
  const exchange = { ...queue, type: 'direct', internal: false }
  const binding = { vhost: '/', source: 'amq.topic', destination: 'fits', destination_type: 'queue', arguments: {} }
  for (const definitions of [
    { queues: [{ ...queue, name: long }] },
    { exchanges: [{ ...exchange, name: long }] },
    { queues: [{ ...queue, name: 'fits' }], bindings: [{ ...binding, routing_key: long }] },
  ]) {
    const { status, json } = await broker.post('definitions', definitions)
    assert.deepEqual([status, /less than 255 bytes/.test(json.reason)], [400, true])
  }
  assert.equal((await broker.get('queues/%2F/fits')).status, 404)
  const dead = { 'x-dead-letter-exchange': 'amq.fanout', 'x-dead-letter-routing-key': long }
  assert.equal((await broker.put('queues/%2F/dead', { arguments: dead })).status, 400)
  const policy = { pattern: 'x', definition: { 'dead-letter-exchange': 'amq.fanout', 'dead-letter-routing-key': long } }
  assert.equal((await broker.put('policies/%2F/dead', policy)).status, 400)
  for (const kind of ['queues', 'exchanges']) await broker.delete(`${kind}/%2F/${fits}`)
})

test('bodies that are no JSON objects are refused', async () => {
  for (const body of ['{"durable":', '[]', '"text"', 'null']) {
    const refused = await broker.put('queues/%2F/x', body)
    assert.equal(refused.status, 400, body)
    assert.deepEqual(refused.json, { error: 'bad_request', reason: 'not_json' })
  }
  assert.equal((await broker.call('PUT', 'queues/%2F/empty-body', '')).status, 201)
  await broker.delete('queues/%2F/empty-body')
})

test('deleting respects if-empty, and contents are purged', async () => {
  await broker.put('queues/%2F/full', { durable: true })
  await broker.publish('full', 'one')
  const refused = await broker.delete('queues/%2F/full?if-empty=true')
  assert.equal(refused.status, 400)
  assert.equal(refused.json.reason, "queue 'full' in vhost '/' not empty")
  assert.equal((await broker.delete('queues/%2F/full/contents')).status, 204)
  assert.equal((await broker.get('queues/%2F/full')).json.messages, 0)
  assert.equal((await broker.delete('queues/%2F/full?if-empty=true')).status, 204)
  assert.equal((await broker.delete('queues/%2F/full/contents')).status, 404)
})

test('exchanges are declared, listed and deleted; the default one is amq.default', async () => {
  assert.equal((await broker.put('exchanges/%2F/x', { type: 'topic', durable: true })).status, 201)
  assert.equal((await broker.put('exchanges/%2F/x', { type: 'topic', durable: true })).status, 204)
  assert.match(
    (await broker.put('exchanges/%2F/x', { type: 'direct', durable: true })).json.reason,
    /inequivalent arg 'type'/,
  )
  const { json } = await broker.get('exchanges/%2F/x')
  assert.equal(json.type, 'topic')
  assert.deepEqual(json.incoming, [])
  assert.equal((await broker.get('exchanges/%2F/amq.default')).json.name, '')
  const names = (await broker.get('exchanges/%2F')).json.map(({ name }: { name: string }) => name)
  assert.ok(names.includes('') && names.includes('amq.topic') && names.includes('x'))
  assert.equal((await broker.delete('exchanges/%2F/amq.topic')).status, 401)
  assert.equal((await broker.delete('exchanges/%2F/amq.default')).status, 401)
  assert.equal((await broker.delete('exchanges/%2F/x')).status, 204)
})

test('bindings have properties keys that lead back to them', async () => {
  await broker.put('queues/%2F/b', {})
  await broker.put('exchanges/%2F/bx', { type: 'topic' })
  const path = 'bindings/%2F/e/bx/q/b'
  const cases = [
    [{}, '~'],
    [{ routing_key: 'a/b%é' }, 'a%2Fb%25%C3%A9'],
    [{ routing_key: 'k~1' }, 'k%7E1'],
    [{ routing_key: 'k', arguments: { n: 1 } }, undefined],
  ] as const
  for (const [body, key] of cases) {
    const made = await broker.post(path, body)
    assert.equal(made.status, 201)
    const location = made.headers.get('location')!
    if (key !== undefined) assert.equal(location, `b/${encodeURIComponent(key)}`)
    const props = location.slice('b/'.length)
    const found = await broker.get(`${path}/${props}`)
    assert.equal(found.json.routing_key, 'routing_key' in body ? body.routing_key : '')
    assert.equal(encodeURIComponent(found.json.properties_key), props)
  }
  assert.equal((await broker.get(path)).json.length, cases.length)
  assert.equal((await broker.get('exchanges/%2F/bx/bindings/source')).json.length, cases.length)
  assert.equal((await broker.get('exchanges/%2F/bx/bindings/destination')).json.length, 0)
  assert.equal((await broker.get('queues/%2F/b/bindings')).json.length, cases.length + 1)
  assert.equal((await broker.delete(`${path}/~`)).status, 204)
  assert.equal((await broker.delete(`${path}/~`)).status, 404)
  // Encoded once, as some clients do.
  assert.equal((await broker.delete(`${path}/${encodeURIComponent('a/b%é')}`)).status, 204)
  assert.match((await broker.post('bindings/%2F/e/bx/q/none', {})).json.reason, /^no queue 'none' in vhost '\/'$/)
  await broker.delete('queues/%2F/b')
  await broker.delete('exchanges/%2F/bx')
})

test('exchanges bind to exchanges', async () => {
  assert.equal((await broker.post('bindings/%2F/e/amq.topic/e/amq.fanout', { routing_key: 'k' })).status, 201)
  const [binding] = (await broker.get('exchanges/%2F/amq.fanout/bindings/destination')).json
  assert.equal(binding.destination_type, 'exchange')
  assert.equal((await broker.delete('bindings/%2F/e/amq.topic/e/amq.fanout/k')).status, 204)
})

test('names with every odd character work when percent-encoded', async () => {
  const names = ['a/b', 'ü ñ 漢字 🐇', 'q?x=1&y#z', '100%', '...', 'with "quotes" \\ and +', ';=,:@']
  await broker.put(`vhosts/${encodeURIComponent('odd/vhost é')}`)
  const vhost = encodeURIComponent('odd/vhost é')
  for (const name of names) {
    const encoded = encodeURIComponent(name)
    assert.equal((await broker.put(`queues/${vhost}/${encoded}`)).status, 201, name)
    assert.equal((await broker.get(`queues/${vhost}/${encoded}`)).json.name, name)
    assert.equal((await broker.put(`exchanges/${vhost}/${encoded}`, { type: 'fanout' })).status, 201, name)
    assert.equal((await broker.post(`bindings/${vhost}/e/${encoded}/q/${encoded}`, { routing_key: name })).status, 201)
    assert.equal((await broker.delete(`queues/${vhost}/${encoded}`)).status, 204, name)
  }
  assert.equal((await broker.get('queues/%2F/%E0%A4%A')).status, 400)
  assert.equal((await broker.delete(`vhosts/${vhost}`)).status, 204)
})

test('lists are sorted, filtered, cut to pages and columns', async () => {
  for (let i = 0; i < 12; i++) await broker.put(`queues/%2F/page-${String(i).padStart(2, '0')}`)
  const page = (await broker.get('queues?page=2&page_size=5&name=page-&sort=name&sort_reverse=true&columns=name')).json
  assert.deepEqual(
    page.items,
    ['06', '05', '04', '03', '02'].map((n) => ({ name: `page-${n}` })),
  )
  assert.deepEqual(
    [page.filtered_count, page.item_count, page.page, page.page_count, page.page_size, page.total_count],
    [12, 5, 2, 3, 5, 12],
  )
  const regex = (await broker.get('queues?page=1&name=^page-0[1-3]$&use_regex=true&columns=name,arguments')).json
  assert.equal(regex.filtered_count, 3)
  assert.deepEqual(Object.keys(regex.items[0]).sort(), ['arguments', 'name'])
  assert.deepEqual((await broker.get('queues?page=9&page_size=5')).json, {
    error: 'page_out_of_range',
    reason: 'Page out of range, page: 9 page size: 5, len: 12',
  })
  assert.equal((await broker.get('queues?page=0')).json.error, 'invalid_pagination_parameters')
  assert.equal((await broker.get('queues?page=1&page_size=501')).json.error, 'invalid_pagination_parameters')
  assert.equal((await broker.get('queues?page=x')).json.reason, 'Pagination parameters are invalid')
  assert.equal((await broker.get('queues?page=1&name=(&use_regex=true')).status, 400)
  assert.deepEqual((await broker.get('queues?columns=name&sort=messages')).json.length, 12)
  for (let i = 0; i < 12; i++) await broker.delete(`queues/%2F/page-${String(i).padStart(2, '0')}`)
})

test('queues are sorted by how long their messages have waited', async () => {
  for (const name of ['age-old', 'age-none', 'age-young']) await broker.put(`queues/%2F/${name}`)
  await broker.publish('age-old', 'x')
  await broker.pass(20_000, 5_000)
  await broker.publish('age-young', 'x')
  await broker.pass(5_000, 5_000)
  const sortedBy = async (query: string): Promise<readonly string[]> =>
    (await broker.get(`queues?name=age-&page=1&columns=name&sort=${query}`)).json.items.map(
      ({ name }: { name: string }) => name.slice(4),
    )
  assert.deepEqual(await sortedBy('oldest_message_age_ms&sort_reverse=true'), ['old', 'young', 'none'])
  assert.deepEqual(await sortedBy('oldest_message_age_ms'), ['none', 'young', 'old'])
  assert.deepEqual(await sortedBy('head_message_timestamp'), ['none', 'old', 'young'])
  for (const name of ['age-old', 'age-none', 'age-young']) await broker.delete(`queues/%2F/${name}`)
})

test('statistics are left out on request', async () => {
  await broker.put('queues/%2F/plain')
  const [plain] = (await broker.get('queues?disable_stats=true')).json
  assert.equal('messages' in plain, false)
  const [totals] = (await broker.get('queues?disable_stats=true&enable_queue_totals=true')).json
  assert.equal(totals.messages, 0)
  assert.equal('consumers' in totals, false)
  assert.equal('policy' in totals || 'leader' in totals, false)
  await broker.delete('queues/%2F/plain')
})

test('lists without figures tell the policy and the members', async () => {
  await broker.put('policies/%2F/short', { pattern: '^replicated$', definition: { 'max-length': 5 } })
  await broker.put('queues/%2F/replicated', { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  const [plain] = (await broker.get('queues?disable_stats=true')).json
  const { name: node } = (await broker.get('nodes')).json[0]
  assert.deepEqual([plain.policy, plain.leader, plain.members, plain.online], ['short', node, [node], [node]])
  await broker.delete('queues/%2F/replicated')
  await broker.delete('policies/%2F/short')
})

test('a list of a few columns says the same as the whole list', async () => {
  await broker.put('queues/%2F/col-a', { durable: true })
  await broker.put('queues/%2F/col-b', { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  await broker.publish('col-a', 'x')
  const names =
    'name vhost type durable auto_delete exclusive state messages messages_ready messages_unacknowledged consumers'
  for (const query of ['', '&disable_stats=true', '&disable_stats=true&enable_queue_totals=true']) {
    const whole = (await broker.get(`queues?x=1${query}`)).json as Record<string, unknown>[]
    const columns = names.split(' ')
    const expected = whole.map((queue) =>
      Object.fromEntries(columns.filter((name) => name in queue).map((name) => [name, queue[name]])),
    )
    assert.deepEqual((await broker.get(`queues?columns=${columns.join(',')}${query}`)).json, expected)
    const page = (await broker.get(`queues?page=1&columns=${columns.join(',')},policy${query}`)).json
    assert.deepEqual(Object.keys(page.items[0]).includes('policy'), query === '')
  }
  await broker.delete('queues/%2F/col-a')
  await broker.delete('queues/%2F/col-b')
})

test('a history of no time is refused', async () => {
  await broker.put('queues/%2F/aged')
  for (const path of ['overview', 'nodes', 'queues', 'queues/%2F/aged', 'vhosts', 'exchanges']) {
    const { status, json } = await broker.get(`${path}?msg_rates_age=60&msg_rates_incr=-5`)
    assert.equal(status, 400, path)
    assert.equal(json.reason, 'Invalid range parameters: age 60, incr -5')
    assert.equal((await broker.get(`${path}?msg_rates_age=some&msg_rates_incr=5`)).status, 200)
  }
  await broker.delete('queues/%2F/aged')
})
