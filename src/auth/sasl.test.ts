import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Arguments, stringValue } from '../model/values/arguments.ts'
import type { LoginSource } from './identity.ts'
import { readResponse, type SaslMechanism } from './sasl.ts'

const LOCAL: LoginSource = { remoteAddress: '127.0.0.1', isLoopback: true, protocol: 'amqp091' }

function read(mechanism: SaslMechanism, response: string | null, table?: Arguments, source = LOCAL): unknown {
  return readResponse(mechanism, response === null ? null : Buffer.from(response), source, () => {
    if (table === undefined) throw new Error('cut short')
    return table
  })
}

test('PLAIN: user and password, any characters but NUL', () => {
  assert.deepEqual(read('PLAIN', '\0guest\0gu:é st'), { kind: 'password', user: 'guest', password: 'gu:é st' })
  assert.deepEqual(read('PLAIN', '\0guest\0'), { kind: 'password', user: 'guest', password: '' })
  assert.deepEqual(read('PLAIN', 'guest\0guest\0x'), { kind: 'password', user: 'guest', password: 'x' })
})

test('PLAIN: what is no response of it says so, without repeating it', () => {
  for (const response of ['', 'secret', '\0secret', '\0user\0secret\0', 'other\0user\0secret', null]) {
    assert.deepEqual(read('PLAIN', response), { kind: 'malformed', text: 'PLAIN response invalid' })
  }
})

test('AMQPLAIN: LOGIN and PASSWORD of the table, as text or bytes', () => {
  const table: Arguments = new Map([
    ['LOGIN', stringValue('guest')],
    ['PASSWORD', { type: 'binary', value: Buffer.from('secret') }],
  ])
  assert.deepEqual(read('AMQPLAIN', 'x', table), { kind: 'password', user: 'guest', password: 'secret' })
})

test('AMQPLAIN: a missing field and a broken table are malformed', () => {
  const missing = { kind: 'malformed', text: 'AMQPLAIN auth info is missing LOGIN or PASSWORD field' }
  assert.deepEqual(read('AMQPLAIN', 'x', new Map([['LOGIN', stringValue('guest')]])), missing)
  assert.deepEqual(read('AMQPLAIN', 'x'), { kind: 'malformed', text: 'AMQPLAIN response invalid: cut short' })
})

test('EXTERNAL takes the name of the certificate, and nothing without one', () => {
  const withCertificate = { ...LOCAL, certificateUser: 'CN=client' }
  assert.deepEqual(read('EXTERNAL', null, undefined, withCertificate), { kind: 'external', user: 'CN=client' })
  assert.equal((read('EXTERNAL', 'somebody') as { kind: string }).kind, 'malformed')
})
