// One codec's run, in a thread of its own. See fuzz.ts.
import { parentPort, workerData } from 'node:worker_threads'
import type { WorkerAnswer, WorkerTask } from './fuzz.ts'
import { FuzzFailure, fuzz } from './fuzz-run.ts'
import { CODECS } from './targets.ts'

const HEAD_BYTES = 8
const STACK_SHOWN_MAX = 20

// Started by fuzz.ts with a task.
const { codec, inputs, seed, shared } = workerData as WorkerTask
// Half of all inputs end in an error, whose stack nobody reads.
Error.stackTraceLimit = 0
const head = new Uint32Array(shared, 0, 2)
const bytes = new Uint8Array(shared, HEAD_BYTES)
const answer = (what: WorkerAnswer) => parentPort?.postMessage(what)

const target = await CODECS[codec]!()
try {
  const figures = await fuzz(target, {
    inputs,
    seed,
    onInput: (input) => {
      head[0]!++
      head[1] = Math.min(input.length, bytes.length)
      bytes.set(input.subarray(0, bytes.length))
    },
    onProgress: (done, heapBytes) => answer({ kind: 'progress', done, heapBytes }),
  })
  await target.close?.()
  answer({ kind: 'done', figures })
} catch (error) {
  if (!(error instanceof FuzzFailure)) throw error
  // Once more, to see where.
  Error.stackTraceLimit = STACK_SHOWN_MAX
  let cause: unknown = error.cause
  try {
    await target.check(error.input)
  } catch (again) {
    cause = again
  }
  answer({
    kind: 'failed',
    input: error.input,
    text: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause),
  })
}
