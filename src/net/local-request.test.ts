import assert from 'node:assert/strict'
import { hostname } from 'node:os'
import { test } from 'node:test'
import { isLocalRequest, isOwnPage } from './local-request.ts'

test('requests to names of this machine, of programs or of pages that come from it, are local', () => {
  for (const host of [
    'localhost',
    'localhost:15672',
    '127.0.0.1:15672',
    '127.8.8.8',
    '[::1]:15672',
    'a.localhost',
    hostname(),
  ]) {
    assert.equal(isLocalRequest({ host }), true, host)
    assert.equal(isLocalRequest({ host, origin: `http://${host}` }), true, host)
  }
  assert.equal(isLocalRequest({}), true)
  assert.equal(isLocalRequest({ host: 'localhost:15675', origin: 'http://localhost:3000' }), true)
})

test('a name that was pointed at this machine, a page of another site, and a proxy are not', () => {
  for (const host of [
    'evil.example',
    '127.0.0.1.evil.example',
    'localhost.evil.example:15672',
    '192.0.2.1',
    'a b',
    '127.evil.example',
  ]) {
    assert.equal(isLocalRequest({ host }), false, host)
  }
  for (const origin of ['http://evil.example', 'https://localhost.evil.example', 'null', '']) {
    assert.equal(isLocalRequest({ host: 'localhost', origin }), false, origin)
  }
  for (const name of ['forwarded', 'x-forwarded-for', 'x-forwarded-host', 'x-real-ip']) {
    assert.equal(isLocalRequest({ host: 'localhost', [name]: '192.0.2.1' }), false, name)
  }
})

test('pages of the host that is asked are its own, on any port; those of others are not', () => {
  const host = 'broker.example:15676'
  for (const origin of ['https://broker.example', 'http://BROKER.example:8080'])
    assert.ok(isOwnPage({ host, origin }), origin)
  for (const origin of ['https://evil.example', 'https://broker.example.evil.example', 'null', '']) {
    assert.ok(!isOwnPage({ host, origin }), origin)
  }
  assert.ok(isOwnPage({ host }), 'a program')
  assert.ok(!isOwnPage({ origin: 'https://evil.example' }))
})
