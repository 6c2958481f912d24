/**
 * Live resources: `useLive('/api/overview')` is what the server knows now, kept up to date by the one stream of the page.
 *
 * All resources that are on the screen share one connection. When the page moves on, the next stream asks for what is on
 * the screen then. A lost connection is tried again with growing pauses. A tab that nobody sees has no connection at all;
 * beyond a few tabs that somebody sees, the others ask every five seconds.
 */
import { type Signal, signal } from '@preact/signals'
import { useEffect, useMemo, useState } from 'preact/hooks'
import { ApiFailure, call, failureOf, send } from './api.ts'
import { applyDelta, type DeltaOperation } from './json-delta.ts'
import { endIfOver, session } from './session.ts'
import { releaseSlot, takeSlot } from './stream-slots.ts'

/** What is known of a resource. */
export interface Resource<T> {
  readonly data: T | undefined
  readonly failure: ApiFailure | undefined
}

/** How the page is connected: `live` by push, `polling`, `connecting`, `lost`, `paused` while hidden. */
export type Connection = 'live' | 'polling' | 'connecting' | 'lost' | 'paused'

const POLL_MS = 5_000
const RETRY_MS_MIN = 500
const RETRY_MS_MAX = 15_000
/** The server speaks every 15 s at least. */
const SILENCE_MS_MAX = 40_000
/** When a tab asks again whether it may have a stream. */
const SLOT_RETRY_MS = 30_000
const LINGER_MS = 2_000

/** How we are connected. */
export const connection = signal<Connection>('connecting')
/** When news came last. */
export const lastNewsMs = signal(0)

class Entry {
  readonly path: string
  readonly state = signal<Resource<unknown>>({ data: undefined, failure: undefined })
  useCount = 0

  constructor(path: string) {
    this.path = path
  }
}

const entries = new Map<string, Entry>()
const NOTHING: Signal<Resource<unknown>> = signal({ data: undefined, failure: undefined })
let opened: AbortController | null = null
let openedPaths = ''
let reopening = false
let failures = 0
let retryTimer = 0
let pollTimer = 0

/** A resource that stays up to date while the component is shown; null: none. */
export function useLive<T>(path: string | null): Resource<T> {
  const [round, setRound] = useState(0)
  const entry = useMemo(() => (path === null ? null : entryOf(path)), [path, round])
  useEffect(() => {
    if (entry === null) return undefined
    const current = entries.get(entry.path)
    if (current === undefined) entries.set(entry.path, entry)
    else if (current !== entry) {
      // It was forgotten and made anew between drawing and now: there is one for each path.
      setRound(round + 1)
      return undefined
    }
    entry.useCount++
    reopenSoon()
    return () => {
      entry.useCount--
      reopenSoon()
      setTimeout(() => {
        // Another one may have its path by now.
        if (entry.useCount === 0 && entries.get(entry.path) === entry) entries.delete(entry.path)
      }, LINGER_MS)
    }
  }, [entry])
  return (entry?.state ?? NOTHING).value as Resource<T>
}

function entryOf(path: string): Entry {
  let entry = entries.get(path)
  if (entry === undefined) {
    entry = new Entry(path)
    entries.set(path, entry)
  }
  return entry
}

/** Reads a shown resource now, after something was changed. */
export function refresh(...beginnings: readonly string[]): void {
  for (const entry of entries.values()) {
    const isMeant = beginnings.length === 0 || beginnings.some((beginning) => entry.path.startsWith(beginning))
    if (entry.useCount > 0 && isMeant) void poll(entry)
  }
}

function watched(): Entry[] {
  return [...entries.values()].filter(({ useCount }) => useCount > 0)
}

/** After the present round of rendering, when all that is shown is known. */
function reopenSoon(): void {
  if (reopening) return
  reopening = true
  setTimeout(() => {
    reopening = false
    reopen(false)
  }, 20)
}

function reopen(isForced: boolean): void {
  const shown = watched()
  const paths = shown.map(({ path }) => path).join('\n')
  if (!isForced && paths === openedPaths && opened !== null) return
  opened?.abort()
  opened = null
  openedPaths = paths
  clearTimeout(retryTimer)
  clearInterval(pollTimer)
  if (document.hidden) {
    releaseSlot()
    connection.value = 'paused'
    return
  }
  if (shown.length === 0 || session.peek() === null) return
  const controller = new AbortController()
  opened = controller
  void follow(controller, shown)
}

