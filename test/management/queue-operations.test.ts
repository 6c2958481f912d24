// Operations on the messages of a queue: browse, move, copy, republish, delete, redrive, pause; over HTTP and the command line.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { runCtl } from '../../src/cli/ctl/run-ctl.ts'
import { WireClient } from '../support/wire-client.ts'
import { ManagedBroker } from './managed-broker.ts'

let broker: ManagedBroker
before(async () => {
  broker = await ManagedBroker.start()
})
after(() => broker.stop())

const KINDS = ['classic', 'quorum']

async function declare(name: string, type: string, args: object = {}): Promise<void> {
  const reply = await broker.put(`queues/%2F/${name}`, { durable: true, arguments: { 'x-queue-type': type, ...args } })
  assert.equal(reply.status, 201)
}

const operate = (queue: string, operation: string, body: object = {}) =>
  broker.post(`warren/queues/%2F/${queue}/${operation}`, body)

async function bodiesOf(queue: string): Promise<string[]> {
  const { messages } = (await operate(queue, 'browse', { limit: 1_000 })).json
  return messages.map(({ payload }: { payload: string }) => payload)
}

async function publishNumbers(queue: string, count: number): Promise<void> {
  for (let i = 0; i < count; i++) await broker.publish(queue, `m${i}`, { headers: { n: i % 2 }, message_id: `id${i}` })
}

for (const kind of KINDS) {
  test(`${kind}: browsing goes page by page and consumes nothing`, async () => {
    await declare('b', kind)
    await publishNumbers('b', 5)
    const first = (await operate('b', 'browse', { limit: 2 })).json
    assert.deepEqual(
      first.messages.map(({ payload }: { payload: string }) => payload),
      ['m0', 'm1'],
    )
    assert.equal(first.messages[0].properties.message_id, 'id0')
    assert.equal(first.messages[0].redelivered, false)
    const second = (await operate('b', 'browse', { position: first.next_position, truncate: 1 })).json
    assert.deepEqual([second.messages.length, second.messages[0].payload, second.next_position], [3, 'm', null])
    assert.equal((await broker.get('queues/%2F/b?disable_stats=true&enable_queue_totals=true')).json.messages, 5)
    await broker.delete('queues/%2F/b')
  })

  test(`${kind}: a filter picks by headers, properties, body, key and age`, async () => {
    await declare('f', kind)
    await publishNumbers('f', 6)
    const count = async (filter: object): Promise<number> =>
      (await operate('f', 'browse', { filter })).json.messages.length
    assert.equal(await count({ headers: { n: 1 } }), 3)
    assert.equal(await count({ headers: { n: 1 }, properties: { message_id: 'id3' } }), 1)
    assert.equal(await count({ headers: { n: null } }), 6)
    assert.equal(await count({ headers: { other: null } }), 0)
    assert.equal(await count({ body_contains: '4' }), 1)
    assert.equal(await count({ body_bytes_min: 3 }), 0)
    assert.equal(await count({ routing_key: 'f*' }), 6)
    assert.equal(await count({ routing_key: 'f*f' }), 0)
    assert.equal(await count({ exchange: 'x' }), 0)
    assert.equal(await count({ older_than_ms: 1_000 }), 0)
    broker.clock.advance(2_000)
    assert.equal(await count({ older_than_ms: 1_000 }), 6)
    assert.equal(await count({ redelivered: true }), 0)
    assert.equal((await operate('f', 'browse', { filter: { body_bytes_min: 'x' } })).status, 400)
    await broker.delete('queues/%2F/f')
  })

  test(`${kind}: messages move to a queue and keep what they are; a dry run moves nothing`, async () => {
    await declare('from', kind)
    await declare('to', kind)
    await publishNumbers('from', 6)
    const filter = { headers: { n: 1 } }
    const dry = (await operate('from', 'move', { queue: 'to', filter, dry_run: true })).json
    assert.deepEqual([dry.matched, dry.moved, dry.destinations], [3, 0, { to: 3 }])
    assert.equal((await bodiesOf('from')).length, 6)
    const moved = (await operate('from', 'move', { queue: 'to', filter })).json
    assert.deepEqual([moved.matched, moved.moved, moved.unrouted, moved.refused], [3, 3, 0, 0])
    assert.deepEqual(
      [await bodiesOf('from'), await bodiesOf('to')],
      [
        ['m0', 'm2', 'm4'],
        ['m1', 'm3', 'm5'],
      ],
    )
    const [message] = (await operate('to', 'browse', { limit: 1 })).json.messages
    assert.deepEqual([message.exchange, message.routing_key, message.properties.message_id], ['', 'from', 'id1'])
    for (const name of ['from', 'to']) await broker.delete(`queues/%2F/${name}`)
  })

  test(`${kind}: dead letters go back to where they died, and may die there again`, async () => {
    await declare('dlq', kind)
    await declare('jobs', kind, { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'dlq' })
    await broker.publish('jobs', 'poison')
    const reject = { count: 1, ackmode: 'reject_requeue_false', encoding: 'auto' }
    const died = async (): Promise<void> => {
      await broker.post('queues/%2F/jobs/get', reject)
      while ((await bodiesOf('dlq')).length === 0) await broker.pass(10, 10)
    }
    await died()
    await broker.publish('dlq', 'never died')
    const dry = (await operate('dlq', 'redrive', { dry_run: true })).json
    assert.deepEqual([dry.matched, dry.unrouted, dry.destinations], [2, 1, { jobs: 1 }])
    const { groups, others, examined } = (await operate('dlq', 'deaths')).json
    assert.deepEqual([others, examined, groups.length], [1, 2, 1])
    assert.deepEqual(
      [groups[0].reason, groups[0].queue, groups[0].exchange, groups[0].count],
      ['rejected', 'jobs', '', 1],
    )
    assert.ok(groups[0].oldest_at > 0 && groups[0].oldest_at === groups[0].newest_at)
    const elsewhere = { filter: { dead_letter_exchange: 'other' }, dry_run: true }
    assert.equal((await operate('dlq', 'redrive', elsewhere)).json.matched, 0)
    const back = (await operate('dlq', 'redrive', { filter: { dead_letter_reason: 'rejected' } })).json
    assert.deepEqual([back.matched, back.moved], [1, 1])
    assert.deepEqual([await bodiesOf('jobs'), await bodiesOf('dlq')], [['poison'], ['never died']])
    const [message] = (await operate('jobs', 'browse')).json.messages
    assert.deepEqual([message.routing_key, message.properties], ['jobs', []])
    await operate('dlq', 'delete')
    await died()
    for (const name of ['dlq', 'jobs']) await broker.delete(`queues/%2F/${name}`)
  })

  test(`${kind}: a paused queue keeps its messages until it is resumed`, async () => {
    await declare('p', kind)
    const client = await WireClient.connect('127.0.0.1', Number(broker.booted.listeners.amqp))
    await client.open()
    const channel = await client.channel()
    await channel.call('basic.consume', { queue: 'p', consumerTag: 'c', noAck: true })
    assert.equal((await broker.call('PUT', 'warren/queues/%2F/p/pause', undefined)).status, 204)
    assert.equal((await broker.get('warren/queues/%2F/p/pause')).json.paused, true)
    await broker.publish('p', 'waits')
    assert.deepEqual(await bodiesOf('p'), ['waits'])
    assert.equal((await broker.delete('warren/queues/%2F/p/pause')).status, 204)
    assert.equal((await channel.take('basic.deliver')).args.routingKey, 'p')
    client.socket.destroy()
    await broker.delete('queues/%2F/p')
  })
}

