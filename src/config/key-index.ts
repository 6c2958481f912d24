/**
 * Finds the row of the table that a key belongs to, and for a key that has none, the nearest that has.
 */
import { splitKey } from './conf-text.ts'
import type { SettingRow } from './field.ts'
import { findNoEffect, NO_EFFECT } from './settings-no-effect.ts'

/** What is longer than any key is compared by its beginning: comparing costs the product of the lengths. */
const COMPARED_CHARACTERS_MAX = 80

/** A row, and what the placeholders of its key stand for. */
export interface KeyMatch {
  readonly row: SettingRow
  readonly names: readonly string[]
}

/** What a key is. */
export type KeyLookup =
  | { readonly kind: 'row'; readonly match: KeyMatch }
  | { readonly kind: 'noEffect'; readonly reason: string }
  | { readonly kind: 'unknown'; readonly nearest: string }

interface Pattern {
  readonly parts: readonly string[]
  readonly row: SettingRow
}

/** An index over rows of the table. */
export class KeyIndex {
  readonly #exact = new Map<string, SettingRow>()
  readonly #patterns: Pattern[] = []

  constructor(rows: readonly SettingRow[]) {
    for (const row of rows) {
      for (const key of [row.key, ...row.aliases]) {
        if (key.includes('$')) this.#patterns.push({ parts: key.split('.'), row })
        else this.#exact.set(key, row)
      }
    }
  }

  /** What the key is. */
  lookup(key: string): KeyLookup {
    const match = this.#match(key)
    if (match !== undefined) return { kind: 'row', match }
    const noEffect = findNoEffect(key)
    if (noEffect !== undefined) return { kind: 'noEffect', reason: noEffect.reason }
    return { kind: 'unknown', nearest: this.#nearest(key) }
  }

  /** The rows and names that a variable `WARREN_…` could mean: its key in capitals, with `_` for all else. */
  lookupVariable(name: string): { key: string; match: KeyMatch } | undefined {
    for (const [key, row] of this.#exact) {
      if (variableOf(key) === name || variableOf(key.replace(/^warren\./, '')) === name) {
        return { key, match: { row, names: [] } }
      }
    }
    for (const { parts, row } of this.#patterns) {
      const pattern = parts.map((part) => (part.startsWith('$') ? '([A-Z0-9_]+)' : variableOf(part))).join('_')
      const found = new RegExp(`^${pattern}$`).exec(name)
      if (found === null) continue
      const names = found.slice(1).map((part) => part.toLowerCase())
      if (isNamed(row, names)) return { key: fillIn(parts, names), match: { row, names } }
    }
    return undefined
  }

  #match(key: string): KeyMatch | undefined {
    const exact = this.#exact.get(key)
    if (exact !== undefined) return { row: exact, names: [] }
    const parts = splitKey(key)
    for (const pattern of this.#patterns) {
      const names = namesIn(pattern.parts, parts)
      if (names !== undefined && isNamed(pattern.row, names)) return { row: pattern.row, names }
    }
    return undefined
  }

  #nearest(key: string): string {
    const written = key.slice(0, COMPARED_CHARACTERS_MAX)
    const parts = splitKey(written)
    let nearest = ''
    let best = Number.POSITIVE_INFINITY
    const consider = (candidate: string): void => {
      // The distance is at least the difference of the lengths.
      if (Math.abs(written.length - candidate.length) >= best) return
      const distance = editDistance(written, candidate, best)
      if (distance >= best) return
      best = distance
      nearest = candidate
    }
    for (const exact of this.#exact.keys()) consider(exact)
    for (const { parts: pattern, row } of this.#patterns) {
      const at = pattern.findIndex((part) => part.startsWith('$'))
      const names = row.names ?? [parts[at] ?? pattern[at]!.slice(1)]
      for (const name of names) consider(fillIn(pattern, [name]))
    }
    for (const { key: known } of NO_EFFECT) if (!known.endsWith('*')) consider(known)
    return nearest
  }
}

/** The variable for a key, behind `WARREN_`. */
export function variableOf(key: string): string {
  return key.toUpperCase().replace(/[^A-Z0-9]/g, '_')
}

function namesIn(pattern: readonly string[], parts: readonly string[]): string[] | undefined {
  if (pattern.length !== parts.length) return undefined
  const names: string[] = []
  for (let i = 0; i < pattern.length; i++) {
    if (pattern[i]!.startsWith('$')) names.push(parts[i]!)
    else if (pattern[i] !== parts[i]) return undefined
  }
  return names
}

function isNamed(row: SettingRow, names: readonly string[]): boolean {
  return row.names === null || row.names.includes(names[0]!)
}

function fillIn(parts: readonly string[], names: readonly string[]): string {
  let next = 0
  return parts.map((part) => (part.startsWith('$') ? names[next++]! : part)).join('.')
}

/**
 * Insertions, deletions, replacements and swaps of neighbours that turn one text into the other; anything from `limit` on
 * when there are at least so many. O(a × b).
 */
export function editDistance(a: string, b: string, limit = Number.POSITIVE_INFINITY): number {
  let beforeLast = new Int32Array(b.length + 1)
  let last = Int32Array.from({ length: b.length + 1 }, (_, j) => j)
  let row = new Int32Array(b.length + 1)
  for (let i = 1; i <= a.length; i++) {
    row[0] = i
    let least = i
    for (let j = 1; j <= b.length; j++) {
      const isSame = a.charCodeAt(i - 1) === b.charCodeAt(j - 1)
      let cost = Math.min(last[j]! + 1, row[j - 1]! + 1, last[j - 1]! + (isSame ? 0 : 1))
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        cost = Math.min(cost, beforeLast[j - 2]! + 1)
      row[j] = cost
      if (cost < least) least = cost
    }
    // A swap takes one from the row before the last, which the next row's least accounts for.
    if (least > limit) return least
    const free = beforeLast
    beforeLast = last
    last = row
    row = free
  }
  return last[b.length]!
}
