/**
 * The import law and the banned words, as a test. Think about the layering before you edit me: a new exception here is a
 * decision about the architecture, and needs a reason that a stranger would accept.
 *
 * Imports point down a list of folders (STYLE.md §13). Modules form no cycle at run time. Files stay below 600 lines.
 * Time, timers, randomness, the environment, files and sockets have one home each.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { lineAt, readSource, type SourceFile, sourceFiles } from './support/source-files.ts'

const LINE_COUNT_MAX = 600

/** Who may import whom. A folder may always import itself. */
const LAWS: Readonly<Record<string, readonly string[]>> = {
  base: [],
  config: ['base'],
  storage: ['base'],
  model: ['base'],
  auth: ['base', 'config', 'model'],
  net: ['base', 'config'],
  queues: ['base', 'model', 'storage'],
  cluster: ['base', 'config', 'model', 'storage', 'net'],
  protocols: ['base', 'config', 'net', 'auth', 'model'],
  clients: ['base', 'net', 'protocols'],
  management: ['base', 'config', 'storage', 'model', 'auth', 'net', 'queues', 'cluster', 'protocols', 'clients'],
  plugins: [
    'base',
    'config',
    'storage',
    'model',
    'auth',
    'net',
    'queues',
    'cluster',
    'protocols',
    'clients',
    'management',
  ],
  cli: [
    'base',
    'config',
    'storage',
    'model',
    'auth',
    'net',
    'queues',
    'cluster',
    'protocols',
    'clients',
    'management',
    'plugins',
  ],
}

/** Beginnings of the paths of what puts everything together. */
const COMPOSITION = ['src/main', 'src/boot', 'src/library.ts']

function isComposition(path: string): boolean {
  return COMPOSITION.some((beginning) => path.startsWith(beginning))
}

/** The leaves of a protocol, which clients share. */
const CODEC_FILES = /\/(spec|codec|fields|properties|types)[^/]*\.ts$/

interface Ban {
  readonly name: string
  readonly pattern: RegExp
  /** Where it may stand: beginnings of paths, each with the reason. */
  readonly allowed: Readonly<Record<string, string>>
  /** Whether tests must keep to it, too. */
  readonly inTests: boolean
}

const PERF = 'the load tool measures other programs, in processes of its own'
const BANS: readonly Ban[] = [
  {
    name: 'reading time (use base/clock)',
    pattern: /\bDate\.now\b|\bperformance\.now\b|\bprocess\.hrtime\b|\bnew Date\(\)/g,
    allowed: { 'src/base/clock.ts': 'the home of time', 'src/cli/perf/': PERF },
    inTests: false,
  },
  {
    name: 'timers (use base/timer-wheel)',
    pattern: /(?<![.\w])(setTimeout|setInterval)\b/g,
    allowed: { 'src/base/clock.ts': 'the home of timers', 'src/cli/perf/': PERF },
    inTests: false,
  },
  {
    name: 'randomness (use base/random)',
    pattern: /\bMath\.random\b|\brandomBytes\b|\brandomUUID\b|\brandomInt\b|\brandomFill(Sync)?\b/g,
    allowed: { 'src/base/random.ts': 'the home of randomness' },
    inTests: false,
  },
  {
    name: 'the environment (use config)',
    pattern: /\bprocess\.env\b/g,
    allowed: { 'src/config/environment.ts': 'the home of the environment' },
    inTests: false,
  },
  {
    name: 'writing to sockets (use the outbox)',
    pattern: /\b#?socket\.write\b/g,
    allowed: { 'src/net/': 'the home of the outbox', 'src/cli/perf/': PERF },
    inTests: false,
  },
  { name: 'any', pattern: /(?<=[:<|&]\s*|\bas\s+)any\b(?!\s*[:(.])|,\s*any(?=\s*[>\]])/g, allowed: {}, inTests: true },
  { name: 'enum', pattern: /^\s*(export\s+)?(declare\s+)?(const\s+)?enum\s/gm, allowed: {}, inTests: true },
  { name: 'a default export', pattern: /^export\s+default\b|\bas\s+default\b/gm, allowed: {}, inTests: true },
  { name: 'EventEmitter', pattern: /\bEventEmitter\b/g, allowed: {}, inTests: false },
  {
    name: 'a skipped or lonely test',
    pattern: /\b(test|it|describe|suite)\.(skip|only|todo)\b/g,
    allowed: {},
    inTests: true,
  },
]

