// Contract of the overview, nodes, connections, health checks, metrics and the documentation.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ConnectionHandle } from '../../src/model/connections.ts'
import { MessageCounters } from '../../src/model/message/message-counters.ts'
import { NO_ARGUMENTS, stringValue } from '../../src/model/values/arguments.ts'
import { WireClient } from '../support/wire-client.ts'
import { ManagedBroker } from './managed-broker.ts'

let broker: ManagedBroker
before(async () => {
  broker = await ManagedBroker.start()
})
after(() => broker.stop())

/** A connection with one channel, as a session would register it. */
class FakeConnection implements ConnectionHandle {
  readonly id = 'fake.1'
  readonly name = '10.0.0.1:1234 -> 10.0.0.2:5672'
  readonly user = 'guest'
  readonly vhost = '/'
  readonly protocol = 'AMQP 0-9-1'
  readonly connectedAtMs = 1_000
  readonly peerHost = '10.0.0.1'
  readonly peerPort = 1234
  readonly host = '10.0.0.2'
  readonly port = 5672
  readonly tls = null
  readonly mechanism = 'PLAIN'
  readonly clientProperties = new Map([...NO_ARGUMENTS, ['connection_name', stringValue('mine')] as const])
  readonly channelCount = 1
  readonly counters = new MessageCounters()
  receivedBytes = 0
  closedFor = ''

  status(): ReturnType<ConnectionHandle['status']> {
    const channel = {
      number: 1,
      name: `${this.name} (1)`,
      confirm: true,
      transactional: false,
      consumerCount: 0,
      prefetchCount: 5,
      globalPrefetchCount: 0,
      unackedCount: 2,
      unconfirmedCount: 0,
      uncommittedMessages: 0,
      uncommittedAcks: 0,
      idleSinceMs: 0,
      counters: this.counters,
    }
    return {
      state: 'running',
      channels: [channel],
      publisherCount: this.counters.published > 0 ? 1 : 0,
      consumerCount: 0,
      receivedBytes: this.receivedBytes,
      sentBytes: 7,
      receivedCount: 3,
      sentCount: 4,
      heartbeatSeconds: 60,
      frameBytesMax: 131_072,
      channelCountMax: 2_047,
    }
  }

  close(reason: string, text: string): void {
    this.closedFor = `${reason}: ${text}`
  }
}

test('connections and channels are listed with rates, and closed with a reason', async () => {
  const connection = new FakeConnection()
  const { connections } = broker.booted.parts.broker
  connections.add(connection)
  await broker.pass(10_000)
  connection.receivedBytes = 500
  connection.counters.published = 10
  await broker.pass(5_000)
  const [listed] = (await broker.get('connections')).json
  assert.equal(listed.user_provided_name, 'mine')
  assert.equal(listed.recv_oct, 500)
  assert.equal(listed.recv_oct_details.rate, 100)
  const path = encodeURIComponent(connection.name)
  assert.equal((await broker.get(`connections/${path}`)).json.name, connection.name)
  const [channel] = (await broker.get(`connections/${path}/channels`)).json
  assert.deepEqual([channel.prefetch_count, channel.messages_unacknowledged, channel.confirm], [5, 2, true])
  assert.equal(channel.message_stats.publish_details.rate, 2)
  assert.equal((await broker.get(`channels/${encodeURIComponent(`${connection.name} (1)`)}`)).status, 200)
  assert.deepEqual((await broker.get('connections/username/guest')).json.length, 1)
  const perObject = await (await fetch(`${broker.base}/metrics/per-object`)).text()
  assert.match(
    perObject,
    /^rabbitmq_channel_messages_published_total\{channel="10\.0\.0\.1:1234 -> 10\.0\.0\.2:5672 \(1\)"\} 10$/m,
  )
  const headers = { authorization: `Basic ${btoa('guest:guest')}`, 'x-reason': 'because' }
  const closed = await fetch(`${broker.base}/api/connections/${path}`, { method: 'DELETE', headers })
  assert.equal(closed.status, 204)
  assert.equal(connection.closedFor, 'forced: because')
  connections.remove(connection)
  assert.equal((await broker.get(`connections/${path}`)).status, 404)
})

test('others see only their own connections', async () => {
  const connection = new FakeConnection()
  const { connections } = broker.booted.parts.broker
  connections.add(connection)
  await broker.put('users/other', { password: 'p', tags: 'management' })
  assert.deepEqual((await broker.get('connections', ['other', 'p'])).json, [])
  assert.equal((await broker.get(`connections/${encodeURIComponent(connection.name)}`, ['other', 'p'])).status, 401)
  connections.remove(connection)
})