test('messages are copied, republished and deleted, by filter, count or position', async () => {
  await declare('q', 'classic')
  await declare('copies', 'classic')
  await broker.put('exchanges/%2F/x', { type: 'direct' })
  await broker.post('bindings/%2F/e/x/q/copies', { routing_key: 'k' })
  await publishNumbers('q', 5)
  const copied = (await operate('q', 'copy', { exchange: 'x', routing_key: 'k', limit: 2 })).json
  assert.deepEqual([copied.copied, copied.destinations], [2, { x: 2 }])
  assert.deepEqual(await bodiesOf('copies'), ['m0', 'm1'])
  assert.equal((await bodiesOf('q')).length, 5)
  const lost = (await operate('q', 'move', { exchange: 'x', routing_key: 'nowhere' })).json
  assert.deepEqual([lost.moved, lost.unrouted], [0, 5])
  assert.equal((await bodiesOf('q')).length, 5)
  const { messages } = (await operate('q', 'browse')).json
  const dry = (await operate('q', 'delete', { dry_run: true })).json
  assert.deepEqual([dry.matched, dry.deleted], [5, 0])
  const picked = (await operate('q', 'delete', { positions: [messages[1].position, messages[3].position] })).json
  assert.equal(picked.deleted, 2)
  assert.equal((await operate('q', 'delete', { limit: 1 })).json.deleted, 1)
  assert.equal((await bodiesOf('q')).length, 2)
  // Republished to where they came from, they are in the queue again, behind themselves.
  assert.equal((await operate('q', 'move')).json.moved, 2)
  assert.equal((await bodiesOf('q')).length, 2)
  for (const name of ['q', 'copies']) await broker.delete(`queues/%2F/${name}`)
})

