/**
 * Names that match a regular expression of a client's, within a time limit: some patterns take ages on short names, and
 * the event loop is everybody's. The engine runs aside in a context of its own, which Node.js can stop.
 *
 * Called by lists (`use_regex`). Names are matched in slices, others run in between.
 */
import { type Context, createContext, Script } from 'node:vm'
import { breathe } from '../../base/breathe.ts'
import { badRequest } from './api-error.ts'

const SLICE = 512
/** A slice takes well under a millisecond with any sane pattern. */
const SLICE_MS_MAX = 100
/** The code of the error by which Node.js says that it stopped a script. */
const TIMEOUT_CODE = 'ERR_SCRIPT_EXECUTION_TIMEOUT'

/** Runs in the context: sees names and pattern, and nothing of the broker. */
const MATCHING = new Script('names.map((name) => pattern.test(name))')

/** What the script sees. */
interface Inside {
  names: readonly string[]
  readonly pattern: RegExp
}

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
  const inside: Inside = { names: [], pattern }
  const context = createContext(inside)
  for (let from = 0; from < sources.length; from += SLICE) {
    if (from > 0) await breathe()
    const slice = sources.slice(from, from + SLICE)
    inside.names = slice.map(nameOf)
    const matches = matchInTime(context)
    for (const [i, source] of slice.entries()) if (matches[i] === true) found.push(source)
  }
  return found
}

function matchInTime(context: Context): readonly boolean[] {
  try {
    // What the script above returns.
    return MATCHING.runInContext(context, { timeout: SLICE_MS_MAX }) as boolean[]
  } catch (error) {
    // An error of the other context is no `Error` of this one.
    if ((error as { readonly code?: unknown } | null)?.code !== TIMEOUT_CODE) throw error
    throw badRequest('the regular expression takes too long: it tries too many ways to match a name')
  }
}
