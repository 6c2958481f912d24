/**
 * One traced message as a line of JSON, or as text for people: the two formats of trace files. [RabbitMQ: rabbitmq_tracing]
 */
import type { Arguments, TypedValue } from '../../model/values/arguments.ts'
import { argumentsToJson, type Json, valueToJson } from '../../model/values/arguments-json.ts'

/** The formats of a trace file. */
export const TRACE_FORMATS = ['text', 'json'] as const
export type TraceFormat = (typeof TRACE_FORMATS)[number]

/** What the firehose says of a message. */
export interface TracedMessage {
  /** `publish.<exchange>` or `deliver.<queue>`. */
  readonly routingKey: string
  readonly headers: Arguments
  /** Cut to what the trace shows; borrowed. */
  readonly payload: Buffer
  readonly atMs: number
}

const RULE = '='.repeat(80)

/** The message in this format, its line end included. */
export function traceText(format: TraceFormat, message: TracedMessage): string {
  return format === 'json' ? `${JSON.stringify(asJson(message))}\n` : asText(message)
}

function asJson(message: TracedMessage): Record<string, Json> {
  const { headers, payload, atMs } = message
  const queue = queueOf(message)
  return {
    timestamp: stamp(atMs),
    type: queue === undefined ? 'published' : 'received',
    node: text(headers, 'node'),
    connection: text(headers, 'connection'),
    vhost: text(headers, 'vhost'),
    user: text(headers, 'user'),
    channel: headerOf(headers, 'channel'),
    exchange: text(headers, 'exchange_name'),
    queue: queue ?? 'none',
    routed_queues: queue === undefined ? headerOf(headers, 'routed_queues') : 'none',
    routing_keys: headerOf(headers, 'routing_keys'),
    properties: argumentsToJson(propertiesOf(headers)),
    payload: payload.toString('base64'),
  }
}

function asText(message: TracedMessage): string {
  const { headers, payload, atMs } = message
  const queue = queueOf(message)
  const lines: [string, string][] = [
    ['Node', text(headers, 'node')],
    ['Connection', text(headers, 'connection')],
    ['Virtual host', text(headers, 'vhost')],
    ['User', text(headers, 'user')],
    ['Channel', String(headerOf(headers, 'channel'))],
    ['Exchange', text(headers, 'exchange_name')],
    ['Routing keys', JSON.stringify(headerOf(headers, 'routing_keys'))],
    ...(queue === undefined
      ? [['Routed queues', JSON.stringify(headerOf(headers, 'routed_queues'))] as [string, string]]
      : [['Queue', queue] as [string, string]]),
    ['Properties', JSON.stringify(argumentsToJson(propertiesOf(headers)))],
  ]
  const table = lines.map(([name, value]) => `${`${name}:`.padEnd(14)}${value}`).join('\n')
  const what = queue === undefined ? 'published' : 'received'
  return `${RULE}\n${stamp(atMs)}: Message ${what}\n\n${table}\nPayload: \n${payload.toString('utf8')}\n\n`
}

/** `2026-11-22 10:09:08:007`, in UTC. */
function stamp(atMs: number): string {
  const [day, time] = new Date(atMs).toISOString().slice(0, -1).split('T')
  return `${day} ${time?.replace('.', ':')}`
}

/** The queue of a delivery; undefined for a publish. */
function queueOf({ routingKey }: TracedMessage): string | undefined {
  return routingKey.startsWith('deliver.') ? routingKey.slice('deliver.'.length) : undefined
}

function headerOf(headers: Arguments, name: string): Json {
  const value: TypedValue | undefined = headers.get(name)
  return value === undefined ? '' : valueToJson(value)
}

function text(headers: Arguments, name: string): string {
  return String(headerOf(headers, name))
}

function propertiesOf(headers: Arguments): Arguments {
  const value = headers.get('properties')?.value
  return value instanceof Map ? value : new Map()
}
