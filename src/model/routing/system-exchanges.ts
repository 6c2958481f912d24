/**
 * The exchanges that every vhost has: the default exchange, and those that the specification and RabbitMQ predeclare.
 * They are built in, durable, and can be neither made nor deleted. [AMQP 0-9-1 §3.1.3]
 */
import type { ExchangeRecord } from '../records/records.ts'

/** The vhost that a node makes at its first start: it has the exchanges of the node's log and events as well. */
export const DEFAULT_VHOST = '/'
/** The name of the default exchange. */
export const DEFAULT_EXCHANGE = ''
/** Where the firehose publishes. */
export const TRACE_EXCHANGE = 'amq.rabbitmq.trace'
/** Where events are published. */
export const EVENT_EXCHANGE = 'amq.rabbitmq.event'
/** Where the log is published. */
export const LOG_EXCHANGE = 'amq.rabbitmq.log'

/** Names with this start are the broker's own. */
export const RESERVED_PREFIX = 'amq.'

/** Records of the built-in exchanges of a vhost. */
export function systemExchanges(vhost: string): readonly ExchangeRecord[] {
  const record = (name: string, type: string, internal = false): ExchangeRecord => ({
    vhost,
    name,
    type,
    durable: true,
    autoDelete: false,
    internal,
    arguments: [],
    ledgerId: 0,
  })
  const records = [
    record(DEFAULT_EXCHANGE, 'direct'),
    record('amq.direct', 'direct'),
    record('amq.fanout', 'fanout'),
    record('amq.headers', 'headers'),
    record('amq.match', 'headers'),
    record('amq.topic', 'topic'),
    record(TRACE_EXCHANGE, 'topic', true),
  ]
  if (vhost === DEFAULT_VHOST) records.push(record(LOG_EXCHANGE, 'topic', true), record(EVENT_EXCHANGE, 'topic', true))
  return records
}

/** Whether an exchange of this name is built in. */
export function isSystemExchange(vhost: string, name: string): boolean {
  return (
    name === DEFAULT_EXCHANGE ||
    (name.startsWith(RESERVED_PREFIX) && systemExchanges(vhost).some((record) => record.name === name))
  )
}
