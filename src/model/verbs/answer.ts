/**
 * How verbs on the topology answer: with a value once the change is applied, or with a refusal in the domain's words.
 *
 * Sessions turn refusals into their own errors. An ordinary refusal is a value, never a throw.
 */
import type { Refusal } from '../queue/queue.ts'

/** A value, or why there is none. */
export type Answer<T> =
  | { readonly refusal: null; readonly value: T }
  | { readonly refusal: Refusal; readonly value?: undefined }

/** Called once, in a later turn or before the verb returns. */
export type Answered<T> = (answer: Answer<T>) => void

/** The answer that something succeeded. */
export function granted<T>(value: T): Answer<T> {
  return { refusal: null, value }
}

/** The answer that something is refused. */
export function refused<T>(refusal: Refusal): Answer<T> {
  return { refusal }
}
