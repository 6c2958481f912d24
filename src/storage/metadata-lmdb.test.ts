import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { crc32 } from 'node:zlib'
import { open } from 'lmdb'
import { SILENT_LOGGER } from '../base/log.ts'
import { openLmdbMetadata } from './metadata-lmdb.ts'
import type { Metadata } from './metadata-port.ts'
import { contents, describeMetadata, put, transact } from './metadata-suite.ts'

const root = await mkdtemp(path.join(tmpdir(), 'warren-metadata-'))
after(() => rm(root, { recursive: true, force: true }))

let count = 0
const dirs = new WeakMap<Metadata, string>()

async function openIn(dir: string): Promise<Metadata> {
  const { metadata } = await openLmdbMetadata({ dir, logger: SILENT_LOGGER })
  dirs.set(metadata, dir)
  return metadata
}

function newDir(): string {
  return path.join(root, `store-${++count}`, 'metadata')
}

describeMetadata({
  name: 'lmdb',
  create: () => openIn(newDir()),
  reopen: async (metadata) => {
    await metadata.close()
    return openIn(dirs.get(metadata)!)
  },
})

test('a changed byte in an entry is reported; the other entries come up', async () => {
  const dir = newDir()
  const metadata = await openIn(dir)
  for (const name of ['a', 'b', 'c']) await transact(metadata, [], [put(['k', name], `value-of-${name}`)])
  await metadata.close()
  const file = path.join(dir, 'data.mdb')
  const bytes = await readFile(file)
  let changed = 0
  for (let at = bytes.indexOf('value-of-b'); at >= 0; at = bytes.indexOf('value-of-b', at + 1)) {
    bytes[at]! ^= 1
    changed++
  }
  assert.ok(changed > 0)
  await writeFile(file, bytes)
  const opened = await openLmdbMetadata({ dir, logger: SILENT_LOGGER })
  assert.equal(opened.damagedIds.length, 1)
  assert.deepEqual(contents(opened.metadata), [
    ['k/a', 'value-of-a'],
    ['k/c', 'value-of-c'],
  ])
  await opened.metadata.close()
})

test('a damaged header is refused in words', async () => {
  const dir = newDir()
  const metadata = await openIn(dir)
  await transact(metadata, [], [put(['k'], 1)])
  await metadata.close()
  const file = path.join(dir, 'data.mdb')
  const bytes = await readFile(file)
  for (let at = bytes.indexOf('"format":1'); at >= 0; at = bytes.indexOf('"format":1', at + 1))
    bytes.write('"format":7', at)
  await writeFile(file, bytes)
  await assert.rejects(openLmdbMetadata({ dir, logger: SILENT_LOGGER }), /the header of the metadata in .* is damaged/)
})

test('a newer format is refused in words', async () => {
  const dir = newDir()
  const json = Buffer.from('{"format":7,"revision":1}')
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(crc32(json))
  const db = open<Buffer, number>({ path: dir, noSubdir: false, encoding: 'binary', keyEncoding: 'uint32', maxDbs: 1 })
  await db.put(0, Buffer.concat([checksum, json]))
  await db.close()
  await assert.rejects(openLmdbMetadata({ dir, logger: SILENT_LOGGER }), /is of format 7; this version reads up to 1/)
})

test('transactions of one turn share a commit', async () => {
  const dir = newDir()
  let groups = 0
  const schedule = (run: () => void): void => {
    setImmediate(() => {
      groups++
      run()
    })
  }
  const { metadata } = await openLmdbMetadata({ dir, logger: SILENT_LOGGER, schedule })
  for (let i = 0; i < 100; i++) metadata.transact([], [put(['k', String(i)], i)], () => undefined)
  await metadata.barrier()
  assert.equal(groups, 1)
  await metadata.close()
})
