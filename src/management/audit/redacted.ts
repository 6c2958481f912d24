/**
 * What somebody sent, without what nobody may read: passwords, hashes, tokens, keys, and addresses that carry them.
 *
 * Names decide, at any depth: whatever stands under a name that sounds like a secret is left out, so that a new field is
 * hidden rather than shown by mistake. Text is never searched: what is not JSON is not recorded at all.
 */

const HIDDEN = '***'
/** Names of fields whose values are hidden, and of those below them. */
const SECRET_NAMES = /pass|secret|token|credential|hash|uri|url|key$|authorization|cookie/i
/** Names that sound like it and are none. */
const OPEN_NAMES =
  /^(routing_key|binding_key|x-dead-letter-routing-key|dead-letter-routing-key|hashing_algorithm|properties_key)$/i
const TEXT_CHARACTERS_MAX = 200
const ITEMS_MAX = 20
const DEPTH_MAX = 6

/** The value as it may be recorded: bounded, and without secrets. */
export function redacted(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return clipped(value)
  if (typeof value !== 'object' || value === null) return value
  if (depth >= DEPTH_MAX) return '…'
  if (Array.isArray(value)) {
    const items = value.slice(0, ITEMS_MAX).map((item) => redacted(item, depth + 1))
    return value.length > ITEMS_MAX ? [...items, `… ${value.length - ITEMS_MAX} more`] : items
  }
  const entries = Object.entries(value).slice(0, ITEMS_MAX)
  return Object.fromEntries(
    entries.map(([name, inner]) => [clipped(name), isSecret(name) ? HIDDEN : redacted(inner, depth + 1)]),
  )
}

function isSecret(name: string): boolean {
  return SECRET_NAMES.test(name) && !OPEN_NAMES.test(name)
}

function clipped(text: string): string {
  return text.length <= TEXT_CHARACTERS_MAX ? text : `${text.slice(0, TEXT_CHARACTERS_MAX)}…`
}
