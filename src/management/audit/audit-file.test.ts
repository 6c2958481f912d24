import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../base/clock.ts'
import { createLogger, LogLevels, RecordingSink } from '../../base/log.ts'
import type { Disk } from '../../storage/disk.ts'
import { MemoryDisk } from '../../storage/disk-memory.ts'
import { AuditFile } from './audit-file.ts'

async function textOf(disk: Disk, name: string): Promise<string> {
  const bytes = (await disk.list()).find((entry) => entry.name === name)?.bytes ?? 0
  const into = Buffer.alloc(bytes)
  const file = await disk.open(name, false)
  await file.read(into, 0, bytes, 0)
  await file.close()
  return into.toString()
}

function bench(disk: Disk) {
  const sink = new RecordingSink(100)
  const logger = createLogger({ sink, clock: new ManualClock(), levels: new LogLevels() })
  const open = () => new AuditFile({ disk, name: 'audit.log', fileBytesMax: 40, fileCountMax: 3, logger })
  return { open, lines: () => sink.records.map(({ text }) => text) }
}

test('full files become old ones, and the oldest goes; a restart appends', async () => {
  const disk = new MemoryDisk()
  const { open } = bench(disk)
  for (let i = 0; i < 6; i++) {
    // Each as a run of its own.
    const file = open()
    file.append(`line ${i} ${'x'.repeat(10)}`)
    await file.close()
  }
  const names = (await disk.list()).map(({ name }) => name).sort()
  assert.deepEqual(names, ['audit.log', 'audit.log.1', 'audit.log.2'])
  assert.match(await textOf(disk, 'audit.log'), /^line 4 x+\nline 5 x+\n$/)
  assert.match(await textOf(disk, 'audit.log.1'), /^line 2 x+\nline 3 x+\n$/)
  assert.match(await textOf(disk, 'audit.log.2'), /^line 0 x+\nline 1 x+\n$/)
})

test('a disk that fails is said once; what waited is written when it works again', async () => {
  const disk = new MemoryDisk()
  let isBroken = true
  const flaky: Disk = Object.assign(Object.create(disk) as Disk, {
    open: (name: string, create: boolean) =>
      isBroken ? Promise.reject(new Error('no space')) : disk.open(name, create),
    list: () => disk.list(),
    remove: (name: string) => disk.remove(name),
    rename: (from: string, to: string) => disk.rename(from, to),
  })
  const { open, lines } = bench(flaky)
  const file = open()
  for (const line of ['one', 'two']) {
    file.append(line)
    await file.close()
  }
  assert.equal(lines().length, 1)
  isBroken = false
  file.append('three')
  await file.close()
  assert.equal(await textOf(disk, 'audit.log'), 'one\ntwo\nthree\n')
})
