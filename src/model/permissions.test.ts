import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PermissionTable } from './permissions.ts'
import type { PermissionRecord } from './records/records.ts'
import { compilePattern } from './values/pattern.ts'

function tableWith(...records: Partial<PermissionRecord>[]): PermissionTable {
  const table = new PermissionTable()
  for (const each of records) {
    const record = { vhost: '/', user: 'u', configure: '', write: '', read: '', ...each }
    table.apply({ op: 'put', key: ['permission', record.vhost, record.user], value: record })
  }
  return table
}

function topicRule(table: PermissionTable, write: string, read = '.*'): void {
  const value = { vhost: '/', user: 'u', exchange: 'amq.topic', write, read }
  table.apply({ op: 'put', key: ['topic-permission', '/', 'u', 'amq.topic'], value })
}

test('patterns are unanchored; the empty one is nothing; the default exchange has a name', () => {
  const session = tableWith({ configure: '^own-', write: 'x', read: '' }).session('u', '/')
  assert.equal(session.canConfigure('queue', 'own-a'), true)
  assert.equal(session.canConfigure('queue', 'not-own-a'), false)
  assert.equal(session.canWrite('queue', 'axb'), true)
  assert.equal(session.canRead('queue', 'anything'), false)
  const onDefault = tableWith({ write: '^amq\\.default$' }).session('u', '/')
  assert.equal(onDefault.canWrite('exchange', ''), true)
  assert.equal(onDefault.canRead('exchange', ''), false)
})

test('an invalid pattern denies', () => {
  const session = tableWith({ configure: '(', write: '*', read: '.*' }).session('u', '/')
  assert.deepEqual(
    [session.canConfigure('queue', '('), session.canWrite('queue', '*'), session.canRead('queue', 'q')],
    [false, false, true],
  )
})

test('answers follow changes at once', () => {
  const table = tableWith({ write: '.*' })
  const session = table.session('u', '/')
  const revision = session.revision
  assert.equal(session.canWrite('queue', 'q'), true)
  table.apply({ op: 'put', key: ['permission', '/', 'u'], value: { ...table.of('u', '/'), write: '^a' } })
  assert.notEqual(session.revision, revision)
  assert.equal(session.canWrite('queue', 'q'), false)
  table.apply({ op: 'drop', key: ['permission', '/', 'u'] })
  assert.deepEqual([session.mayEnter(), session.canWrite('queue', 'a')], [false, false])
})

test('dropping all permissions of a vhost leaves those of others', () => {
  const table = tableWith({ vhost: 'a' }, { vhost: 'b' }, { vhost: 'a', user: 'v' })
  table.apply({ op: 'drop-prefix', key: ['permission', 'a'] })
  assert.deepEqual([table.mayEnter('u', 'a'), table.mayEnter('v', 'a'), table.mayEnter('u', 'b')], [false, false, true])
  assert.deepEqual(table.vhostsOf('u'), ['b'])
})

test('more names than are remembered still get the right answers', () => {
  const session = tableWith({ write: '7$' }).session('u', '/')
  for (let round = 0; round < 2; round++) {
    for (let i = 0; i < 1000; i++) assert.equal(session.canWrite('queue', `q${i}`), i % 10 === 7)
  }
})

test('topic permissions: none allows all; a rule decides; variables stand for themselves', () => {
  const table = tableWith({})
  const session = table.session('u', '/', 'client.1')
  assert.equal(session.canWriteTopic('amq.topic', 'any'), true)
  assert.equal(session.hasTopicRules('amq.topic'), false)
  topicRule(table, '^{username}\\.{client_id}\\.', '^b')
  assert.equal(session.hasTopicRules('amq.topic'), true)
  assert.equal(session.canWriteTopic('amq.topic', 'u.client.1.x'), true)
  assert.equal(session.canWriteTopic('amq.topic', 'u.clientX1.x'), false)
  assert.equal(session.canReadTopic('amq.topic', 'b'), true)
  assert.equal(session.canReadTopic('amq.topic', 'a'), false)
  assert.equal(session.canWriteTopic('other', 'any'), true)
  table.apply({ op: 'drop-prefix', key: ['topic-permission', '/'] })
  assert.equal(session.canWriteTopic('amq.topic', 'any'), true)
})

test('patterns written for PCRE', () => {
  assert.equal(compilePattern('(?i)^ABC')?.test('abcd'), true)
  assert.equal(compilePattern('\\Aab\\z')?.test('ab'), true)
  assert.equal(compilePattern('\\Aab\\z')?.test('abc'), false)
  assert.equal(compilePattern('^amq\\-gen')?.test('amq-gen-1'), true)
  assert.equal(compilePattern('^\\\\A')?.test('\\A'), true)
  assert.equal(compilePattern('^.$')?.test('😀'), true)
  assert.equal(compilePattern('('), null)
})
