// A short run of the stateful fuzzer from a fixed seed. Long ones: `npm run fuzz:stateful`.
import { it } from 'node:test'
import { runStateful } from './stateful.ts'

it('answers every legal and illegal step of many clients as it must, and loses nothing', async () => {
  await runStateful({ steps: 250, seed: 4 })
})
