/**
 * How many tabs of this browser hold a stream. A browser opens six connections to a host at most (HTTP/1.1); were all of
 * them streams, no request would get through. So a tab that finds enough streaming tabs asks now and then instead.
 *
 * A slot is a lock of the browser's, which a tab that is closed or frozen gives back by itself. Browsers have locks only
 * where the page comes over TLS or from this machine; elsewhere tabs ask each other on a broadcast channel, and two that
 * ask in the same moment may both begin: there is room for that.
 */

/** Tabs with a stream; three connections are left for everything else. */
const STREAMS_MAX = 3
/** Tabs answer within this time, also those that are busy with beginning. */
const ANSWER_MS = 300

type Word = 'who' | 'here'

// Missing on pages that are not secure.
const locks: LockManager | undefined = navigator.locks
const channel =
  locks !== undefined || typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('warren.streams')
let isHeld = false
let heard = 0
let giveBack: (() => void) | null = null
/** The page may ask again before it has an answer. */
let asking: Promise<boolean> | null = null

channel?.addEventListener('message', ({ data }: MessageEvent<Word>) => {
  if (data === 'here') heard++
  else if (isHeld) channel.postMessage('here' satisfies Word)
})

/** Whether this tab may hold a stream; once it may, until it lets go. */
export async function takeSlot(): Promise<boolean> {
  if (isHeld) return true
  if (locks !== undefined) {
    asking ??= lockOne(locks).finally(() => {
      asking = null
    })
    return await asking
  }
  if (channel === null) return true
  heard = 0
  channel.postMessage('who' satisfies Word)
  await new Promise((resolve) => setTimeout(resolve, ANSWER_MS))
  isHeld = heard < STREAMS_MAX
  return isHeld
}

async function lockOne(manager: LockManager): Promise<boolean> {
  for (let slot = 0; slot < STREAMS_MAX; slot++) {
    const isMine = await new Promise<boolean>((resolve) => {
      void manager.request(`warren.stream.${slot}`, { ifAvailable: true }, async (lock) => {
        resolve(lock !== null)
        if (lock === null) return
        await new Promise<void>((done) => {
          giveBack = done
        })
      })
    })
    if (isMine) {
      isHeld = true
      return true
    }
  }
  return false
}

/** This tab holds no stream any more. */
export function releaseSlot(): void {
  isHeld = false
  giveBack?.()
  giveBack = null
}
