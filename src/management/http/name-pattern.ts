/**
 * Names that match a regular expression of a client's, within a time limit.
 *
 * Called by lists (`use_regex`). Names are matched in slices. Invariant: one slice at a time, whoever asked, and after
 * one that took long a pause of ten times as long: all patterns together never get more than a tenth of the event loop.
 */
import { breathe } from '../../base/breathe.ts'
import { SystemClock } from '../../base/clock.ts'
import { TimedMatching } from '../../base/timed-matching.ts'
import { ApiError, badRequest } from './api-error.ts'

const SLICE_NAMES_MAX = 512
/** A slice of so much text takes a few milliseconds with any sane pattern. */
const SLICE_CHARACTERS_MAX = 16_384
const SLICE_MS_MAX = 25
/** A machine that is busy may stop us in the middle of a slice that would have taken no time. */
const TRIALS_MAX = 2
/** Slices below this are not paid for. */
const UNNOTICED_MS = 5
const PAUSE_FACTOR = 10
/** Requests that may wait for others' pauses. */
const WAITING_COUNT_MAX = 64
/** The time of the event loop is real time, whatever clock the broker has. */
const CLOCK = new SystemClock()

/** Who waits for the pattern in turn and its pause; the first of them is it. */
const waiting: (() => void)[] = []

/** The pattern of a client; a 400 when it is none. */
export function namePattern(text: string): RegExp {
  try {
    return new RegExp(text, 'i')
  } catch (error) {
    throw error instanceof SyntaxError ? badRequest('Pagination parameters are invalid') : error
  }
}

/** The sources whose names match. Rejects with a 400 when the pattern takes too long, a 503 when too many take long. */
export async function matching<T>(
  sources: readonly T[],
  nameOf: (source: T) => string,
  pattern: RegExp,
): Promise<readonly T[]> {
  const found: T[] = []
  const timed = new TimedMatching()
  for (let from = 0; from < sources.length; ) {
    if (from > 0) await breathe()
    const names = sliceOf(sources, nameOf, from)
    const matches = await inTime(() => timed.test(pattern, names, SLICE_MS_MAX))
    for (const [i, isMatch] of matches.entries()) if (isMatch) found.push(sources[from + i]!)
    from += matches.length
  }
  return found
}

function sliceOf<T>(sources: readonly T[], nameOf: (source: T) => string, from: number): string[] {
  const names: string[] = []
  let characterCount = 0
  for (let i = from; i < sources.length && names.length < SLICE_NAMES_MAX; i++) {
    const name = nameOf(sources[i]!)
    characterCount += name.length
    if (characterCount > SLICE_CHARACTERS_MAX && names.length > 0) break
    names.push(name)
  }
  return names
}

async function inTime(match: () => readonly boolean[] | null): Promise<readonly boolean[]> {
  for (let trial = 1; trial <= TRIALS_MAX; trial++) {
    const matches = await inTurn(match)
    if (matches !== null) return matches
  }
  throw badRequest('the regular expression takes too long: it tries too many ways to match a name')
}

/** Runs when all who came before have paid for their time. */
async function inTurn<T>(run: () => T): Promise<T> {
  if (waiting.length > WAITING_COUNT_MAX) {
    throw new ApiError(503, 'service_unavailable', 'too many regular expressions that take long; try again later')
  }
  await new Promise<void>((resolve) => {
    waiting.push(resolve)
    if (waiting.length === 1) resolve()
  })
  const startedMs = CLOCK.monotonicMs()
  try {
    return run()
  } finally {
    const tookMs = CLOCK.monotonicMs() - startedMs
    if (tookMs < UNNOTICED_MS) next()
    else CLOCK.alarm(next).set(tookMs * PAUSE_FACTOR)
  }
}

function next(): void {
  waiting.shift()
  waiting[0]?.()
}
