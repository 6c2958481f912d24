/**
 * From headers of SEND and SUBSCRIBE to what a queue is declared with and consumed with. Every argument of a queue that
 * the broker knows may be a header of its name, also those that RabbitMQ's STOMP does not pass on.
 */
import {
  type Arguments,
  booleanValue,
  integerValue,
  stringValue,
  type TypedValue,
} from '../../model/values/arguments.ts'
import { invalidHeader } from './errors.ts'

type Kind = 'integer' | 'boolean' | 'text'

const QUEUE_ARGUMENTS: Readonly<Record<string, Kind>> = {
  'x-queue-type': 'text',
  'x-message-ttl': 'integer',
  'x-expires': 'integer',
  'x-max-length': 'integer',
  'x-max-length-bytes': 'integer',
  'x-overflow': 'text',
  'x-max-priority': 'integer',
  'x-dead-letter-exchange': 'text',
  'x-dead-letter-routing-key': 'text',
  'x-dead-letter-strategy': 'text',
  'x-single-active-consumer': 'boolean',
  'x-delivery-limit': 'integer',
  'x-consumer-timeout': 'integer',
  'x-quorum-initial-group-size': 'integer',
  'x-queue-leader-locator': 'text',
  'x-queue-master-locator': 'text',
  'x-queue-mode': 'text',
  'x-queue-version': 'integer',
  'x-max-age': 'text',
  'x-stream-max-segment-size-bytes': 'integer',
  'x-stream-filter-size-bytes': 'integer',
  'x-initial-cluster-size': 'integer',
}

/** The arguments that a queue is declared with. */
export function queueArguments(headers: ReadonlyMap<string, string>): Arguments {
  const args = new Map<string, TypedValue>()
  for (const [name, kind] of Object.entries(QUEUE_ARGUMENTS)) {
    const value = headers.get(name)
    if (value !== undefined) args.set(name, typed(name, value, kind))
  }
  return args
}

/** The arguments that a queue is consumed with. */
export function consumerArguments(headers: ReadonlyMap<string, string>): Arguments {
  const args = new Map<string, TypedValue>()
  const priority = headers.get('x-priority')
  if (priority !== undefined) args.set('x-priority', integerValue(integerOf('x-priority', priority)))
  const offset = headers.get('x-stream-offset')
  if (offset !== undefined) args.set('x-stream-offset', streamOffset(offset))
  const filter = headers.get('x-stream-filter')
  if (filter !== undefined) {
    const values = filter.split(',').map((value) => stringValue(value.trim()))
    args.set('x-stream-filter', { type: 'array', value: values })
  }
  const unfiltered = headers.get('x-stream-match-unfiltered')
  if (unfiltered !== undefined)
    args.set('x-stream-match-unfiltered', typed('x-stream-match-unfiltered', unfiltered, 'boolean'))
  return args
}

/** A header that is `true` or `false`; the default when it is absent. */
export function booleanHeader(headers: ReadonlyMap<string, string>, name: string, byDefault: boolean): boolean {
  const value = headers.get(name)
  return value === undefined ? byDefault : booleanOf(name, value)
}

/** A header that is a whole number. */
export function integerOf(name: string, value: string): number {
  const number = /^\s*[+-]?\d{1,18}\s*$/.test(value) ? Number(value) : Number.NaN
  if (!Number.isSafeInteger(number)) throw invalidHeader(`'${name}' must be a whole number, not '${value}'.`)
  return number
}

function booleanOf(name: string, value: string): boolean {
  if (value === 'true') return true
  if (value === 'false') return false
  throw invalidHeader(`'${name}' must be 'true' or 'false', not '${value}'.`)
}

function typed(name: string, value: string, kind: Kind): TypedValue {
  if (kind === 'text') return stringValue(value)
  return kind === 'integer' ? integerValue(integerOf(name, value)) : booleanValue(booleanOf(name, value))
}

/** `first`, `last`, `next`, `offset=<number>`, `timestamp=<seconds>`, or what the queue understands itself. */
function streamOffset(value: string): TypedValue {
  if (value.startsWith('offset=')) return integerValue(integerOf('x-stream-offset', value.slice('offset='.length)))
  if (!value.startsWith('timestamp=')) return stringValue(value)
  return { type: 'timestamp', value: integerOf('x-stream-offset', value.slice('timestamp='.length)) }
}
