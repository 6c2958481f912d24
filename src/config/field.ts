/**
 * The fields that settings are made of. A group of settings is a plain object of fields; each field says which keys
 * feed it and what its value is, so that the type of `Settings` is inferred from the table and nobody looks up by string.
 *
 * A key is literal, or has placeholders: `default_users.$name.password`. Whatever is written in a file, the environment
 * or `--set` for a key of the field arrives in `build` as `Assigned` values, already parsed, oldest first.
 */
import { type Address, address, boolean, type ValueType } from './value-type.ts'

/** One documented key: a row of the table. */
export interface SettingRow {
  /** RabbitMQ's name where it has one; `$name` stands for any name, `$n` for a number that orders a list. */
  readonly key: string
  /** Former names that still work. */
  readonly aliases: readonly string[]
  readonly type: ValueType<unknown>
  /** The default as it would be written, '' when there is none. */
  readonly defaultText: string
  /** Whether SIGHUP applies a change to a running broker. */
  readonly reloadable: boolean
  readonly sentence: string
  /** When set, the placeholder stands for these names only. */
  readonly names: readonly string[] | null
}

/** A value that somebody set. */
export interface Assigned {
  readonly row: SettingRow
  /** What the placeholders of the row's key stand for, in order. */
  readonly names: readonly string[]
  readonly value: unknown
}

/** One field of a group of settings. */
export interface Field<T> {
  readonly rows: readonly SettingRow[]
  /** The field's value; `assigned` holds at most one value per key, the oldest first. */
  build(assigned: readonly Assigned[]): T
}

/** What a field has beyond key, type, default and sentence. */
export interface FieldOptions {
  readonly reloadable?: boolean
  readonly aliases?: readonly string[]
  readonly names?: readonly string[]
}

/** A group of fields, and the type of its values. */
export type FieldGroup = Readonly<Record<string, Field<unknown>>>
export type ValuesOf<G extends FieldGroup> = { readonly [F in keyof G]: G[F] extends Field<infer T> ? T : never }

function row<T>(
  key: string,
  type: ValueType<T>,
  defaultText: string,
  sentence: string,
  options: FieldOptions,
): SettingRow {
  return {
    key,
    aliases: options.aliases ?? [],
    // Rows of all types share one list; `parse` and `format` of a row only ever meet values of that row.
    type: type as ValueType<unknown>,
    defaultText,
    reloadable: options.reloadable ?? false,
    sentence,
    names: options.names ?? null,
  }
}

/** The value, which the row's own type has parsed. */
function parsed<T>(assigned: Assigned): T {
  return assigned.value as T
}

/** A single value. */
export function setting<T>(
  key: string,
  type: ValueType<T>,
  defaultValue: T,
  sentence: string,
  options: FieldOptions = {},
): Field<T> {
  const rows = [row(key, type, type.format(defaultValue), sentence, options)]
  return { rows, build: ([assigned]) => (assigned === undefined ? defaultValue : parsed<T>(assigned)) }
}

/** A single value that may be unset: null then. */
export function optional<T>(
  key: string,
  type: ValueType<T>,
  sentence: string,
  options: FieldOptions = {},
): Field<T | null> {
  const rows = [row(key, type, '', sentence, options)]
  return { rows, build: ([assigned]) => (assigned === undefined ? null : parsed<T>(assigned)) }
}

/** A value per name: `key` ends in `$name`, or has it in the middle. What is set is added to the defaults. */
export function named<T>(
  key: string,
  type: ValueType<T>,
  defaults: Readonly<Record<string, T>>,
  sentence: string,
  options: FieldOptions = {},
): Field<Readonly<Record<string, T>>> {
  const defaultText = Object.entries(defaults).map(([name, value]) => `${name}: ${type.format(value)}`)
  const rows = [row(key, type, defaultText.join(', '), sentence, options)]
  return {
    rows,
    build: (assigned) => {
      const values: Record<string, T> = Object.assign(Object.create(null), defaults)
      for (const one of assigned) values[one.names[0]!] = parsed<T>(one)
      return Object.freeze(values)
    },
  }
}

/** A list: `key` ends in `$n`, the numbers give the order. What is set replaces the default as a whole. */
export function numbered<T>(
  key: string,
  type: ValueType<T>,
  defaults: readonly T[],
  sentence: string,
  options: FieldOptions = {},
): Field<readonly T[]> {
  const rows = [row(key, type, defaults.map((value) => type.format(value)).join(', '), sentence, options)]
  return {
    rows,
    build: (assigned) => {
      if (assigned.length === 0) return defaults
      const inOrder = [...assigned].sort((a, b) => compareNames(a.names[0]!, b.names[0]!))
      return Object.freeze(inOrder.map((one) => parsed<T>(one)))
    },
  }
}

function compareNames(a: string, b: string): number {
  return Number(a) - Number(b) || (a < b ? -1 : 1)
}

/** A value per pair of names: the key has two placeholders. */
export function paired<T>(
  key: string,
  type: ValueType<T>,
  sentence: string,
): Field<Readonly<Record<string, Readonly<Record<string, T>>>>> {
  return {
    rows: [row(key, type, '', sentence, {})],
    build: (assigned) => {
      const found: Record<string, Record<string, T>> = Object.create(null)
      for (const one of assigned) {
        const [outer, inner] = one.names
        const values = found[outer!] ?? {}
        found[outer!] = values
        values[inner!] = parsed<T>(one)
      }
      return Object.freeze(found)
    },
  }
}

/** One place in a chain of back ends, as it is written. */
export interface ChainSetting {
  /** Who says who somebody is. */
  readonly authn: string
  /** Who says what that user may do; null: the same. */
  readonly authz: string | null
}

