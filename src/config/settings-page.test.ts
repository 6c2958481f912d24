import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { settingRows } from './settings.ts'
import { replaceGenerated } from './settings-page.ts'

/** The page, wherever the tests were built to. */
function page(): string {
  let folder = new URL('.', import.meta.url)
  while (!existsSync(new URL('package.json', folder))) folder = new URL('..', folder)
  return readFileSync(new URL('docs/configuration.md', folder), 'utf8')
}

test('docs/configuration.md is current: run npm run docs:settings', () => {
  assert.equal(replaceGenerated(page()), page())
})

test('the page names every key', () => {
  const text = page()
  for (const { key } of settingRows()) assert.ok(text.includes(`\`${key.replace(/\$(\w+)/g, '<$1>')}\``), key)
})

test('a page without marks is refused', () => {
  assert.throws(() => replaceGenerated('# nothing'), /lost the marks/)
})
