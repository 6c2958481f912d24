/**
 * The reply texts of the model, word by word as RabbitMQ's, because clients and tools match on them.
 *
 * Texts carry no name of a code: protocols put it in front.
 */
import type { Refusal } from '../queue/queue.ts'

/** `queue 'q' in vhost 'v'`. */
export function queueText(vhost: string, name: string): string {
  return `queue '${name}' in vhost '${vhost}'`
}

/** `exchange 'x' in vhost 'v'`. */
export function exchangeText(vhost: string, name: string): string {
  return `exchange '${name}' in vhost '${vhost}'`
}

export function preconditionFailed(text: string): Refusal {
  return { code: 'precondition-failed', text }
}

export function accessRefused(text: string): Refusal {
  return { code: 'access-refused', text }
}

/** `object`: from `queueText` or `exchangeText`. */
export function notFound(object: string): Refusal {
  return { code: 'not-found', text: `no ${object}` }
}

export function lockedQueue(vhost: string, name: string): Refusal {
  return {
    code: 'resource-locked',
    text:
      `cannot obtain exclusive access to locked ${queueText(vhost, name)}. It could be originally declared on another ` +
      'connection or the exclusive property value does not match that of the original declaration.',
  }
}

/** Bytes that AMQP 0-9-1 has room for in the name of a queue or exchange, and in a routing key. */
const NAME_BYTES_MAX = 255

/** Why a name cannot be one: messages carry it, and could not be delivered. RabbitMQ's words for queues. */
export function refusesLength(kind: 'queue' | 'exchange' | 'routing key', name: string): Refusal | undefined {
  // A character has at most three bytes per unit of its length.
  if (name.length * 3 <= NAME_BYTES_MAX) return undefined
  const bytes = Buffer.byteLength(name)
  if (bytes <= NAME_BYTES_MAX) return undefined
  return preconditionFailed(`${kind} should be less than 255 bytes, actually was ${bytes}`)
}

export function reservedName(kind: 'queue' | 'exchange', name: string): Refusal {
  return accessRefused(`${kind} name '${name}' contains reserved prefix 'amq.*'`)
}

export function defaultExchangeRefusal(): Refusal {
  return accessRefused('operation not permitted on the default exchange')
}

export function volatileQueueRefusal(): Refusal {
  return accessRefused('cannot bind or unbind to a volatile (direct reply-to) queue')
}

export function inUse(object: string): Refusal {
  return preconditionFailed(`${object} in use`)
}

export function notEmpty(object: string): Refusal {
  return preconditionFailed(`${object} not empty`)
}

export function queueLimitReached(name: string, vhost: string, limit: number): Refusal {
  return preconditionFailed(`cannot declare queue '${name}': queue limit in vhost '${vhost}' (${limit}) is reached`)
}

/** The change could not be stored: disk full, or no majority. */
export function unavailable(error: Error): Refusal {
  return { code: 'unavailable', text: `the change could not be stored: ${error.message}` }
}

/** RabbitMQ 4.3 refuses them unless the deprecated feature is permitted. */
export function transientQueueDenied(): Refusal {
  return {
    code: 'internal-error',
    text:
      'Feature `transient_nonexcl_queues` is deprecated.\nIts use is not permitted per the configuration ' +
      '(overriding the default):\ndeprecated_features.permit.transient_nonexcl_queues = false',
  }
}
