import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from './clock.ts'
import { createLogger, LogLevels, RecordingSink, SILENT_LOGGER } from './log.ts'

test('lines carry time, level, category and the fields of the logger and of the call', () => {
  const sink = new RecordingSink()
  const logger = createLogger({ sink, levels: new LogLevels(), clock: new ManualClock(5) })
  logger.child('connection').with({ peer: '127.0.0.1' }).warning('gone', { ms: 3 })
  assert.deepEqual(sink.records, [
    { timeMs: 5, level: 'warning', category: 'connection', text: 'gone', fields: { peer: '127.0.0.1', ms: 3 } },
  ])
})

test('levels are per category and change while loggers are in use', () => {
  const sink = new RecordingSink()
  const levels = new LogLevels('warning')
  const logger = createLogger({ sink, levels, clock: new ManualClock() })
  const queue = logger.child('queue')
  queue.info('one')
  levels.set('queue', 'debug')
  queue.debug('two')
  logger.info('three')
  levels.setCommon('info')
  logger.info('four')
  levels.set('queue', 'none')
  queue.critical('five')
  levels.set('queue', undefined)
  assert.equal(queue.isEnabled('info'), true)
  assert.deepEqual(sink.lines(), ['debug queue two', 'info default four'])
})

test('a recording sink keeps the newest lines', () => {
  const sink = new RecordingSink(10)
  const logger = createLogger({ sink, levels: new LogLevels(), clock: new ManualClock() })
  for (let i = 0; i < 100; i++) logger.info(String(i))
  assert.ok(sink.records.length < 20)
  assert.equal(sink.records.at(-1)?.text, '99')
})

test('the silent logger is silent in all its children', () => {
  assert.equal(SILENT_LOGGER.child('queue').with({ a: 1 }).isEnabled('critical'), false)
})
