import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConf, splitKey } from './conf-text.ts'

function pairs(text: string): string[] {
  return parseConf(text).entries.map(({ key, text, line }) => `${line} ${key}=${text}`)
}

test('blanks, empty lines and comments do not count', () => {
  assert.deepEqual(pairs('\uFEFF# hello\r\n\r\n  a.b =  1  \r\n\tc=2 # why\n'), ['3 a.b=1', '4 c=2'])
})

test('quotes keep blanks and hashes, and only around the whole value', () => {
  assert.deepEqual(pairs(`a = 'x # y' # z\nb = " q "\nc = 'it\\'s'\nd = script-src 'self'\ne = ''`), [
    '1 a=x # y',
    '2 b= q ',
    `3 c=it's`,
    `4 d=script-src 'self'`,
    '5 e=',
  ])
})

test('a hash within an unquoted value ends it, as in RabbitMQ, with a warning', () => {
  const { entries, warnings } = parseConf('default_pass = abc#def')
  assert.equal(entries[0]?.text, 'abc')
  assert.deepEqual(warnings, [{ line: 1, text: `default_pass: the value ends at '#'; quotes around it keep the rest` }])
})

test('an equals sign belongs to the value after the first', () => {
  assert.deepEqual(pairs('a = cn=x,dc=y'), ['1 a=cn=x,dc=y'])
})

test('text over several lines ends at its quotes, and lines are still counted', () => {
  assert.deepEqual(pairs("a = '''\nfirst # kept\n  second\n'''\nb = 1\nc = '''x'''"), [
    '1 a=first # kept\n  second',
    '5 b=1',
    '6 c=x',
  ])
})

test('every line that is none is reported, and reading goes on', () => {
  const { entries, problems } = parseConf('nonsense\na = 1\n= 2\nb..c = 3\nd = """\nopen')
  assert.deepEqual(
    problems.map(({ line, text }) => `${line}: ${text}`),
    [
      `1: expected 'key = value', found 'nonsense'`,
      `3: expected 'key = value', found '= 2'`,
      `4: expected 'key = value', found 'b..c = 3'`,
      '5: d: the text that begins with """ never ends',
    ],
  )
  assert.equal(entries.length, 1)
})

test('an escaped dot belongs to a part of the key', () => {
  assert.deepEqual(splitKey('default_users.a\\.b.password'), ['default_users', 'a.b', 'password'])
  assert.deepEqual(pairs('default_users.a\\.b.tags = x'), ['1 default_users.a\\.b.tags=x'])
})
