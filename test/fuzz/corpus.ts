// The kept inputs of each codec: test/fuzz/corpus/<codec>/*. Those that once failed are replayed by every run of the tests.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { projectRoot } from '../support/source-files.ts'
import { hashOf } from './fuzz-target.ts'

/** One kept input. */
export interface Kept {
  readonly name: string
  readonly bytes: Buffer
}

function folderOf(codec: string): string {
  return join(projectRoot(), 'test', 'fuzz', 'corpus', codec)
}

/** Inputs of a codec, by name. */
export function keptInputs(codec: string): Kept[] {
  const folder = folderOf(codec)
  try {
    return readdirSync(folder)
      .sort()
      .map((name) => ({ name, bytes: readFileSync(join(folder, name)) }))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

/** Keeps an input; returns its path. */
export function keep(codec: string, input: Uint8Array): string {
  mkdirSync(folderOf(codec), { recursive: true })
  const path = join(folderOf(codec), hashOf(input).toString(16).padStart(8, '0'))
  writeFileSync(path, input)
  return path
}
