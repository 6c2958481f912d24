/**
 * Texts against a regular expression of a stranger's, within a time limit: some patterns take ages on short texts, and the event
 * loop is everybody's. The engine runs in a context of its own, which Node.js can stop. A call costs 50 to 200 µs.
 */
import { type Context, createContext, Script } from 'node:vm'

/** The code of the error by which Node.js says that it stopped a script. */
const TIMEOUT_CODE = 'ERR_SCRIPT_EXECUTION_TIMEOUT'

/** Runs in the context: sees texts and pattern, and nothing of the broker. */
const MATCHING = new Script('texts.map((text) => pattern.test(text))')

/** What the script sees. */
interface Inside {
  texts: readonly string[]
  pattern: RegExp
}

/** Matches some texts after others. Its context takes 250 KiB: one serves many patterns in turn. */
export class TimedMatching {
  readonly #inside: Inside = { texts: [], pattern: /(?:)/ }
  readonly #context: Context = createContext(this.#inside)

  /** Which of the texts match; null when that took longer. */
  test(pattern: RegExp, texts: readonly string[], msMax: number): readonly boolean[] | null {
    this.#inside.texts = texts
    this.#inside.pattern = pattern
    try {
      // What the script above returns.
      return MATCHING.runInContext(this.#context, { timeout: msMax }) as boolean[]
    } catch (error) {
      // An error of the other context is no `Error` of this one.
      if ((error as { readonly code?: unknown } | null)?.code !== TIMEOUT_CODE) throw error
      return null
    }
  }
}
