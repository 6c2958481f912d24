// Virtual hosts and the limits of virtual hosts and users. [rabbitmq.com "Virtual Hosts", "User Limits"]
import assert from 'node:assert/strict'
import { conformance, type Scene } from '../../support/conformance.ts'
import type { WireClient } from '../../support/wire-client.ts'
import { encodeMethod, METHOD } from '../../support/wire-codec.ts'
import { eventually } from '../../support/wire-inbox.ts'

const { test } = await conformance('vhosts')

const ALL = { configure: '.*', write: '.*', read: '.*' }

/** A fresh virtual host for one test. */
async function inVhost(scene: Scene, run: (vhost: string) => Promise<void>): Promise<void> {
  const vhost = scene.name('vhost')
  await scene.admin.declareVhost(vhost)
  await scene.admin.setPermissions(vhost, scene.broker.user, ALL)
  try {
    await run(vhost)
  } finally {
    await scene.admin.deleteVhost(vhost)
  }
}

async function opening(scene: Scene, vhost: string, user = 'guest', password = 'guest'): Promise<WireClient> {
  const client = await scene.socket()
  await client.authenticate({ user, password })
  client.tuneOk()
  client.send('connection.open', { virtualHost: vhost })
  return client
}

test('names in one virtual host are unknown in another', (scene) =>
  inVhost(scene, async (vhost) => {
    const queue = await scene.queue({}, { durable: true })
    const channel = await scene.otherChannel({ vhost })
    channel.send('queue.declare', { queue, passive: true })
    await channel.refused(404, `NOT_FOUND - no queue '${queue}' in vhost '${vhost}'`)
  }))

test('a new virtual host has the predeclared exchanges', (scene) =>
  inVhost(scene, async (vhost) => {
    const channel = await scene.otherChannel({ vhost })
    for (const exchange of ['amq.direct', 'amq.fanout', 'amq.topic', 'amq.headers', 'amq.match']) {
      await channel.call('exchange.declare', { exchange, passive: true })
    }
  }))

test('deleting a virtual host ends its connections', async (scene) => {
  const vhost = scene.name('vhost')
  await scene.admin.declareVhost(vhost)
  await scene.admin.setPermissions(vhost, scene.broker.user, ALL)
  const client = await scene.connect({ vhost })
  await scene.admin.deleteVhost(vhost)
  const close = await client.expect('connection.close')
  assert.equal(close.args.replyCode, 320)
  assert.match(String(close.args.replyText), /^CONNECTION_FORCED - /)
  const late = await opening(scene, vhost)
  await late.refused(530, `NOT_ALLOWED - vhost ${vhost} not found`, 10, 40)
})

test('max-connections of a virtual host: one more is 530', (scene) =>
  inVhost(scene, async (vhost) => {
    await scene.admin.setVhostLimit(vhost, 'max-connections', 1)
    await scene.connect({ vhost })
    // RabbitMQ counts connections a moment after they open.
    const text = `NOT_ALLOWED - access to vhost '${vhost}' refused for user 'guest': connection limit (1) is reached`
    await eventually(async () => {
      const client = await opening(scene, vhost)
      await client.refused(530, text, 10, 40).finally(() => client.destroy())
    })
  }))

test('max-connections 0 refuses everybody', (scene) =>
  inVhost(scene, async (vhost) => {
    await scene.admin.setVhostLimit(vhost, 'max-connections', 0)
    const client = await opening(scene, vhost)
    await client.refused(
      530,
      `NOT_ALLOWED - access to vhost '${vhost}' refused for user 'guest': connection limit (0) is reached`,
      10,
      40,
    )
  }))

test('max-queues of a virtual host: one more is 406', (scene) =>
  inVhost(scene, async (vhost) => {
    await scene.admin.setVhostLimit(vhost, 'max-queues', 1)
    const channel = await scene.otherChannel({ vhost })
    await channel.call('queue.declare', { queue: 'first', exclusive: true })
    await channel.call('queue.declare', { queue: 'first', exclusive: true })
    channel.send('queue.declare', { queue: 'second', exclusive: true })
    await channel.refused(
      406,
      `PRECONDITION_FAILED - cannot declare queue 'second': queue limit in vhost '${vhost}' (1) is reached`,
      50,
      10,
    )
  }))

test('max-connections of a user: one more is 530', async (scene) => {
  const user = scene.name('user')
  await scene.admin.declareUser(user, 'secret')
  await scene.admin.setPermissions(scene.vhost, user, ALL)
  await scene.admin.setUserLimit(user, 'max-connections', 1)
  await scene.connect({ user, password: 'secret' })
  const text = `NOT_ALLOWED - connection refused for user '${user}': user connection limit (1) is reached`
  await eventually(async () => {
    const client = await opening(scene, scene.vhost, user, 'secret')
    await client.refused(530, text, 10, 40).finally(() => client.destroy())
  })
  await scene.admin.deleteUser(user)
})

test('max-channels of a user: one more is 530', async (scene) => {
  const user = scene.name('user')
  await scene.admin.declareUser(user, 'secret')
  await scene.admin.setPermissions(scene.vhost, user, ALL)
  await scene.admin.setUserLimit(user, 'max-channels', 1)
  const channel = await scene.otherChannel({ user, password: 'secret' })
  await channel.quiet()
  const limit = scene.since('4.0', '1', '(1)')
  const text = `NOT_ALLOWED - number of channels opened for user '${user}' has reached the maximum allowed user limit of ${limit}`
  channel.client.sendFrame(METHOD, 2, encodeMethod('channel.open'))
  await channel.client.refused(530, text)
  await scene.admin.deleteUser(user)
})

test('deleting a user ends its connections', async (scene) => {
  const user = scene.name('user')
  await scene.admin.declareUser(user, 'secret')
  await scene.admin.setPermissions(scene.vhost, user, ALL)
  const client = await scene.connect({ user, password: 'secret' })
  await scene.admin.deleteUser(user)
  const close = await client.expect('connection.close')
  assert.equal(close.args.replyCode, 320)
  assert.match(String(close.args.replyText), /^CONNECTION_FORCED - /)
})

test('a deleted user cannot come back', async (scene) => {
  const user = scene.name('user')
  await scene.admin.declareUser(user, 'secret')
  await scene.admin.deleteUser(user)
  const client = await scene.socket()
  await client.greet()
  client.startOk({ user, password: 'secret' })
  await client.refused(403, /^ACCESS_REFUSED - Login was refused/)
})
