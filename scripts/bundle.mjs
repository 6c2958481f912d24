// Builds dist/bundle: the modules of the server, and of the library, in a few files. [docs/decisions/0010-bundled-server.md]
// Does nothing when it is newer than the compiled modules.
import { readdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('../dist/', import.meta.url))
/** One file has all that a message passes through: whatever one of them imports of another is known to the compiler. */
const MESSAGE_PATH = /\/dist\/src\/(base|model|net|queues|storage|protocols)\//

function newest(folder) {
  const times = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.js') && !entry.name.endsWith('.test.js'))
    .map((entry) => statSync(`${entry.parentPath}/${entry.name}`).mtimeMs)
  return Math.max(...times)
}

const builtAt = statSync(`${root}bundle/main.js`, { throwIfNoEntry: false })?.mtimeMs ?? 0
if (builtAt >= Math.max(newest(`${root}src`), statSync(fileURLToPath(import.meta.url)).mtimeMs)) process.exit(0)

const { rollup } = await import('rollup')
const build = await rollup({
  input: [`${root}src/main.js`, `${root}src/library.js`],
  external: (id) => !id.startsWith('.') && !id.startsWith('/') && !/^[A-Za-z]:/.test(id),
  onLog(level, log, handler) {
    // The compiler's helper for computed imports asks for a `this` that a module does not have, and does without.
    if (log.code !== 'THIS_IS_UNDEFINED') handler(level, log)
  },
})
await build.write({
  dir: `${root}bundle`,
  format: 'es',
  entryFileNames: '[name].js',
  chunkFileNames: 'parts/[name].js',
  manualChunks: (id) => (MESSAGE_PATH.test(id.replaceAll('\\', '/')) ? 'message-path' : undefined),
  generatedCode: 'es2015',
})
await build.close()
