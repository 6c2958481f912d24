/**
 * `rabbitmq_global_…`: messages of all sessions, by protocol and by kind of queue, with the names and labels that
 * RabbitMQ's dashboards read. [RabbitMQ: prometheus plug-in, global counters]
 */
import type { Histogram } from '../../base/histogram.ts'
import type { DeliveryCounters } from '../../model/message/message-counters.ts'
import type { BrokerCounters } from '../../model/observe/counters.ts'
import type { DeadLetterStrategy } from '../../model/observe/deaths.ts'
import { KindTraffic, ProtocolTraffic } from '../../model/observe/traffic.ts'
import type { DeathReason } from '../../model/queue/dead-letter.ts'
import type { ManagementContext } from '../context.ts'
import { head, histogramSamples, labels, type MetricType, sample } from './exposition.ts'

/** Labels of connections' protocols; others are their own label. */
const LABELS: Readonly<Record<string, string>> = {
  'AMQP 0-9-1': 'amqp091',
  'MQTT 3-1-0': 'mqtt310',
  'MQTT 3-1-1': 'mqtt311',
  'MQTT 5-0': 'mqtt50',
}

type ByProtocol = readonly [name: string, help: string, read: (traffic: ProtocolTraffic) => number]
type ByKind = readonly [name: string, help: string, read: (traffic: DeliveryCounters) => number]

const BY_PROTOCOL: readonly ByProtocol[] = [
  ['messages_received_total', 'Total number of messages received from publishers', ({ published }) => published],
  [
    'messages_received_confirm_total',
    'Total number of messages received from publishers expecting confirmations',
    ({ publishedForConfirm }) => publishedForConfirm,
  ],
  [
    'messages_routed_total',
    'Total number of messages routed to queues or streams',
    ({ published, returnedUnroutable, droppedUnroutable }) => published - returnedUnroutable - droppedUnroutable,
  ],
  [
    'messages_unroutable_dropped_total',
    'Total number of messages published as non-mandatory into an exchange and dropped as unroutable',
    ({ droppedUnroutable }) => droppedUnroutable,
  ],
  [
    'messages_unroutable_returned_total',
    'Total number of messages published as mandatory into an exchange and returned to the publisher as unroutable',
    ({ returnedUnroutable }) => returnedUnroutable,
  ],
  ['messages_confirmed_total', 'Total number of messages confirmed to publishers', ({ confirmed }) => confirmed],
]

const BY_KIND: readonly ByKind[] = [
  ['messages_delivered_total', 'Total number of messages delivered to consumers', deliveredOf],
  [
    'messages_delivered_consume_manual_ack_total',
    'Total number of messages delivered to consumers using basic.consume with manual acknowledgment',
    ({ delivered }) => delivered,
  ],
  [
    'messages_delivered_consume_auto_ack_total',
    'Total number of messages delivered to consumers using basic.consume with automatic acknowledgment',
    ({ deliveredNoAck }) => deliveredNoAck,
  ],
  [
    'messages_delivered_get_manual_ack_total',
    'Total number of messages delivered to consumers using basic.get with manual acknowledgment',
    ({ got }) => got,
  ],
  [
    'messages_delivered_get_auto_ack_total',
    'Total number of messages delivered to consumers using basic.get with automatic acknowledgment',
    ({ gotNoAck }) => gotNoAck,
  ],
  [
    'messages_get_empty_total',
    'Total number of times basic.get operations fetched no message',
    ({ getEmpty }) => getEmpty,
  ],
  ['messages_redelivered_total', 'Total number of messages redelivered to consumers', ({ redelivered }) => redelivered],
  ['messages_acknowledged_total', 'Total number of messages acknowledged by consumers', ({ acked }) => acked],
]

/** Reasons as RabbitMQ's metrics have them. */
const DEATHS: readonly (readonly [reason: DeathReason, help: string])[] = [
  ['maxlen', 'due to overflow drop-head or reject-publish-dlx'],
  ['expired', 'due to message TTL exceeded'],
  ['rejected', 'due to basic.reject or basic.nack'],
  ['delivery_limit', 'due to delivery-limit exceeded'],
]

/** Shown from the start, so that rates begin with the first message: what RabbitMQ shows of kinds that are here. */
const KINDS = ['classic', 'quorum']
const STRATEGIES: readonly DeadLetterStrategy[] = ['disabled', 'at_most_once']
const NO_TRAFFIC = new ProtocolTraffic()
const NO_DELIVERIES = new KindTraffic()

function deliveredOf({ delivered, deliveredNoAck, got, gotNoAck }: DeliveryCounters): number {
  return delivered + deliveredNoAck + got + gotNoAck
}

/** All global metrics. */
export function globalMetrics(context: ManagementContext): string {
  const { counters } = context.broker
  const protocols = new Map<string, ProtocolTraffic>([['amqp091', NO_TRAFFIC], ...counters.protocols])
  return (
    byProtocol(protocols) + ends(context, protocols) + byKind(protocols) + deaths(counters) + messageSizes(protocols)
  )
}

