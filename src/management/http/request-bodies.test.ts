import assert from 'node:assert/strict'
import type { IncomingMessage } from 'node:http'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { ApiError } from './api-error.ts'
import { RequestBodies } from './request-bodies.ts'

/** As much of a request as is read here. */
function request(headers: Readonly<Record<string, string>> = {}): PassThrough & IncomingMessage {
  return Object.assign(new PassThrough(), { headers }) as unknown as PassThrough & IncomingMessage
}

function refusedWith(status: number): (error: unknown) => boolean {
  return (error) => error instanceof ApiError && error.status === status
}

test('a body that is too large is refused: by what it announces, or when it gets so far', async () => {
  const bodies = new RequestBodies()
  await assert.rejects(bodies.read(request({ 'content-length': '11' }), 10), refusedWith(400))
  const long = request()
  const reading = bodies.read(long, 10)
  long.write('x'.repeat(6))
  long.write('x'.repeat(6))
  await assert.rejects(reading, refusedWith(400))
})

test('all together are bounded; what is read or given up makes room', async () => {
  const bodies = new RequestBodies(20)
  const [first, second, third] = [request(), request(), request()]
  const readings = [bodies.read(first, 15), bodies.read(second, 15)]
  first.write('x'.repeat(12))
  second.write('y'.repeat(12))
  await assert.rejects(Promise.race(readings.map(async (reading) => void (await reading))), refusedWith(503))
  first.end()
  second.end()
  await Promise.allSettled(readings)
  const reading = bodies.read(third, 20)
  third.end('z'.repeat(20))
  assert.equal(await reading, 'z'.repeat(20))
})
