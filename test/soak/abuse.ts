/**
 * Misuses a real broker process in every way we could think of, in rotation, beside a well-behaved client whose round trips
 * and correctness are checked: `npm run soak:abuse -- --minutes 120 --seed 7`. One line of figures per scenario; after
 * each, the broker must hold as little as at the start. [docs/security.md]
 */
import { parseArgs } from 'node:util'
import { startBrokerProcess } from '../support/broker-process.ts'
import { CONNECTION_SCENARIOS } from './abuse/connections.ts'
import { MESSAGE_SCENARIOS } from './abuse/messages.ts'
import { TOPOLOGY_SCENARIOS } from './abuse/topology.ts'
import { type Holdings, type Scenario, type Usage, World } from './abuse/world.ts'

/** The broker's memory after a scenario, when nobody abuses it. */
const RSS_BYTES_MAX = 1_500_000_000
/** Open files of the broker beyond those of the start: those of its store vary. */
const HANDLES_SLACK = 60
/** More is a broker that is gone. */
const FAILURES_MAX = 20
const OUTPUT_SHOWN = 2_000
const SCENARIOS: readonly Scenario[] = [...CONNECTION_SCENARIOS, ...TOPOLOGY_SCENARIOS, ...MESSAGE_SCENARIOS]

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '120' },
    seed: { type: 'string', default: String(process.pid) },
    only: { type: 'string' },
  },
})
const minutes = Number(values.minutes)
const seed = Number(values.seed)
const chosen = SCENARIOS.filter(({ name }) => values.only === undefined || name === values.only)
if (!(minutes > 0) || !Number.isInteger(seed) || chosen.length === 0) {
  const names = SCENARIOS.map(({ name }) => name).join(', ')
  process.stderr.write(`usage: abuse [--minutes NUMBER] [--seed WHOLE-NUMBER] [--only NAME]\nscenarios: ${names}\n`)
  process.exit(2)
}

const say = (text: string) => process.stdout.write(`${new Date(Date.now()).toISOString().slice(11, 19)} ${text}\n`)

/** Runs one scenario, prints its figures, and checks what it left. */
async function abuse(scenario: Scenario, base: Holdings, first: Usage): Promise<void> {
  await world.report()
  const startedMs = performance.now()
  const figures = await scenario.run(world)
  const seconds = (performance.now() - startedMs) / 1_000
  const during = await world.report()
  await world.settle(base)
  const { rssBytes, handles } = world.usage()
  say(
    `${scenario.name} (${seconds.toFixed(0)} s): ${figures} | witness p50 ${during.p50Ms.toFixed(1)} ` +
      `p99 ${during.p99Ms.toFixed(1)} max ${during.maxMs.toFixed(0)} ms of ${during.roundTrips} | ` +
      `after: ${(rssBytes / 1e6).toFixed(0)} MB, ${handles} handles`,
  )
  if (rssBytes > RSS_BYTES_MAX) throw new Error(`the broker uses ${rssBytes} bytes`)
  if (handles > first.handles + HANDLES_SLACK) throw new Error(`the broker has ${handles} open files`)
}

const startedMs = performance.now()
const elapsedMinutes = () => (performance.now() - startedMs) / 60_000
const broker = await startBrokerProcess()
const world = await World.start(broker, seed)
let runs = 0
let failures = 0
let isEnding = false
// Asked to end, it finishes the scenario at hand.
for (const signal of ['SIGINT', 'SIGTERM'] as const)
  process.on(signal, () => {
    isEnding = true
  })
const fail = (what: string, error: unknown) => {
  failures++
  say(
    `${what} FAILED: ${error instanceof Error ? error.message : String(error)}\n${broker.output.slice(-OUTPUT_SHOWN)}`,
  )
}
try {
  const base = await world.settled()
  const first = world.usage()
  say(`seed ${seed}, ${minutes} minutes; ${(first.rssBytes / 1e6).toFixed(0)} MB, ${first.handles} handles`)
  do {
    const scenario = chosen[runs++ % chosen.length]!
    try {
      await abuse(scenario, base, first)
    } catch (error) {
      fail(scenario.name, error)
    }
  } while (!isEnding && elapsedMinutes() < minutes && failures < FAILURES_MAX)
} catch (error) {
  fail('the start', error)
}
await world.stop()
const code = await broker.stop()
const verdict = failures === 0 ? 'right' : `${failures} FAILED`
say(`${runs} runs in ${elapsedMinutes().toFixed(1)} minutes, the broker's exit code is ${code}: ${verdict}`)
if (failures > 0 || code !== 0) process.exitCode = 1
