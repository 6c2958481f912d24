import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { makeDataFolder, precautions } from './precautions.ts'

const ORDINARY = 1000

test('a new data folder is for its owner alone; one that others may look into is warned of', () => {
  const scratch = mkdtempSync(join(tmpdir(), 'warren-folder-'))
  try {
    const dataDir = join(scratch, 'made')
    makeDataFolder(dataDir)
    assert.equal(statSync(dataDir).mode & 0o777, 0o700)
    assert.deepEqual(precautions(dataDir, ORDINARY), [])
    chmodSync(dataDir, 0o750)
    makeDataFolder(dataDir)
    assert.equal(statSync(dataDir).mode & 0o777, 0o750, 'what is there is its owner’s to change')
    assert.match(precautions(dataDir, ORDINARY).join(), /chmod 700/)
  } finally {
    rmSync(scratch, { recursive: true })
  }
})

test('running as root is warned of; systems without user ids are not', () => {
  assert.match(precautions(null, 0).join(), /ordinary user/)
  assert.deepEqual(precautions(null, ORDINARY), [])
  assert.deepEqual(precautions(null, undefined), [])
})
