import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { InFlight, PHASE_RELEASED, PHASE_SENT_QOS2 } from './in-flight.ts'

interface Known {
  readonly id: number
  phase: number
  readonly sequence: number
}

function contents(inFlight: InFlight): Known[] {
  const found: Known[] = []
  inFlight.each((id, phase, _source, sequence) => found.push({ id, phase, sequence }))
  return found
}

test('equals a plain list under any operations', () => {
  const operation = fc.tuple(fc.constantFrom('add', 'finish', 'release', 'drop'), fc.nat(50))
  fc.assert(
    fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
      const inFlight = new InFlight()
      let model: Known[] = []
      let next = 1
      for (const [verb, pick] of operations) {
        const known = model[pick % Math.max(model.length, 1)]
        if (verb === 'add') {
          inFlight.add(next, PHASE_SENT_QOS2, 0, next * 10)
          model.push({ id: next, phase: PHASE_SENT_QOS2, sequence: next * 10 })
          next++
        } else if (verb === 'drop') {
          const dropped: number[] = []
          inFlight.dropSent((_source, sequence) => dropped.push(sequence))
          const isSent = ({ phase }: Known): boolean => phase !== PHASE_RELEASED
          assert.deepEqual(
            dropped,
            model.filter(isSent).map(({ sequence }) => sequence),
          )
          model = model.filter((each) => !isSent(each))
        } else if (known !== undefined) {
          assert(inFlight.find(known.id))
          if (verb === 'finish') {
            inFlight.finish()
            model = model.filter((each) => each !== known)
          } else if (known.phase === PHASE_SENT_QOS2) {
            inFlight.release(known.sequence)
            known.phase = PHASE_RELEASED
          }
        }
        assert.deepEqual(contents(inFlight), model)
        assert.equal(inFlight.count, model.length)
        assert.equal(inFlight.find(next), false)
      }
    }),
  )
})
