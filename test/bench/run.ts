/**
 * The benchmarks: `npm run bench [-- NAME …] [--seconds N] [--minutes N] [--json FILE] [--profile DIR]`.
 * Prints a table and writes JSON. The broker runs in a process of its own on loopback; figures depend on the machine, so
 * compare ratios within one run. `--profile` leaves CPU profiles of the broker.
 */
import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { parseArgs } from 'node:util'
import { BenchContext, type BenchRow, type BenchScenario } from './context.ts'
import { backlog, bindings, deadLetters, fanout, features } from './scenarios/cliffs.ts'
import { lookingOn } from './scenarios/console.ts'
import { memory } from './scenarios/memory.ts'
import { mqtt } from './scenarios/mqtt.ts'
import { largeMessage, steady } from './scenarios/stability.ts'
import { stomp } from './scenarios/stomp.ts'
import { storage } from './scenarios/storage.ts'
import { fairness, latency, throughput } from './scenarios/throughput.ts'
import { tls } from './scenarios/tls.ts'

const SCENARIOS: readonly BenchScenario[] = [
  throughput,
  latency,
  fairness,
  features,
  deadLetters,
  bindings,
  fanout,
  backlog,
  memory,
  lookingOn,
  mqtt,
  stomp,
  storage,
  tls,
  largeMessage,
  steady,
]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '5' },
    minutes: { type: 'string', default: '30' },
    json: { type: 'string', default: 'bench.json' },
    profile: { type: 'string' },
  },
})
const chosen = SCENARIOS.filter(({ name, isLong }) =>
  positionals.length === 0 ? isLong !== true : positionals.includes(name),
)
if (chosen.length === 0) {
  process.stderr.write(`no such benchmark; there are: ${SCENARIOS.map(({ name }) => name).join(', ')}\n`)
  process.exit(2)
}

const context = new BenchContext(Number(values.seconds), Number(values.minutes), values.profile ?? null)
const rows: BenchRow[] = []
for (const scenario of chosen) {
  process.stdout.write(`\n${scenario.name}: ${scenario.description}\n`)
  for (const row of await scenario.measure(context)) {
    rows.push({ scenario: scenario.name, ...row })
    const value = row.value.toLocaleString('en-US', { maximumFractionDigits: row.value < 100 ? 2 : 0 })
    const verdict =
      row.holds === undefined ? '' : row.holds ? `  target ${row.target}: met` : `  target ${row.target}: MISSED`
    process.stdout.write(`  ${row.figure.padEnd(48)}${value.padStart(12)} ${row.unit.padEnd(12)}${verdict}\n`)
  }
}
const commit = execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim()
const machine = `${cpus()[0]?.model ?? 'unknown'} × ${cpus().length}, Node.js ${process.version}`
writeFileSync(values.json, `${JSON.stringify({ date: new Date().toISOString(), commit, machine, rows }, null, 2)}\n`)
