/**
 * The query parameters that leave statistics out of a reply.
 */
import type { ManagementContext } from '../context.ts'
import { windowsOf } from '../stats/series.ts'
import type { QueueDetail } from './queue-json.ts'

/** Whether rates and figures are left out, by the request or by the configuration. */
export function withoutStats({ settings }: ManagementContext, query: URLSearchParams): boolean {
  return settings.management.disableStatistics || query.get('disable_stats') === 'true'
}

/** How much of queues the request wants. */
export function queueDetail(context: ManagementContext, query: URLSearchParams): QueueDetail {
  return {
    windows: windowsOf(query),
    withoutStats: withoutStats(context, query),
    withTotals: context.settings.management.enableQueueTotals || query.get('enable_queue_totals') === 'true',
  }
}
