import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { ManualClock } from '../base/clock.ts'
import { settingsWith } from './build-settings.ts'
import { type LogOutput, openLog } from './log-output.ts'
import { formatLine } from './log-text.ts'
import { SERVER_VERSION } from './version.ts'

type Texts = Readonly<Record<string, string | number | boolean>>

async function open(
  texts: Texts,
  dataDir: string | null = null,
  clock = new ManualClock(Date.UTC(2026, 0, 31, 12, 0, 0, 123)),
): Promise<{ output: LogOutput; lines: string[]; errors: string[] }> {
  const lines: string[] = []
  const errors: string[] = []
  const output = await openLog(settingsWith(texts).log, {
    clock,
    dataDir,
    stdout: { write: (line) => lines.push(line) },
    stderr: { write: (line) => errors.push(line) },
  })
  return { output, lines, errors }
}

test('text lines have time, level, category and fields', async () => {
  const { output, lines } = await open({})
  output.logger.child('connection').info('accepted', { peer: '127.0.0.1:5', name: 'a b', count: 3 })
  assert.deepEqual(lines, [
    '2026-01-31 12:00:00.123+00:00 [info] <connection> accepted peer=127.0.0.1:5 name="a b" count=3\n',
  ])
})

test('what a peer chose cannot begin a line or carry terminal codes', () => {
  const fields = { name: 'x\ny', error: new Error('bad\u001b[31m') }
  const line = formatLine({ timeMs: 0, level: 'error', category: 'queue', text: 'one\n2026 [info] two\u0007', fields })
  for (const rest of line.trimEnd().split('\n').slice(1)) assert.match(rest, /^ {4}/)
  assert.doesNotMatch(line, /[^\P{Cc}\n]/u)
})

test("a category's own level counts instead of its outputs', and levels change while running", async () => {
  const { output, lines } = await open({ 'log.console.level': 'error', 'log.queue.level': 'debug' })
  output.logger.warning('no')
  output.logger.child('queue').debug('yes')
  output.apply(settingsWith({ 'log.console.level': 'warning' }).log)
  output.logger.warning('now')
  output.logger.child('queue').debug('no longer')
  assert.deepEqual(
    lines.map((line) => line.trim().split('> ')[1]),
    ['yes', 'now'],
  )
})

test('JSON lines, on the stream that is asked for', async () => {
  const { output, lines, errors } = await open({ 'log.console.formatter': 'json', 'log.console.stdio': 'stderr' })
  output.logger.child('storage').notice('written', { bytes: 7, error: new Error('full') })
  assert.deepEqual(lines, [])
  const { error, ...line } = JSON.parse(errors[0]!)
  assert.deepEqual(line, {
    level: 'notice',
    time: '2026-01-31T12:00:00.123Z',
    category: 'storage',
    bytes: 7,
    msg: 'written',
  })
  assert.equal(error.message, 'full')
  assert.match(error.stack, /log-output/)
})

test('a file in the log folder, opened anew after it was moved, with its own level', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'warren-log-'))
  try {
    const { output, lines } = await open(
      { 'log.console': false, 'log.file': 'w.log', 'log.file.level': 'warning' },
      dataDir,
    )
    const file = join(dataDir, 'log', 'w.log')
    output.logger.info('too little')
    output.logger.error('one')
    await output.close()
    assert.match(readFileSync(file, 'utf8'), /^[^\n]*\[error\] <default> one\n$/)
    renameSync(file, `${file}.1`)
    const again = await open({ 'log.file': 'w.log' }, dataDir)
    renameSync(file, `${file}.2`)
    again.output.reopen()
    again.output.logger.info('two')
    await again.output.close()
    assert.match(readFileSync(file, 'utf8'), /two/)
    assert.deepEqual(lines, [])
  } finally {
    rmSync(dataDir, { recursive: true })
  }
})

test('a log file that cannot be written is an error at start', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'warren-log-'))
  try {
    writeFileSync(join(dataDir, 'file'), '')
    await assert.rejects(open({ 'log.file': 'x.log', 'log.dir': join(dataDir, 'file', 'log') }), /ENOTDIR/)
  } finally {
    rmSync(dataDir, { recursive: true })
  }
})

test("the version is package.json's", () => {
  const manifest = new URL(
    import.meta.url.includes('/dist/') ? '../../../package.json' : '../../../../package.json',
    import.meta.url,
  )
  assert.equal(JSON.parse(readFileSync(manifest, 'utf8')).version, SERVER_VERSION)
})

test('a file is begun anew before it grows too large; so many old ones are kept', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'warren-log-'))
  try {
    const { output } = await open(
      { 'log.console': false, 'log.file': 'w.log', 'log.file.rotation.size': '200', 'log.file.rotation.count': '2' },
      dataDir,
    )
    for (let i = 0; i < 12; i++) output.logger.info(`line ${i} ${'x'.repeat(40)}`)
    await output.close()
    const numbersOf = (name: string): number[] =>
      [...readFileSync(join(dataDir, 'log', name), 'utf8').matchAll(/line (\d+)/g)].map(([, number]) => Number(number))
    const kept = [...numbersOf('w.log.1'), ...numbersOf('w.log.0'), ...numbersOf('w.log')]
    const expected = Array.from(kept, (_, i) => 12 - kept.length + i)
    assert.deepEqual(kept, expected, 'the newest, in order, each once')
    assert.ok(numbersOf('w.log.0').length < 3 && kept.length < 7)
    assert.equal(existsSync(join(dataDir, 'log', 'w.log.2')), false)
  } finally {
    rmSync(dataDir, { recursive: true })
  }
})

test('a file is begun anew at the hour of its date', async () => {
  const dataDir = mkdtempSync(join(tmpdir(), 'warren-log-'))
  try {
    const clock = new ManualClock(Date.UTC(2026, 0, 31, 12, 0, 0))
    const texts = {
      'log.console': false,
      'log.file': 'w.log',
      'log.file.rotation.date': '$H0',
      'log.file.rotation.count': 1,
    }
    const { output } = await open(texts, dataDir, clock)
    output.logger.info('before')
    clock.advance(3_599_000)
    output.logger.info('still before')
    clock.advance(2_000)
    output.logger.info('after')
    await output.close()
    assert.match(readFileSync(join(dataDir, 'log', 'w.log.0'), 'utf8'), /before\n.*still before\n$/)
    assert.match(readFileSync(join(dataDir, 'log', 'w.log'), 'utf8'), /^[^\n]*after\n$/)
  } finally {
    rmSync(dataDir, { recursive: true })
  }
})
