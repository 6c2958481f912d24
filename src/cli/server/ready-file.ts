/**
 * The ready file: tells whoever started the broker, once everything listens, which ports are in use.
 * Written under another name and renamed, so that a reader sees all of it or nothing.
 */
import { renameSync, rmSync, writeFileSync } from 'node:fs'

/** Writes `{"pid":…,"listeners":{"amqp":5672,…}}`. */
export function writeReadyFile(path: string, listeners: Readonly<Record<string, number>>): void {
  const unfinished = `${path}.${process.pid}`
  writeFileSync(unfinished, `${JSON.stringify({ pid: process.pid, listeners })}\n`)
  renameSync(unfinished, path)
}

/** Removes one that an earlier run left, or ours at the end. Harmless when there is none. */
export function removeReadyFile(path: string): void {
  rmSync(path, { force: true })
}
