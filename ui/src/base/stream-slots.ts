/**
 * How many tabs of this browser hold a stream. A browser opens six connections to a host at most (HTTP/1.1); were all of
 * them streams, no request would get through. So a tab that finds enough streaming tabs asks now and then instead.
 *
 * Tabs find each other on a broadcast channel. Two that ask in the same moment may both begin: there is room for that.
 */

/** Tabs with a stream; two connections are left for everything else. */
const STREAMS_MAX = 4
/** Tabs answer within this time. */
const ANSWER_MS = 80

type Word = 'who' | 'here'

const channel = typeof BroadcastChannel === 'undefined' ? null : new BroadcastChannel('warren.streams')
let isHeld = false
let heard = 0

channel?.addEventListener('message', ({ data }: MessageEvent<Word>) => {
  if (data === 'here') heard++
  else if (isHeld) channel.postMessage('here' satisfies Word)
})

/** Whether this tab may hold a stream; once it may, until it lets go. */
export async function takeSlot(): Promise<boolean> {
  if (isHeld || channel === null) return true
  heard = 0
  channel.postMessage('who' satisfies Word)
  await new Promise((resolve) => setTimeout(resolve, ANSWER_MS))
  isHeld = heard < STREAMS_MAX
  return isHeld
}

/** This tab holds no stream any more. */
export function releaseSlot(): void {
  isHeld = false
}
