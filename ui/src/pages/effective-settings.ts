/** Which of a queue's arguments and policies counts for each setting, and where it comes from. Pure. */
import * as format from '../base/format.ts'
import type { Arguments } from '../base/types.ts'

/** A setting in force. */
export interface EffectiveSetting {
  /** As policies call it. */
  readonly name: string
  readonly value: unknown
  /** Where the value in force comes from. */
  readonly origin: string
  /** What would count without it: other values, with their places. */
  readonly overruled: readonly string[]
}

/** Where settings may come from. Undefined: there is none of this kind, or it is not known. */
export interface SettingSources {
  readonly args: Arguments
  readonly policy: { readonly name: string; readonly definition: Arguments } | undefined
  readonly operatorPolicy: { readonly name: string; readonly definition: Arguments } | undefined
}

/** Of limits the lowest counts, wherever it comes from; of everything else the declaration's own word. */
const LOWEST_COUNTS = new Set([
  'message-ttl',
  'expires',
  'max-length',
  'max-length-bytes',
  'max-in-memory-length',
  'max-in-memory-bytes',
  'delivery-limit',
])

interface Candidate {
  readonly value: unknown
  readonly origin: string
}

/** The settings in force, by name. */
export function effectiveSettings({ args, policy, operatorPolicy }: SettingSources): readonly EffectiveSetting[] {
  const candidates = new Map<string, Candidate[]>()
  const add = (name: string, value: unknown, origin: string) => {
    candidates.set(name, [...(candidates.get(name) ?? []), { value, origin }])
  }
  for (const [name, value] of Object.entries(args)) add(name.replace(/^x-/, ''), value, 'declaration')
  for (const [name, value] of Object.entries(policy?.definition ?? {})) add(name, value, `policy ${policy?.name}`)
  for (const [name, value] of Object.entries(operatorPolicy?.definition ?? {})) {
    add(name, value, `operator policy ${operatorPolicy?.name}`)
  }
  return [...candidates].map(([name, values]) => settle(name, values)).sort((a, b) => (a.name < b.name ? -1 : 1))
}

function settle(name: string, candidates: readonly Candidate[]): EffectiveSetting {
  const numbers = candidates.map(({ value }) => (typeof value === 'number' ? value : Number.POSITIVE_INFINITY))
  const at = LOWEST_COUNTS.has(name) ? numbers.indexOf(Math.min(...numbers)) : 0
  const chosen = candidates[at]!
  return {
    name,
    value: chosen.value,
    origin: chosen.origin,
    overruled: candidates
      .filter((candidate) => candidate !== chosen)
      .map(({ value, origin }) => `${readable(name, value)} of the ${origin}`),
  }
}

/** A value for people: times and sizes in units. */
export function readable(name: string, value: unknown): string {
  if (typeof value !== 'number') return typeof value === 'string' ? value : format.jsonLine(value)
  if (/(^|-)(ttl|expires|timeout)$/.test(name)) return format.duration(value)
  if (/bytes$/.test(name)) return format.bytes(value)
  return format.count(value)
}
