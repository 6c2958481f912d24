// Runs a target over many inputs: every truncation of the seeds first, then mutations and inputs by the grammar.
// Watches each input's time and the memory after garbage collection. Used by the command and by the short test.
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { SeededRandomness } from '../../src/base/random.ts'
import { Defect, type FuzzTarget } from './fuzz-target.ts'
import { Mutator } from './mutator.ts'

/** An input may not take longer. */
export const INPUT_MS_MAX = 1_000
/** What the heap and buffers may grow by between the first tenth of a run and its end. */
export const GROWTH_BYTES_MAX = 16 * 1024 * 1024
const POOL_MAX = 1_000
const OUTCOMES_MAX = 5_000
const CHECKPOINTS = 10

/** How to run. */
export interface FuzzRunOptions {
  readonly inputs: number
  readonly seed: number
  /** Told before each input, so that somebody else can see where it hangs. */
  readonly onInput?: (input: Buffer) => void
  /** Told ten times. */
  readonly onProgress?: (done: number, heapBytes: number) => void
}

/** What a run saw. */
export interface FuzzFigures {
  inputs: number
  seconds: number
  /** Kinds of outcome. */
  outcomes: number
  slowestMs: number
  heapFirstBytes: number
  heapLastBytes: number
}

/** A failed input, with what was wrong. */
export class FuzzFailure extends Error {
  readonly input: Buffer

  constructor(input: Buffer, cause: unknown) {
    super(cause instanceof Error ? `${cause.name}: ${cause.message}` : String(cause), { cause })
    this.input = input
  }
}

/** Runs so many inputs. Throws `FuzzFailure`. */
export async function fuzz(target: FuzzTarget, options: FuzzRunOptions): Promise<FuzzFigures> {
  const run = new FuzzRun(target, options)
  return await run.all()
}

class FuzzRun {
  readonly #target: FuzzTarget
  readonly #options: FuzzRunOptions
  readonly #random: SeededRandomness
  readonly #mutator: Mutator
  readonly #outcomes = new Set<string>()
  readonly #figures: FuzzFigures = {
    inputs: 0,
    seconds: 0,
    outcomes: 0,
    slowestMs: 0,
    heapFirstBytes: 0,
    heapLastBytes: 0,
  }
  #nextCheckpoint: number

  constructor(target: FuzzTarget, options: FuzzRunOptions) {
    this.#target = target
    this.#options = options
    this.#random = new SeededRandomness(options.seed)
    this.#mutator = new Mutator(target.seeds, target.dictionary)
    this.#nextCheckpoint = Math.ceil(options.inputs / CHECKPOINTS)
  }

  async all(): Promise<FuzzFigures> {
    const startedMs = performance.now()
    const figures = this.#figures
    for (const input of this.#inputs()) {
      const outcome = await this.#one(input)
      if (!this.#outcomes.has(outcome) && this.#outcomes.size < OUTCOMES_MAX) {
        this.#outcomes.add(outcome)
        if (this.#mutator.pool.length < POOL_MAX) this.#mutator.pool.push(input)
      }
      figures.inputs++
      if (figures.inputs >= this.#nextCheckpoint) this.#checkpoint(input)
    }
    figures.outcomes = this.#outcomes.size
    figures.seconds = (performance.now() - startedMs) / 1_000
    return figures
  }

  *#inputs(): Generator<Buffer> {
    let left = this.#options.inputs
    // In a short run, half of it is left for what is random.
    const cutUntil = left >>> 1
    for (const seed of this.#target.seeds) {
      for (let end = 0; end <= seed.length && left > cutUntil; end++, left--) yield Buffer.from(seed.subarray(0, end))
    }
    for (; left > 0; left--) {
      const isNew = this.#random.below(3) === 0
      if (!isNew) yield this.#mutator.mutate(this.#random)
      else {
        const input = this.#target.generate(this.#random)
        yield this.#random.below(2) === 0 ? input : this.#mutator.mutate(this.#random, input)
      }
    }
  }

  async #one(input: Buffer): Promise<string> {
    this.#options.onInput?.(input)
    const startedMs = performance.now()
    let outcome: string | Promise<string>
    try {
      outcome = this.#target.check(input)
      if (typeof outcome !== 'string') outcome = await outcome
    } catch (error) {
      throw new FuzzFailure(input, error)
    }
    const tookMs = performance.now() - startedMs
    if (tookMs > this.#figures.slowestMs) this.#figures.slowestMs = tookMs
    if (tookMs > INPUT_MS_MAX) await this.#again(input, tookMs)
    return outcome
  }

  /** A busy machine is no defect: an input is slow when it is slow twice, and the process worked all the while. */
  async #again(input: Buffer, firstMs: number): Promise<void> {
    const before = process.cpuUsage()
    await this.#target.check(input)
    const { user, system } = process.cpuUsage(before)
    const workedMs = (user + system) / 1_000
    if (workedMs > INPUT_MS_MAX)
      throw new FuzzFailure(input, new Defect(`took ${firstMs} ms, then worked ${workedMs} ms`))
  }

  #checkpoint(input: Buffer): void {
    const figures = this.#figures
    this.#nextCheckpoint += Math.ceil(this.#options.inputs / CHECKPOINTS)
    const heapBytes = usedBytes()
    if (figures.heapFirstBytes === 0) figures.heapFirstBytes = heapBytes
    figures.heapLastBytes = heapBytes
    this.#options.onProgress?.(figures.inputs, heapBytes)
    const grown = heapBytes - figures.heapFirstBytes
    if (grown > (this.#target.growthBytesMax ?? GROWTH_BYTES_MAX))
      throw new FuzzFailure(input, new Defect(`memory grew by ${grown} bytes`))
  }
}

let collect: (() => void) | null = null

/** Heap and buffers in use after a garbage collection. */
function usedBytes(): number {
  if (collect === null) {
    setFlagsFromString('--expose-gc')
    // The function of this name that the flag makes.
    collect = runInNewContext('gc') as () => void
  }
  collect()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
