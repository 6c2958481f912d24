/**
 * Waiting for a permission without blocking anybody else.
 *
 * Permissions are asked in the middle of methods, and are answered at once when they are known. When they are not,
 * `AccessPending` is thrown instead: it leaves the method before it has changed anything, and whoever handles the
 * session's input runs the method again once the answer is there. It is no error, has no stack and is made only when a
 * question goes to another system. Why it is thrown: docs/decisions/0004-permissions-that-wait.md.
 */

/** Questions that one step may ask one after the other: more means that answers are forgotten faster than they come. */
const ROUNDS_MAX = 64

/** Thrown by permissions that are not known yet. */
export class AccessPending {
  /** Resolves when asking again gives the answer. Never rejects. */
  readonly answered: Promise<void>
  /** What to run when it is answered, for those who kept what they need; null: the whole method again. */
  again: (() => void) | null = null
  /** Bytes that they kept. */
  heldBytes = 0

  constructor(answered: Promise<void>) {
    this.answered = answered
  }
}

/** Runs a step that asks for permissions, again and again until all of them are known; `failed` gets what else it throws. */
export function whenKnown(step: () => void, failed: (error: unknown) => void): void {
  attempt(step, failed, ROUNDS_MAX)
}

function attempt(step: () => void, failed: (error: unknown) => void, rounds: number): void {
  try {
    step()
  } catch (error) {
    if (!(error instanceof AccessPending)) return failed(error)
    if (rounds === 0) return failed(new Error('a permission is asked for ever'))
    void error.answered.then(() => attempt(step, failed, rounds - 1))
  }
}

/** Runs what asks for permissions, again and again until all of them are known. Rejects with what else it throws. */
export async function known<T>(ask: () => T | Promise<T>): Promise<T> {
  for (let rounds = ROUNDS_MAX; rounds > 0; rounds--) {
    try {
      return await ask()
    } catch (error) {
      if (!(error instanceof AccessPending)) throw error
      await error.answered
    }
  }
  throw new Error('a permission is asked for ever')
}
