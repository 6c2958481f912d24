// What hostile pages and clients send to the HTTP API: every reply has the protective headers, also where there is no request
// to reply to, and pages of other sites change nothing.
import assert from 'node:assert/strict'
import net from 'node:net'
import { after, before, test } from 'node:test'
import { ManagedBroker } from './managed-broker.ts'

const HEADERS = ['content-security-policy', 'x-content-type-options', 'x-frame-options', 'referrer-policy']
const LOGIN = `authorization: Basic ${btoa('guest:guest')}\r\n`
let broker: ManagedBroker

before(async () => {
  broker = await ManagedBroker.start()
})

after(() => broker.stop())

/** The whole answer to these bytes; the broker is asked to close, or does so itself. */
async function answerTo(bytes: string): Promise<string> {
  const socket = net.connect(Number(new URL(broker.base).port), '127.0.0.1')
  socket.on('error', () => undefined)
  let text = ''
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    text += chunk
  })
  socket.write(bytes)
  await new Promise((resolve) => socket.on('close', resolve))
  return text
}

function request(line: string, headers: string, body = ''): string {
  return `${line} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n${headers}\r\n${body}`
}

test('replies of every kind have the protective headers', async () => {
  const broken: readonly [status: number, bytes: string][] = [
    [200, request('GET /api/whoami', LOGIN)],
    [200, request('GET /', '')],
    [401, request('GET /api/whoami', '')],
    [404, request('GET /no/such/file.js', '')],
    [405, request('PATCH /api/overview', LOGIN)],
    [404, request('OPTIONS *', '')],
    [400, 'GET /api/whoami HTTP/1.1\r\nconnection: close\r\n\r\n'],
    [400, '\x16\x03\x01\0\0\r\n\r\n'],
    [400, request('POST /api/login', 'content-length: 4\r\ntransfer-encoding: chunked\r\n', '0\r\n\r\n')],
    [400, request('PUT /api/users/x', `${LOGIN}content-length: 90000000\r\n`)],
    [417, request('PUT /api/users/x', `${LOGIN}expect: nothing\r\ncontent-length: 0\r\n`)],
    [431, request('GET /api/whoami', `x-long: ${'x'.repeat(20_000)}\r\n`)],
  ]
  for (const [status, bytes] of broken) {
    const answer = await answerTo(bytes)
    const head = answer.split('\r\n\r\n', 1)[0]!
    assert.match(head, new RegExp(`^HTTP/1.1 ${status} `), bytes.slice(0, 100))
    for (const name of HEADERS) assert.match(head.toLowerCase(), new RegExp(`\r\n${name}: `), `${name} of ${head}`)
  }
})

test('who has not logged in sends no large bodies', async () => {
  const answer = await answerTo(request('POST /api/login', 'content-length: 100000\r\n'))
  assert.match(answer, /^HTTP\/1.1 400 .*payload_too_large/s)
})

test('a form of another site changes nothing, with a name and password that the browser keeps', async () => {
  const body = JSON.stringify({
    queues: [{ vhost: '/', name: 'forged', durable: true, auto_delete: false, arguments: {} }],
  })
  const post = (headers: string): Promise<string> => {
    const length = `content-length: ${body.length}\r\ncontent-type: text/plain\r\n`
    return answerTo(request('POST /api/definitions', LOGIN + length + headers, body))
  }
  // Of this machine, so that guest may log in; a page of another port is another origin all the same.
  assert.match(await post('origin: http://localhost:8080\r\n'), /^HTTP\/1.1 403 .*"forbidden"/s)
  assert.match(await post('sec-fetch-site: cross-site\r\n'), /^HTTP\/1.1 403 /)
  assert.equal((await broker.get('queues/%2F/forged')).status, 404)
  assert.match(await post(''), /^HTTP\/1.1 204 /)
  assert.equal((await broker.get('queues/%2F/forged')).status, 200)
})
