import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import { DiskError, FolderInUse } from './disk.ts'
import { NodeDisk } from './disk-node.ts'
import { Slab } from './slab.ts'
import { StoreHarness } from './store-harness.ts'

const root = mkdtempSync(join(tmpdir(), 'warren-disk-'))
after(() => rmSync(root, { recursive: true, force: true }))

describe('node disk', () => {
  test('writes, reads, renames, lists and removes', async () => {
    const disk = new NodeDisk(join(root, 'files'))
    await disk.lock()
    assert.deepEqual(await disk.list('nothing'), [])
    const file = await disk.open('a', true)
    file.writeNow(Buffer.from('hello'), 1, 5, 2)
    await file.write(Buffer.from('world'), 0, 3, 6)
    await file.sync()
    const into = Buffer.alloc(20)
    assert.equal(await file.read(into, 0, 20, 0), 9)
    assert.equal(into.toString('latin1', 2, 9), 'ellowor')
    await file.truncate(4)
    await file.close()
    await disk.rename('a', 'sub/b')
    await disk.syncFolder()
    assert.deepEqual(await disk.list('sub'), [{ name: 'b', bytes: 4 }])
    await disk.remove('sub/b')
    await disk.remove('sub/b')
    assert.deepEqual(await disk.list('sub'), [])
    assert.ok((await disk.freeBytes()) > 0)
    await disk.unlock()
  })

  test('large writes of pages: what is read is what was written, whatever the ends', async () => {
    const bytes = Slab.forBlock(2 * 1024 * 1024)
    assert.ok(bytes.isPaged)
    for (let i = 0; i < bytes.words.length; i++) bytes.words[i] = i * 2654435761
    for (const isDirect of [true, false]) {
      const disk = new NodeDisk(join(root, `pages-${isDirect}`), isDirect)
      const file = await disk.open('a', true)
      await file.truncate(bytes.bytes.length)
      // Whole pages, both ends within one, and small ones between: through the cache and past it in turn.
      const ends = [0, 100, 4096, 4097, 150_000, 400_000, 400_008, 401_000, 1_048_576, 1_500_000, bytes.bytes.length]
      for (let i = 0; i + 1 < ends.length; i++) {
        const [start, end] = [ends[i]!, ends[i + 1]!]
        if (end - start < 5000) file.writeNow(bytes.bytes, start, end, start)
        else await file.write(bytes.bytes, start, end, start, bytes.isPaged)
        const read = Buffer.alloc(end)
        assert.equal(await file.read(read, 0, end, 0), end)
        assert.equal(Buffer.compare(read, bytes.bytes.subarray(0, end)), 0, `up to ${end}`)
      }
      // The file has another name by now, and is written anew.
      await disk.rename('a', 'b')
      bytes.bytes.fill(7, 4096, 600_000)
      await file.write(bytes.bytes, 4096, 600_000, 4096, bytes.isPaged)
      await file.sync()
      assert.equal(Buffer.compare(readFileSync(join(disk.path, 'b')), bytes.bytes), 0)
      await file.close()
    }
  })

  test('a file system without direct writes is written all the same', async () => {
    // Linux: files in memory, which have no cache to go past (or take it as a wish).
    const path = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'warren-disk-'))
    try {
      const bytes = Slab.forBlock(1024 * 1024)
      bytes.bytes.fill(9)
      const file = await new NodeDisk(path).open('a', true)
      await file.write(bytes.bytes, 0, 500_001, 0, true)
      await file.write(bytes.bytes, 500_001, 1_000_000, 500_001, true)
      await file.close()
      assert.equal(Buffer.compare(readFileSync(join(path, 'a')), bytes.bytes.subarray(0, 1_000_000)), 0)
    } finally {
      rmSync(path, { recursive: true })
    }
  })

  test('failures carry the code of the system', async () => {
    const disk = new NodeDisk(join(root, 'files'))
    await assert.rejects(disk.open('missing', false), (error) => error instanceof DiskError && error.code === 'ENOENT')
  })

  test('a folder has one user: in this process, and among processes; a dead one does not count', async () => {
    const path = join(root, 'locked')
    const disk = new NodeDisk(path)
    await disk.lock()
    await assert.rejects(new NodeDisk(path).lock(), FolderInUse)
    await disk.unlock()
    // Only this system tells when a process started.
    if (process.platform !== 'linux') return
    const other = spawn(process.execPath, ['-e', 'process.stdin.resume()'], { stdio: ['pipe', 'ignore', 'ignore'] })
    const lock = join(path, 'lock')
    const stat = readFileSync(`/proc/${other.pid}/stat`, 'utf8')
    const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    writeFileSync(lock, JSON.stringify({ pid: other.pid, start, boot }))
    await assert.rejects(disk.lock(), /in use by another broker \(process \d+\)/)
    writeFileSync(lock, JSON.stringify({ pid: other.pid, start: '1', boot }))
    await disk.lock()
    await disk.unlock()
    writeFileSync(lock, JSON.stringify({ pid: other.pid, start, boot }))
    other.kill()
    await once(other, 'exit')
    await disk.lock()
    await disk.unlock()
    writeFileSync(lock, 'half a li')
    await disk.lock()
    await disk.unlock()
  })

  test('a store on real files comes back', async () => {
    const path = join(root, 'store')
    const before = await StoreHarness.open(new NodeDisk(path))
    const ledger = before.store.ledger(before.store.newLedgerId(), true)
    for (let i = 1; i <= 500; i++) {
      before.put([ledger], i, true, 100)
      if (i % 3 === 0) ledger.settle(i)
    }
    before.endTurn()
    await before.store.close()
    const again = await StoreHarness.open(new NodeDisk(path))
    const found = again.store.ledger(ledger.id, true)
    assert.equal(found.liveCount, 334)
    assert.equal(found.nextLive(3), 4)
    await again.store.close()
  })
})
