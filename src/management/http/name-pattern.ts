/**
 * Names that match a regular expression of a client's, within a time limit. Called by lists (`use_regex`). Names are matched in
 * slices, others run in between.
 */
import { breathe } from '../../base/breathe.ts'
import { TimedMatching } from '../../base/timed-matching.ts'
import { badRequest } from './api-error.ts'

const SLICE = 512
/** A slice takes well under a millisecond with any sane pattern. */
const SLICE_MS_MAX = 100

/** The pattern of a client; a 400 when it is none. */
export function namePattern(text: string): RegExp {
  try {
    return new RegExp(text, 'i')
  } catch (error) {
    throw error instanceof SyntaxError ? badRequest('Pagination parameters are invalid') : error
  }
}

/** The sources whose names match. Rejects with a 400 when the pattern takes too long. */
export async function matching<T>(
  sources: readonly T[],
  nameOf: (source: T) => string,
  pattern: RegExp,
): Promise<readonly T[]> {
  const found: T[] = []
  const timed = new TimedMatching()
  for (let from = 0; from < sources.length; from += SLICE) {
    if (from > 0) await breathe()
    const slice = sources.slice(from, from + SLICE)
    const matches = timed.test(pattern, slice.map(nameOf), SLICE_MS_MAX)
    if (matches === null) {
      throw badRequest('the regular expression takes too long: it tries too many ways to match a name')
    }
    for (const [i, source] of slice.entries()) if (matches[i] === true) found.push(source)
  }
  return found
}
