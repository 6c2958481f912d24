/**
 * Random legal and illegal sequences of AMQP, MQTT and STOMP over many connections, against a real broker, with a model
 * watching: `npm run fuzz:stateful -- --steps 20000 --seed 7 --runs 3`. A seed takes the same steps again.
 */
import { parseArgs } from 'node:util'
import { runStateful } from './stateful.ts'

const { values } = parseArgs({
  options: {
    steps: { type: 'string', default: '20000' },
    seed: { type: 'string', default: String(process.pid) },
    runs: { type: 'string', default: '1' },
  },
})
const [steps, seed, runs] = [Number(values.steps), Number(values.seed), Number(values.runs)]
if (!(steps > 0) || !Number.isInteger(seed) || !(runs > 0)) {
  process.stderr.write('usage: stateful [--steps N] [--seed S] [--runs N]\n')
  process.exit(2)
}
for (let run = 0; run < runs; run++) {
  process.stdout.write(`seed ${seed + run}, ${steps} steps\n`)
  try {
    const figures = await runStateful({
      steps,
      seed: seed + run,
      onProgress: (step) => process.stdout.write(`${step} steps\n`),
    })
    const { messages, left, seconds, rssBytes } = figures
    const memory = `${(rssBytes / 1e6).toFixed(0)} MB`
    process.stdout.write(
      `${steps} steps, ${messages} messages, ${left} left, ${seconds.toFixed(0)} s, ${memory}: right\n`,
    )
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`)
    process.exitCode = 1
  }
}
