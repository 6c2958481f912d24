/**
 * What quorum queues refuse, in RabbitMQ's words.
 */
import type { Refusal } from '../../model/queue/queue.ts'
import { described, preconditionFailed, type QueueName } from '../common/refusals.ts'

/** 406: a declaration property that quorum queues cannot have. */
export function invalidProperty(queue: QueueName, property: string): Refusal {
  return preconditionFailed(`invalid property '${property}' for ${described(queue)}`)
}

/** 405: basic.get would bypass the one consumer that is to receive. */
export function noTakeWithSingleConsumer(queue: QueueName): Refusal {
  const reason = 'basic.get operations are not supported by quorum queues with single active consumer'
  return { code: 'resource-locked', text: `cannot obtain access to locked ${described(queue)}. ${reason}` }
}

/** 540: queue.delete with a condition. */
export function noConditionalDelete(queue: QueueName, flag: 'if-unused' | 'if-empty'): Refusal {
  const reason = `queue.delete operations with ${flag} flag set are not supported by quorum queues`
  return { code: 'not-implemented', text: `cannot delete ${described(queue)}. ${reason}` }
}
