/**
 * Walks over the ready entries of a queue, in order of their sequences, without delaying anybody: entries that are not in
 * memory are loaded, and after so many entries the event loop runs.
 */
import { MessageView } from '../../model/message/message.ts'
import type { QueueContents } from '../../model/queue/queue.ts'

/** Entries looked at before others get their turn. */
const ENTRIES_PER_SLICE = 500
/** Tries to bring an entry into memory, which others may push out again. */
const LOADS_MAX = 8

/** What the visitor wants next. */
export type Step = 'continue' | 'stop'

/** Where a walk ended. */
export interface WalkEnd {
  /** The sequence to go on from; 0 when there is nothing more. */
  readonly next: number
  readonly examinedCount: number
}

/**
 * Shows entries in [from, end) to the visitor, which may take them out. `end` is the queue's own end of before anything was
 * published by the same request: otherwise what goes back to the same queue is met again. `view` is borrowed until the visitor returns.
 */
export async function walk(
  contents: QueueContents,
  from: number,
  end: number,
  visit: (view: MessageView, sequence: number) => Step,
): Promise<WalkEnd> {
  const view = new MessageView()
  let examinedCount = 0
  let sequence = contents.nextReady(Math.max(1, from))
  while (sequence !== 0 && sequence < end) {
    if (contents.open(sequence, view) || (await loaded(contents, sequence, view))) {
      examinedCount++
      if (visit(view, sequence) === 'stop') return { next: nextBefore(contents, sequence + 1, end), examinedCount }
    }
    if (examinedCount % ENTRIES_PER_SLICE === ENTRIES_PER_SLICE - 1) await pause()
    sequence = contents.nextReady(sequence + 1)
  }
  return { next: 0, examinedCount }
}

/** Lets everybody else run. */
export function pause(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

function nextBefore(contents: QueueContents, from: number, end: number): number {
  const next = contents.nextReady(from)
  return next < end ? next : 0
}

/** Whether the view is on the entry; false when it has gone. */
async function loaded(contents: QueueContents, sequence: number, view: MessageView): Promise<boolean> {
  for (let tries = 0; tries < LOADS_MAX; tries++) {
    await new Promise<void>((resolve) => contents.load(sequence, resolve))
    if (contents.open(sequence, view)) return true
    if (contents.nextReady(sequence) !== sequence) return false
  }
  return false
}
