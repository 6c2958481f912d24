import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { answer, type DirectoryLink, escapeDn, fillDn, parseQuery, parseTagQueries } from './queries.ts'
import { parseTerm } from './terms.ts'

/** A directory of groups: their members. */
function groups(members: Readonly<Record<string, readonly string[]>>): { link: DirectoryLink; searches: string[] } {
  const searches: string[] = []
  const link: DirectoryLink = {
    search: async (base, scope, filter) => {
      searches.push(`${base} ${scope} ${filter?.attribute}=${filter?.value}`)
      const found = Object.keys(members).filter((group) => scope !== 'base' || group === base)
      return found
        .filter((group) => filter === null || members[group]!.includes(filter.value))
        .map((dn) => ({ dn, values: [] }))
    },
  }
  return { link, searches }
}

function ask(text: string, link: DirectoryLink, variables: Readonly<Record<string, string>> = {}): Promise<boolean> {
  return answer(parseQuery(text), {
    link,
    userDn: 'cn=u',
    variables: { username: 'u', ...variables },
    groupBase: 'ou=g',
  })
}

test('terms: tuples, lists, texts and words, with comments and a dot at the end', () => {
  assert.deepEqual(parseTerm(`{a, "b\\"c", 'd e', [f, {}]}. % that was it`), {
    kind: 'tuple',
    items: [
      { kind: 'word', text: 'a' },
      { kind: 'string', text: 'b"c' },
      { kind: 'word', text: 'd e' },
      {
        kind: 'list',
        items: [
          { kind: 'word', text: 'f' },
          { kind: 'tuple', items: [] },
        ],
      },
    ],
  })
  for (const bad of ['{', '{a', '{a b}', ']', 'a b', '"open', '{a,,b}', '#', ''])
    assert.throws(() => parseTerm(bad), Error, bad)
})

test('whatever is written, reading it ends with a query or a sentence', () => {
  const piece = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ',',
    'constant',
    'true',
    "'or'",
    'for',
    'match',
    '"x"',
    ' ',
    '.',
    '%',
  )
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
      try {
        parseQuery(pieces.join(''))
      } catch (error) {
        assert.ok(error instanceof Error && error.constructor === Error)
      }
    }),
  )
  assert.throws(() => parseTerm('['.repeat(5000)), /nested deeper/)
})

test('what is no query says so', () => {
  assert.throws(() => parseQuery('{nonsense, "x"}'), /'nonsense' is no query/)
  assert.throws(() => parseQuery('{in_group}'), /not complete/)
  assert.throws(() => parseQuery('constant'), /braces/)
  assert.throws(() => parseTagQueries('{administrator, {constant, true}}'), /no list/)
})

test('groups of groups are followed, in circles too', async () => {
  const { link, searches } = groups({ 'cn=A': ['cn=u', 'cn=C'], 'cn=B': ['cn=A'], 'cn=C': ['cn=B'], 'cn=D': ['cn=x'] })
  assert.equal(await ask('{in_group_nested, "CN=b"}', link), true)
  assert.equal(await ask('{in_group_nested, "cn=D"}', link), false)
  assert.equal(await ask('{in_group, "cn=B"}', link), false)
  assert.equal(await ask('{in_group, "cn=A", "uniqueMember"}', link), true)
  assert.ok(searches.length < 10)
  assert.equal(searches.at(-1), 'cn=A base uniqueMember=cn=u')
})

test('a case that nothing names is no', async () => {
  const { link } = groups({})
  const text = '{for, [{permission, write, {constant, true}}]}'
  assert.equal(await ask(text, link, { permission: 'write' }), true)
  assert.equal(await ask(text, link, { permission: 'read' }), false)
})

test('values are no expressions, and no parts of names', async () => {
  const { link } = groups({})
  assert.equal(await ask(`{match, "axc", {string, "\${name}"}}`, link, { name: 'a.c' }), false)
  assert.equal(await ask(`{match, {string, "\${name}"}, "^a.c$"}`, link, { name: 'axc' }), true)
  assert.equal(fillDn(`cn=\${username},dc=x`, { username: 'a,dc=y' }), 'cn=a\\,dc\\=y,dc=x')
  assert.equal(fillDn(`\${username}`, { username: 'cn=a,dc=y' }), 'cn=a,dc=y')
  assert.equal(fillDn(`cn=\${unknown}`, {}), `cn=\${unknown}`)
  assert.equal(escapeDn(' a+b"c\\<>;=\u0000# '), '\\ a\\+b\\"c\\\\\\<\\>\\;\\=\\00#\\ ')
  assert.equal(escapeDn('#x'), '\\#x')
})
