// Builds the console into ui/dist, with compressed forms beside the files. Does nothing when it is newer than its
// sources, unless called with --force. A console that cannot be built stops nobody: the broker says so at `/`.
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { extname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const root = fileURLToPath(new URL('../ui/', import.meta.url))
const COMPRESSED = new Set(['.html', '.js', '.css', '.svg', '.txt'])

/** When the newest file below changed. */
function newest(folder) {
  const times = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => statSync(`${entry.parentPath}/${entry.name}`).mtimeMs)
  return Math.max(0, ...times)
}

const stamp = `${root}dist/index.html`
const builtAt = statSync(stamp, { throwIfNoEntry: false })?.mtimeMs ?? 0
const sources = [newest(`${root}src`), newest(`${root}public`)]
for (const file of ['index.html', 'vite.config.js']) sources.push(statSync(root + file).mtimeMs)
if (builtAt >= Math.max(...sources) && !process.argv.includes('--force')) process.exit(0)

const startMs = performance.now()
const { build } = await import('vite')
await build({ configFile: `${root}vite.config.js`, logLevel: 'warn' })
let firstPageBytes = 0
for (const folder of ['dist/', 'dist/assets/']) {
  if (!existsSync(root + folder)) continue
  for (const name of readdirSync(root + folder)) {
    const path = root + folder + name
    if (!COMPRESSED.has(extname(name))) {
      if (extname(name) === '.woff2') firstPageBytes += statSync(path).size
      continue
    }
    const bytes = readFileSync(path)
    const gzip = gzipSync(bytes, { level: 9 })
    const brotli = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } })
    if (gzip.length < bytes.length * 0.9) writeFileSync(`${path}.gz`, gzip)
    if (brotli.length < bytes.length * 0.9) writeFileSync(`${path}.br`, brotli)
    firstPageBytes += Math.min(bytes.length, brotli.length)
  }
}
const seconds = ((performance.now() - startMs) / 1_000).toFixed(1)
console.error(`console built in ${seconds} s, ${(firstPageBytes / 1_024).toFixed(0)} KiB compressed`)
