/**
 * What a queue tells after a run of deliveries: once per run, so that the path of messages does not pay for it.
 */
import type { MessageView } from '../../model/message/message.ts'
import type { QueueHost } from '../../model/queue/queue-host.ts'
import { LAG_ENTRIES } from './budget.ts'

/**
 * Notes how long messages were in the queue, and whether it lags behind: it has `readyCount` more although its consumers
 * take. The message delivered last stands for all of its run. Dead letters are as old as their publishing to this queue.
 */
export function noteDelivered(
  host: QueueHost,
  { publishedAtMs }: MessageView,
  count: number,
  readyCount: number,
): void {
  host.waitMs.observe(Math.max(host.clock.nowMs() - publishedAtMs, 0), count)
  if (readyCount >= LAG_ENTRIES) host.turn.lag()
}
