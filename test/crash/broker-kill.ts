/**
 * kill -9 of a real broker under load, at random moments, again and again: see broker-run.ts for what is verified.
 * `npm run test:crash` runs 50 rounds; `node dist/test/crash/broker-kill.js ROUNDS SEED` repeats them. Prints figures.
 */
import { fileURLToPath } from 'node:url'
import { SeededRandomness } from '../../src/base/random.ts'
import { BrokerRun, noRunFigures, type RunFigures } from './broker-run.ts'

/** Lives on one data folder before the next one begins. */
const LIVES_PER_FOLDER = 10

/** Runs rounds; throws at the first broken promise, naming the seed. */
export async function killBrokers(rounds: number, seed: number, afterMsMax: number): Promise<RunFigures> {
  const random = new SeededRandomness(seed)
  const figures = noRunFigures()
  let round = 0
  try {
    while (round < rounds) {
      const run = new BrokerRun(random, figures)
      try {
        for (let lives = 0; lives < LIVES_PER_FOLDER && round < rounds; lives++, round++) {
          const killStartAfterMs = lives > 0 && random.below(3) === 0 ? 50 + random.below(500) : 0
          await run.life({ kind: 'kill', afterMs: random.below(afterMsMax), killStartAfterMs })
        }
        await run.finish()
      } finally {
        await run.dispose()
      }
    }
  } catch (error) {
    throw new Error(`seed ${seed}, round ${round}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
  return figures
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rounds = Number(process.argv[2] ?? 50)
  const seed = Number(process.argv[3] ?? process.pid)
  process.stdout.write(`seed ${seed}, ${rounds} rounds\n`)
  const figures = await killBrokers(rounds, seed, 1500)
  for (const [name, value] of Object.entries(figures)) {
    process.stdout.write(`  ${name.padEnd(24)}${String(value).padStart(12)}\n`)
  }
}