async function follow(controller: AbortController, shown: readonly Entry[]): Promise<void> {
  if (connection.peek() !== 'live' && connection.peek() !== 'polling') {
    connection.value = failures > 0 ? 'lost' : 'connecting'
  }
  try {
    if (!(await takeSlot())) {
      if (controller.signal.aborted) return
      retryTimer = setTimeout(() => reopen(true), SLOT_RETRY_MS)
      return pollForever(shown)
    }
    if (controller.signal.aborted) {
      // Nobody has looked at the tab since.
      if (document.hidden) releaseSlot()
      return
    }
    const query = shown.map(({ path }) => `watch=${encodeURIComponent(path)}`).join('&')
    const reply = await send(`/api/warren/live?${query}`, { signal: controller.signal })
    if (reply.status === 404) return pollForever(shown)
    if (!reply.ok || reply.body === null) throw failureOf(reply.status, await reply.text())
    connection.value = 'live'
    failures = 0
    await readEvents(reply.body, shown, controller)
    // The server ends a stream after a minute, and when it stops.
    if (!controller.signal.aborted) retry(false)
  } catch (error) {
    if (controller.signal.aborted) return
    console.debug('the live stream ended', error)
    retry(true)
  }
}

function retry(isFailure: boolean): void {
  opened = null
  if (session.peek() === null) return
  // A stream that came to its end is followed by the next one: nothing is lost.
  if (isFailure) {
    failures++
    connection.value = 'lost'
  }
  const delayMs = Math.min(RETRY_MS_MIN * 2 ** Math.min(failures, 6), RETRY_MS_MAX)
  retryTimer = setTimeout(() => reopen(true), isFailure ? delayMs * (0.7 + Math.random() * 0.6) : 100)
}

function pollForever(shown: readonly Entry[]): void {
  connection.value = 'polling'
  // What has not been answered is not asked again: on a slow machine questions would fill all connections.
  const asked = new Set<Entry>()
  const pollAll = () => {
    for (const entry of shown) {
      if (asked.has(entry)) continue
      asked.add(entry)
      void poll(entry).finally(() => asked.delete(entry))
    }
  }
  pollAll()
  clearInterval(pollTimer)
  pollTimer = setInterval(pollAll, POLL_MS)
}

async function poll(entry: Entry): Promise<void> {
  try {
    const data = await call('GET', entry.path)
    lastNewsMs.value = Date.now()
    entry.state.value = { data, failure: undefined }
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error
    entry.state.value = { data: error.status === 0 ? entry.state.peek().data : undefined, failure: error }
  }
}

async function readEvents(
  body: ReadableStream<Uint8Array>,
  shown: readonly Entry[],
  controller: AbortController,
): Promise<void> {
  const reader = body.pipeThrough(new TextDecoderStream() as ReadableWritablePair<string, Uint8Array>).getReader()
  const raw: unknown[] = shown.map(() => undefined)
  let text = ''
  let silence = 0
  for (;;) {
    clearTimeout(silence)
    silence = setTimeout(() => {
      controller.abort()
      retry(true)
    }, SILENCE_MS_MAX)
    const { value, done } = await reader.read().finally(() => clearTimeout(silence))
    if (done) return
    lastNewsMs.value = Date.now()
    text += value
    let end = text.indexOf('\n\n')
    while (end >= 0) {
      take(text.slice(0, end), shown, raw)
      text = text.slice(end + 2)
      end = text.indexOf('\n\n')
    }
  }
}

interface LiveEvent {
  readonly watch: number
  readonly body?: unknown
  readonly delta?: readonly DeltaOperation[]
  readonly error?: { readonly status: number; readonly error: string; readonly reason: string }
}

function take(block: string, shown: readonly Entry[], raw: unknown[]): void {
  const [, name, data] = /^event: (\w+)\ndata: (.*)$/s.exec(block) ?? []
  if (name === undefined || data === undefined || name === 'hello') return
  // Made by `live-stream.ts` of the broker.
  const { watch, body, delta, error } = JSON.parse(data) as LiveEvent
  const entry = shown[watch]
  if (entry === undefined) return
  if (error !== undefined) {
    // What was shown may not be seen any more.
    if (error.status === 401 || error.status === 403) void endIfOver()
    entry.state.value = { data: undefined, failure: new ApiFailure(error.status, error.reason || error.error) }
    return
  }
  raw[watch] = delta === undefined ? body : applyDelta(raw[watch], delta)
  entry.state.value = { data: raw[watch], failure: undefined }
}

document.addEventListener('visibilitychange', () => reopen(true))
window.addEventListener('online', () => reopen(true))
session.subscribe(() => {
  failures = 0
  reopen(true)
})
