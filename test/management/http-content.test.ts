// Entity tags and compression of the HTTP API, byte for byte: fetch would hide both.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import http from 'node:http'
import { after, before, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { ManagedBroker } from './managed-broker.ts'

let broker: ManagedBroker
before(async () => {
  broker = await ManagedBroker.start()
  for (let i = 0; i < 50; i++) await broker.put(`queues/%2F/content-${i}`)
})
after(() => broker.stop())

interface Raw {
  readonly status: number
  readonly headers: http.IncomingHttpHeaders
  readonly bytes: Buffer
}

function get(path: string, headers: Record<string, string> = {}, method = 'GET'): Promise<Raw> {
  return new Promise((resolve, reject) => {
    const auth = { authorization: `Basic ${btoa('guest:guest')}` }
    const request = http.request(`${broker.base}${path}`, { method, headers: { ...auth, ...headers } }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, bytes: Buffer.concat(parts) })
      })
    })
    request.on('error', reject)
    request.end()
  })
}

test('what has not changed is not sent again', async () => {
  const first = await get('/api/vhosts/%2F/permissions')
  const { etag } = first.headers
  assert.match(etag!, /^W\/"[\w-]+"$/)
  const again = await get('/api/vhosts/%2F/permissions', { 'if-none-match': `"other", ${etag}` })
  assert.deepEqual([again.status, again.bytes.length, again.headers.etag], [304, 0, etag])
  await broker.put('users/somebody', { password: 'p', tags: '' })
  await broker.put('permissions/%2F/somebody', { configure: '', write: '', read: '' })
  const changed = await get('/api/vhosts/%2F/permissions', { 'if-none-match': etag! })
  assert.equal(changed.status, 200)
  assert.notEqual(changed.headers.etag, etag)
})

test('a failure has no entity tag', async () => {
  const missing = await get('/api/queues/%2F/none')
  assert.deepEqual([missing.status, missing.headers.etag], [404, undefined])
})

test('long replies are compressed for who takes that, whole or in pieces', async () => {
  for (const path of ['/api/queues', '/api/queues?page=1', '/metrics/per-object']) {
    const plain = await get(path)
    assert.equal(plain.headers['content-encoding'], undefined, path)
    const packed = await get(path, { 'accept-encoding': 'br, gzip;q=0.8' })
    assert.equal(packed.headers['content-encoding'], 'gzip', path)
    assert.ok(packed.bytes.length < plain.bytes.length / 4, `${path}: ${packed.bytes.length} of ${plain.bytes.length}`)
    assert.ok(gunzipSync(packed.bytes).toString().includes('content-49'), path)
    const unwilling = await get(path, { 'accept-encoding': 'gzip;q=0, identity' })
    assert.equal(unwilling.headers['content-encoding'], undefined, path)
  }
  assert.equal((await get('/api/whoami', { 'accept-encoding': 'gzip' })).headers['content-encoding'], undefined)
})

test('HEAD tells what GET would, without it', async () => {
  const head = await get('/api/whoami', {}, 'HEAD')
  const { headers } = await get('/api/whoami')
  assert.deepEqual([head.status, head.bytes.length], [200, 0])
  assert.deepEqual([head.headers.etag, head.headers['content-length']], [headers.etag, headers['content-length']])
})

test('a live reply leaves piece by piece, whatever the client could unpack', async () => {
  const headers = { authorization: `Basic ${btoa('guest:guest')}`, 'accept-encoding': 'gzip' }
  const request = http.get(`${broker.base}/api/warren/live?watch=/api/vhosts`, { headers })
  const [response] = (await once(request, 'response')) as [http.IncomingMessage]
  assert.equal(response.headers['content-encoding'], undefined)
  const [first] = (await once(response, 'data')) as [Buffer]
  assert.match(first.toString(), /^event: hello\n/)
  request.destroy()
})
