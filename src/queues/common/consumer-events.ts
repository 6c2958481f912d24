/**
 * Announces consumers that come and go, as events, and ends those of a queue that goes: for queues of every kind.
 */
import type { ConsumerSpec } from '../../model/queue/queue.ts'
import type { QueueHost } from '../../model/queue/queue-host.ts'
import type { Subscription } from './subscription.ts'

interface Announcing {
  readonly name: string
  readonly vhost: string
  readonly host: QueueHost
}

/** A consumer came. */
export function announceConsumer(queue: Announcing, spec: ConsumerSpec): void {
  const { events } = queue.host
  if (!events.isObserved) return
  events.announce('consumer.created', queue.vhost, {
    consumer_tag: spec.tag,
    exclusive: spec.exclusive,
    ack_required: !spec.noAck,
    channel: spec.sessionName,
    queue: queue.name,
    vhost: queue.vhost,
    prefetch_count: spec.prefetchCount,
    arguments: spec.args,
    user_who_performed_action: spec.user,
  })
}

/** A consumer went, of itself or with its queue. */
export function announceConsumerGone(queue: Announcing, spec: ConsumerSpec): void {
  const { events } = queue.host
  if (!events.isObserved) return
  events.announce('consumer.deleted', queue.vhost, {
    consumer_tag: spec.tag,
    channel: spec.sessionName,
    queue: queue.name,
    vhost: queue.vhost,
    user_who_performed_action: spec.user,
  })
}

/** The queue is gone: tells its consumers why. */
export function cancelConsumers(queue: Announcing, subscriptions: readonly Subscription[], reason: string): void {
  for (const subscription of subscriptions) {
    subscription.isCancelled = true
    announceConsumerGone(queue, subscription.spec)
    subscription.sink.cancelled(reason)
  }
}
