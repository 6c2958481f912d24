// Permissions and topic permissions. [rabbitmq.com "Authentication, Authorisation, Access Control"]
import assert from 'node:assert/strict'
import type { PermissionSpec } from '../../support/administration.ts'
import { conformance, type Scene } from '../../support/conformance.ts'
import type { WireChannel } from '../../support/wire-channel.ts'

const { test, testSince } = await conformance('permissions')

const ALL: PermissionSpec = { configure: '.*', write: '.*', read: '.*' }

/** A channel of a new user with these permissions, and the user's name. */
async function as(scene: Scene, permissions: PermissionSpec): Promise<{ channel: WireChannel; user: string }> {
  const user = scene.name('user')
  await scene.admin.declareUser(user, 'secret')
  await scene.admin.setPermissions(scene.vhost, user, permissions)
  return { channel: await scene.otherChannel({ user, password: 'secret' }), user }
}

function refusedText(scene: Scene, right: string, kind: 'queue' | 'exchange', name: string, user: string): string {
  return scene.since(
    '3.11',
    `ACCESS_REFUSED - ${right} access to ${scene.the(kind, name)} refused for user '${user}'`,
    `ACCESS_REFUSED - access to ${scene.the(kind, name)} refused for user '${user}'`,
  )
}

interface Case {
  readonly what: string
  readonly right: 'configure' | 'write' | 'read'
  readonly kind: 'queue' | 'exchange'
  readonly classId: number
  readonly methodId: number
  send(channel: WireChannel, names: { queue: string; exchange: string }): void
}

const CASES: readonly Case[] = [
  {
    what: 'queue.declare needs configure',
    right: 'configure',
    kind: 'queue',
    classId: 50,
    methodId: 10,
    send: (channel, { queue }) => channel.send('queue.declare', { queue, durable: true }),
  },
  {
    what: 'queue.delete needs configure',
    right: 'configure',
    kind: 'queue',
    classId: 50,
    methodId: 40,
    send: (channel, { queue }) => channel.send('queue.delete', { queue }),
  },
  {
    what: 'queue.bind needs write on the queue',
    right: 'write',
    kind: 'queue',
    classId: 50,
    methodId: 20,
    send: (channel, { queue, exchange }) => channel.send('queue.bind', { queue, exchange }),
  },
  {
    what: 'queue.bind needs read on the exchange',
    right: 'read',
    kind: 'exchange',
    classId: 50,
    methodId: 20,
    send: (channel, { queue, exchange }) => channel.send('queue.bind', { queue, exchange }),
  },
  {
    what: 'queue.purge needs read',
    right: 'read',
    kind: 'queue',
    classId: 50,
    methodId: 30,
    send: (channel, { queue }) => channel.send('queue.purge', { queue }),
  },
  {
    what: 'basic.consume needs read',
    right: 'read',
    kind: 'queue',
    classId: 60,
    methodId: 20,
    send: (channel, { queue }) => channel.send('basic.consume', { queue }),
  },
  {
    what: 'basic.get needs read',
    right: 'read',
    kind: 'queue',
    classId: 60,
    methodId: 70,
    send: (channel, { queue }) => channel.send('basic.get', { queue }),
  },
  {
    what: 'exchange.declare needs configure',
    right: 'configure',
    kind: 'exchange',
    classId: 40,
    methodId: 10,
    send: (channel, { exchange }) => channel.send('exchange.declare', { exchange, type: 'fanout' }),
  },
  {
    what: 'exchange.delete needs configure',
    right: 'configure',
    kind: 'exchange',
    classId: 40,
    methodId: 20,
    send: (channel, { exchange }) => channel.send('exchange.delete', { exchange }),
  },
  {
    what: 'exchange.bind needs write on the destination',
    right: 'write',
    kind: 'exchange',
    classId: 40,
    methodId: 30,
    send: (channel, { exchange }) => channel.send('exchange.bind', { destination: exchange, source: 'amq.fanout' }),
  },
  {
    what: 'basic.publish needs write',
    right: 'write',
    kind: 'exchange',
    classId: 60,
    methodId: 40,
    send: (channel, { exchange }) => channel.publish(exchange, '', 'x'),
  },
]

