/**
 * The arguments of queue declarations and subscriptions: which there are, what values they take, which kinds know them.
 *
 * Checks run as in RabbitMQ: first whether the kind knows the arguments, then their values. Unknown arguments are accepted and ignored. Reasons print as Erlang terms, because clients match on them.
 */

import type { Refusal } from '../../model/queue/queue.ts'
import { type Arguments, isInteger, type TypedValue } from '../../model/values/arguments.ts'
import { described, preconditionFailed, type QueueName } from './refusals.ts'

/** Ten years: the longest duration. */
export const DURATION_MS_MAX = 315_360_000_000
const PRIORITY_MAX = 255
const SEGMENT_BYTES_MAX = 3_000_000_000
const ROUTING_KEY_BYTES_MAX = 255
const FILTER_BYTES_MIN = 16
const FILTER_BYTES_MAX = 255

type Check = (value: TypedValue, args: Arguments) => string | undefined

const integer: Check = (value) => (isInteger(value) ? undefined : `"expected integer, got ${value.type}"`)

const notNegative: Check = (value, args) =>
  integer(value, args) ?? (Number(value.value) < 0 ? `{value_negative,${value.value}}` : undefined)

const positive: Check = (value, args) =>
  notNegative(value, args) ?? (Number(value.value) === 0 ? `{value_zero,${value.value}}` : undefined)

const duration: Check = (value, args) =>
  notNegative(value, args) ?? (Number(value.value) > DURATION_MS_MAX ? `{value_too_large,${value.value}}` : undefined)

const lease: Check = (value, args) =>
  integer(value, args) ?? (Number(value.value) === 0 ? `{value_zero,${value.value}}` : duration(value, args))

const priority: Check = (value, args) =>
  notNegative(value, args) ?? (Number(value.value) > PRIORITY_MAX ? `{max_value_exceeded,${value.value}}` : undefined)

const boolean: Check = (value) => (value.type === 'bool' ? undefined : unacceptableType(value))

const text: Check = (value) => (value.type === 'longstr' ? undefined : unacceptableType(value))

function oneOf(choices: readonly string[], reason: string): Check {
  return (value, args) => text(value, args) ?? (choices.includes(String(value.value)) ? undefined : reason)
}

function between(min: number, max: number): Check {
  return (value, args) => {
    const number = Number(value.value)
    return notNegative(value, args) ?? (number < min || number > max ? `{value_out_of_range,${number}}` : undefined)
  }
}

/** RabbitMQ takes longer ones, and fails when such a dead letter is delivered. */
const deadLetterKey: Check = (value, args) =>
  text(value, args) ??
  (Buffer.byteLength(String(value.value)) > ROUTING_KEY_BYTES_MAX ? 'routing_key_too_long' : undefined) ??
  (args.has('x-dead-letter-exchange') ? undefined : 'routing_key_but_no_dlx_defined')

const maxAge: Check = (value, args) =>
  text(value, args) ?? (/^\d+[YMDhms]$/.test(String(value.value)) ? undefined : 'invalid_max_age')

const version: Check = (value, args) =>
  notNegative(value, args) ?? (Number(value.value) === 2 ? undefined : `"unsupported queue version '${value.value}'"`)

const mode: Check = (value, args) =>
  text(value, args) ??
  (['default', 'lazy'].includes(String(value.value)) ? undefined : `"unsupported queue mode '${value.value}'"`)

const KIND_NAMES = ['classic', 'quorum', 'stream']
const kind: Check = (value, args) =>
  text(value, args) ??
  (KIND_NAMES.includes(String(value.value)) ? undefined : `"unsupported queue type '${value.value}'"`)

const LOCATORS = ['client-local', 'balanced', 'random', 'least-leaders']
const RETRY_TYPES = ['disabled', 'all', 'failed', 'returned']
const OVERFLOWS = ['drop-head', 'reject-publish', 'reject-publish-dlx']

/** Which kinds know an argument: c(lassic), q(uorum), s(tream). */
interface Row {
  readonly check: Check
  readonly kinds: string
}

