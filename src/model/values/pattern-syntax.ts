/**
 * Reads a regular expression into a tree, as far as its shape matters: what comes how often. What one place takes stays text,
 * for the platform to judge. Also says how many ways a backtracking engine may try. Used by `pattern.ts` and `linear-pattern.ts`.
 *
 * Only expressions that the platform has accepted are read, so nothing here is refused.
 */

/** A part of an expression. */
export type PatternNode =
  /** One character: itself, an escape, a class, a dot. */
  | { readonly kind: 'character'; readonly text: string }
  /** Between two characters: `^`, `$`, `\b`, `\B`. */
  | { readonly kind: 'edge'; readonly text: string }
  | { readonly kind: 'look'; readonly isAhead: boolean; readonly isNegative: boolean; readonly item: PatternNode }
  | { readonly kind: 'sequence'; readonly items: readonly PatternNode[] }
  | { readonly kind: 'choice'; readonly options: readonly PatternNode[] }
  /** `max` may be Infinity. */
  | { readonly kind: 'repeat'; readonly item: PatternNode; readonly min: number; readonly max: number }
  /** What depends on what was matched before, or changes the options: back references, `(?i:…)`. */
  | { readonly kind: 'other'; readonly item: PatternNode | null }

/** Groups within groups; more than anybody writes, and less than the stack takes. */
const DEPTH_MAX = 200

/** The tree of an accepted expression, or null when it is too deep. `isUnicode`: by the strict syntax. */
export function readPattern(source: string, isUnicode: boolean): PatternNode | null {
  const reader = new PatternReader(source, isUnicode)
  const node = reader.choice()
  return reader.isTooDeep ? null : node
}

/** How many ways a backtracking engine may try from one place of a text of this length: an estimate that is never too low. */
export function waysToTry(node: PatternNode, textLength: number): number {
  switch (node.kind) {
    case 'character':
    case 'edge':
      return 1
    case 'other':
      return node.item === null ? 1 : waysToTry(node.item, textLength)
    case 'look':
      return waysToTry(node.item, textLength)
    case 'sequence':
      return node.items.reduce((product, item) => product * waysToTry(item, textLength), 1)
    case 'choice':
      return node.options.reduce((sum, option) => sum + waysToTry(option, textLength), 0)
    case 'repeat': {
      const countMax = Math.min(node.max, Math.max(node.min, textLength))
      const each = waysToTry(node.item, textLength)
      return each ** countMax * (countMax - node.min + 1)
    }
  }
}

/** Whether every match begins at the start of the text, where there are no lines. */
export function isAnchored(node: PatternNode): boolean {
  if (node.kind === 'edge') return node.text === '^'
  if (node.kind === 'sequence')
    return node.items.some((item, i) => isAnchored(item) && node.items.slice(0, i).every(isEmpty))
  return node.kind === 'choice' && node.options.every(isAnchored)
}

/** Whether it takes no character. */
function isEmpty(node: PatternNode): boolean {
  return node.kind === 'edge' || node.kind === 'look'
}

const QUANTIFIER = /([*+?]|\{(\d+)(,(\d*))?\})\??/y
const ESCAPE =
  /\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|u\{[\da-fA-F]+\}|u[\da-fA-F]{4}|x[\da-fA-F]{2}|c[A-Za-z]|0|.)/suy
const ESCAPE_LOOSE = /\\(?:u[\da-fA-F]{4}|x[\da-fA-F]{2}|c[A-Za-z]|0|.)/sy
const PROPERTY = /\\[pP]\{[^}]*\}/y
/** Also the octal numbers of the loose syntax. */
const BACK_REFERENCE = /\\(?:[1-9]\d*|0\d+|k<[^>]*>)/y
const CLASS = /\[(?:\\.|[^\]\\])*\]/suy
const CLASS_LOOSE = /\[(?:\\.|[^\]\\])*\]/sy
const LOOK = /\(\?(<?)([=!])/y
const GROUP = /\((?:\?:|\?<[^>]*>)?/y
const OPTIONS = /\(\?[a-z-]+:/y
const EDGE = /[\^$]|\\[bB]/y
const ANY = /./suy
const ANY_LOOSE = /./sy

class PatternReader {
  readonly #source: string
  readonly #isUnicode: boolean
  #at = 0
  #depth = 0
  isTooDeep = false

  constructor(source: string, isUnicode: boolean) {
    this.#source = source
    this.#isUnicode = isUnicode
  }

  /** Up to the end, or to the parenthesis that closes what it stands in. */
  choice(): PatternNode {
    const options = [this.#sequence()]
    while (this.#source[this.#at] === '|') {
      this.#at++
      options.push(this.#sequence())
    }
    return options.length === 1 ? options[0]! : { kind: 'choice', options }
  }

  #sequence(): PatternNode {
    const items: PatternNode[] = []
    for (;;) {
      const next = this.#source[this.#at]
      if (next === undefined || next === '|' || next === ')') break
      items.push(this.#quantified(this.#one()))
    }
    return items.length === 1 ? items[0]! : { kind: 'sequence', items }
  }

  #quantified(item: PatternNode): PatternNode {
    const found = this.#take(QUANTIFIER)
    if (found === null) return item
    const [, sign, low, comma, high] = found
    if (low === undefined) return { kind: 'repeat', item, min: sign === '+' ? 1 : 0, max: sign === '?' ? 1 : Infinity }
    const min = Number(low)
    return { kind: 'repeat', item, min, max: comma === undefined ? min : high === '' ? Infinity : Number(high) }
  }

  #one(): PatternNode {
    const edge = this.#take(EDGE)
    if (edge !== null) return { kind: 'edge', text: edge[0] }
    const look = this.#take(LOOK)
    if (look !== null) {
      return { kind: 'look', isAhead: look[1] === '', isNegative: look[2] === '!', item: this.#closed() }
    }
    if (this.#take(OPTIONS) !== null) return { kind: 'other', item: this.#closed() }
    if (this.#take(GROUP) !== null) return this.#closed()
    if (this.#take(BACK_REFERENCE) !== null) return { kind: 'other', item: null }
    return { kind: 'character', text: this.#character() }
  }

  #closed(): PatternNode {
    this.#depth++
    if (this.#depth > DEPTH_MAX) {
      this.isTooDeep = true
      this.#at = this.#source.length
    }
    const inside = this.choice()
    this.#depth--
    this.#at++
    return inside
  }

  #character(): string {
    const isUnicode = this.#isUnicode
    const found =
      (isUnicode ? this.#take(PROPERTY) : null) ??
      this.#take(isUnicode ? ESCAPE : ESCAPE_LOOSE) ??
      this.#take(isUnicode ? CLASS : CLASS_LOOSE) ??
      this.#take(isUnicode ? ANY : ANY_LOOSE)
    // There is a character: the caller has looked.
    return found![0]
  }

  #take(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.#at
    const found = expression.exec(this.#source)
    if (found !== null) this.#at += found[0].length
    return found
  }
}