for (const { what, right, kind, classId, methodId, send } of CASES) {
  test(`${what}: without it 403`, async (scene) => {
    const queue = await scene.queue({}, { durable: true })
    const exchange = await scene.exchange('fanout')
    const refused = kind === 'queue' ? queue : exchange
    // Everything but this right on this name.
    const others = `^(?!${refused.replaceAll('.', '\\.')}$).*`
    const { channel, user } = await as(scene, { ...ALL, [right]: others })
    send(channel, { queue, exchange })
    await channel.refused(403, refusedText(scene, right, kind, refused, user), classId, methodId)
    await scene.admin.deleteUser(user)
  })
}

test('the default exchange is called amq.default', async (scene) => {
  const { channel, user } = await as(scene, { ...ALL, write: '^$' })
  channel.publish('', 'k', 'x')
  await channel.refused(403, refusedText(scene, 'write', 'exchange', 'amq.default', user), 60, 40)
  await scene.admin.deleteUser(user)
})

test('patterns are not anchored, an empty one refuses everything', async (scene) => {
  const { channel, user } = await as(scene, { configure: 'fix', write: '', read: 'x' })
  const queue = `prefix-${scene.name()}`
  await channel.call('queue.declare', { queue, exclusive: true })
  channel.publish('amq.fanout', '', 'x')
  await channel.refused(403, refusedText(scene, 'write', 'exchange', 'amq.fanout', user))
  await scene.admin.deleteUser(user)
})

test('an alternate-exchange needs read on the exchange and write on the alternate', async (scene) => {
  const exchange = scene.name('x')
  const { channel, user } = await as(scene, { ...ALL, write: '^(?!amq\\.fanout$).*' })
  channel.send('exchange.declare', { exchange, type: 'direct', arguments: { 'alternate-exchange': 'amq.fanout' } })
  await channel.refused(403, refusedText(scene, 'write', 'exchange', 'amq.fanout', user), 40, 10)
  await scene.admin.deleteUser(user)
})

test('a dead-letter exchange needs read on the queue and write on the exchange', async (scene) => {
  const queue = scene.name()
  const { channel, user } = await as(scene, { ...ALL, write: '^(?!amq\\.fanout$).*' })
  channel.send('queue.declare', { queue, exclusive: true, arguments: { 'x-dead-letter-exchange': 'amq.fanout' } })
  await channel.refused(403, refusedText(scene, 'write', 'exchange', 'amq.fanout', user), 50, 10)
  await scene.admin.deleteUser(user)
})

test('without permissions in a virtual host connection.open is 530', async (scene) => {
  const user = scene.name('user')
  await scene.admin.declareUser(user, 'secret')
  const client = await scene.socket()
  await client.authenticate({ user, password: 'secret' })
  client.tuneOk()
  client.send('connection.open', { virtualHost: scene.vhost })
  await client.refused(530, `NOT_ALLOWED - access to vhost '${scene.vhost}' refused for user '${user}'`, 10, 40)
  await scene.admin.deleteUser(user)
})

testSince('4.3', 'queue.declare passive needs any one right', async (scene) => {
  const queue = await scene.queue({}, { durable: true })
  const allowed = await as(scene, { configure: '', write: '', read: '.*' })
  await allowed.channel.call('queue.declare', { queue, passive: true })
  const refused = await as(scene, { configure: '', write: '', read: '^other$' })
  refused.channel.send('queue.declare', { queue, passive: true })
  await refused.channel.refused(403, /^ACCESS_REFUSED/, 50, 10)
})

