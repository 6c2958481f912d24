/**
 * Which line the dead letters of a quorum queue stand in: that of letters published once, or the courier's.
 */
import { DeadLetterLine, type LetterLine } from '../common/dead-letter-line.ts'
import { type CourierHost, LetterCourier } from './letter-courier.ts'
import type { QuorumSettings } from './quorum-settings.ts'

/** The line for these settings: the present one with a new target, or another. What waits in one that goes is given up. */
export function lineFor(host: CourierHost, present: LetterLine | null, settings: QuorumSettings): LetterLine | null {
  const { target, keepsLetters } = settings
  if (present !== null && present instanceof LetterCourier === keepsLetters) {
    present.target = target
    return present
  }
  present?.clear()
  if (target === null) return null
  return keepsLetters ? new LetterCourier(host, target) : new DeadLetterLine(host, target)
}
