/**
 * Counts the dead letters of a queue by why, where and after which exchange they died last. For the dead-letter centre of
 * the console. [docs/queue-operations.md]
 */
import { readAnnotations } from '../../model/message/annotations.ts'
import type { MessageView } from '../../model/message/message.ts'

/** Groups at most; deaths of further kinds are counted together. */
const GROUP_COUNT_MAX = 1_000

/** Dead letters that died alike. */
export interface DeathGroup {
  readonly reason: string
  readonly queue: string
  readonly exchange: string
  count: number
  /** When the first and the last of them died, ms since 1970. */
  oldest_at: number
  newest_at: number
}

/** What was counted. */
export class DeathGroups {
  readonly #groups = new Map<string, DeathGroup>()
  /** Messages that did not die. */
  othersCount = 0
  /** Dead letters beyond the groups. */
  ungroupedCount = 0

  /** Counts a message; the view is borrowed. */
  add(view: MessageView): void {
    const death = readAnnotations(view).deaths?.[0]
    if (death === undefined) {
      this.othersCount++
      return
    }
    const { reason, queue, exchange, lastAtMs } = death
    const key = JSON.stringify([reason, queue, exchange])
    const group = this.#groups.get(key)
    if (group !== undefined) {
      group.count++
      group.oldest_at = Math.min(group.oldest_at, lastAtMs)
      group.newest_at = Math.max(group.newest_at, lastAtMs)
    } else if (this.#groups.size >= GROUP_COUNT_MAX) this.ungroupedCount++
    else this.#groups.set(key, { reason, queue, exchange, count: 1, oldest_at: lastAtMs, newest_at: lastAtMs })
  }

  /** The largest groups first. */
  list(): readonly DeathGroup[] {
    return [...this.#groups.values()].sort((a, b) => b.count - a.count)
  }
}