test('the overview and the node describe themselves', async () => {
  const overview = (await broker.get('overview')).json
  assert.equal(overview.product_name, 'RabbitMQ')
  assert.equal(overview.server_name, 'WarrenMQ')
  assert.deepEqual(Object.keys(overview.object_totals), ['channels', 'connections', 'consumers', 'exchanges', 'queues'])
  assert.ok(overview.listeners.some(({ protocol }: { protocol: string }) => protocol === 'http'))
  const [node] = (await broker.get('nodes')).json
  assert.equal(node.running, true)
  assert.equal((await broker.get(`nodes/${node.name}?memory=true&columns=name,memory`)).json.memory.strategy, 'rss')
  const { contexts } = (await broker.get('overview')).json
  assert.ok(contexts.length > 1)
  assert.deepEqual(
    node.contexts,
    contexts.map(({ description, path, cowboy_opts, port }: Record<string, string>) => ({
      description,
      path,
      cowboy_opts,
      port,
    })),
  )
  assert.deepEqual(node.log_files, ['<stdout>'])
  assert.equal((await broker.get('nodes/other@host')).status, 404)
})

test('health checks say what is wrong', async () => {
  const { listeners, parts } = broker.booted
  assert.deepEqual((await broker.get('health/checks/alarms')).json, { status: 'ok' })
  parts.alarms.set('disk', true)
  const failed = await broker.get('health/checks/local-alarms')
  assert.equal(failed.status, 503)
  assert.equal(failed.json.status, 'failed')
  parts.alarms.set('disk', false)
  assert.equal((await broker.get(`health/checks/port-listener/${listeners.amqp}`)).status, 200)
  assert.equal((await broker.get('health/checks/port-listener/1')).json.missing, 1)
  assert.equal((await broker.get('health/checks/port-listener/x')).json.reason, 'Invalid port')
  assert.equal((await broker.get('health/checks/protocol-listener/amqp,http')).status, 200)
  assert.equal((await broker.get('health/checks/protocol-listener/amqp,foo')).json.missing, 'foo')
  assert.equal((await broker.get('health/checks/certificate-expiration/1/months')).status, 200)
  assert.equal((await broker.get('health/checks/certificate-expiration/x/months')).status, 400)
  assert.equal((await broker.get('health/checks/certificate-expiration/1/parsecs')).status, 400)
  assert.equal((await broker.get('aliveness-test/%2F')).status, 200)
  assert.equal((await broker.get('aliveness-test/none')).status, 404)
})

test('methods that an endpoint does not have are named; HEAD and OPTIONS always work', async () => {
  const wrong = await broker.post('overview')
  assert.equal(wrong.status, 405)
  assert.equal(wrong.headers.get('allow'), 'HEAD, GET, OPTIONS')
  assert.equal(
    (await broker.call('OPTIONS', 'queues/%2F/x', undefined, null)).headers.get('allow'),
    'HEAD, GET, PUT, DELETE, OPTIONS',
  )
  const head = await broker.call('HEAD', 'queues', undefined)
  assert.deepEqual([head.status, head.text], [200, ''])
  assert.deepEqual((await broker.get('nothing')).json, { error: 'Object Not Found', reason: 'Not Found' })
})

test('a body beyond the limit is refused', async () => {
  const small = await ManagedBroker.start({ 'management.http.max_body_size': '100' })
  try {
    const refused = await small.put('queues/%2F/x', { arguments: { long: 'x'.repeat(200) } })
    assert.equal(refused.status, 400)
    assert.equal(refused.json.error, 'payload_too_large')
    assert.equal((await small.get('queues/%2F/x')).status, 404)
  } finally {
    await small.stop()
  }
})

/** Families of a page, checked as `promtool check metrics` does. */
function checkedFamilies(text: string): string[] {
  const families: string[] = []
  for (const line of text.split('\n').filter((candidate) => candidate !== '')) {
    const [, kind, name, rest] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? []
    if (kind === 'HELP') {
      assert.ok(!families.includes(name!), `${name} is there twice`)
      families.push(name!)
    } else if (kind === 'TYPE') assert.equal(rest === 'counter', name!.endsWith('_total'), `${name} is a ${rest}`)
    else {
      const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{([a-z_]+="([^"\\]|\\.)*",?)+\})? (-?[\d.e+-]+|NaN|[+-]Inf)$/.exec(
        line,
      )
      assert.ok(sample !== null, line)
      assert.ok(sample[1]!.startsWith(families.at(-1)!), `${line} is outside its family`)
    }
  }
  return families
}

