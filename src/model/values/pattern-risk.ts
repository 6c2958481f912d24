/**
 * Tells patterns that may try very many ways to match a short text: an engine that backtracks takes years for `^(a+)+$`.
 * Wrong alarms cost microseconds; what is let pass is at worst cubic in the length of a name.
 */

/** As many quantifiers without a bound are at worst cubic. */
const UNBOUNDED_MAX = 2

/** What stands behind an atom: how often it may come. */
const QUANTIFIER = /^(?:[*+?]|\{(?:\d+)(?:,\d*)?\})/

/** Whether matching may take more than some milliseconds for a text of 255 characters. */
export function isRisky(pattern: string): boolean {
  // Each open group: whether something in it has more than one way to match.
  const groups: boolean[] = []
  let unboundedCount = 0
  for (let at = 0; at < pattern.length; ) {
    const atom = atomAt(pattern, at)
    if (/^\\[1-9k]/.test(atom)) return true
    let isVaried = false
    if (atom === '(') groups.push(false)
    else if (atom === ')') isVaried = groups.pop() === true
    else if (atom === '|' && groups.length > 0) groups[groups.length - 1] = true
    at += atom.length
    if (atom === '(') {
      // `?:`, `?=`, `?<name>` are no quantifiers.
      if (pattern[at] === '?') at++
      continue
    }
    const quantifier = QUANTIFIER.exec(pattern.slice(at, at + 16))?.[0]
    if (quantifier !== undefined) {
      at += quantifier.length
      if (quantifier !== '?') {
        if (isVaried || ++unboundedCount > UNBOUNDED_MAX) return true
      }
      isVaried = true
    }
    if (isVaried && groups.length > 0) groups[groups.length - 1] = true
  }
  return false
}

/** An escape, a class, or one character. */
function atomAt(pattern: string, at: number): string {
  if (pattern[at] === '\\') return pattern.slice(at, at + 2)
  if (pattern[at] !== '[') return pattern[at]!
  let end = at + 1
  while (end < pattern.length && pattern[end] !== ']') end += pattern[end] === '\\' ? 2 : 1
  return pattern.slice(at, end + 1)
}
