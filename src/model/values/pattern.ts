/**
 * Patterns of permissions and policies: written for PCRE, matched unanchored by the platform's regular expressions.
 *
 * Leading option groups such as `(?i)` become flags; `\A`, `\z` and `\Z` become anchors. What the platform cannot read
 * is an invalid pattern: permissions then deny, and policies refuse it when they are set.
 *
 * The platform tries one way after the other, which for some patterns and short names takes years. Where there may be many,
 * all are followed at once instead; what cannot be followed so (back references among repetitions, very long repetitions) is invalid.
 * So nobody stops the broker with a policy, and nobody with a name that somebody else's pattern is slow for.
 */
import { type LinearPattern, linearPattern } from './linear-pattern.ts'
import { isAnchored, type PatternNode, readPattern, waysToTry } from './pattern-syntax.ts'

/** Ways that the platform may try: well under a millisecond for a name, some for what is longer. */
const NAME_WAYS_MAX = 100_000
const LONG_WAYS_MAX = 1_000_000
/** Names of queues and exchanges are not longer. */
const NAME_LENGTH_MAX = 255

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
  return compiled === null ? null : bounded(compiled)
}

function bounded(expression: RegExp): Pattern | null {
  const node = readPattern(expression.source, expression.unicode)
  if (node === null) return null
  const pattern = new BoundedPattern(expression, node)
  return pattern.isUsable ? pattern : null
}

/** The platform's expression, or, where that may take long, one that takes no longer than the text. */
class BoundedPattern implements Pattern {
  readonly #expression: RegExp
  readonly #node: PatternNode
  readonly #isAnchored: boolean
  readonly #isQuick: boolean
  #linear: LinearPattern | null | undefined

  constructor(expression: RegExp, node: PatternNode) {
    this.#expression = expression
    this.#node = node
    this.#isAnchored = !expression.multiline && isAnchored(node)
    this.#isQuick = this.#ways(NAME_LENGTH_MAX) <= NAME_WAYS_MAX
  }

  /** Whether names can be matched in any way. */
  get isUsable(): boolean {
    return this.#isQuick || this.#inSteps() !== null
  }

  test(text: string): boolean {
    const isQuick = text.length <= NAME_LENGTH_MAX ? this.#isQuick : this.#ways(text.length) <= LONG_WAYS_MAX
    return isQuick ? this.#expression.test(text) : (this.#inSteps()?.test(text) ?? false)
  }

  #ways(textLength: number): number {
    return waysToTry(this.#node, textLength) * (this.#isAnchored ? 1 : textLength + 1)
  }

  #inSteps(): LinearPattern | null {
    this.#linear ??= linearPattern(this.#node, this.#expression.flags)
    return this.#linear
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