/** Back ends by number: `key.$n`, or `key.$n.authn` and `key.$n.authz`. What is set replaces the default as a whole. */
export function backendChain(
  key: string,
  defaults: readonly string[],
  sentence: string,
): Field<readonly ChainSetting[]> {
  const both = row(key, anyBackend, defaults.join(', '), sentence, {})
  const authn = row(`${key}.authn`, anyBackend, '', 'The same, for the login only.', {})
  const authz = row(`${key}.authz`, anyBackend, '', 'The same, for tags and permissions only.', {})
  return {
    rows: [both, authn, authz],
    build: (assigned) => {
      const links = new Map<string, { authn: string; authz: string | null }>()
      for (const one of assigned) {
        const name = one.names[0] ?? ''
        const link = links.get(name) ?? { authn: '', authz: null }
        links.set(name, link)
        if (one.row === authz) link.authz = parsed<string>(one)
        else link.authn = parsed<string>(one)
      }
      if (links.size === 0) return defaults.map((name) => ({ authn: name, authz: null }))
      const inOrder = [...links].sort(([a], [b]) => compareNames(a, b)).map(([, link]) => link)
      return Object.freeze(inOrder.map(({ authn, authz }) => ({ authn: authn === '' ? (authz ?? '') : authn, authz })))
    },
  }
}

const anyBackend: ValueType<string> = {
  name: 'string',
  accepts: 'the name of a back end',
  secret: false,
  parse: (text) => (text === '' ? undefined : text),
  format: String,
}

/** The names that are switched on: `key.$name = true`; the bare key = none switches the defaults off. */
export function switchedOn(
  key: string,
  defaults: readonly string[],
  sentence: string,
  options: FieldOptions = {},
): Field<readonly string[]> {
  const rows = [
    row(`${key}.$name`, boolean, defaults.map((name) => `${name}: true`).join(', '), sentence, options),
    row(key, NONE, '', `'none': nothing is switched on by default.`, { reloadable: options.reloadable ?? false }),
  ]
  return {
    rows,
    build: (assigned) => {
      const on = new Set(defaults)
      for (const {
        row: { type },
        names,
        value,
      } of assigned) {
        if (type === NONE) on.clear()
        else if (value === true) on.add(names[0]!)
        else on.delete(names[0]!)
      }
      return Object.freeze([...on])
    },
  }
}

/** Where something listens: `key.$name = port` or `host:port`; the bare key = none for nowhere. */
export function listeners(key: string, defaultPort: number | null, sentence: string): Field<readonly Address[]> {
  const defaults = defaultPort === null ? [] : [{ name: 'default', host: null, port: defaultPort }]
  const rows = [
    row(`${key}.$name`, address, defaultPort === null ? '' : `default: ${defaultPort}`, sentence, {}),
    row(key, NONE, '', `'none': no listener of this kind.`, {}),
  ]
  return {
    rows,
    build: (assigned) => {
      if (assigned.length === 0) return defaults
      const found = new Map<string, Address>()
      for (const one of assigned) {
        if (one.row.type === NONE) found.clear()
        else found.set(one.names[0]!, { ...parsed<Address>(one), name: one.names[0]! })
      }
      return Object.freeze([...found.values()])
    },
  }
}

const NONE: ValueType<unknown> = {
  name: 'none',
  accepts: `'none'`,
  secret: false,
  parse: (text) => (text === 'none' ? 'none' : undefined),
  format: String,
}

/** The members of a record field: name of the member, last part of its key, type, default. */
export interface Member<T> {
  readonly suffix: string
  readonly type: ValueType<T>
  readonly defaultValue: T
  readonly sentence: string
}

/** One member of `records`. */
export function member<T>(suffix: string, type: ValueType<T>, defaultValue: T, sentence: string): Member<T> {
  return { suffix, type, defaultValue, sentence }
}

/** A member that may be unset. */
export function optionalMember<T>(suffix: string, type: ValueType<T>, sentence: string): Member<T | null> {
  // Never formatted when null: the default of an optional member is written as nothing.
  return { suffix, type: type as ValueType<T | null>, defaultValue: null, sentence }
}

type MemberValues<M> = { readonly [K in keyof M]: M[K] extends Member<infer T> ? T : never }

/** A record per name: `key` ends in `$name`, each member adds its suffix. */
export function records<M extends Readonly<Record<string, Member<unknown>>>>(
  key: string,
  members: M,
  options: FieldOptions = {},
): Field<Readonly<Record<string, MemberValues<M>>>> {
  const entries = Object.entries(members)
  const fieldOfRow = new Map<SettingRow, string>()
  for (const [field, { suffix, type, defaultValue, sentence }] of entries) {
    const defaultText = defaultValue === null ? '' : type.format(defaultValue)
    fieldOfRow.set(row(`${key}.${suffix}`, type, defaultText, sentence, options), field)
  }
  const blank = Object.fromEntries(entries.map(([field, { defaultValue }]) => [field, defaultValue]))
  return {
    rows: [...fieldOfRow.keys()],
    build: (assigned) => {
      const found: Record<string, Record<string, unknown>> = Object.create(null)
      for (const { row, names, value } of assigned) {
        const record = found[names[0]!] ?? { ...blank }
        found[names[0]!] = record
        record[fieldOfRow.get(row)!] = value
      }
      for (const record of Object.values(found)) Object.freeze(record)
      // Each record has every member, of the type its own parser gave it.
      return Object.freeze(found) as Readonly<Record<string, MemberValues<M>>>
    },
  }
}
