/**
 * Patterns of permissions and policies: written for PCRE, matched unanchored by the platform's regular expressions.
 *
 * Leading option groups such as `(?i)` become flags; `\A`, `\z` and `\Z` become anchors. What the platform cannot read
 * is an invalid pattern: permissions then deny, and policies refuse it when they are set.
 */

/** Options at the start of a pattern that have a flag here. */
const LEADING_OPTIONS = /^\(\?([ims]+)\)/

/** The compiled pattern, or null when it is invalid. */
export function compilePattern(pattern: string): RegExp | null {
  const options = LEADING_OPTIONS.exec(pattern)
  const flags = options === null ? '' : [...new Set(options[1]!)].join('')
  const source = translateAnchors(options === null ? pattern : pattern.slice(options[0].length))
  // Strict syntax knows characters beyond U+FFFF; the loose one forgives escapes that PCRE forgives (`amq\-gen`).
  return tryCompile(source, `${flags}u`) ?? tryCompile(source, flags)
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
