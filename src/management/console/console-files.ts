/**
 * The console's files: read into memory when the broker starts, with the compressed forms that the build made. A page
 * therefore never touches the disk. Without a built console the broker works, and `/` says how to build it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, extname, join, parse } from 'node:path'
import { fileURLToPath } from 'node:url'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.txt': 'text/plain; charset=utf-8',
}

/** One file. */
export interface ConsoleFile {
  readonly type: string
  readonly bytes: Buffer
  /** Null where compressing gains nothing. */
  readonly gzip: Buffer | null
  readonly brotli: Buffer | null
  /** Its name contains a hash of its content: browsers keep it for ever. */
  readonly isImmutable: boolean
}

/** The folder with the built console, looked for beside the package's own folders; undefined when it is not built. */
export function consoleFolder(): string | undefined {
  const start = dirname(fileURLToPath(import.meta.url))
  const { root } = parse(start)
  for (let folder = start; folder !== root; folder = dirname(folder)) {
    const candidate = join(folder, 'ui', 'dist')
    if (existsSync(join(candidate, 'index.html'))) return candidate
  }
  return undefined
}

/** The files by name: `index.html`, `assets/…`. */
export function readConsoleFiles(folder: string | undefined): ReadonlyMap<string, ConsoleFile> {
  const files = new Map<string, ConsoleFile>()
  if (folder === undefined) return files
  for (const prefix of ['', 'assets/']) {
    if (!existsSync(join(folder, prefix))) continue
    for (const entry of readdirSync(join(folder, prefix), { withFileTypes: true })) {
      const type = TYPES[extname(entry.name)]
      if (!entry.isFile() || type === undefined) continue
      const path = join(folder, prefix, entry.name)
      files.set(prefix + entry.name, {
        type,
        bytes: readFileSync(path),
        gzip: readIfThere(`${path}.gz`),
        brotli: readIfThere(`${path}.br`),
        isImmutable: prefix !== '',
      })
    }
  }
  return files
}

function readIfThere(path: string): Buffer | null {
  return existsSync(path) ? readFileSync(path) : null
}
