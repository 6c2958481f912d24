/**
 * Queries to a directory: what RabbitMQ's LDAP back end understands, read from its notation and answered over a link.
 *
 *   {constant, true}   {exists, DN}   {in_group, DN[, attribute]}   {in_group_nested, DN[, attribute[, scope]]}
 *   {for, [{permission, write, Q}, {resource, queue, Q}, …]}   {'not', Q}   {'and', [Q, …]}   {'or', [Q, …]}
 *   {equals, S, S}   {match, S, S}        S is {string, text}, {attribute, DN, name} or a plain text
 *
 * `${username}`, `${user_dn}`, `${vhost}`, `${resource}`, `${name}`, `${permission}`, `${routing_key}`, `${ad_domain}` and
 * `${ad_user}` stand for their values: escaped where they become part of a distinguished name or of a regular expression.
 */
import { compilePattern, escapePattern } from '../../../model/values/pattern.ts'
import { parseTerm, type Term } from './terms.ts'

/** Groups that a nested search visits. */
const GROUPS_MAX = 1000
const MEMBER = 'member'

/** How far a search goes below its base. */
export type SearchScope = 'base' | 'one' | 'sub'

/** A bound connection to a directory. */
export interface DirectoryLink {
  /** Entries with this value of an attribute, or all; none when the base is not there. */
  search(base: string, scope: SearchScope, filter: SearchFilter | null, attribute: string | null): Promise<FoundEntry[]>
}

/** One attribute with one value. */
export interface SearchFilter {
  readonly attribute: string
  readonly value: string
}

/** An entry, with the values of the attribute that was asked for. */
export interface FoundEntry {
  readonly dn: string
  readonly values: readonly string[]
}

/** Values of variables. */
export type QueryVariables = Readonly<Record<string, string>>

/** What a query is answered with. */
export interface QueryScene {
  readonly link: DirectoryLink
  readonly userDn: string
  readonly variables: QueryVariables
  /** Where nested searches for groups start; null forbids them. */
  readonly groupBase: string | null
}

/** A query that was read. */
export type Query =
  | { readonly kind: 'constant'; readonly value: boolean }
  | { readonly kind: 'exists'; readonly dn: string }
  | { readonly kind: 'in_group'; readonly dn: string; readonly attribute: string }
  | { readonly kind: 'in_group_nested'; readonly dn: string; readonly attribute: string; readonly scope: SearchScope }
  | { readonly kind: 'for'; readonly cases: readonly { name: string; value: string; query: Query }[] }
  | { readonly kind: 'not'; readonly query: Query }
  | { readonly kind: 'and' | 'or'; readonly queries: readonly Query[] }
  | { readonly kind: 'equals' | 'match'; readonly left: TextQuery; readonly right: TextQuery }

type TextQuery =
  | { readonly kind: 'string'; readonly text: string }
  | { readonly kind: 'attribute'; readonly dn: string; readonly name: string }

/** Reads one query. Throws a sentence for what is none. */
export function parseQuery(text: string): Query {
  return queryOf(parseTerm(text))
}

/** Reads the queries of tags: `[{administrator, Q}, …]`. */
export function parseTagQueries(text: string): ReadonlyMap<string, Query> {
  const term = parseTerm(text)
  if (term.kind !== 'list') throw new Error(`'${text}' is no list of tags with their queries`)
  return new Map(
    term.items.map((item) => {
      const [tag, query] = tupleOf(item, 2)
      return [textOf(tag!), queryOf(query!)]
    }),
  )
}

function queryOf(term: Term): Query {
  const [head, ...rest] = tupleOf(term)
  const kind = head === undefined ? '' : textOf(head)
  const [first, second, third] = rest
  switch (kind) {
    case 'constant':
      return { kind, value: textOf(needed(first, kind)) === 'true' }
    case 'exists':
      return { kind, dn: textOf(needed(first, kind)) }
    case 'in_group':
      return { kind, dn: textOf(needed(first, kind)), attribute: second === undefined ? MEMBER : textOf(second) }
    case 'in_group_nested': {
      const scope = third !== undefined && textOf(third) === 'singlelevel' ? 'one' : 'sub'
      const attribute = second === undefined ? MEMBER : textOf(second)
      return { kind, dn: textOf(needed(first, kind)), attribute, scope }
    }
    case 'for':
      return { kind, cases: itemsOf(needed(first, kind)).map(caseOf) }
    case 'not':
      return { kind, query: queryOf(needed(first, kind)) }
    case 'and':
    case 'or':
      return { kind, queries: itemsOf(needed(first, kind)).map(queryOf) }
    case 'equals':
    case 'match':
      return { kind, left: textQueryOf(needed(first, kind)), right: textQueryOf(needed(second, kind)) }
    default:
      throw new Error(`'${kind}' is no query`)
  }
}

function caseOf(term: Term): { name: string; value: string; query: Query } {
  const [name, value, query] = tupleOf(term, 3)
  return { name: textOf(name!), value: textOf(value!), query: queryOf(query!) }
}

