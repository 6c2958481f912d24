/**
 * Patterns of permissions and policies: written for PCRE, matched unanchored by the platform's regular expressions.
 *
 * Leading option groups such as `(?i)` become flags; `\A`, `\z` and `\Z` become anchors. What the platform cannot read
 * is an invalid pattern: permissions then deny, and policies refuse it when they are set.
 *
 * A pattern that could keep the engine busy for years is matched within a time limit. One that keeps exceeding it matches
 * nothing any more, so that nobody stops the broker with a policy.
 */
import { TimedMatching } from '../../base/timed-matching.ts'
import { isRisky } from './pattern-risk.ts'

const MATCH_MS_MAX = 50
const FAILURES_MAX = 3

/** A compiled pattern. */
export interface Pattern {
  test(text: string): boolean
}

/** Options at the start of a pattern that have a flag here. */
const LEADING_OPTIONS = /^\(\?([ims]+)\)/

/** The compiled pattern, or null when it is invalid. */
export function compilePattern(pattern: string): Pattern | null {
  const options = LEADING_OPTIONS.exec(pattern)
  const flags = options === null ? '' : [...new Set(options[1]!)].join('')
  const source = translateAnchors(options === null ? pattern : pattern.slice(options[0].length))
  // Strict syntax knows characters beyond U+FFFF; the loose one forgives escapes that PCRE forgives (`amq\-gen`).
  const compiled = tryCompile(source, `${flags}u`) ?? tryCompile(source, flags)
  return compiled === null || !isRisky(source) ? compiled : new TimedPattern(compiled)
}

class TimedPattern implements Pattern {
  /** Of all these patterns: it keeps nothing from one call to the next. */
  static #matching: TimedMatching | null = null
  readonly #pattern: RegExp
  #failures = 0

  constructor(pattern: RegExp) {
    this.#pattern = pattern
  }

  test(text: string): boolean {
    if (this.#failures === FAILURES_MAX) return false
    TimedPattern.#matching ??= new TimedMatching()
    const matches = TimedPattern.#matching.test(this.#pattern, [text], MATCH_MS_MAX)
    if (matches !== null) return matches[0]!
    this.#failures++
    return false
  }
}

/** Escapes a text so that it stands for itself in a pattern. */
export function escapePattern(text: string): string {
  return text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}

function translateAnchors(source: string): string {
  if (!source.includes('\\')) return source
  return source.replaceAll(/\\(.)/gs, (sequence, character: string) => {
    if (character === 'A') return '^'
    return character === 'z' || character === 'Z' ? '$' : sequence
  })
}

function tryCompile(source: string, flags: string): RegExp | null {
  try {
    return new RegExp(source, flags)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}
