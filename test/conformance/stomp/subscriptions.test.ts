// STOMP 1.2 "SUBSCRIBE", "UNSUBSCRIBE", "ACK", "NACK", "BEGIN"; RabbitMQ: STOMP acknowledgements.
import assert from 'node:assert/strict'
import type { StompScene } from '../../support/stomp-broker.ts'
import { stompConformance } from '../../support/stomp-broker.ts'
import type { StompClient } from '../../support/stomp-client.ts'

const test = await stompConformance()

async function subscribed(scene: StompScene, ack: string, version = '1.2', more = {}): Promise<[StompClient, string]> {
  const client = await scene.connect(version)
  const destination = `/queue/${scene.name()}`
  await client.call('SUBSCRIBE', { id: 1, destination, ack, ...more })
  return [client, destination]
}

/** The bodies that are in the queue once the client is gone. */
async function leftOver(
  scene: StompScene,
  client: StompClient,
  destination: string,
  ...bodies: string[]
): Promise<void> {
  await client.call('DISCONNECT')
  await client.closed()
  const reader = await scene.connect()
  reader.send('SUBSCRIBE', { id: 9, destination })
  await reader.bodies(...bodies)
  await reader.silent()
}

test('ack:client is cumulative within its subscription', async (scene) => {
  const [client, destination] = await subscribed(scene, 'client')
  const other = `/queue/${scene.name()}`
  await client.call('SUBSCRIBE', { id: 2, destination: other, ack: 'client' })
  await client.call('SEND', { destination: other }, 'other')
  await client.bodies('other')
  for (const body of ['a', 'b', 'c']) client.send('SEND', { destination }, body)
  const messages = await client.bodies('a', 'b', 'c')
  assert.equal(messages[1]?.headers.ack, messages[1]?.headers['message-id'])
  await client.call('ACK', { id: messages[1]!.headers.ack! })
  await client.call('UNSUBSCRIBE', { id: 2 })
  await leftOver(scene, client, destination, 'c')
  const reader = await scene.connect()
  reader.send('SUBSCRIBE', { id: 9, destination: other })
  assert.equal((await reader.bodies('other'))[0]?.headers.redelivered, 'true')
})

test('ack:client-individual settles one message; 1.1 names it by message-id', async (scene) => {
  const [client, destination] = await subscribed(scene, 'client-individual', '1.1')
  for (const body of ['a', 'b', 'c']) client.send('SEND', { destination }, body)
  const messages = await client.bodies('a', 'b', 'c')
  assert.equal(messages[0]?.headers.ack, undefined, 'there is no ack header before 1.2')
  await client.call('ACK', { subscription: 1, 'message-id': messages[1]!.headers['message-id']! })
  await leftOver(scene, client, destination, 'a', 'c')
})

test('NACK returns the message, or drops it with requeue:false', async (scene) => {
  const [client, destination] = await subscribed(scene, 'client-individual')
  client.send('SEND', { destination }, 'a')
  const [first] = await client.bodies('a')
  client.send('NACK', { id: first!.headers.ack! })
  const [again] = await client.bodies('a')
  assert.equal(again?.headers.redelivered, 'true')
  await client.call('NACK', { id: again!.headers.ack!, requeue: 'false' })
  await leftOver(scene, client, destination)
})

test('prefetch-count limits what is unacked', async (scene) => {
  const [client, destination] = await subscribed(scene, 'client-individual', '1.2', { 'prefetch-count': 2 })
  for (const body of ['a', 'b', 'c']) client.send('SEND', { destination }, body)
  const [first] = await client.bodies('a', 'b')
  await client.silent()
  client.send('ACK', { id: first!.headers.ack! })
  await client.bodies('c')
})

test('what is unacked may be acknowledged after UNSUBSCRIBE', async (scene) => {
  const [client, destination] = await subscribed(scene, 'client')
  client.send('SEND', { destination }, 'a')
  const [message] = await client.bodies('a')
  await client.call('UNSUBSCRIBE', { id: 1 })
  await client.call('SUBSCRIBE', { id: 1, destination, ack: 'client' })
  await client.call('ACK', { id: message!.headers.ack! })
  client.send('SEND', { destination }, 'b')
  const [second] = await client.bodies('b')
  assert.notEqual(second?.headers['message-id'], message?.headers['message-id'])
  await leftOver(scene, client, destination, 'b')
})

test('acknowledgements of nothing', async (scene) => {
  const refused = async (headers: Record<string, string>, message: string, body: string): Promise<void> => {
    const [client] = await subscribed(scene, 'client')
    client.send('ACK', headers)
    await client.refused(message, body)
  }
  await refused({}, 'Missing header', '"ACK" must include the "id" header\n')
  await refused({ id: 'zz' }, 'Invalid header', '"ACK" must include a valid "id" header\n')
  const foreign = 'T_x@@session-abc@@3'
  await refused({ id: foreign }, 'Subscription not found', `Message with id "${foreign}" has no subscription`)
  await refused({ id: 'T_1@@s@@99' }, 'precondition_failed', 'PRECONDITION_FAILED - unknown delivery tag 99')
})

test('SUBSCRIBE: a second of one id, a selector, values that are none', async (scene) => {
  const refused = async (headers: Record<string, string>, message: string, body: string): Promise<void> => {
    const [client, destination] = await subscribed(scene, 'auto')
    client.send('SUBSCRIBE', { destination, ...headers })
    await client.refused(message, body)
  }
  const twice = "A subscription identified by 'T_1' already exists."
  await refused({ id: '1' }, 'Duplicated subscription identifier', twice)
  await refused({ id: '2', selector: 'a = 1' }, 'Invalid header', "'selector' is not supported on 'SUBSCRIBE'.\n")
  const mode = "'ack' must be 'auto', 'client' or 'client-individual', not 'foo'.\n"
  await refused({ id: '2', ack: 'foo' }, 'Invalid header', mode)
})