function textQueryOf(term: Term): TextQuery {
  if (term.kind === 'string') return { kind: 'string', text: term.text }
  const [head, first, second] = tupleOf(term)
  const kind = head === undefined ? '' : textOf(head)
  if (kind === 'string') return { kind, text: textOf(needed(first, kind)) }
  if (kind === 'attribute') return { kind, dn: textOf(needed(first, kind)), name: textOf(needed(second, kind)) }
  throw new Error(`'${kind}' is no text: there are {string, text} and {attribute, dn, name}`)
}

function needed(term: Term | undefined, kind: string): Term {
  if (term === undefined) throw new Error(`the query '${kind}' is not complete`)
  return term
}

function tupleOf(term: Term, count?: number): readonly Term[] {
  if (term.kind !== 'tuple') throw new Error('a query is written in braces: {constant, true}')
  if (count !== undefined && term.items.length !== count) throw new Error(`a tuple has not ${count} parts`)
  return term.items
}

function itemsOf(term: Term): readonly Term[] {
  if (term.kind !== 'list') throw new Error('a list is written in brackets: [Q, …]')
  return term.items
}

function textOf(term: Term): string {
  if (term.kind !== 'word' && term.kind !== 'string') throw new Error('a text or a word is expected')
  return term.text
}

// Answering

/** Answers a query. Rejects when the directory cannot be asked. */
export async function answer(query: Query, scene: QueryScene): Promise<boolean> {
  switch (query.kind) {
    case 'constant':
      return query.value
    case 'exists':
      return (await scene.link.search(dnOf(query.dn, scene), 'base', null, null)).length > 0
    case 'in_group': {
      const filter = { attribute: query.attribute, value: scene.userDn }
      return (await scene.link.search(dnOf(query.dn, scene), 'base', filter, null)).length > 0
    }
    case 'in_group_nested':
      return await isInNested(query, scene)
    case 'for': {
      const found = query.cases.find(({ name, value }) => scene.variables[name] === value)
      return found !== undefined && (await answer(found.query, scene))
    }
    case 'not':
      return !(await answer(query.query, scene))
    case 'and':
      for (const each of query.queries) if (!(await answer(each, scene))) return false
      return true
    case 'or':
      for (const each of query.queries) if (await answer(each, scene)) return true
      return false
    case 'equals': {
      const [left, right] = [await textsOf(query.left, scene, asItIs), await textsOf(query.right, scene, asItIs)]
      return left.some((text) => right.includes(text))
    }
    case 'match': {
      const [left, right] = [await textsOf(query.left, scene, asItIs), await textsOf(query.right, scene, escapePattern)]
      return right.some((pattern) => {
        const expression = compilePattern(pattern)
        return expression !== null && left.some((text) => expression.test(text))
      })
    }
  }
}

/** Goes from the user up through the groups of groups. Names of groups are compared without regard to case. */
async function isInNested(
  { dn, attribute, scope }: Extract<Query, { kind: 'in_group_nested' }>,
  scene: QueryScene,
): Promise<boolean> {
  const { groupBase, link, userDn } = scene
  if (groupBase === null) throw new Error('in_group_nested needs auth_ldap.group_lookup_base')
  const wanted = dnOf(dn, scene).toLowerCase()
  const seen = new Set<string>()
  const open = [userDn]
  for (let member = open.pop(); member !== undefined; member = open.pop()) {
    for (const { dn: group } of await link.search(groupBase, scope, { attribute, value: member }, null)) {
      const key = group.toLowerCase()
      if (key === wanted) return true
      if (seen.has(key) || seen.size >= GROUPS_MAX) continue
      seen.add(key)
      open.push(group)
    }
  }
  return false
}

async function textsOf(
  query: TextQuery,
  scene: QueryScene,
  quote: (text: string) => string,
): Promise<readonly string[]> {
  if (query.kind === 'string') return [fillIn(query.text, scene.variables, quote)]
  const [entry] = await scene.link.search(dnOf(query.dn, scene), 'base', null, query.name)
  return entry?.values ?? []
}

function dnOf(pattern: string, { variables }: QueryScene): string {
  return fillDn(pattern, variables)
}

/** Fills in a pattern of a distinguished name: values are escaped, unless they are distinguished names themselves. */
export function fillDn(pattern: string, variables: QueryVariables): string {
  return pattern.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => {
    const value = variables[name]
    if (value === undefined) return whole
    return name === 'user_dn' || pattern === whole ? value : escapeDn(value)
  })
}

/** Fills in a pattern. What has no value stays. */
export function fillIn(pattern: string, variables: QueryVariables, quote: (text: string) => string = asItIs): string {
  return pattern.replaceAll(/\$\{(\w+)\}/g, (whole, name: string) => {
    const value = variables[name]
    return value === undefined ? whole : quote(value)
  })
}

/** A value as part of a distinguished name. [RFC 4514 §2.4] */
export function escapeDn(value: string): string {
  return value
    .replaceAll(/[\\,+"<>;=]/g, (character) => `\\${character}`)
    .replaceAll('\u0000', '\\00')
    .replace(/^[ #]/, (character) => `\\${character}`)
    .replace(/ $/, '\\ ')
}

function asItIs(text: string): string {
  return text
}
