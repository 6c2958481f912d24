import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { SILENT_LOGGER } from '../../base/log.ts'
import { NO_EXPIRATION } from '../../model/message/message.ts'
import { createMemoryMetadata } from '../../storage/metadata-memory.ts'
import { RetainedMessages, type RetainedRecord } from './retained.ts'
import { matchesWords, TopicNames } from './topics.ts'

const names = new TopicNames(false)

function record(payload: string, expirationMs = NO_EXPIRATION): RetainedRecord {
  return { payload, properties: '', qos: 0, publishedAtMs: 1000, expirationMs }
}

function store(limits = { countMax: 100, bytesMax: 1 << 20 }): RetainedMessages {
  const metadata = createMemoryMetadata()
  metadata.transact([], [{ op: 'put', key: ['vhost', '/'], value: {} }], () => undefined)
  return new RetainedMessages(metadata, limits, SILENT_LOGGER)
}

const noError = (error: Error | null): void => assert.equal(error, null)

test('a filter finds what it matches, whatever came and went', () => {
  const word = fc.constantFrom('a', 'b', '', '$s')
  const key = fc.array(word, { minLength: 1, maxLength: 3 }).map((words) => words.join('.'))
  const filter = fc.constantFrom('#', '+', 'a/#', '+/b', 'a/+', '$s/#', 'a', '/', '+/+/#', '/#')
  const operation = fc.tuple(fc.boolean(), key)
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 30 }), filter, (operations, pattern) => {
      const retained = store()
      const model = new Set<string>()
      for (const [isPut, each] of operations) {
        if (isPut) {
          model.add(each)
          retained.put('/', each, record('x'), noError)
        } else {
          model.delete(each)
          retained.drop('/', each, noError)
        }
      }
      const words = names.words(pattern)
      const expected = [...model].filter((each) => matchesWords(words, each.split('.'))).sort()
      assert.deepEqual(retained.match('/', words).sort(), expected)
      assert.equal(retained.count, model.size)
    }),
  )
})

test('bounded by number and bytes; replacing is always possible', () => {
  const retained = store({ countMax: 2, bytesMax: 1000 })
  for (const key of ['a', 'b', 'c']) retained.put('/', key, record('x'), noError)
  assert.equal(retained.count, 2)
  assert.equal(retained.refusedCount, 1)
  retained.put('/', 'a', record('y'), noError)
  assert.equal(retained.get('/', 'a', 0)?.payload, 'y')
  retained.put('/', 'a', record('z'.repeat(2000)), noError)
  assert.equal(retained.get('/', 'a', 0)?.payload, 'y')
  retained.drop('/', 'a', noError)
  retained.drop('/', 'b', noError)
  assert.equal(retained.byteCount, 0)
})

test('an expired message is not found, and goes', () => {
  const retained = store()
  retained.put('/', 'a', record('x', 500), noError)
  assert.notEqual(retained.get('/', 'a', 1499), undefined)
  assert.equal(retained.get('/', 'a', 1500), undefined)
  assert.equal(retained.count, 0)
})

test('goes with its vhost', () => {
  const metadata = createMemoryMetadata()
  metadata.transact([], [{ op: 'put', key: ['vhost', '/'], value: {} }], () => undefined)
  const retained = new RetainedMessages(metadata, { countMax: 10, bytesMax: 10_000 }, SILENT_LOGGER)
  retained.put('/', 'a', record('x'), noError)
  retained.put('other', 'a', record('x'), (error) => assert.notEqual(error, null))
  metadata.transact([], [{ op: 'drop-prefix', key: ['kept', '/'] }], () => undefined)
  assert.equal(retained.count, 0)
  assert.deepEqual(retained.match('/', names.words('#')), [])
})

test('a message is seen before it is stored, and no more when it cannot be', () => {
  const metadata = createMemoryMetadata()
  const waiting: (() => void)[] = []
  const transact = metadata.transact.bind(metadata)
  metadata.transact = (guards, ops, done) => void waiting.push(() => transact(guards, ops, done))
  const retained = new RetainedMessages(metadata, { countMax: 10, bytesMax: 1 << 20 }, SILENT_LOGGER)
  const matches = () => retained.match('/', names.words('a/#')).map((key) => retained.get('/', key, 1000)?.payload)
  const errors: (Error | null)[] = []
  // There is no such vhost yet, so the store refuses.
  retained.put('/', 'a.b', record('refused'), (error) => errors.push(error))
  assert.deepEqual(matches(), ['refused'])
  waiting.shift()?.()
  assert.deepEqual(matches(), [])
  assert.ok(errors[0] instanceof Error)
  transact([], [{ op: 'put', key: ['vhost', '/'], value: {} }], () => undefined)
  retained.put('/', 'a.b', record('first'), noError)
  retained.put('/', 'a.b', record('second'), noError)
  assert.deepEqual(matches(), ['second'])
  waiting.shift()?.()
  assert.deepEqual(matches(), ['second'])
  retained.drop('/', 'a.b', noError)
  assert.deepEqual(matches(), [])
  for (const store of waiting) store()
  assert.deepEqual(matches(), [])
  assert.equal(retained.count, 0)
})