/** Time from publish to confirm, by protocol. */
export function confirmWaits({ counters }: ManagementContext['broker']): string {
  const name = 'warrenmq_confirm_seconds'
  return byProtocolHistogram(name, 'Time from publish to confirm', counters.protocols, 1_000, (traffic) => {
    return traffic.confirmWaitMs
  })
}

function family(name: string, type: MetricType, help: string): string {
  return head({ name: `rabbitmq_global_${name}`, type, help })
}

function byProtocol(protocols: ReadonlyMap<string, ProtocolTraffic>): string {
  let text = ''
  for (const [name, help, read] of BY_PROTOCOL) {
    text += family(name, 'counter', help)
    for (const [protocol, traffic] of protocols) {
      text += sample(`rabbitmq_global_${name}`, labels({ protocol }), read(traffic))
    }
  }
  return text
}

/** Publishers and consumers that are connected now. */
function ends({ broker }: ManagementContext, protocols: ReadonlyMap<string, ProtocolTraffic>): string {
  const publishers = new Map<string, number>()
  const consumers = new Map<string, number>()
  for (const connection of broker.connections.all()) {
    const { publisherCount, consumerCount } = connection.status()
    const label = LABELS[connection.protocol] ?? connection.protocol.split(' ')[0]!.toLowerCase()
    publishers.set(label, (publishers.get(label) ?? 0) + publisherCount)
    consumers.set(label, (consumers.get(label) ?? 0) + consumerCount)
  }
  let text = ''
  for (const [name, counts] of [['publishers', publishers] as const, ['consumers', consumers] as const]) {
    text += family(name, 'gauge', `Current number of ${name}`)
    for (const protocol of new Set([...protocols.keys(), ...counts.keys()])) {
      text += sample(`rabbitmq_global_${name}`, labels({ protocol }), counts.get(protocol) ?? 0)
    }
  }
  return text
}

function byKind(protocols: ReadonlyMap<string, ProtocolTraffic>): string {
  let text = ''
  for (const [name, help, read] of BY_KIND) {
    text += family(name, 'counter', help)
    for (const [protocol, { kinds }] of protocols) {
      for (const kind of new Set([...KINDS, ...kinds.keys()])) {
        const queueType = labels({ protocol, queue_type: queueTypeOf(kind) })
        text += sample(`rabbitmq_global_${name}`, queueType, read(kinds.get(kind) ?? NO_DELIVERIES))
      }
    }
  }
  return text
}

/** RabbitMQ names kinds by modules. */
export function queueTypeOf(kind: string): string {
  return `rabbit_${kind.replaceAll('-', '_')}_queue`
}

function deaths({ deaths: counted }: BrokerCounters): string {
  const rows = new Map<string, { readonly labels: string; readonly count: (reason: DeathReason) => number }>()
  const labelsOf = (kind: string, strategy: DeadLetterStrategy): string =>
    labels({ queue_type: queueTypeOf(kind), dead_letter_strategy: strategy })
  for (const kind of KINDS) {
    for (const strategy of STRATEGIES) {
      const text = labelsOf(kind, strategy)
      rows.set(text, { labels: text, count: () => 0 })
    }
  }
  let confirmed = 0
  for (const { kind, strategy, byReason, confirmed: ofOne } of counted.all()) {
    const text = labelsOf(kind, strategy)
    rows.set(text, { labels: text, count: (reason) => byReason[reason] })
    confirmed += ofOne
  }
  let text = ''
  for (const [reason, help] of DEATHS) {
    const name = `messages_dead_lettered_${reason}_total`
    text += family(name, 'counter', `Total number of messages dead-lettered ${help}`)
    for (const row of rows.values()) text += sample(`rabbitmq_global_${name}`, row.labels, row.count(reason))
  }
  const name = 'messages_dead_lettered_confirmed_total'
  text += family(name, 'counter', 'Total number of messages dead-lettered and confirmed by target queues')
  return text + sample(`rabbitmq_global_${name}`, labelsOf('quorum', 'at_least_once'), confirmed)
}

function messageSizes(protocols: ReadonlyMap<string, ProtocolTraffic>): string {
  const name = 'rabbitmq_message_size_bytes'
  const help = 'Size of messages received from publishers'
  return byProtocolHistogram(name, help, protocols, 1, ({ messageBytes }) => messageBytes)
}

function byProtocolHistogram(
  name: string,
  help: string,
  protocols: ReadonlyMap<string, ProtocolTraffic>,
  unit: number,
  read: (traffic: ProtocolTraffic) => Histogram,
): string {
  let text = head({ name, type: 'histogram', help })
  for (const [protocol, traffic] of protocols) {
    const { bounds, counts, sum } = read(traffic)
    const scaled = bounds.map((bound) => bound / unit)
    text += histogramSamples(name, scaled, counts, sum / unit, { protocol })
  }
  return text
}
