// Spans of messages with a W3C trace context, through a real SDK of OpenTelemetry that keeps them in memory.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { SpanKind, trace } from '@opentelemetry/api'
import { BasicTracerProvider, InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { ManualClock } from '../../src/base/clock.ts'
import { SILENT_LOGGER } from '../../src/base/log.ts'
import { type BootedBroker, startBroker } from '../../src/boot.ts'
import { settingsWith } from '../../src/config/build-settings.ts'
import { FREE_PORTS } from '../../src/config/free-ports.ts'
import { MqttClient } from '../support/mqtt-client.ts'
import { WireClient } from '../support/wire-client.ts'

const TRACE_ID = '0af7651916cd43dd8448eb211c80319c'
const SPAN_ID = 'b7ad6b7169203331'
const TRACEPARENT = `00-${TRACE_ID}-${SPAN_ID}-01`
const exporter = new InMemorySpanExporter()
const clock = new ManualClock()
let booted: BootedBroker

before(async () => {
  // What `node --import` of an SDK does before the broker starts.
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] }))
  booted = await startBroker({ settings: settingsWith(FREE_PORTS), dataDir: null, logger: SILENT_LOGGER, clock })
})
after(() => booted.stop())

test('a message with a trace context has spans for publish, queue and delivery; consumers get the context as it was', async () => {
  const client = await WireClient.connect('127.0.0.1', booted.listeners.amqp!)
  await client.open()
  const channel = await client.channel()
  await channel.call('queue.declare', { queue: 'followed' })
  await channel.call('confirm.select')
  const headers = { traceparent: TRACEPARENT, tracestate: 'vendor=1' }
  await channel.publishConfirmed('', 'followed', 'hello', { headers })
  clock.advance(7_000)
  const message = await channel.get('followed')
  assert.deepEqual(message?.properties?.headers, headers)

  const spans = exporter.getFinishedSpans()
  assert.deepEqual(
    spans.map(({ name, kind }) => [name, kind]),
    [
      ['publish amq.default', SpanKind.CONSUMER],
      ['deliver followed', SpanKind.PRODUCER],
      ['queue followed', SpanKind.INTERNAL],
    ],
  )
  const [published, delivered, waited] = spans
  for (const span of spans) assert.equal(span.spanContext().traceId, TRACE_ID)
  assert.equal(published?.parentSpanContext?.spanId, SPAN_ID)
  assert.equal(published?.parentSpanContext?.traceState?.get('vendor'), '1')
  assert.equal(waited?.parentSpanContext?.spanId, SPAN_ID)
  assert.equal(delivered?.parentSpanContext?.spanId, waited?.spanContext().spanId)
  assert.equal(waited?.duration[0], 7, 'as long as it was in the queue')
  assert.equal(published?.attributes['messaging.system'], 'rabbitmq')
  assert.equal(published?.attributes['messaging.message.body.size'], 5)
  assert.equal(published?.attributes['messaging.rabbitmq.destination.routing_key'], 'followed')
  client.socket.destroy()
})

test('messages without a context, or with one that is none, have no spans', async () => {
  exporter.reset()
  const client = await WireClient.connect('127.0.0.1', booted.listeners.amqp!)
  await client.open()
  const channel = await client.channel()
  await channel.call('confirm.select')
  const wrong = ['', 'x', `00-${'0'.repeat(32)}-${SPAN_ID}-01`, `00-${TRACE_ID}-${'0'.repeat(16)}-01`]
  await channel.publishConfirmed('', 'nobody', 'x')
  for (const traceparent of wrong) await channel.publishConfirmed('', 'nobody', 'x', { headers: { traceparent } })
  assert.deepEqual(exporter.getFinishedSpans(), [])
  client.socket.destroy()
})

test('so do messages over MQTT, whose context is in user properties', async () => {
  exporter.reset()
  const client = await MqttClient.open(booted.listeners.mqtt!)
  await client.connect({ clientId: 'follower' })
  await client.subscribe([{ filter: 'followed', qos: 1 }])
  const properties = { userProperties: [['traceparent', TRACEPARENT]] satisfies [string, string][] }
  await client.publishSafely({ topic: 'followed', payload: 'x', qos: 1, packetId: 1, properties })
  await client.nextMessage()
  const names = exporter.getFinishedSpans().map(({ name }) => name.split(' ')[0])
  assert.deepEqual(names, ['publish', 'deliver', 'queue'])
  await client.disconnect()
})

test('virtual hosts that come later are followed, too', async () => {
  const authorization = `Basic ${btoa('guest:guest')}`
  const url = `http://127.0.0.1:${booted.listeners.http}/api/vhosts/later`
  assert.equal((await fetch(url, { method: 'PUT', headers: { authorization } })).status, 201)
  assert.equal(booted.parts.broker.vhost('later')?.isTraced, true)
})
