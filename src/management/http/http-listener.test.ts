import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import type { IncomingMessage, ServerResponse } from 'node:http'
import net from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { SILENT_LOGGER } from '../../base/log.ts'
import { HttpListener } from './http-listener.ts'

const LARGE_BYTES = 64 * 2 ** 20
let listener: HttpListener
let gaveUp: () => void
/** The large reply, which nobody reads and no buffer holds, came to an end. */
const largeEnded = new Promise<void>((resolve) => {
  gaveUp = resolve
})

before(async () => {
  const handler = (request: IncomingMessage, response: ServerResponse): void => {
    if (request.url === '/large') {
      response.on('close', gaveUp)
      return void response.end(Buffer.alloc(LARGE_BYTES))
    }
    request.resume().on('end', () => response.end('done'))
  }
  const times = { headersMs: 100, requestMs: 200, keepAliveMs: 100, idleMs: 400, checkEveryMs: 20 }
  listener = new HttpListener({ name: 'http', host: '127.0.0.1', port: 0, times }, handler, SILENT_LOGGER)
  await listener.listen()
})

after(() => listener.close())

/** What the listener says until it closes the connection. */
async function answerTo(first: string, drips: string): Promise<string> {
  const socket = net.connect(listener.port, '127.0.0.1')
  socket.on('error', () => undefined)
  let text = ''
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1')
  })
  socket.write(first)
  const dripping = drips === '' ? undefined : setInterval(() => socket.write(drips), 20)
  await once(socket, 'close')
  clearInterval(dripping)
  return text
}

test('headers that drip in are cut off with 408', async () => {
  assert.match(await answerTo('GET / HTTP/1.1\r\nhost: x\r\n', 'x-drip: 1\r\n'), /^HTTP\/1.1 408 /)
})

test('a body that drips in is cut off with 408', async () => {
  const head = 'POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n'
  assert.match(await answerTo(head, 'x'), /^HTTP\/1.1 408 /)
})

test('a connection that says nothing is closed, and so is one between requests', async () => {
  assert.match(await answerTo('', ''), /^(HTTP\/1.1 408 |$)/)
  assert.match(await answerTo('GET / HTTP/1.1\r\nhost: x\r\n\r\n', ''), /done/)
})

test('a reply that is not read is given up', async () => {
  const socket = net.connect(listener.port, '127.0.0.1')
  socket.on('error', () => undefined)
  socket.write('GET /large HTTP/1.1\r\nhost: x\r\n\r\n')
  socket.pause()
  await largeEnded
  socket.destroy()
})

test('only the owner may open a local socket, whatever else this process makes', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'warren-socket-'))
  const socketPath = join(folder, 'ctl.sock')
  const local = new HttpListener({ name: 'local', host: null, port: 0, socketPath }, () => undefined, SILENT_LOGGER)
  const umask = process.umask(0)
  try {
    await local.listen()
    assert.equal(statSync(socketPath).mode & 0o777, 0o600)
    assert.equal(process.umask(), 0, 'as before')
  } finally {
    process.umask(umask)
    await local.close()
    rmSync(folder, { recursive: true })
  }
})
