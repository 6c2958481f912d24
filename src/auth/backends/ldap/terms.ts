/**
 * Reads the notation in which RabbitMQ's LDAP queries are written: tuples, lists, strings and words, as in
 * `{in_group, "cn=admins,dc=example,dc=com"}`. Pure.
 *
 *   term  = "{" terms "}" | "[" terms "]" | string | word | 'word'
 *   string = " … "   with \" and \\        dots are passed over        % starts a comment
 */

/** Longest text, and deepest nesting. */
const CHARACTERS_MAX = 64 * 1024
const DEPTH_MAX = 64

/** A term. Words and strings are told apart: `administrator` is no "administrator". */
export type Term =
  | { readonly kind: 'tuple' | 'list'; readonly items: readonly Term[] }
  | { readonly kind: 'word' | 'string'; readonly text: string }

const TOKEN = /[\s.]+|%[^\n]*|([{}[\],])|"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([a-z][\w@]*)/gy

interface Token {
  readonly kind: 'mark' | 'word' | 'string'
  readonly text: string
}

/** The term of a text. Throws a sentence for what is none. */
export function parseTerm(text: string): Term {
  if (text.length > CHARACTERS_MAX) throw new Error(`a query is longer than ${CHARACTERS_MAX} characters`)
  const tokens = tokensOf(text)
  const reader = { tokens, at: 0 }
  const term = readTerm(reader, 0)
  if (reader.at < tokens.length) throw new Error(`'${tokens[reader.at]!.text}' is not expected in the query '${text}'`)
  return term
}

function tokensOf(text: string): Token[] {
  const tokens: Token[] = []
  const scanner = new RegExp(TOKEN)
  while (scanner.lastIndex < text.length) {
    const from = scanner.lastIndex
    const match = scanner.exec(text)
    if (match === null) throw new Error(`'${text.slice(from, from + 20)}' cannot be read in the query '${text}'`)
    const [, mark, string, quoted, word] = match
    if (mark !== undefined) tokens.push({ kind: 'mark', text: mark })
    else if (string !== undefined) tokens.push({ kind: 'string', text: unescaped(string) })
    else if (quoted !== undefined) tokens.push({ kind: 'word', text: unescaped(quoted) })
    else if (word !== undefined) tokens.push({ kind: 'word', text: word })
  }
  return tokens
}

function unescaped(text: string): string {
  return text.replaceAll(/\\(.)/g, '$1')
}

function readTerm(reader: { readonly tokens: readonly Token[]; at: number }, depth: number): Term {
  const token = reader.tokens[reader.at++]
  if (token === undefined) throw new Error('the query ends too early')
  if (token.kind !== 'mark') return { kind: token.kind, text: token.text }
  if (depth > DEPTH_MAX) throw new Error(`a query is nested deeper than ${DEPTH_MAX}`)
  const end = token.text === '{' ? '}' : token.text === '[' ? ']' : undefined
  if (end === undefined) throw new Error(`'${token.text}' is not expected in the query`)
  const items: Term[] = []
  const isEnd = (): boolean => reader.tokens[reader.at]?.kind === 'mark' && reader.tokens[reader.at]?.text === end
  while (!isEnd()) {
    items.push(readTerm(reader, depth + 1))
    const next = reader.tokens[reader.at]
    if (next?.kind === 'mark' && next.text === ',') reader.at++
    else if (!isEnd()) throw new Error(`'${end}' is missing in the query`)
  }
  reader.at++
  return { kind: end === '}' ? 'tuple' : 'list', items }
}
