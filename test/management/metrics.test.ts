// Metrics as dashboards read them: the names they query, and counts by protocol and by kind of queue.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { SILENT_LOGGER } from '../../src/base/log.ts'
import { type BootedBroker, startBroker } from '../../src/boot.ts'
import { settingsWith } from '../../src/config/build-settings.ts'
import { FREE_PORTS } from '../../src/config/free-ports.ts'
import { LEVEL_5, LEVEL_311 } from '../../src/protocols/mqtt/spec.ts'
import { MqttClient } from '../support/mqtt-client.ts'
import { StompClient } from '../support/stomp-client.ts'
import { WireClient } from '../support/wire-client.ts'
import { answerOf } from './managed-broker.ts'

let booted: BootedBroker
before(async () => {
  booted = await startBroker({ settings: settingsWith(FREE_PORTS), dataDir: null, logger: SILENT_LOGGER })
})
after(() => booted.stop())

async function page(path = '/metrics'): Promise<string> {
  const response = await fetch(`http://127.0.0.1:${booted.listeners.prometheus}${path}`)
  assert.equal(response.status, 200)
  return response.text()
}

/** The value of one sample; undefined when it is not there. */
function sampleOf(text: string, sample: string): number | undefined {
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${sample} `))
  return line === undefined ? undefined : Number(line.slice(sample.length + 1))
}

/** Every metric that the dashboards RabbitMQ-Overview and RabbitMQ-Stream query for protocols that are here, of RabbitMQ 4.3. */
const DASHBOARD_METRICS = [
  'rabbitmq_build_info',
  'rabbitmq_channels',
  'rabbitmq_channels_closed_total',
  'rabbitmq_channels_opened_total',
  'rabbitmq_connections',
  'rabbitmq_connections_closed_total',
  'rabbitmq_connections_opened_total',
  'rabbitmq_disk_space_available_bytes',
  'rabbitmq_disk_space_available_limit_bytes',
  'rabbitmq_erlang_uptime_seconds',
  'rabbitmq_global_consumers',
  'rabbitmq_global_messages_acknowledged_total',
  'rabbitmq_global_messages_confirmed_total',
  'rabbitmq_global_messages_delivered_consume_auto_ack_total',
  'rabbitmq_global_messages_delivered_consume_manual_ack_total',
  'rabbitmq_global_messages_delivered_get_auto_ack_total',
  'rabbitmq_global_messages_delivered_get_manual_ack_total',
  'rabbitmq_global_messages_delivered_total',
  'rabbitmq_global_messages_get_empty_total',
  'rabbitmq_global_messages_received_confirm_total',
  'rabbitmq_global_messages_received_total',
  'rabbitmq_global_messages_redelivered_total',
  'rabbitmq_global_messages_routed_total',
  'rabbitmq_global_messages_unroutable_dropped_total',
  'rabbitmq_global_messages_unroutable_returned_total',
  'rabbitmq_global_publishers',
  'rabbitmq_identity_info',
  'rabbitmq_message_size_bytes_bucket',
  'rabbitmq_message_size_bytes_count',
  'rabbitmq_message_size_bytes_sum',
  'rabbitmq_process_max_fds',
  'rabbitmq_process_open_fds',
  'rabbitmq_process_resident_memory_bytes',
  'rabbitmq_queue_messages_ready',
  'rabbitmq_queue_messages_unacked',
  'rabbitmq_queues',
  'rabbitmq_queues_created_total',
  'rabbitmq_queues_declared_total',
  'rabbitmq_queues_deleted_total',
  'rabbitmq_resident_memory_limit_bytes',
]

test('every metric that the overview dashboard reads has a sample from the start', async () => {
  const names = new Set((await page()).split('\n').map((line) => /^[a-z_]+/.exec(line)?.[0]))
  assert.deepEqual(
    DASHBOARD_METRICS.filter((name) => !names.has(name)),
    [],
  )
})

test('pages say which they are, as dashboards select one', async () => {
  const endpointOf = async (path: string): Promise<string | undefined> =>
    /^rabbitmq_identity_info\{rabbitmq_node="[^"]+",rabbitmq_cluster="[^"]+",.*rabbitmq_endpoint="([^"]+)"\} 1$/m.exec(
      await page(path),
    )?.[1]
  assert.equal(await endpointOf('/metrics'), 'aggregated')
  assert.equal(await endpointOf('/metrics/per-object'), 'per-object')
  assert.equal(await endpointOf('/metrics/detailed'), 'detailed')
  assert.equal(await endpointOf('/metrics/memory-breakdown'), 'memory-breakdown')
})

test('messages are counted by the protocol that moved them and the kind of the queue', async () => {
  const client = await WireClient.connect('127.0.0.1', booted.listeners.amqp!)
  await client.open()
  const channel = await client.channel()
  await channel.call('queue.declare', { queue: 'counted', durable: true, arguments: { 'x-queue-type': 'quorum' } })
  await channel.call('confirm.select', {})
  channel.publish('', 'counted', 'x'.repeat(500))
  await channel.expect('basic.ack')
  assert.ok((await channel.get('counted')) !== undefined)
  assert.equal(await channel.get('counted'), undefined)
  channel.publish('', 'nobody', 'x')
  await channel.expect('basic.ack')

  const modern = await MqttClient.open(booted.listeners.mqtt!, LEVEL_5)
  await modern.connect({ clientId: 'modern' })
  await modern.subscribe([{ filter: 'counted', qos: 1 }])
  const old = await MqttClient.open(booted.listeners.mqtt!, LEVEL_311)
  await old.connect({ clientId: 'old' })
  await old.publishSafely({ topic: 'counted', payload: 'x', qos: 1, packetId: 1 })
  const { packetId } = await modern.nextMessage()
  modern.ack(4, packetId)
  await modern.settle()

  const stomp = await StompClient.connect(booted.listeners.stomp!)
  await stomp.login()
  await stomp.call('SEND', { destination: '/queue/stomped' }, 'y')
  await stomp.call('SUBSCRIBE', { destination: '/queue/stomped', id: '1', ack: 'auto' })
  await stomp.bodies('y')

  const text = await page()
  const value = (name: string, labels: string): number | undefined =>
    sampleOf(text, `rabbitmq_global_${name}{${labels}}`)
  const amqp = 'protocol="amqp091"'
  assert.equal(value('messages_received_total', amqp), 2)
  assert.equal(value('messages_received_confirm_total', amqp), 2)
  assert.equal(value('messages_confirmed_total', amqp), 2)
  assert.equal(value('messages_routed_total', amqp), 1)
  assert.equal(value('messages_unroutable_dropped_total', amqp), 1)
  assert.equal(value('publishers', amqp), 1)
  assert.equal(value('messages_delivered_get_auto_ack_total', `${amqp},queue_type="rabbit_quorum_queue"`), 1)
  assert.equal(value('messages_get_empty_total', `${amqp},queue_type="rabbit_quorum_queue"`), 1)
  assert.equal(value('messages_delivered_total', `${amqp},queue_type="rabbit_classic_queue"`), 0)
  assert.equal(value('messages_received_total', 'protocol="mqtt311"'), 1)
  assert.equal(value('messages_confirmed_total', 'protocol="mqtt311"'), 1)
  const manual = 'messages_delivered_consume_manual_ack_total'
  assert.equal(value(manual, 'protocol="mqtt50",queue_type="rabbit_classic_queue"'), 1)
  assert.equal(value('messages_acknowledged_total', 'protocol="mqtt50",queue_type="rabbit_classic_queue"'), 1)
  assert.equal(value('consumers', 'protocol="mqtt50"'), 1)
  assert.equal(value('messages_received_total', 'protocol="stomp"'), 1)
  assert.equal(value('messages_confirmed_total', 'protocol="stomp"'), 1)
  const automatic = 'messages_delivered_consume_auto_ack_total'
  assert.equal(value(automatic, 'protocol="stomp",queue_type="rabbit_classic_queue"'), 1)
  assert.equal(sampleOf(text, `rabbitmq_message_size_bytes_bucket{${amqp},le="100"}`), 1)
  assert.equal(sampleOf(text, `rabbitmq_message_size_bytes_bucket{${amqp},le="1000"}`), 2)
  assert.equal(sampleOf(text, `rabbitmq_message_size_bytes_sum{${amqp}}`), 501)
  for (const protocol of ['amqp091', 'mqtt311', 'stomp']) {
    const count = sampleOf(text, `warrenmq_confirm_seconds_count{protocol="${protocol}"}`)
    assert.equal(count, protocol === 'amqp091' ? 2 : 1, protocol)
  }
  assert.ok((sampleOf(text, 'warrenmq_time_in_queue_seconds_count') ?? 0) >= 3, 'of every protocol')
  await client.close()
  await modern.disconnect()
  await old.disconnect()
  stomp.destroy()
})

test('the dead are counted by reason, kind of queue and strategy', async () => {
  const client = await WireClient.connect('127.0.0.1', booted.listeners.amqp!)
  await client.open()
  const channel = await client.channel()
  const args = { 'x-max-length': 1, 'x-dead-letter-exchange': 'amq.fanout' }
  await channel.call('queue.declare', { queue: 'short', durable: true, arguments: args })
  await channel.call('confirm.select', {})
  for (let i = 0; i < 3; i++) {
    channel.publish('', 'short', 'x')
    await channel.expect('basic.ack')
  }
  const text = await page()
  const labels = '{queue_type="rabbit_classic_queue",dead_letter_strategy="at_most_once"}'
  assert.equal(sampleOf(text, `rabbitmq_global_messages_dead_lettered_maxlen_total${labels}`), 2)
  assert.equal(sampleOf(text, `rabbitmq_global_messages_dead_lettered_expired_total${labels}`), 0)
  await client.close()
})

test('the detailed page has the families of the node, too', async () => {
  const families = ['connection_churn_metrics', 'node_coarse_metrics', 'node_metrics', 'auth_attempt_metrics']
  const text = await page(`/metrics/detailed?${families.map((family) => `family=${family}`).join('&')}`)
  assert.ok((sampleOf(text, 'rabbitmq_detailed_connections_opened_total') ?? 0) > 0)
  assert.ok((sampleOf(text, 'rabbitmq_detailed_process_resident_memory_bytes') ?? 0) > 0)
  assert.ok((sampleOf(text, 'rabbitmq_detailed_resident_memory_limit_bytes') ?? 0) > 0)
  assert.ok((sampleOf(text, 'rabbitmq_detailed_auth_attempts_total{protocol="amqp091"}') ?? 0) > 0)
  assert.equal(sampleOf(text, 'rabbitmq_detailed_queue_messages_ready'), undefined)
})

test('a queue tells what its messages take on disk, and how old the oldest is', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'warren-metrics-'))
  const settings = settingsWith(FREE_PORTS)
  const lasting = await startBroker({ settings, dataDir, logger: SILENT_LOGGER })
  try {
    const client = await WireClient.connect('127.0.0.1', lasting.listeners.amqp!)
    await client.open()
    const channel = await client.channel()
    await channel.call('queue.declare', { queue: 'deep', durable: true })
    await channel.call('confirm.select', {})
    for (let i = 0; i < 10; i++) await channel.publishConfirmed('', 'deep', 'x'.repeat(1_000), { deliveryMode: 2 })
    await channel.publishConfirmed('', 'deep', 'x'.repeat(1_000), { deliveryMode: 1 })
    const headers = { authorization: `Basic ${btoa('guest:guest')}` }
    const url = `http://127.0.0.1:${lasting.listeners.http}/api/queues/%2F/deep`
    const shown = async () => (await answerOf(await fetch(url, { headers }))).json
    const { disk_bytes: bytes, oldest_message_age_ms: ageMs } = await shown()
    assert.ok(bytes > 10_000 && bytes < 11_500, `ten persistent messages take ${bytes} bytes`)
    assert.ok(ageMs !== null && ageMs >= 0)
    const text = await (await fetch(`http://127.0.0.1:${lasting.listeners.prometheus}/metrics/per-object`)).text()
    assert.equal(sampleOf(text, 'rabbitmq_queue_disk_bytes{vhost="/",queue="deep"}'), bytes)
    await channel.call('queue.purge', { queue: 'deep' })
    assert.deepEqual([(await shown()).disk_bytes, (await shown()).oldest_message_age_ms], [0, null])
    await client.close()
  } finally {
    await lasting.stop()
    await rm(dataDir, { recursive: true, force: true })
  }
})
