import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { SILENT_LOGGER } from '../base/log.ts'
import { SeededRandomness } from '../base/random.ts'
import { NodeDisk } from './disk-node.ts'
import { contents } from './metadata-suite.ts'
import { openMetadata } from './open-metadata.ts'

const ROUNDS = 6
const ACKNOWLEDGED_MAX = 120
const CHILD = fileURLToPath(new URL('metadata-crash-child.js', import.meta.url))

/** Kills the child when it has acknowledged `count` more transactions; resolves with the last acknowledged. */
async function killAfter(child: ChildProcess, count: number): Promise<number> {
  let output = ''
  let lines = 0
  child.stdout!.setEncoding('latin1').on('data', (text: string) => {
    output += text
    lines += text.split('\n').length - 1
    if (lines >= count) child.kill('SIGKILL')
  })
  const [, signal] = (await once(child, 'close')) as [number | null, string | null]
  assert.equal(signal, 'SIGKILL', 'the child ended by itself')
  return Number(output.slice(0, output.lastIndexOf('\n')).split('\n').at(-1))
}

test('after kill -9 every acknowledged transaction is there, and none half', async () => {
  const dir = await mkdtemp(path.join(tmpdir(), 'warren-metadata-crash-'))
  const randomness = new SeededRandomness(20)
  try {
    for (let round = 0; round < ROUNDS; round++) {
      const child = spawn(process.execPath, [CHILD, dir], { stdio: ['ignore', 'pipe', 'inherit'] })
      const acknowledged = await killAfter(child, 1 + randomness.below(ACKNOWLEDGED_MAX))
      const { metadata, damages } = await openMetadata({ disk: new NodeDisk(dir), logger: SILENT_LOGGER })
      const copies = [...metadata.list(['copy'])].map((entry) => Number(entry.value))
      const stored = copies[0] ?? 0
      assert.ok(stored >= acknowledged, `acknowledged ${acknowledged}, stored ${stored}`)
      assert.deepEqual(copies, new Array(6).fill(stored))
      assert.deepEqual(contents(metadata, ['moving']), [[`moving/${stored}`, 'x'.repeat(stored % 3000)]])
      assert.deepEqual(damages, [])
      await metadata.close()
    }
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
})
