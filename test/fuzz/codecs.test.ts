// Every codec's kept inputs, and some thousand fresh ones from a fixed seed. Long runs: `npm run fuzz -- all`.
import { describe, it } from 'node:test'
import { keptInputs } from './corpus.ts'
import { fuzz } from './fuzz-run.ts'
import { CODECS } from './targets.ts'

const SEED = 20_091
/** Beyond the truncations of the seeds; requests of the HTTP API cost more. */
const INPUTS = 6_000
const INPUTS_OF: Readonly<Record<string, number>> = { http: 2_000, definitions: 3_000 }

for (const [codec, make] of Object.entries(CODECS)) {
  describe(`fuzzing ${codec}`, () => {
    it('takes every kept input', async () => {
      const target = await make()
      for (const { bytes } of keptInputs(codec)) await target.check(bytes)
      await target.close?.()
    })

    it('takes fresh inputs', async () => {
      const target = await make()
      await fuzz(target, { inputs: INPUTS_OF[codec] ?? INPUTS, seed: SEED })
      await target.close?.()
    })
  })
}
