// Runs the tests of the built tree with node:test and prints a summary. Arguments are parts of file names to run:
//   npm test -- timer-wheel conformance/
// Interoperability, benchmarks and soak tests have commands of their own.
import { spawn } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const OTHER = ['test/interop/', 'test/ui/', 'test/bench/', 'test/soak/']
const FILES_AT_ONCE_MAX = 4
const TEST_MS_MAX = 120_000

const root = fileURLToPath(new URL('..', import.meta.url))
const built = process.env.WARREN_TEST_DIST ?? `${root}dist`
const filters = process.argv.slice(2).filter((argument) => !argument.startsWith('--'))
const flags = process.argv.slice(2).filter((argument) => argument.startsWith('--'))

const files = ['src', 'test'].flatMap((folder) =>
  readdirSync(`${built}/${folder}`, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith('.test.js'))
    .map((entry) => `${entry.parentPath}${sep}${entry.name}`)
    .filter((file) => {
      const name = relative(built, file).replaceAll(sep, '/')
      // What an earlier build left of a test that is gone.
      if (!existsSync(`${root}${name.replace(/\.js$/, '.ts')}`)) return false
      if (filters.length > 0) return filters.some((filter) => name.includes(filter))
      return !OTHER.some((folder) => name.startsWith(folder))
    }),
)
if (files.length === 0) {
  console.error(`no test file's name contains ${filters.join(' or ')}`)
  process.exit(2)
}

const startMs = performance.now()
const runner = spawn(
  process.execPath,
  [
    '--test',
    `--test-concurrency=${Math.min(availableParallelism(), FILES_AT_ONCE_MAX)}`,
    `--test-timeout=${TEST_MS_MAX}`,
    `--test-reporter=${process.stdout.isTTY || filters.length > 0 ? 'spec' : 'dot'}`,
    '--test-reporter-destination=stdout',
    `--test-reporter=${new URL('test-summary.mjs', import.meta.url).href}`,
    '--test-reporter-destination=stderr',
    ...flags,
    ...files.sort(),
  ],
  { stdio: 'inherit' },
)
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => runner.kill(signal))
runner.on('exit', (code, signal) => {
  const seconds = ((performance.now() - startMs) / 1_000).toFixed(1)
  console.error(`${files.length} files in ${seconds} s`)
  process.exit(code ?? (signal === null ? 1 : 130))
})