test('a misspelt or missing condition never means all messages', async () => {
  await declare('slip', 'classic')
  await publishNumbers('slip', 3)
  const slips = [
    { filter: { header: { n: 1 } } },
    { filter: null },
    { filter: { headers: null } },
    { filters: { headers: { n: 1 } } },
    { position: 0, count: 1 },
    { dryrun: true },
  ]
  for (const operation of ['browse', 'delete', 'move', 'copy', 'redrive', 'deaths']) {
    for (const slip of slips) {
      const { status, json } = await operate('slip', operation, slip)
      assert.equal(status, 400, `${operation} ${JSON.stringify(slip)}`)
      assert.match(json.reason, /^there is no field '\w+' here$|^\w+ is null$/)
    }
  }
  assert.equal((await operate('slip', 'delete', { positions: [] })).json.deleted, 0)
  assert.deepEqual(await bodiesOf('slip'), ['m0', 'm1', 'm2'])
  await broker.delete('queues/%2F/slip')
})

test('a thousand messages move in order, and a full queue keeps the rest where it is', async () => {
  await declare('many', 'classic')
  await declare('small', 'classic', { 'x-max-length': 700, 'x-overflow': 'reject-publish' })
  const client = await WireClient.connect('127.0.0.1', Number(broker.booted.listeners.amqp))
  await client.open()
  const channel = await client.channel()
  await channel.call('confirm.select')
  for (let i = 0; i < 1_199; i++) channel.publish('', 'many', String(i), { deliveryMode: 2 })
  await channel.publishConfirmed('', 'many', '1199')
  client.socket.destroy()
  const republished = (await operate('many', 'move')).json
  assert.deepEqual([republished.examined, republished.moved], [1_200, 1_200])
  const { moved, refused } = (await operate('many', 'move', { queue: 'small' })).json
  assert.deepEqual([moved, refused], [700, 500])
  const numbers = (await bodiesOf('small')).map(Number)
  assert.deepEqual(numbers, [...Array(700).keys()])
  assert.equal((await operate('many', 'delete')).json.deleted, 500)
  for (const name of ['many', 'small']) await broker.delete(`queues/%2F/${name}`)
})

test('who may not is refused, and so is what makes no sense', async () => {
  await declare('mine', 'classic')
  await broker.put('users/reader', { password: 'r', tags: 'management' })
  await broker.put('permissions/%2F/reader', { configure: '^$', write: '^$', read: 'mine' })
  const reader = ['reader', 'r'] as const
  const as = (operation: string, body: object = {}) => broker.post(`warren/queues/%2F/mine/${operation}`, body, reader)
  assert.equal((await as('browse')).status, 200)
  assert.equal((await as('move', { queue: 'mine' })).status, 401)
  assert.equal((await as('redrive')).status, 401)
  assert.equal((await broker.put('warren/queues/%2F/mine/pause', {}, reader)).status, 401)
  assert.equal((await operate('none', 'browse')).status, 404)
  assert.equal((await operate('mine', 'move', { queue: 'none' })).status, 400)
  assert.equal((await operate('mine', 'move', { exchange: 'amq.rabbitmq.trace' })).status, 400)
  assert.equal((await operate('mine', 'move', { queue: 'mine', exchange: 'amq.topic' })).status, 400)
  await broker.delete('queues/%2F/mine')
})

test('the command line does the same', async () => {
  await declare('cli', 'classic')
  await declare('there', 'classic')
  await publishNumbers('cli', 4)
  const ctl = async (...words: string[]): Promise<string> => {
    const out: string[] = []
    // `ctl` uses these members alone.
    const host = {
      startBroker: () => Promise.reject(new Error('not here')),
      environment: { WARREN_CTL_URL: broker.base },
      stdout: { write: (text: string) => out.push(text) },
      stderr: { write: (text: string) => out.push(text) },
    } as unknown as Parameters<typeof runCtl>[1]
    await runCtl([...words, '-q'], host)
    return out.join('')
  }
  const browsed = await ctl('browse_queue', 'cli', '--filter', '{"headers":{"n":1}}', '-s')
  assert.deepEqual(
    browsed
      .trimEnd()
      .split('\n')
      .map((line) => line.split('\t').at(-1)),
    ['m1', 'm3'],
  )
  assert.match(await ctl('move_messages', 'cli', 'there', '--count', '1', '--formatter', 'json'), /"moved":1/)
  assert.match(
    await ctl('copy_messages', 'cli', '--exchange', 'amq.default', '--dry-run', '--formatter', 'json'),
    /"matched":3/,
  )
  assert.match(await ctl('delete_messages', 'cli'), /purge_queue deletes all/)
  assert.match(await ctl('delete_messages', 'cli', '--filter', 'x'), /--filter is not JSON/)
  assert.match(await ctl('delete_messages', 'cli', '--count', '1', '--formatter', 'json'), /"deleted":1/)
  await ctl('pause_queue', 'cli')
  assert.equal(broker.booted.parts.broker.vhost('/')!.queue('cli')!.contents!.isPaused, true)
  await ctl('resume_queue', 'cli')
  assert.equal(broker.booted.parts.broker.vhost('/')!.queue('cli')!.contents!.isPaused, false)
  assert.deepEqual([await bodiesOf('cli'), await bodiesOf('there')], [['m2', 'm3'], ['m0']])
})
