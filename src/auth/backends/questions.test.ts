import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../base/clock.ts'
import { createLogger, LogLevels, type LogRecord } from '../../base/log.ts'
import { TimerWheel } from '../../base/timer-wheel.ts'
import { QUESTIONS_MAX, Questions } from './questions.ts'

function scene(): { questions: Questions; clock: ManualClock; lines: LogRecord[] } {
  const clock = new ManualClock()
  const lines: LogRecord[] = []
  const logger = createLogger({ sink: { write: (line) => lines.push(line) }, levels: new LogLevels('debug'), clock })
  const timers = new TimerWheel(clock, (error) => assert.fail(String(error)))
  return { questions: new Questions({ timers, clock, logger }), clock, lines }
}

const NEVER = (): Promise<never> => new Promise(() => undefined)

test('a question that takes too long is given up, and who is asked is told', async () => {
  const { questions, clock } = scene()
  let isTold = false
  const asked = questions.ask('b', 100, (signal) => {
    signal.addEventListener('abort', () => {
      isTold = true
    })
    return NEVER()
  })
  clock.advance(100)
  await assert.rejects(asked, /no answer within 100 ms/)
  assert.equal(isTold, true)
  assert.deepEqual(questions.counters.get('b'), {
    waiting: 0,
    answered: 0,
    failed: 1,
    timedOut: 1,
    dropped: 0,
    answeredMs: 0,
  })
})

test('one too many is not asked', async () => {
  const { questions } = scene()
  for (let n = 0; n < QUESTIONS_MAX; n++) void questions.ask('b', 1000, NEVER)
  await assert.rejects(
    questions.ask('other', 1000, () => Promise.resolve('yes')),
    /are waiting already/,
  )
  assert.equal(questions.countersOf('other').dropped, 1)
  assert.equal(questions.countersOf('b').waiting, QUESTIONS_MAX)
})

test('trouble is logged when it begins and when it is over', async () => {
  const { questions, lines } = scene()
  const fail = (): Promise<never> => Promise.reject(new Error('gone'))
  for (let n = 0; n < 3; n++) await assert.rejects(questions.ask('b', 100, fail), /gone/)
  for (let n = 0; n < 3; n++) assert.equal(await questions.ask('b', 100, () => Promise.resolve('yes')), 'yes')
  assert.deepEqual(
    lines.map(({ level, text }) => `${level} ${text}`),
    [
      'error back end b cannot answer: gone; what it decides is refused until it does',
      'notice back end b answers again',
    ],
  )
})
