import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ApiRequest, Endpoint, Reply } from '../http/endpoint.ts'
import { consoleEndpoints } from './console-endpoints.ts'
import type { ConsoleFile } from './console-files.ts'

const PAGE: ConsoleFile = {
  type: 'text/html; charset=utf-8',
  bytes: Buffer.from('<!doctype html>'),
  gzip: Buffer.from('gzip'),
  brotli: Buffer.from('brotli'),
  isImmutable: false,
}
const SCRIPT: ConsoleFile = { ...PAGE, type: 'text/javascript; charset=utf-8', isImmutable: true }

async function get(endpoints: readonly Endpoint[], path: string, headers: Record<string, string> = {}): Promise<Reply> {
  const endpoint = endpoints.find((candidate) => candidate.path === path)
  assert.ok(endpoint !== undefined, path)
  const request: Pick<ApiRequest, 'header' | 'param'> = { header: (name) => headers[name], param: () => 'main-1a2b.js' }
  // These endpoints look at nothing else.
  return await endpoint.handle(request as ApiRequest<never>)
}

const BUILT = consoleEndpoints(
  new Map([
    ['index.html', PAGE],
    ['assets/main-1a2b.js', SCRIPT],
  ]),
  '/prefix',
)

test('the best encoding that the browser takes is sent', async () => {
  const brotli = await get(BUILT, '/', { 'accept-encoding': 'gzip, deflate, br' })
  assert.equal(brotli.headers?.['content-encoding'], 'br')
  assert.equal(String(brotli.bytes), 'brotli')
  const gzip = await get(BUILT, '/', { 'accept-encoding': 'gzip' })
  assert.equal(gzip.headers?.['content-encoding'], 'gzip')
  const plain = await get(BUILT, '/')
  assert.equal(plain.headers?.['content-encoding'], undefined)
  assert.equal(String(plain.bytes), '<!doctype html>')
})

test('files with a hash in their name are kept for ever, the page is asked for again', async () => {
  assert.match((await get(BUILT, '/assets/:file')).headers?.['cache-control'] ?? '', /immutable/)
  const page = await get(BUILT, '/')
  assert.equal(page.headers?.['cache-control'], 'no-cache')
  const again = await get(BUILT, '/', { 'if-none-match': page.headers?.etag ?? '' })
  assert.equal(again.status, 304)
})

test('the policy allows no script and no style but the own files', async () => {
  const policy = (await get(BUILT, '/')).headers?.['content-security-policy'] ?? ''
  assert.match(policy, /default-src 'self'/)
  assert.doesNotMatch(policy, /unsafe/)
})

test('without a built console the page says how to build it', async () => {
  const reply = await get(consoleEndpoints(new Map(), ''), '/')
  assert.equal(reply.status, 503)
  assert.match(String(reply.text), /npm run build:ui/)
})

test('the old address leads to the console behind its prefix', async () => {
  assert.equal((await get(BUILT, '/mgmt')).headers?.location, '/prefix/')
})
