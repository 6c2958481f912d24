/**
 * Feeds codecs with broken input: `npm run fuzz -- CODEC --inputs N --seed S`; `all` for every codec in turn.
 *
 * Each codec runs in a worker. The seed is printed, and chooses every input. An input that fails, or never returns, is
 * written to test/fuzz/corpus/<codec>/, which every run of the tests replays.
 */
import { parseArgs } from 'node:util'
import { Worker } from 'node:worker_threads'
import { keep } from './corpus.ts'
import type { FuzzFigures } from './fuzz-run.ts'
import { CODECS } from './targets.ts'

/** The worker says nothing for so long: it will never. */
const HANG_MS_MAX = 30_000
const LOOK_EVERY_MS = 1_000
/** Inputs are garbage at once: a large nursery never copies them. */
const YOUNG_MEGABYTES = 64
const SHARED_HEAD_BYTES = 8
const SHARED_BYTES = SHARED_HEAD_BYTES + 65_536

/** What a worker is told, and what it answers. */
export interface WorkerTask {
  readonly codec: string
  readonly inputs: number
  readonly seed: number
  /** u32 count of inputs begun · u32 bytes of the input at hand · the input. */
  readonly shared: SharedArrayBuffer
}
export type WorkerAnswer =
  | { readonly kind: 'progress'; readonly done: number; readonly heapBytes: number }
  | { readonly kind: 'done'; readonly figures: FuzzFigures }
  | { readonly kind: 'failed'; readonly input: Uint8Array; readonly text: string }

function run(codec: string, inputs: number, seed: number): Promise<boolean> {
  const shared = new SharedArrayBuffer(SHARED_BYTES)
  const head = new Uint32Array(shared, 0, 2)
  const task: WorkerTask = { codec, inputs, seed, shared }
  const worker = new Worker(new URL('./fuzz-worker.js', import.meta.url), {
    workerData: task,
    resourceLimits: { maxYoungGenerationSizeMb: YOUNG_MEGABYTES },
  })
  process.stdout.write(`${codec}: seed ${seed}, ${inputs} inputs\n`)
  return new Promise((resolve) => {
    let seen = 0
    let silentMs = 0
    const end = (isRight: boolean) => {
      clearInterval(timer)
      void worker.terminate().then(() => resolve(isRight))
    }
    const timer = setInterval(() => {
      silentMs = head[0] === seen ? silentMs + LOOK_EVERY_MS : 0
      seen = head[0]!
      if (silentMs < HANG_MS_MAX) return
      end(fail(codec, new Uint8Array(shared, SHARED_HEAD_BYTES, head[1]), `hangs at input ${seen}`))
    }, LOOK_EVERY_MS)
    worker.on('message', (answer: WorkerAnswer) => {
      if (answer.kind === 'progress') {
        process.stdout.write(`${codec}: ${answer.done} inputs, ${(answer.heapBytes / 1e6).toFixed(1)} MB in use\n`)
      } else if (answer.kind === 'failed') end(fail(codec, answer.input, answer.text))
      else end(report(codec, seed, answer.figures))
    })
    worker.on('error', (error) => end(fail(codec, new Uint8Array(shared, SHARED_HEAD_BYTES, head[1]), String(error))))
  })
}

function fail(codec: string, input: Uint8Array, text: string): false {
  process.stderr.write(`${codec}: ${text}\n${codec}: the input is kept as ${keep(codec, Buffer.from(input))}\n`)
  return false
}

function report(codec: string, seed: number, figures: FuzzFigures): true {
  const { inputs, seconds, outcomes, slowestMs, heapFirstBytes, heapLastBytes } = figures
  const rate = Math.round(inputs / seconds)
  process.stdout.write(
    `${codec}: ${inputs} inputs in ${seconds.toFixed(0)} s (${rate}/s), seed ${seed}: right. ${outcomes} outcomes, ` +
      `slowest ${slowestMs.toFixed(1)} ms, memory ${(heapFirstBytes / 1e6).toFixed(1)} -> ${(heapLastBytes / 1e6).toFixed(1)} MB\n`,
  )
  return true
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    inputs: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: String(process.pid) },
  },
})
const inputs = Number(values.inputs)
const seed = Number(values.seed)
const asked = positionals.includes('all') ? Object.keys(CODECS) : positionals
if (asked.length === 0 || !asked.every((name) => name in CODECS) || !(inputs > 0) || !Number.isInteger(seed)) {
  process.stderr.write(`usage: fuzz CODEC... [--inputs N] [--seed S]\ncodecs: all, ${Object.keys(CODECS).join(', ')}\n`)
  process.exit(2)
}
for (const codec of asked) if (!(await run(codec, inputs, seed))) process.exitCode = 1
