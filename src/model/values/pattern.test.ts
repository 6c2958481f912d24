import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { compilePattern, escapePattern } from './pattern.ts'
import { isRisky } from './pattern-risk.ts'

const EVIL = [
  '^(a+)+$',
  '^(a|aa)+$',
  '^(a|a?)+$',
  '(x+x+)+y',
  '^(a+){10,20}$',
  '^(.*a){25}$',
  '^(a+)+\\1$',
  '(?i)^(a*)*b$',
]
const HARMLESS = [
  '',
  '.*',
  '^amq\\.',
  '^(tmp|test)-.*$',
  '^(?!amq\\.).*',
  'a+b?',
  '^[a-z]+\\.[0-9]{1,5}$',
  '(?:ab)?c*',
  '[(+)+]+',
]

test('patterns that could take ages are known by their looks, usual ones are not', () => {
  for (const pattern of EVIL) assert.ok(isRisky(pattern), pattern)
  for (const pattern of HARMLESS) assert.ok(!isRisky(pattern), pattern)
})

test('a pattern that takes too long matches nothing, and soon is not tried any more', () => {
  const name = `${'a'.repeat(200)}!`
  for (const text of ['^(a+)+$', '^(a|aa)+$', '(?i)^(a*)*b$']) {
    const pattern = compilePattern(text)!
    const startedMs = process.uptime() * 1000
    for (let i = 0; i < 1_000; i++) assert.ok(!pattern.test(name))
    assert.ok(process.uptime() * 1000 - startedMs < 10_000, text)
  }
})

test('a pattern that could take ages, and does not, matches as any other', () => {
  const pattern = compilePattern('^([a-z]+\\.)+prod$')!
  for (let i = 0; i < 10; i++) {
    assert.ok(pattern.test('orders.eu.prod'))
    assert.ok(!pattern.test('orders.eu.test'))
  }
})

test('whether it is watched changes nothing about what matches', () => {
  const piece = fc.constantFrom(
    'a',
    'b',
    '.',
    'a*',
    'b+',
    '(a|b)',
    '(a|b)+',
    '(ab?)*',
    '[ab]',
    'c?',
    '(?:a|c)',
    '^',
    '$',
  )
  const name = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 10 })
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 5 }), name, (pieces, text) => {
      const source = pieces.join('')
      fc.pre(!/[$^][*+?]/.test(source))
      assert.equal(compilePattern(source)!.test(text), new RegExp(source, 'u').test(text))
    }),
    { numRuns: 300 },
  )
})

test('an escaped text matches itself', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (text) => compilePattern(`^${escapePattern(text)}$`)?.test(text) === true),
  )
})
