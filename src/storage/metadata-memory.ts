/**
 * The metadata port without a disk: for brokers inside tests, and the twin that keeps the other implementations honest.
 * Commits take effect before `transact` returns, unless one is made from within a watcher or a `done`: those follow at once.
 */
import type { Metadata } from './metadata-port.ts'
import { type CommitScheduler, type GroupStore, MetadataSequencer } from './metadata-sequencer.ts'

/** A store that forgets. */
export const FORGETFUL_STORE: GroupStore = {
  write: (_changes, _revision, done) => done(undefined),
  close: () => Promise.resolve(),
}

/** Runs at once; what is scheduled meanwhile runs afterwards, not within, so that a chain of commits needs no stack. */
function immediately(): CommitScheduler {
  const waiting: (() => void)[] = []
  let running = false
  return (run) => {
    waiting.push(run)
    if (running) return
    running = true
    try {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) next()
    } finally {
      running = false
    }
  }
}

/** An empty metadata map that lives and dies with the process. */
export function createMemoryMetadata(): Metadata {
  return new MetadataSequencer(FORGETFUL_STORE, { revision: 0, lastStoreId: 0, entries: [] }, immediately())
}
