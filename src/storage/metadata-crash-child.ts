/**
 * The process that the crash test kills: commits transactions for ever, and says on its output which are acknowledged.
 * Each sets `COPIES` records to the same number and moves one more record to a new key, so that half of one would show.
 */
import { writeSync } from 'node:fs'
import { SILENT_LOGGER } from '../base/log.ts'
import { NodeDisk } from './disk-node.ts'
import type { MetadataOp } from './metadata-port.ts'
import { openMetadata } from './open-metadata.ts'

const COPIES = 6
const IN_FLIGHT_MAX = 20

const dir = process.argv[2]
if (dir === undefined) throw new Error('usage: metadata-crash-child DIR')
const { metadata } = await openMetadata({ disk: new NodeDisk(dir), logger: SILENT_LOGGER })
let last = Number(metadata.get(['copy', '0'])?.value ?? 0)

function next(): void {
  const number = ++last
  const ops: MetadataOp[] = [{ op: 'drop-prefix', key: ['moving'] }]
  for (let copy = 0; copy < COPIES; copy++) ops.push({ op: 'put', key: ['copy', String(copy)], value: number })
  ops.push({ op: 'put', key: ['moving', String(number)], value: 'x'.repeat(number % 3000) })
  metadata.transact([], ops, (result) => {
    if (!result.ok) throw new Error('a commit failed')
    writeSync(1, `${number}\n`)
    next()
  })
}

for (let i = 0; i < IN_FLIGHT_MAX; i++) next()
