import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { linearPattern } from './linear-pattern.ts'
import { compilePattern, escapePattern } from './pattern.ts'
import { readPattern } from './pattern-syntax.ts'

/** What no machine finishes by trying one way after the other, with a text that does not match. */
const EVIL: readonly [pattern: string, text: string][] = [
  ['^(a+)+$', `${'a'.repeat(254)}!`],
  ['^(a|aa)+$', `${'a'.repeat(254)}!`],
  ['^(a|a?)+$', `${'a'.repeat(254)}!`],
  ['(x+x+)+y', 'x'.repeat(255)],
  ['^(a+){10,20}$', `${'a'.repeat(254)}!`],
  ['^(.*a){25}$', `${'a'.repeat(254)}!`],
  ['(?i)^(a*)*b$', 'A'.repeat(255)],
  [`${'a?'.repeat(60)}${'a'.repeat(60)}$`, `${'a'.repeat(59)}!`],
  [`^${'(a|a)'.repeat(60)}$`, `${'a'.repeat(60)}!`],
  [`^${'a{0,2}'.repeat(60)}$`, `${'a'.repeat(60)}!`],
  ['^(?!amq)(a|aa)+$', `${'a'.repeat(254)}!`],
  ['(?=(a+)+b)a', 'a'.repeat(255)],
  ['(?<=(a+)+b)a', 'a'.repeat(255)],
  ['.*.*.*.*.*=.*!', '='.repeat(255)],
  // Quadratic, which a long text makes long.
  ['.*x.*y', 'x'.repeat(60_000)],
  ['a*b', 'a'.repeat(60_000)],
]
/** Many of them take less. */
const MS_MAX = 1_000

test('no pattern takes long, whatever the name', () => {
  for (const [source, text] of EVIL) {
    const startedMs = process.cpuUsage().user / 1_000
    assert.equal(compilePattern(source)!.test(text), false, source)
    assert.ok(process.cpuUsage().user / 1_000 - startedMs < MS_MAX, source)
  }
})

test('what cannot be matched in time is invalid; what is usual is not', () => {
  for (const source of ['^(a+)+\\1$', '^(a{1,99}){1,99}$', `${'('.repeat(3_000)}a+${')+'.repeat(3_000)}`]) {
    assert.equal(compilePattern(source), null, source.slice(0, 40))
  }
  const usual = [
    '',
    '.*',
    '^amq\\.',
    '^(tmp|test)-.*$',
    '^(?!amq\\.).*',
    '(a)\\1',
    '^[a-z]+\\.[0-9]{1,5}$',
    '[(+)+]+',
    'x{900}',
  ]
  for (const source of usual) assert.notEqual(compilePattern(source), null, source)
})

test('a pattern that could take ages matches as any other, however often it met names that are slow', () => {
  const pattern = compilePattern('^([a-z]+\\.)+prod$')!
  for (let i = 0; i < 10; i++) {
    assert.ok(!pattern.test(`${'a.'.repeat(120)}!`))
    assert.ok(pattern.test('orders.eu.prod'))
    assert.ok(!pattern.test('orders.eu.test'))
  }
})

const atom = fc.constantFrom(
  'a',
  'b',
  'é',
  '😀',
  '.',
  '[ab]',
  '[^a]',
  '\\w',
  '\\W',
  '\\.',
  '\\u0061',
  '\\n',
  '\\p{L}',
  '[\\]a-]',
)
const edge = fc.constantFrom('^', '$', '\\b', '\\B')
const quantifier = fc.constantFrom('', '', '*', '+', '?', '{2}', '{1,2}', '{0,}', '*?', '+?')
const { expression } = fc.letrec<{ expression: string; part: string }>((tie) => ({
  part: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.tuple(atom, quantifier).map((texts) => texts.join('')),
    edge,
    fc
      .tuple(fc.constantFrom('(', '(?:', '(?<n>'), tie('expression'), fc.constant(')'), quantifier)
      .map((texts) => texts.join('')),
    fc
      .tuple(fc.constantFrom('(?=', '(?!', '(?<=', '(?<!'), tie('expression'), fc.constant(')'))
      .map((texts) => texts.join('')),
  ),
  expression: fc
    .array(fc.array(tie('part'), { maxLength: 3 }), { minLength: 1, maxLength: 2 })
    .map((options) => options.map((parts) => parts.join('')).join('|')),
}))

test('in steps it matches what the platform matches', () => {
  const flags = fc.constantFrom('u', 'iu', 'mu', 'su', '', 'i')
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'A', 'é', '😀', '.', '\n', '-'), maxLength: 6 })
  let comparedCount = 0
  fc.assert(
    fc.property(expression, flags, fc.array(text, { minLength: 3, maxLength: 5 }), (source, options, texts) => {
      let platform: RegExp
      try {
        platform = new RegExp(source, options)
      } catch {
        // Two groups of one name; a property of characters in the loose syntax is fine.
        return
      }
      const steps = linearPattern(readPattern(platform.source, platform.unicode)!, options)
      if (steps === null) return
      comparedCount++
      for (const each of texts) {
        // V8 also looks between the halves of a character for what takes none.
        if (/\\B|\(\?<?[=!]/.test(source) && each.includes('😀')) continue
        assert.equal(steps.test(each), platform.test(each), JSON.stringify([source, options, each]))
      }
    }),
    { numRuns: 3_000 },
  )
  assert.ok(comparedCount > 1_000, `${comparedCount}`)
})

test('an escaped text matches itself', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1 }), (text) => compilePattern(`^${escapePattern(text)}$`)?.test(text) === true),
  )
})
