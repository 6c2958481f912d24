/**
 * How often an entry came back, in the one number that a ledger remembers beside it.
 *
 *   bits 0–13   failed deliveries (rejections, lost sessions)      bits 29–31  why it is dead, 0 when it is not
 *   bits 14–28  returns of any kind
 *
 * Both counts stop at their maximum.
 */
import type { DeathReason } from '../../model/queue/dead-letter.ts'

/** Counts of one entry. */
export interface DeliveryCounts {
  /** `x-delivery-count`. */
  readonly deliveries: number
  /** `x-acquired-count`. */
  readonly returns: number
}

/** An entry that never came back. */
export const NO_COUNTS: DeliveryCounts = { deliveries: 0, returns: 0 }

const DELIVERIES_MAX = 2 ** 14 - 1
const RETURNS_MAX = 2 ** 15 - 1
const RETURNS_SHIFT = 14
const REASON_SHIFT = 29
const REASONS: readonly (DeathReason | null)[] = [null, 'rejected', 'expired', 'maxlen', 'delivery_limit']

/** Failed deliveries. */
export function deliveriesOf(word: number): number {
  return word & DELIVERIES_MAX
}

/** Returns of any kind. */
export function returnsOf(word: number): number {
  return (word >>> RETURNS_SHIFT) & RETURNS_MAX
}

/** Why the entry is dead, or null. */
export function reasonOf(word: number): DeathReason | null {
  return REASONS[word >>> REASON_SHIFT] ?? null
}

/** The word after one more return. */
export function withReturn(word: number, isFailed: boolean): number {
  return packed(deliveriesOf(word) + (isFailed ? 1 : 0), returnsOf(word) + 1, word >>> REASON_SHIFT)
}

/** The word after a failed delivery that did not come back. */
export function withFailure(word: number): number {
  return packed(deliveriesOf(word) + 1, returnsOf(word), word >>> REASON_SHIFT)
}

/** The word of a dead entry. */
export function withReason(word: number, reason: DeathReason): number {
  return packed(deliveriesOf(word), returnsOf(word), REASONS.indexOf(reason))
}

function packed(deliveries: number, returns: number, reason: number): number {
  const low = Math.min(deliveries, DELIVERIES_MAX) | (Math.min(returns, RETURNS_MAX) << RETURNS_SHIFT)
  return (low | (reason << REASON_SHIFT)) >>> 0
}