test('UNSUBSCRIBE of nothing', async (scene) => {
  const refused = async (headers: Record<string, string>, message: string, body: string): Promise<void> => {
    const client = await scene.connect()
    client.send('UNSUBSCRIBE', headers)
    await client.refused(message, body)
  }
  const notFound = 'UNSUBSCRIBE must refer to an existing subscription.\nSubscription to "id=\'zz\'" not found.\n'
  await refused({ id: 'zz' }, 'No subscription found', notFound)
  await refused({}, 'Missing destination or id', "UNSUBSCRIBE must include a 'destination' or 'id' header")
  await refused({ id: '/temp-queue/x' }, 'Invalid id', "UNSUBSCRIBE 'id' may not start with /temp-queue/\n")
})

test('a deleted queue ends its subscriptions with an ERROR; the connection stays', async (scene) => {
  const [client, destination] = await subscribed(scene, 'client')
  const name = destination.slice('/queue/'.length)
  const actor = { user: 'guest', connectionId: null }
  scene.booted.parts.broker.vhost('/')?.deleteQueue(name, { ifUnused: false, ifEmpty: false }, actor, () => undefined)
  const error = await client.expect('ERROR')
  assert.deepEqual([error.headers.message, error.headers.subscription], ['Server cancelled subscription', '1'])
  assert.equal(
    error.body,
    'The server has canceled a subscription.\nNo more messages will be delivered for "id=\'1\'".\n',
  )
  await client.silent()
})

test('transactions: nothing before COMMIT, nothing after ABORT', async (scene) => {
  const [client, destination] = await subscribed(scene, 'client')
  await client.call('BEGIN', { transaction: 't' })
  client.send('SEND', { destination, transaction: 't', receipt: 'in' }, 'a')
  client.send('SEND', { destination, transaction: 't', persistent: 'true' }, 'b')
  await client.silent()
  client.send('COMMIT', { transaction: 't', receipt: 'c' })
  assert.equal((await client.expect('RECEIPT')).headers['receipt-id'], 'in')
  const rest = [await client.next(), await client.next(), await client.next()]
  assert.deepEqual(rest.map(({ command }) => command).sort(), ['MESSAGE', 'MESSAGE', 'RECEIPT'])
  const [, last] = rest.filter(({ command }) => command === 'MESSAGE')
  await client.call('BEGIN', { transaction: 'u' })
  client.send('SEND', { destination, transaction: 'u' }, 'never')
  client.send('ACK', { id: last!.headers.ack!, transaction: 'u' })
  await client.call('ABORT', { transaction: 'u' })
  await client.call('BEGIN', { transaction: 'v' })
  client.send('NACK', { id: last!.headers.ack!, transaction: 'v', requeue: 'false' })
  await client.call('COMMIT', { transaction: 'v' })
  await leftOver(scene, client, destination)
})

test('transactions that are not open', async (scene) => {
  for (const [command, headers] of [
    ['COMMIT', {}],
    ['ABORT', {}],
    ['SEND', { destination: '/queue/stomp.tx' }],
    ['ACK', { id: 'x' }],
  ] as const) {
    const client = await scene.connect()
    client.send(command, { ...headers, transaction: 't1' })
    await client.refused('Bad transaction', 'Invalid transaction identifier: "t1"\n')
  }
  const client = await scene.connect()
  client.send('COMMIT')
  await client.refused('Missing transaction', `"COMMIT" must include a 'transaction' header\n`)
})

test('a dead letter shows its deaths', async (scene) => {
  const client = await scene.connect()
  const [source, target] = [scene.name('source'), scene.name('target')]
  await client.call('SUBSCRIBE', { id: 't', destination: `/queue/${target}` })
  const letters = { 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': target }
  await client.call('SUBSCRIBE', { id: 's', destination: `/queue/${source}`, ack: 'client', ...letters })
  client.send('SEND', { destination: `/queue/${source}`, foo: 'bar' }, 'x')
  const [message] = await client.bodies('x')
  client.send('NACK', { id: message!.headers.ack!, requeue: 'false' })
  const [letter] = await client.bodies('x')
  assert.equal(letter?.headers.foo, 'bar')
  assert.equal(letter?.headers['x-first-death-queue'], source)
  assert.equal(letter?.headers['x-first-death-reason'], 'rejected')
  const deaths = JSON.parse((letter?.headers['x-death'] ?? '').replaceAll('\\c', ':')) as {
    queue: string
    count: number
  }[]
  assert.deepEqual([deaths[0]?.queue, deaths[0]?.count], [source, 1])
})

test('a quorum queue counts deliveries, and drops at its limit', async (scene) => {
  const [client, destination] = await subscribed(scene, 'client-individual', '1.2', {
    'x-queue-type': 'quorum',
    'x-delivery-limit': 1,
  })
  client.send('SEND', { destination, persistent: 'true' }, 'x')
  const [first] = await client.bodies('x')
  client.destroy()
  const next = await scene.connect()
  next.send('SUBSCRIBE', { id: 1, destination, ack: 'client', 'x-queue-type': 'quorum', 'x-delivery-limit': 1 })
  const [second] = await next.bodies('x')
  assert.equal(first?.headers['x-delivery-count'], undefined)
  assert.equal(second?.headers['x-delivery-count'], '1')
})
