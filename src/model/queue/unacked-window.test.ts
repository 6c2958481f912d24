import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NO_SOURCE, UnackedWindow } from './unacked-window.ts'

type Step = readonly [kind: 'push' | 'skip' | 'take' | 'upTo' | 'burst', number: number]

const steps = fc.array(
  fc.tuple(fc.constantFrom<Step[0]>('push', 'push', 'skip', 'take', 'take', 'upTo', 'burst'), fc.nat(400)),
  { maxLength: 120 },
)

/** The window as a list of tags. */
class Model {
  readonly live = new Map<number, { source: number; sequence: number }>()
  next = 1
}

function apply([kind, number]: Step, window: UnackedWindow, model: Model): void {
  switch (kind) {
    case 'push':
    case 'burst': {
      const times = kind === 'push' ? 1 : number * 30
      for (let i = 0; i < times; i++) {
        model.live.set(model.next, { source: number, sequence: model.next * 7 })
        assert.equal(window.push(number, model.next * 7), model.next++)
        // Most of a burst is acknowledged at once, so that what stays behind becomes a stray.
        if (i % 50 !== 0) assert.equal(window.take(model.next - 1), model.live.delete(model.next - 1) ? number : 0)
      }
      return
    }
    case 'skip':
      assert.equal(window.pushSettled(), model.next++)
      return
    case 'take': {
      const tag = number % (model.next + 1)
      const known = model.live.get(tag)
      assert.equal(window.has(tag), known !== undefined)
      assert.equal(window.take(tag), known?.source ?? NO_SOURCE)
      if (known !== undefined) assert.equal(window.sequence, known.sequence)
      model.live.delete(tag)
      return
    }
    case 'upTo': {
      const tag = number % (model.next + 1)
      const expected = [...model.live].filter(([live]) => live <= tag)
      const taken: number[] = []
      assert.equal(
        window.takeUpTo(tag, (_source, sequence) => taken.push(sequence)),
        expected.length,
      )
      assert.deepEqual(
        taken,
        expected.map(([, { sequence }]) => sequence),
      )
      for (const [live] of expected) model.live.delete(live)
    }
  }
}

test('an unacked window equals a naive list under random operations', () => {
  fc.assert(
    fc.property(steps, (all) => {
      const window = new UnackedWindow()
      const model = new Model()
      for (const step of all) {
        apply(step, window, model)
        assert.equal(window.count, model.live.size)
        assert.equal(window.nextTag, model.next)
      }
      const rest: number[] = []
      window.each((tag) => rest.push(tag))
      assert.deepEqual(rest, [...model.live.keys()])
    }),
    { numRuns: 60 },
  )
})

test('one delivery that stays unacked does not stretch the ring', () => {
  const window = new UnackedWindow()
  window.push(1, 1)
  for (let i = 0; i < 300_000; i++) window.take(window.push(2, i))
  assert.equal(window.count, 1)
  assert.equal(window.take(1), 1)
  assert.equal(window.count, 0)
})
