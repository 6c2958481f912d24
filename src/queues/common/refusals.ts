/**
 * What queues of any kind say when they refuse, in RabbitMQ's words.
 */
import type { Refusal } from '../../model/queue/queue.ts'

/** What a queue is called by. */
export interface QueueName {
  readonly name: string
  readonly vhost: string
}

/** `queue '<name>' in vhost '<vhost>'`. */
export function described(queue: QueueName): string {
  return `queue '${queue.name}' in vhost '${queue.vhost}'`
}

/** 406. */
export function preconditionFailed(text: string): Refusal {
  return { code: 'precondition-failed', text }
}

/** 403: an exclusive consumer is there, or others are there already. */
export function inExclusiveUse(queue: QueueName): Refusal {
  return { code: 'access-refused', text: `${described(queue)} in exclusive use` }
}

/** 406: queue.delete with if-unused. */
export function inUse(queue: QueueName): Refusal {
  return preconditionFailed(`${described(queue)} in use`)
}

/** 406: queue.delete with if-empty. */
export function notEmpty(queue: QueueName): Refusal {
  return preconditionFailed(`${described(queue)} not empty`)
}
