import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nextRotationMs, parseRotationDate } from './rotation-date.ts'

/** Local times, as people write them. */
function next(text: string, ...now: [year: number, month: number, day: number, hour: number, minute: number]): string {
  const [year, month, day, hour, minute] = now
  const at = new Date(nextRotationMs(parseRotationDate(text)!, new Date(year, month - 1, day, hour, minute).getTime()))
  return [at.getFullYear(), at.getMonth() + 1, at.getDate(), at.getHours(), at.getMinutes()].join(' ')
}

test('the next time after now', () => {
  assert.equal(next('$D0', 2026, 1, 31, 12, 0), '2026 2 1 0 0')
  assert.equal(next('$D0', 2026, 2, 1, 0, 0), '2026 2 2 0 0', 'now is not after now')
  assert.equal(next('$D23', 2026, 1, 31, 12, 0), '2026 1 31 23 0')
  // A Saturday.
  assert.equal(next('$W0D23', 2026, 1, 31, 12, 0), '2026 2 1 23 0')
  assert.equal(next('$W6', 2026, 1, 31, 12, 0), '2026 2 7 0 0')
  assert.equal(next('$M1D5', 2026, 1, 31, 12, 0), '2026 2 1 5 0')
  assert.equal(next('$M31', 2026, 1, 31, 12, 0), '2026 2 28 0 0', 'the last day of a short month')
  assert.equal(next('$H30', 2026, 1, 31, 23, 45), '2026 2 1 0 30')
})

test('what no clock shows is refused', () => {
  for (const text of ['', 'D0', '$D24', '$W7', '$M0', '$M32', '$H60', '$D', '$D0 ']) {
    assert.equal(parseRotationDate(text), undefined, text)
  }
})
