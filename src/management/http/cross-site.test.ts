import assert from 'node:assert/strict'
import type { IncomingHttpHeaders } from 'node:http'
import { test } from 'node:test'
import { isForgeable } from './cross-site.ts'

const HOST = 'broker.example:15672'
const FORM = { host: HOST, 'content-type': 'text/plain' }

function forgeable(headers: IncomingHttpHeaders, method = 'POST', origins: readonly string[] = []): boolean {
  return isForgeable(method, { ...FORM, ...headers }, origins)
}

test('a form of another site is refused, however the browser names it', () => {
  for (const origin of ['https://evil.example', 'http://broker.example', 'http://broker.example:80', 'null']) {
    assert.ok(forgeable({ origin }), origin)
  }
  for (const site of ['cross-site', 'same-site']) assert.ok(forgeable({ 'sec-fetch-site': site }), site)
  for (const type of ['', 'multipart/form-data; boundary=x', 'Text/Plain;charset=UTF-8']) {
    assert.ok(forgeable({ origin: 'https://evil.example', 'content-type': type }), type)
  }
  assert.ok(forgeable({ origin: 'https://evil.example' }, 'POST', ['*']), 'a wildcard names nobody')
})

test('own pages, named origins, programs, reading, and what a form cannot send are not', () => {
  assert.ok(!forgeable({}), 'a program')
  assert.ok(!forgeable({ origin: `http://${HOST}` }), 'a page of ours')
  assert.ok(!forgeable({ origin: 'https://proxy.example', 'sec-fetch-site': 'same-origin' }), 'behind a proxy')
  assert.ok(!forgeable({ origin: 'https://proxy.example', 'x-warren-session': '1' }), 'the console')
  assert.ok(!forgeable({ origin: 'https://app.example' }, 'POST', ['https://app.example']))
  assert.ok(!forgeable({ origin: 'https://evil.example' }, 'GET'))
  assert.ok(!forgeable({ origin: 'https://evil.example', 'content-type': 'application/json' }))
})
