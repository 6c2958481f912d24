/**
 * How AMQP 0-9-1 shows what the broker knows of a message's fate: `x-death` and its companions among the headers.
 *
 * RabbitMQ: once the broker adds a header, the table is sent in the order of its names. [RabbitMQ: dead lettering]
 */
import type { Annotations, Death } from '../../model/message/annotations.ts'
import type { FieldTable, FieldValue } from './fields.ts'
import { sortedTable } from './fields.ts'

/** Counts of the queue that delivers; 0 where it does not count. */
export interface DeliveryCounts {
  readonly deliveryCount: number
  readonly acquiredCount: number
}

/** The headers with the broker's own; the same table when there are none. */
export function withBrokerHeaders(headers: FieldTable, annotations: Annotations, counts: DeliveryCounts): FieldTable {
  const added = brokerHeaders(annotations, counts)
  return added.length === 0 ? headers : sortedTable(new Map([...headers, ...added]))
}

function brokerHeaders(annotations: Annotations, counts: DeliveryCounts): [string, FieldValue][] {
  const added: [string, FieldValue][] = []
  const { deaths, firstDeath, lastDeath } = annotations
  if (deaths !== undefined && deaths.length > 0)
    added.push(['x-death', { type: 'array', value: deaths.map(deathTable) }])
  for (const [prefix, place] of [
    ['x-first-death', firstDeath],
    ['x-last-death', lastDeath],
  ] as const) {
    if (place === undefined) continue
    added.push([`${prefix}-reason`, text(place.reason)])
    added.push([`${prefix}-queue`, text(place.queue)])
    added.push([`${prefix}-exchange`, text(place.exchange)])
  }
  const deliveryCount = counts.deliveryCount || (annotations.deliveryCount ?? 0)
  const acquiredCount = counts.acquiredCount || (annotations.acquiredCount ?? 0)
  if (deliveryCount > 0) added.push(['x-delivery-count', { type: 'long', value: deliveryCount }])
  if (acquiredCount > 0) added.push(['x-acquired-count', { type: 'long', value: acquiredCount }])
  return added
}

function deathTable(death: Death): FieldValue {
  const fields = new Map<string, FieldValue>()
  if (death.originalExpirationMs !== undefined) fields.set('original-expiration', text(`${death.originalExpirationMs}`))
  fields.set('count', { type: 'long', value: death.count })
  fields.set('reason', text(death.reason))
  fields.set('queue', text(death.queue))
  fields.set('time', { type: 'timestamp', value: Math.floor(death.firstAtMs / 1000) })
  fields.set('exchange', text(death.exchange))
  fields.set('routing-keys', { type: 'array', value: death.routingKeys.map(text) })
  return { type: 'table', value: fields }
}

function text(value: string): FieldValue {
  return { type: 'longstr', value }
}
