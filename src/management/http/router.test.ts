import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ApiError } from './api-error.ts'
import { type Method, Router } from './router.ts'

function router(...routes: readonly (readonly [Method, string])[]): Router<{ method: Method; path: string }> {
  return new Router(routes.map(([method, path]) => ({ method, path })))
}

test('a literal wins over a parameter, and steps back when it leads nowhere', () => {
  const routes = router(['GET', '/a/:x'], ['GET', '/a/b'], ['GET', '/a/b/c'], ['PUT', '/a/:x/d'])
  assert.equal(routes.find('GET', '/a/b')?.route?.path, '/a/b')
  assert.deepEqual(routes.find('GET', '/a/z')?.params, { x: 'z' })
  assert.equal(routes.find('PUT', '/a/b/d')?.route?.path, '/a/:x/d')
  assert.equal(routes.find('GET', '/a/b/e'), undefined)
})

test('segments are decoded after they are cut', () => {
  const routes = router(['GET', '/q/:vhost/:name'])
  assert.deepEqual(routes.find('GET', '/q/%2F/a%2Fb%25')?.params, { vhost: '/', name: 'a/b%' })
  assert.deepEqual(routes.find('GET', '/q//')?.params, undefined)
  assert.throws(() => routes.find('GET', '/q/%2F/%ff'), ApiError)
})

test('a known path with another method names the methods it has', () => {
  const found = router(['GET', '/x'], ['PUT', '/x']).find('DELETE', '/x')
  assert.equal(found?.route, undefined)
  assert.deepEqual(found?.methods, ['GET', 'PUT'])
})

test('parameters of one place may have different names per method', () => {
  const routes = router(['GET', '/p/:a'], ['PUT', '/p/:b'])
  assert.deepEqual(routes.find('PUT', '/p/1')?.params, { b: '1' })
})
