import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as spec from './spec.ts'
import { classIdOf, isMethodId, METHODS, methodIdOf, methodName, methodRow } from './spec.ts'

/** The methods of the specification and RabbitMQ's, written down a second time and in decimal. */
const NUMBERS = `
  connection start 10 10, start-ok 10 11, secure 10 20, secure-ok 10 21, tune 10 30, tune-ok 10 31, open 10 40,
    open-ok 10 41, close 10 50, close-ok 10 51, blocked 10 60, unblocked 10 61, update-secret 10 70, update-secret-ok 10 71,
  channel open 20 10, open-ok 20 11, flow 20 20, flow-ok 20 21, close 20 40, close-ok 20 41,
  access request 30 10, request-ok 30 11,
  exchange declare 40 10, declare-ok 40 11, delete 40 20, delete-ok 40 21, bind 40 30, bind-ok 40 31, unbind 40 40, unbind-ok 40 51,
  queue declare 50 10, declare-ok 50 11, bind 50 20, bind-ok 50 21, purge 50 30, purge-ok 50 31, delete 50 40,
    delete-ok 50 41, unbind 50 50, unbind-ok 50 51,
  basic qos 60 10, qos-ok 60 11, consume 60 20, consume-ok 60 21, cancel 60 30, cancel-ok 60 31, publish 60 40,
    return 60 50, deliver 60 60, get 60 70, get-ok 60 71, get-empty 60 72, ack 60 80, reject 60 90,
    recover-async 60 100, recover 60 110, recover-ok 60 111, nack 60 120,
  confirm select 85 10, select-ok 85 11,
  tx select 90 10, select-ok 90 11, commit 90 20, commit-ok 90 21, rollback 90 30, rollback-ok 90 31`

test('the table has every method, with its numbers and its constant', () => {
  const expected: string[] = []
  let className = ''
  for (const entry of NUMBERS.trim().split(/,\s*/)) {
    const words = entry.split(' ')
    if (words.length === 4) className = words.shift()!
    expected.push(`${className}.${words[0]} ${words[1]}/${words[2]}`)
  }
  assert.deepEqual(
    METHODS.map((row) => `${row.name} ${classIdOf(row.id)}/${methodIdOf(row.id)}`),
    expected,
  )
  for (const row of METHODS) {
    const constant = row.name.toUpperCase().replace(/[.-]/g, '_')
    assert.equal(Reflect.get(spec, constant), row.id, constant)
  }
})

test('ids are unique, names follow from them', () => {
  assert.equal(new Set(METHODS.map((row) => row.id)).size, METHODS.length)
  assert.equal(methodName(spec.BASIC_GET_OK), 'basic.get-ok')
  assert.equal(methodName((50 << 16) | 99), '50.99')
  assert.equal(isMethodId(spec.QUEUE_DECLARE), true)
  assert.equal(isMethodId((50 << 16) | 99), false)
  assert.equal(methodRow(0), undefined)
})

test('content follows publish, return, deliver and get-ok alone', () => {
  assert.deepEqual(
    METHODS.filter((row) => row.content).map((row) => row.name),
    ['basic.publish', 'basic.return', 'basic.deliver', 'basic.get-ok'],
  )
})

test('a synchronous method has a reply', () => {
  const names = new Set<string>(METHODS.map((row) => row.name))
  for (const row of METHODS) if (row.sync) assert.ok(names.has(`${row.name}-ok`), row.name)
})