test('metrics are well-formed and have the names that dashboards read', async () => {
  await broker.put(`queues/%2F/${encodeURIComponent('metric "q"\\')}`)
  await broker.publish('metric "q"\\', 'x')
  await broker.pass(5_000)
  const pages = [
    '/metrics',
    '/metrics/per-object',
    '/metrics/detailed?family=queue_coarse_metrics',
    '/metrics/memory-breakdown',
  ]
  for (const base of [broker.base, broker.metricsBase]) {
    for (const page of pages) {
      const response = await fetch(base + page)
      assert.match(response.headers.get('content-type')!, /^text\/plain; version=0\.0\.4/)
      assert.ok(checkedFamilies(await response.text()).length > 0, page)
    }
  }
  const families = checkedFamilies(await (await fetch(`${broker.base}/metrics`)).text())
  for (const name of [
    'rabbitmq_identity_info',
    'rabbitmq_build_info',
    'rabbitmq_queue_messages_ready',
    'rabbitmq_queue_messages_unacked',
    'rabbitmq_global_messages_received_total',
    'rabbitmq_global_messages_delivered_total',
    'rabbitmq_process_resident_memory_bytes',
    'rabbitmq_disk_space_available_bytes',
    'rabbitmq_connections',
    'rabbitmq_channels_opened_total',
    'rabbitmq_alarms_memory_used_watermark',
    'warrenmq_event_loop_delay_seconds',
  ]) {
    assert.ok(families.includes(name), name)
  }
  const perObject = await (await fetch(`${broker.metricsBase}/metrics/per-object`)).text()
  assert.match(perObject, /^rabbitmq_queue_messages_ready\{vhost="\/",queue="metric \\"q\\"\\\\"\} 1$/m)
  const detailed = await (await fetch(`${broker.base}/metrics/detailed?family=vhost_status&vhost=none`)).text()
  assert.match(detailed, /^rabbitmq_cluster_vhost_status\{vhost="\/"\} 1$/m)
})

test('the detailed page filters queues by name, with wildcards', async () => {
  for (const name of ['jobs.a', 'jobs.b.x', 'other']) await broker.put(`queues/%2F/${name}`)
  const names = async (pattern: string): Promise<string[]> => {
    const query = `family=queue_consumer_count&queue=${encodeURIComponent(pattern)}`
    const text = await (await fetch(`${broker.base}/metrics/detailed?${query}`)).text()
    return [...text.matchAll(/queue_consumers\{vhost="\/",queue="([^"]+)"/g)].map(([, name]) => name!).sort()
  }
  assert.deepEqual(await names('jobs.a'), ['jobs.a'])
  assert.deepEqual(await names('jobs.*'), ['jobs.a', 'jobs.b.x'])
  assert.deepEqual(await names('*b*x'), ['jobs.b.x'])
  assert.deepEqual(await names('o*r'), ['other'])
  assert.deepEqual(await names('jobs.a*a'), [])
})

test('the OpenAPI document lists every endpoint, and the page needs nobody else', async () => {
  const { json } = await broker.get('openapi.json', null)
  assert.equal(json.openapi, '3.1.0')
  const declare = json.paths['/api/queues/{vhost}/{name}'].put
  assert.equal(declare.requestBody.content['application/json'].schema.properties.durable.type, 'boolean')
  const ids = Object.values<Record<string, { operationId: string }>>(json.paths).flatMap((path) =>
    Object.values(path).map(({ operationId }) => operationId),
  )
  assert.equal(new Set(ids).size, ids.length)
  assert.ok(ids.length > 140)
  const page = await fetch(`${broker.base}/api/docs`)
  const html = await page.text()
  assert.ok(html.includes('/api/queues/:vhost/:name'))
  assert.equal(/<script|https?:\/\//.test(html), false)
})

test('the alarm of file descriptors refuses new clients, and shows everywhere', async () => {
  const port = broker.booted.listeners.amqp!
  const shown = async (): Promise<unknown[]> => {
    const [node] = (await broker.get('nodes')).json
    const health = await broker.get('health/checks/local-alarms')
    const metrics = await (await fetch(`${broker.metricsBase}/metrics`)).text()
    const metric = /^rabbitmq_alarms_file_descriptor_limit (\d)$/m.exec(metrics)?.[1]
    return [node.fd_alarm, health.status, metric]
  }
  assert.deepEqual(await shown(), [false, 200, '0'])
  const [{ fd_used: used, fd_total: total }] = (await broker.get('nodes')).json
  assert.ok(used > 10 && total > used, `${used} of ${total}`)
  assert.equal((await broker.put('warren/descriptor-limit', { relative: 2 })).status, 400)
  assert.equal((await broker.put('warren/descriptor-limit', { relative: 0 })).status, 204)
  assert.deepEqual(await shown(), [true, 503, '1'])
  const { alarms } = (await broker.get('health/checks/alarms')).json
  assert.deepEqual(
    alarms.map(({ resource }: { resource: string }) => resource),
    ['file_descriptor_limit'],
  )
  await assert.rejects(async () => (await WireClient.connect('127.0.0.1', port)).open(), 'a new client is disconnected')
  assert.equal((await broker.put('warren/descriptor-limit', { relative: 0.9 })).status, 204)
  assert.deepEqual(await shown(), [false, 200, '0'])
  const client = await (await WireClient.connect('127.0.0.1', port)).open()
  await client.close()
})