/** Modules of Node.js that have one home. */
const MODULE_BANS: readonly Ban[] = [
  {
    name: 'files (use storage/disk)',
    pattern: /^import [^'\n]*'node:fs(\/promises)?'/gm,
    allowed: {
      'src/storage/': 'the home of files',
      'src/config/load-settings.ts': 'reads configuration, before there is a disk',
      'src/config/log-file.ts': 'the log is opened before there is a disk, and outlives it',
      'src/boot/tls': 'certificates and keys that the configuration names',
      'src/boot/oauth2.ts': 'public keys that the configuration names',
      'src/management/definitions/definitions-files.ts': 'definitions that the configuration names',
      'src/management/console/console-files.ts': 'the console is a part of the package',
      'src/cli/': 'tools read and write the files that their user names',
    },
    inTests: false,
  },
  { name: 'events', pattern: /^import [^'\n]*'node:events'/gm, allowed: {}, inTests: false },
  {
    name: 'sockets (use net)',
    pattern: /^import (?!type)[^'\n]*'node:(net|tls|dgram)'/gm,
    allowed: { 'src/net/': 'the home of sockets', 'src/cli/': 'commands connect to brokers' },
    inTests: false,
  },
]

/** Larger than a file may be, and why. */
const LONG_FILES: Readonly<Record<string, string>> = {}

/** Files that import against the table, and why. */
const EXCEPTIONS: Readonly<Record<string, string>> = {}

// The folder that a path belongs to: base, config, …
function folderOf(path: string): string {
  return path.split('/')[1]!
}

/** Why `from` may not import `to`, or undefined. */
function refusal(from: string, to: string): string | undefined {
  if (isComposition(from)) return undefined
  if (isComposition(to)) return 'nobody imports the composition root'
  const [source, target] = [folderOf(from), folderOf(to)]
  if (source === target) return kinRefusal(from, to)
  const law = LAWS[source]
  if (law === undefined) return `the folder ${source} is not in the table`
  if (!law.includes(target)) return `${source} may not import ${target}`
  if (target === 'protocols' && source === 'clients' && !CODEC_FILES.test(to)) return 'clients see codecs only'
  if (target === 'protocols' && /\/connection[^/]*\.ts$/.test(to)) return 'nobody sees the connection of a protocol'
  return undefined
}

/** Kinds of queue and protocols stand beside each other and do not know each other. */
function kinRefusal(from: string, to: string): string | undefined {
  const [source, target] = [from.split('/'), to.split('/')]
  if (source.length < 4 || target.length < 4 || source[2] === target[2]) return undefined
  if (source[1] === 'protocols') return 'a protocol never imports another protocol'
  if (source[1] === 'queues' && target[2] !== 'common') return 'a queue type never imports another queue type'
  return undefined
}

function violations(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path, isTest }) => !isTest && EXCEPTIONS[path] === undefined)
    .flatMap(({ path, imports }) =>
      imports.flatMap(({ path: target, line }) => {
        const reason = target.startsWith('src/') ? refusal(path, target) : 'sources import sources only'
        return reason === undefined ? [] : [`${path}:${line} imports ${target}: ${reason}`]
      }),
    )
}

function bannedWords(files: readonly SourceFile[]): string[] {
  return files.flatMap((file) => {
    const found = (bans: readonly Ban[], text: string): string[] =>
      bans
        .filter((ban) => ban.inTests || !(file.isTest || file.path.startsWith('test/')))
        .filter((ban) => !Object.keys(ban.allowed).some((allowed) => file.path.startsWith(allowed)))
        .flatMap(({ name, pattern }) =>
          [...text.matchAll(pattern)].map(
            (match) => `${file.path}:${lineAt(text, match.index)} ${name}: ${match[0].trim()}`,
          ),
        )
    return [...found(BANS, file.code), ...found(MODULE_BANS, file.text)]
  })
}

/** Cycles of imports that exist at run time, each as `a → b → a`. */
function cycles(files: readonly SourceFile[]): string[] {
  const byPath = new Map(files.map((file) => [file.path, file]))
  const done = new Set<string>()
  const found: string[] = []
  const visit = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path)
    if (at >= 0) found.push([...trail.slice(at), path].join(' → '))
    if (at >= 0 || done.has(path)) return
    for (const { path: next, isType } of byPath.get(path)?.imports ?? []) if (!isType) visit(next, [...trail, path])
    done.add(path)
  }
  for (const { path } of files) visit(path, [])
  return found
}

