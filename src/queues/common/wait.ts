/**
 * Notes how long messages were in a queue: once per run of deliveries, so that the path of messages does not pay for it.
 */
import type { MessageView } from '../../model/message/message.ts'
import type { QueueHost } from '../../model/queue/queue-host.ts'

/** The message delivered last stands for all of its run. Dead letters are as old as their publishing to this queue. */
export function noteWait({ waitMs, clock }: QueueHost, { publishedAtMs }: MessageView, deliveredCount: number): void {
  waitMs.observe(Math.max(clock.nowMs() - publishedAtMs, 0), deliveredCount)
}
