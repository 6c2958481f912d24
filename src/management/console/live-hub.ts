/**
 * The live push of the console: pages name resources of the HTTP API that they watch, and are sent what changes.
 *
 * A *watch* is one resource as one user sees it, read once per tick whoever looks at it and however often; a *stream* is
 * one open page with its watches (`live-stream.ts`). A page that is open ten times costs one reading and one delta.
 * Without streams nothing is read and no timer runs.
 *
 * The pace adapts: a tick that took long moves the next one away, up to ten seconds, so that reading takes 2 % of the time
 * unless it takes longer than 200 ms.
 */
import type { Clock } from '../../base/clock.ts'
import { TimerEntry, type TimerOwner, type TimerWheel } from '../../base/timer-wheel.ts'
import type { Caller } from '../http/access.ts'
import { ApiError } from '../http/api-error.ts'
import { jsonDelta } from './json-delta.ts'
import type { LiveStream } from './live-stream.ts'

/** Ticks at the fastest pace, and at the slowest: a page that shows what was is worse than one that costs. */
const EVERY_MS = 1_000
const EVERY_MS_MAX = 10_000
/** Reading takes one part in this many at most. */
const SHARE = 50
/** Streams at most: pages that are open and visible. */
const STREAM_COUNT_MAX = 500

/** Reads a resource as a caller may: the reply's JSON, or an `ApiError`. */
export type ReadResource = (path: string, caller: Caller) => Promise<unknown>

/** What the hub needs. */
export interface LiveHubOptions {
  readonly timers: TimerWheel
  readonly clock: Clock
  readonly read: ReadResource
}

/** One resource as one user sees it. */
export class Watch {
  readonly key: string
  readonly path: string
  readonly caller: Caller
  /** Streams that look at it. */
  useCount = 0
  /** Grows with every change; 0: not read yet. */
  version = 0
  value: unknown = undefined
  /** JSON of the value, or of the error. */
  text = ''
  isError = false
  /** JSON of what the last version changed; empty when it must be sent whole. */
  delta = ''

  constructor(key: string, path: string, caller: Caller) {
    this.key = key
    this.path = path
    this.caller = caller
  }

  /** Takes what was read. */
  take(value: unknown): void {
    if (this.version > 0 && !this.isError) {
      const operations = jsonDelta(this.value, value)
      if (operations.length === 0) return
      this.delta = JSON.stringify(operations)
    } else this.delta = ''
    this.value = value
    this.text = JSON.stringify(value)
    // A delta that is nearly as long as the whole saves nothing.
    if (this.delta.length > this.text.length * 0.7) this.delta = ''
    this.isError = false
    this.version++
  }

  /** Takes the reason why it could not be read. */
  refuse({ status, error, reason }: ApiError): void {
    const text = JSON.stringify({ status, error, reason })
    if (this.isError && text === this.text) return
    this.isError = true
    this.text = text
    this.delta = ''
    this.value = undefined
    this.version++
  }
}

/** Reads what is watched and tells the streams. */
export class LiveHub implements TimerOwner {
  readonly #options: LiveHubOptions
  readonly #timer = new TimerEntry(this)
  readonly #watches = new Map<string, Watch>()
  readonly #streams = new Set<LiveStream>()
  #reading: Promise<void> | null = null
  #stopped = false

  constructor(options: LiveHubOptions) {
    this.#options = options
  }

  /** Streams that are open. */
  get streamCount(): number {
    return this.#streams.size
  }

  get clock(): Clock {
    return this.#options.clock
  }

  /** Lets a page in, and gives it its watches; they may have been read already. */
  join(stream: LiveStream, paths: readonly string[], caller: Caller): Watch[] {
    if (this.#streams.size >= STREAM_COUNT_MAX) {
      throw new ApiError(503, 'too_many_streams', `${STREAM_COUNT_MAX} pages are open already`)
    }
    this.#streams.add(stream)
    const watches = paths.map((path) => this.#watch(path, caller))
    if (this.#streams.size === 1 && !this.#stopped) this.#schedule(EVERY_MS)
    return watches
  }

  /** Forgets a page, and what nobody watches any more. */
  leave(stream: LiveStream, watches: readonly Watch[]): void {
    if (!this.#streams.delete(stream)) return
    for (const watch of watches) {
      watch.useCount--
      if (watch.useCount === 0) this.#watches.delete(watch.key)
    }
    if (this.#streams.size === 0) this.#options.timers.cancel(this.#timer)
  }

  /** Reads a watch that nobody has read yet. */
  async readFirst(watch: Watch): Promise<void> {
    if (watch.version === 0) await this.#read(watch)
  }

  stop(): void {
    this.#stopped = true
    this.#options.timers.cancel(this.#timer)
    for (const stream of this.#streams) stream.end()
  }

  onTimer(): void {
    if (this.#reading !== null || this.#stopped) return
    const startedMs = this.#options.clock.monotonicMs()
    this.#reading = this.#readAll().then(() => {
      this.#reading = null
      if (this.#streams.size === 0 || this.#stopped) return
      const tookMs = this.#options.clock.monotonicMs() - startedMs
      this.#schedule(Math.min(Math.max(EVERY_MS, tookMs * SHARE), EVERY_MS_MAX))
    })
  }

  #schedule(inMs: number): void {
    this.#options.timers.schedule(this.#timer, this.#options.clock.nowMs() + inMs)
  }

  #watch(path: string, caller: Caller): Watch {
    const key = `${caller.view}\n${path}`
    let watch = this.#watches.get(key)
    if (watch === undefined) {
      watch = new Watch(key, path, caller)
      this.#watches.set(key, watch)
    }
    watch.useCount++
    return watch
  }

  async #readAll(): Promise<void> {
    for (const watch of [...this.#watches.values()]) await this.#read(watch)
    for (const stream of this.#streams) stream.wake()
  }

  async #read(watch: Watch): Promise<void> {
    try {
      watch.take(await this.#options.read(watch.path, watch.caller))
    } catch (error) {
      watch.refuse(error instanceof ApiError ? error : new ApiError(500, 'internal_error', 'Internal Server Error'))
    }
  }
}