const sources = sourceFiles('src')
const tests = sourceFiles('test')

test('imports point down the list of folders', () => {
  assert.deepEqual(violations(sources), [])
})

test('modules form no cycle', () => {
  assert.deepEqual(cycles(sources), [])
})

test('files are not too long', () => {
  const long = [...sources, ...tests].filter(
    ({ path, lineCount }) => lineCount > LINE_COUNT_MAX && LONG_FILES[path] === undefined,
  )
  assert.deepEqual(
    long.map(({ path, lineCount }) => `${path}: ${lineCount} lines`),
    [],
  )
})

test('banned words stand nowhere', () => {
  assert.deepEqual(bannedWords([...sources, ...tests]), [])
})

test('notes for later stand nowhere', () => {
  const pattern = new RegExp(`\\b(${['TO', 'FIX'].map((word, i) => word + ['DO', 'ME'][i]).join('|')})\\b`)
  const found = [...sources, ...tests].filter(({ text }) => pattern.test(text))
  assert.deepEqual(
    found.map(({ path }) => path),
    [],
  )
})

test('every exception is still needed', () => {
  const all = [...sources, ...tests].map(({ path }) => path)
  for (const path of [...Object.keys(EXCEPTIONS), ...Object.keys(LONG_FILES)]) assert.ok(all.includes(path), path)
  for (const { allowed } of [...BANS, ...MODULE_BANS]) {
    for (const path of Object.keys(allowed))
      assert.ok(
        all.some((file) => file.startsWith(path)),
        path,
      )
  }
})

test('this test sees what it should', () => {
  const path = 'src/model/x.ts'
  const law = (text: string): number => violations([readSource(path, text)]).length
  assert.equal(law(`import { a } from '../base/a.ts'\nimport { b } from './b.ts'\n`), 0)
  assert.equal(law(`import type {\n  A,\n  B,\n} from '../storage/a.ts'\n`), 1)
  assert.equal(law(`export { a } from '../net/a.ts'\nconst b = await import('../queues/b.ts')\n`), 2)
  assert.match(refusal('src/queues/classic/a.ts', 'src/queues/quorum/b.ts')!, /queue type/)
  assert.equal(refusal('src/queues/classic/a.ts', 'src/queues/common/b.ts'), undefined)
  assert.match(refusal('src/protocols/mqtt/a.ts', 'src/protocols/amqp091/codec.ts')!, /another protocol/)
  assert.match(refusal('src/clients/a.ts', 'src/protocols/amqp091/channel.ts')!, /codecs only/)
  const words = (text: string): number => bannedWords([readSource(path, text)]).length
  assert.equal(
    words(`// Date.now\nconst a = 'Math.random' + /process.env/.source\n/* any */ const any: string = \`enum\`\n`),
    0,
  )
  assert.equal(words('const a: any = Date.now()\nconst b = `${' + 'Math.random()}`\n'), 3)
  assert.equal(words(`import { readFile } from 'node:fs/promises'\nexport default readFile as any\nenum A {}\n`), 4)
  assert.equal(words('a.setTimeout(1)\nsetTimeout(a, 1)\nthis.#socket.write(b)\nprocess.env.A\n'), 3)
  const a = readSource('src/base/a.ts', `import { b } from './b.ts'\n`)
  assert.equal(cycles([a, readSource('src/base/b.ts', `import { a } from './a.ts'\n`)]).length, 1)
  assert.equal(cycles([a, readSource('src/base/b.ts', `import type { A } from './a.ts'\n`)]).length, 0)
})