const DECLARE_ROWS: Readonly<Record<string, Row>> = {
  'x-expires': { check: lease, kinds: 'cq' },
  'x-message-ttl': { check: duration, kinds: 'cq' },
  'x-dead-letter-exchange': { check: text, kinds: 'cq' },
  'x-dead-letter-routing-key': { check: deadLetterKey, kinds: 'cq' },
  'x-dead-letter-strategy': { check: oneOf(['at-most-once', 'at-least-once'], 'invalid_dlx_strategy'), kinds: 'q' },
  'x-max-length': { check: notNegative, kinds: 'cq' },
  'x-max-length-bytes': { check: notNegative, kinds: 'cqs' },
  'x-max-in-memory-length': { check: notNegative, kinds: 'q' },
  'x-max-in-memory-bytes': { check: notNegative, kinds: 'q' },
  'x-max-priority': { check: priority, kinds: 'c' },
  'x-overflow': { check: oneOf(OVERFLOWS, 'invalid_overflow'), kinds: 'cq' },
  'x-queue-mode': { check: mode, kinds: 'c' },
  'x-queue-version': { check: version, kinds: 'c' },
  'x-queue-master-locator': { check: text, kinds: 'c' },
  'x-single-active-consumer': { check: boolean, kinds: 'cq' },
  'x-queue-type': { check: kind, kinds: 'cqs' },
  'x-quorum-initial-group-size': { check: positive, kinds: 'q' },
  'x-delivery-limit': { check: integer, kinds: 'q' },
  'x-consumer-timeout': { check: duration, kinds: 'q' },
  'x-consumer-disconnected-timeout': { check: duration, kinds: 'q' },
  'x-delayed-retry-type': { check: oneOf(RETRY_TYPES, 'invalid_delayed_retry_type'), kinds: 'q' },
  'x-delayed-retry-min': { check: duration, kinds: 'q' },
  'x-delayed-retry-max': { check: duration, kinds: 'q' },
  'x-max-age': { check: maxAge, kinds: 's' },
  'x-stream-max-segment-size-bytes': { check: between(0, SEGMENT_BYTES_MAX), kinds: 's' },
  'x-stream-filter-size-bytes': { check: between(FILTER_BYTES_MIN, FILTER_BYTES_MAX), kinds: 's' },
  'x-initial-cluster-size': { check: positive, kinds: 's' },
  'x-queue-leader-locator': { check: oneOf(LOCATORS, 'invalid_queue_locator_arg'), kinds: 'cqs' },
}

const CONSUME_ROWS: Readonly<Record<string, Row>> = {
  'x-priority': { check: integer, kinds: 'cqs' },
  'x-consumer-timeout': { check: duration, kinds: 'q' },
  'x-stream-offset': { check: () => undefined, kinds: 's' },
  'x-stream-filter': { check: () => undefined, kinds: 's' },
  'x-stream-match-unfiltered': { check: boolean, kinds: 's' },
}

/** The declaration arguments that a kind knows, which are those that a redeclaration must repeat. */
export function knownArguments(kindName: string): readonly string[] {
  return Object.keys(DECLARE_ROWS).filter((name) => DECLARE_ROWS[name]!.kinds.includes(kindName[0]!))
}

/** Why these arguments of a declaration are not acceptable, or undefined. */
export function refusesDeclareArguments(queue: QueueName, kindName: string, args: Arguments): Refusal | undefined {
  const exchange = args.get('x-dead-letter-exchange')
  if (exchange !== undefined && exchange.type !== 'longstr') {
    const where = `for arg 'x-dead-letter-exchange' in ${described(queue)}`
    return preconditionFailed(`invalid type '${exchange.type}' ${where}`)
  }
  return refuses(DECLARE_ROWS, queue, kindName, args)
}

/** Why these arguments of a subscription are not acceptable, or undefined. */
export function refusesConsumeArguments(queue: QueueName, kindName: string, args: Arguments): Refusal | undefined {
  return args.size === 0 ? undefined : refuses(CONSUME_ROWS, queue, kindName, args)
}

function refuses(
  rows: Readonly<Record<string, Row>>,
  queue: QueueName,
  kindName: string,
  args: Arguments,
): Refusal | undefined {
  for (const name of args.keys()) {
    if (!Object.hasOwn(rows, name) || rows[name]!.kinds.includes(kindName[0]!)) continue
    return preconditionFailed(`invalid arg '${name}' for ${described(queue)} of queue type rabbit_${kindName}_queue`)
  }
  for (const [name, row] of Object.entries(rows)) {
    const value = args.get(name)
    const reason = value === undefined ? undefined : row.check(value, args)
    if (reason !== undefined) return preconditionFailed(`invalid arg '${name}' for ${described(queue)}: ${reason}`)
  }
  return undefined
}

function unacceptableType(value: TypedValue): string {
  return `{unacceptable_type,${value.type}}`
}
