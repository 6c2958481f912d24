import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { escapeText, headerLine, unescapeText } from './escapes.ts'
import { VERSION_10, VERSION_11, VERSION_12, type Version } from './spec.ts'

function unescaped(text: string, version: Version): string {
  const bytes = Buffer.from(text)
  return unescapeText(bytes, 0, bytes.length, version)
}

test('what a version writes it reads', () => {
  const text = fc.string({ unit: fc.constantFrom('a', ':', '\\', '\n', '\r', 'n', 'c', 'é') })
  fc.assert(
    fc.property(text, fc.constantFrom(VERSION_11, VERSION_12), (value, version) => {
      const escaped = escapeText(value, version, false)
      assert.ok(!escaped.includes('\n') && !escaped.includes(':'))
      assert.equal(unescaped(escaped, version), value)
    }),
  )
})

test('escapes of each version', () => {
  assert.equal(unescaped('\\n\\c\\\\', VERSION_10), '\\n\\c\\\\')
  assert.equal(unescaped('\\n\\c\\\\', VERSION_11), '\n:\\')
  assert.equal(unescaped('\\r', VERSION_12), '\r')
  assert.throws(() => unescaped('\\r', VERSION_11), /Invalid frame/)
  assert.throws(() => unescaped('\\t', VERSION_12), /Invalid frame/)
  assert.throws(() => unescaped('a\\', VERSION_12), /Invalid frame/)
})

test('a header of version 1.0 cannot end its line or its name', () => {
  assert.equal(headerLine('a:b', 'c\nd:e', VERSION_10), 'a\\cb:c\\nd:e\n')
  assert.equal(headerLine('a', 'b\u0000', VERSION_12), '', 'no version can carry a NUL')
})
