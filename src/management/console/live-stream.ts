/**
 * One open page: an endless text of server-sent events, written as fast as the page reads it. [docs/console.md]
 *
 *   event: hello   {everyMs}                                      the first event
 *   event: whole   {watch, version, body}                         the resource
 *   event: delta   {watch, version, delta}                        changes since the version before
 *   event: error   {watch, version, error: {status, error, reason}}   it cannot be read (any more)
 *
 * `watch` is the place of the resource in the request. A slow page skips versions and gets the whole resource then, so
 * nothing piles up. A stream ends after a minute, and the page opens the next one: credentials are checked anew.
 */
import type { Caller } from '../http/access.ts'
import type { LiveHub, Watch } from './live-hub.ts'

/** How long a stream lasts: so long somebody goes on seeing what is not theirs any more. */
const STREAM_MS = 60_000
/** Something is sent at least this often, so that both sides notice a dead connection. */
const QUIET_MS = 15_000

/** What one page is sent. */
export class LiveStream {
  readonly #hub: LiveHub
  readonly #watches: readonly Watch[]
  /** The version of each watch that the page has. */
  readonly #sent: number[]
  #wake: (() => void) | null = null
  #ended = false

  /** Joins the hub; throws an `ApiError` when there is no room. */
  constructor(hub: LiveHub, paths: readonly string[], caller: Caller) {
    this.#hub = hub
    this.#watches = hub.join(this, paths, caller)
    this.#sent = this.#watches.map(() => 0)
  }

  /** Something may have changed. */
  wake(): void {
    this.#wake?.()
    this.#wake = null
  }

  /** Ends the text. */
  end(): void {
    this.#ended = true
    this.wake()
  }

  /** The text. Leaving the loop over it leaves the hub. */
  async *text(): AsyncGenerator<string> {
    const { clock } = this.#hub
    try {
      yield event('hello', '{"everyMs":1000}')
      for (const watch of this.#watches) await this.#hub.readFirst(watch)
      const endMs = clock.nowMs() + STREAM_MS
      let spokenMs = clock.nowMs()
      while (!this.#ended && clock.nowMs() < endMs) {
        const news = this.#news()
        if (news !== '' || clock.nowMs() - spokenMs >= QUIET_MS) {
          spokenMs = clock.nowMs()
          yield news === '' ? ': still here\n\n' : news
        }
        // Woken by the next tick, also when it brings nothing new.
        if (!this.#ended && !this.#hasNews()) await new Promise<void>((resolve) => (this.#wake = resolve))
      }
    } finally {
      this.#hub.leave(this, this.#watches)
    }
  }

  #hasNews(): boolean {
    return this.#watches.some(({ version }, i) => version !== this.#sent[i])
  }

  #news(): string {
    let text = ''
    this.#watches.forEach((watch, i) => {
      const { version } = watch
      if (version === this.#sent[i]) return
      const isNext = watch.delta !== '' && version === this.#sent[i]! + 1
      this.#sent[i] = version
      const head = `{"watch":${i},"version":${version},`
      if (watch.isError) text += event('error', `${head}"error":${watch.text}}`)
      else if (isNext) text += event('delta', `${head}"delta":${watch.delta}}`)
      else text += event('whole', `${head}"body":${watch.text}}`)
    })
    return text
  }
}

function event(name: string, data: string): string {
  return `event: ${name}\ndata: ${data}\n\n`
}
