import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { FieldValue } from './fields.ts'
import { agreedTuning, capabilitiesOf, loginError, refusesHeader } from './handshake.ts'
import type { Amqp091Settings } from './session.ts'

// Tuning reads these alone.
const SETTINGS = { frameBytesMax: 131_072, channelCountMax: 2047 } as Amqp091Settings

function header(...version: number[]): Buffer {
  return Buffer.from([...Buffer.from('AMQP'), ...version])
}

test('the headers of 0-9-1 and 0-9 are ours', () => {
  assert.equal(refusesHeader(header(0, 0, 9, 1)), null)
  assert.equal(refusesHeader(header(1, 1, 0, 9)), null)
})

test('others are told what is spoken', () => {
  assert.deepEqual(refusesHeader(header(0, 0, 9, 0)), header(0, 0, 9, 1))
  assert.deepEqual(refusesHeader(header(0, 0, 8, 0)), header(3, 1, 0, 0))
  assert.deepEqual(refusesHeader(Buffer.from('GET / HT')), header(3, 1, 0, 0))
})

test('tuning takes what is within the offer', () => {
  assert.deepEqual(agreedTuning({ channelMax: 10, frameMax: 8192, heartbeat: 0 }, SETTINGS), {
    channelCountMax: 10,
    frameBytesMax: 8192,
    heartbeatSeconds: 0,
  })
})

test('without a limit of ours a client may name any, or none', () => {
  const unlimited = { frameBytesMax: 0, channelCountMax: 0 } as Amqp091Settings
  assert.equal(agreedTuning({ channelMax: 0, frameMax: 0, heartbeat: 9 }, unlimited).frameBytesMax, 0)
  assert.equal(
    agreedTuning({ channelMax: 65_535, frameMax: 1_000_000, heartbeat: 9 }, unlimited).channelCountMax,
    65_535,
  )
})

test('capabilities are read from the table of that name, whatever is in it', () => {
  const table = (value: FieldValue) => new Map([['capabilities', value]])
  const bool = (value: boolean): FieldValue => ({ type: 'bool', value })
  const some = new Map([
    ['connection.blocked', bool(true)],
    ['consumer_cancel_notify', { type: 'longstr', value: 'true' } as FieldValue],
  ])
  assert.deepEqual(capabilitiesOf(table({ type: 'table', value: some })), {
    blocked: true,
    cancelNotify: false,
    authenticationFailureClose: false,
  })
  assert.equal(capabilitiesOf(table({ type: 'longstr', value: 'x' })).blocked, false)
})

test('a refused login says no more than the client asked for', () => {
  const refusal = { reason: 'loopback-only' as const, text: 'secret detail', user: 'guest' }
  const quiet = { blocked: false, cancelNotify: false, authenticationFailureClose: false }
  assert.equal(loginError(refusal, 'PLAIN', quiet), null)
  const told = loginError(refusal, 'PLAIN', { ...quiet, authenticationFailureClose: true })
  assert.equal(told?.replyCode, 403)
  assert.doesNotMatch(told?.replyText ?? '', /secret/)
})
