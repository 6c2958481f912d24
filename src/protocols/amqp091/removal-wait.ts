/**
 * Waits until auto-delete queues that just lost their last consumer are gone, so that a client who is told that its
 * consumer or channel is closed does not find them again. [RabbitMQ: auto-delete queues]
 */
import type { Queue } from '../../model/queue/queue.ts'
import type { SessionWorld } from './session.ts'

/** The queues that a set of consumers hold, before these are cancelled. */
export function autoDeleteQueues(queues: Iterable<Queue | undefined>): Queue[] {
  const found: Queue[] = []
  for (const queue of queues) if (queue?.record.autoDelete === true) found.push(queue)
  return found
}

/** Calls `done` when none of the queues is on its way out: at once, as a rule. Returns whether it was at once. */
export function afterRemoval(world: SessionWorld, queues: readonly Queue[], done: () => void): boolean {
  if (!queues.some((queue) => isLeaving(world, queue))) {
    done()
    return true
  }
  // The removal was proposed before: it is committed by then, or has failed.
  void world.broker.world.metadata.barrier().then(done, (error: unknown) => {
    world.logger.error(`auto-delete queues may be left behind: ${String(error)}`)
    done()
  })
  return false
}

function isLeaving(world: SessionWorld, queue: Queue): boolean {
  return queue.consumers.length === 0 && world.broker.vhost(queue.vhost)?.queue(queue.name) === queue
}