/** Topic permissions of a user on amq.topic. */
async function topicUser(scene: Scene, write: string, read: string): Promise<{ channel: WireChannel; user: string }> {
  const user = scene.name('user')
  await scene.admin.declareUser(user, 'secret')
  await scene.admin.setPermissions(scene.vhost, user, ALL)
  await scene.admin.setTopicPermissions(scene.vhost, user, { exchange: 'amq.topic', write, read })
  return { channel: await scene.otherChannel({ user, password: 'secret' }), user }
}

function topicRefused(scene: Scene, right: string, key: string, user: string): string {
  return scene.since(
    '3.11',
    `ACCESS_REFUSED - ${right} access to topic '${key}' in exchange 'amq.topic' in vhost '${scene.vhost}' refused for user '${user}'`,
    `ACCESS_REFUSED - access to topic '${key}' in exchange 'amq.topic' in vhost '${scene.vhost}' refused for user '${user}'`,
  )
}

test('topic permissions: publishing needs write on the routing key', async (scene) => {
  const { channel, user } = await topicUser(scene, '^mine\\.', '.*')
  const queue = await scene.queue()
  await scene.channel.call('queue.bind', { queue, exchange: 'amq.topic', routingKey: '#' })
  channel.publish('amq.topic', 'mine.a', 'x')
  await scene.channel.getSoon(queue)
  channel.publish('amq.topic', 'theirs.a', 'x')
  await channel.refused(403, topicRefused(scene, 'write', 'theirs.a', user), 60, 40)
  await scene.admin.deleteUser(user)
})

test('topic permissions: CC keys are checked too', async (scene) => {
  const { channel, user } = await topicUser(scene, '^mine\\.', '.*')
  channel.publish('amq.topic', 'mine.a', 'x', { headers: { CC: ['theirs.a'] } })
  const ours = () => channel.refused(403, topicRefused(scene, 'write', 'theirs.a', user), 60, 40)
  const before = () => channel.quiet()
  await scene.since<() => Promise<unknown>>('3.13', ours, before)()
  await scene.admin.deleteUser(user)
})

test('topic permissions: binding needs read on the routing key', async (scene) => {
  const { channel, user } = await topicUser(scene, '.*', '^mine\\.')
  const queue = await scene.queue({}, { exclusive: true }, channel)
  await channel.call('queue.bind', { queue, exchange: 'amq.topic', routingKey: 'mine.a' })
  channel.send('queue.bind', { queue, exchange: 'amq.topic', routingKey: 'theirs.a' })
  await channel.refused(403, topicRefused(scene, 'read', 'theirs.a', user), 50, 20)
  await scene.admin.deleteUser(user)
})

test('topic permissions: {username} and {vhost} are filled in', async (scene) => {
  const { channel, user } = await topicUser(scene, '^{username}\\.', '.*')
  const queue = await scene.queue()
  await scene.channel.call('queue.bind', { queue, exchange: 'amq.topic', routingKey: '#' })
  channel.publish('amq.topic', `${user}.a`, 'x')
  await scene.channel.getSoon(queue)
  channel.publish('amq.topic', 'somebody.a', 'x')
  await channel.refused(403, topicRefused(scene, 'write', 'somebody.a', user))
  await scene.admin.deleteUser(user)
})

test('topic permissions: other topic exchanges are not restricted', async (scene) => {
  const { channel, user } = await topicUser(scene, '^mine\\.', '^mine\\.')
  const exchange = await scene.exchange('topic')
  channel.publish(exchange, 'anything', 'x')
  await channel.quiet()
  await scene.admin.deleteUser(user)
})

test('a user’s new permissions hold for new connections', async (scene) => {
  const { channel, user } = await as(scene, { ...ALL, write: '^$' })
  channel.client.destroy()
  await scene.admin.setPermissions(scene.vhost, user, ALL)
  const again = await scene.otherChannel({ user, password: 'secret' })
  again.publish('amq.fanout', '', 'x')
  await again.quiet()
  assert.equal(again.client.isClosed, false)
  await scene.admin.deleteUser(user)
})
