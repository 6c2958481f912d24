/**
 * Whether a declaration describes what is there already, and the texts of the refusal when it does not. (RabbitMQ §406)
 *
 * Properties print quoted; an argument on both sides prints its value quoted; one on a single side prints with its type.
 */

import type { Refusal } from '../queue/queue.ts'
import { type Arguments, sameContent, type TypedValue } from '../values/arguments.ts'
import { preconditionFailed } from './refusals.ts'

/** `queue 'q' in vhost 'v'`, which nearly every reply text contains. */
export type ObjectText = string

/** The refusal when a property differs, or undefined. */
export function differingProperty(
  object: ObjectText,
  name: string,
  received: string | boolean,
  current: string | boolean,
): Refusal | undefined {
  return received === current ? undefined : inequivalent(object, name, `'${received}'`, `'${current}'`)
}

/** The refusal when one of these arguments differs, or undefined. */
export function differingArgument(
  object: ObjectText,
  names: Iterable<string>,
  received: Arguments,
  current: Arguments,
): Refusal | undefined {
  for (const name of names) {
    const now = received.get(name)
    const then = current.get(name)
    if (now === undefined && then === undefined) continue
    if (now !== undefined && then !== undefined) {
      if (isEquivalent(now, then)) continue
      return inequivalent(object, name, `'${textOf(now)}'`, `'${textOf(then)}'`)
    }
    return inequivalent(object, name, typedText(now), typedText(then))
  }
  return undefined
}

/** Integers of any width are alike, and so are identical values of different classes. */
function isEquivalent(left: TypedValue, right: TypedValue): boolean {
  return sameContent(left.value, right.value)
}

function inequivalent(object: ObjectText, name: string, received: string, current: string): Refusal {
  return preconditionFailed(`inequivalent arg '${name}' for ${object}: received ${received} but current is ${current}`)
}

function typedText(value: TypedValue | undefined): string {
  return value === undefined ? 'none' : `the value '${textOf(value)}' of type '${value.type}'`
}

/** A value as it stands in reply texts. */
export function textOf({ value }: TypedValue): string {
  if (value instanceof Uint8Array) return Buffer.from(value).toString('latin1')
  if (value instanceof Map)
    return `[${[...value].map(([name, inner]) => `{${name},${textOf(inner as TypedValue)}}`).join(',')}]`
  if (Array.isArray(value)) return `[${value.map((inner: TypedValue) => textOf(inner)).join(',')}]`
  if (typeof value === 'object' && value !== null)
    return 'scale' in value ? `{${value.scale},${String(value.value)}}` : ''
  return value === null ? 'undefined' : String(value)
}
