/**
 * Kills and stops a real broker under random load for an hour, and verifies every promise after each start; see
 * test/crash/broker-run.ts. `npm run soak -- --minutes 60 --seed 7`: the seed is printed, and chooses what is done. What
 * the machine's timing adds is not repeated.
 */
import { parseArgs } from 'node:util'
import { SeededRandomness } from '../../src/base/random.ts'
import { BrokerRun, type Ending, noRunFigures, type RunFigures } from '../crash/broker-run.ts'

const LIVES_MAX = 20
const SHORT_MS_MAX = 2_000
const LONG_MS_MAX = 30_000

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(process.pid) },
  },
})
const minutes = Number(values.minutes)
const seed = Number(values.seed)
if (!(minutes > 0) || !Number.isInteger(seed)) {
  process.stderr.write('usage: storage-soak [--minutes NUMBER] [--seed WHOLE-NUMBER]\n')
  process.exit(2)
}

/** Mostly short lives, which end while much is going on; some long ones, in which files roll and are compacted. */
function randomEnding(random: SeededRandomness, leftMs: number): Ending {
  const afterMs = random.below(random.below(8) === 0 ? LONG_MS_MAX : SHORT_MS_MAX)
  return {
    kind: random.below(4) === 0 ? 'stop' : 'kill',
    afterMs: Math.min(afterMs, Math.max(leftMs, 0)),
    killStartAfterMs: random.below(4) === 0 ? 30 + random.below(800) : 0,
  }
}

function print(figures: RunFigures): void {
  for (const [name, value] of Object.entries(figures)) {
    process.stdout.write(`  ${name.padEnd(24)}${String(value).padStart(14)}\n`)
  }
}

const random = new SeededRandomness(seed)
const figures = noRunFigures()
const startedMs = performance.now()
const leftMs = () => minutes * 60_000 - (performance.now() - startedMs)
process.stdout.write(`seed ${seed}, ${minutes} minutes\n`)
let folders = 0
try {
  while (leftMs() > 0) {
    const run = new BrokerRun(random, figures)
    try {
      for (let lives = 1 + random.below(LIVES_MAX); lives > 0 && leftMs() > 0; lives--) {
        await run.life(randomEnding(random, leftMs()))
      }
      await run.finish()
    } finally {
      await run.dispose()
    }
    folders++
    const { kills, cleanStops, confirmedCount } = figures
    process.stdout.write(`${folders} folders, ${kills} kills, ${cleanStops} stops, ${confirmedCount} confirms: right\n`)
  }
  print(figures)
} catch (error) {
  print(figures)
  process.stderr.write(`seed ${seed}, folder ${folders + 1}: ${error instanceof Error ? error.stack : String(error)}\n`)
  process.exitCode = 1
}
