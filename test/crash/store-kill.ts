/**
 * Kills a process that publishes and settles, at random moments, again and again on one data folder, and verifies after
 * each death: every confirmed message is there, in order and unchanged, unless it was settled; nothing was invented.
 * `node dist/test/crash/store-kill.js 50` runs 50 rounds and prints figures.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SystemClock } from '../../src/base/clock.ts'
import { SeededRandomness } from '../../src/base/random.ts'
import { TimerWheel } from '../../src/base/timer-wheel.ts'
import { Turn } from '../../src/base/turn.ts'
import { NodeDisk } from '../../src/storage/disk-node.ts'
import { openMessageStore } from '../../src/storage/open-store.ts'
import { SILENT } from '../../src/storage/report.ts'
import type { BlockStore } from '../../src/storage/store.ts'
import { LEDGER_IDS, PayloadView, RESIDENT_BYTES, weighPayload } from './store-payload.ts'

/** What all rounds together saw. */
export interface KillFigures {
  confirmedCount: number
  settledCount: number
  foundCount: number
  /** Settled, but not for good: they came back. */
  returnedCount: number
}

/** What is known of one queue: confirmed and not settled; settled by a process that died before it was certain. */
interface Known {
  readonly due: Set<number>
  readonly settled: Set<number>
}

/** A life goes on for a while after so many confirms and settlements. */
const CONFIRMED_MIN = 30
const SETTLED_MIN = 15

function fail(error: unknown): never {
  throw error
}

/** Runs rounds on one folder; throws at the first broken promise, naming the seed. */
export async function killRounds(rounds: number, seed: number): Promise<KillFigures> {
  const folder = mkdtempSync(join(tmpdir(), 'warren-kill-'))
  const random = new SeededRandomness(seed)
  const known: Known[] = LEDGER_IDS.map(() => ({ due: new Set(), settled: new Set() }))
  const figures: KillFigures = { confirmedCount: 0, settledCount: 0, foundCount: 0, returnedCount: 0 }
  try {
    for (let round = 0; round < rounds; round++) {
      await oneLife(folder, round * 10_000_000, random.below(2 ** 31), 60 + random.below(300), known, figures)
      await verify(folder, known, figures)
    }
  } catch (error) {
    throw new Error(`seed ${seed}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
  return figures
}

async function oneLife(
  folder: string,
  firstNumber: number,
  seed: number,
  lifeMs: number,
  known: readonly Known[],
  figures: KillFigures,
): Promise<void> {
  const script = fileURLToPath(new URL('./store-child.js', import.meta.url))
  const child = spawn(process.execPath, [script, folder, String(firstNumber), String(seed)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  let timer: NodeJS.Timeout | null = null
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1')
    if (timer === null && isUnderWay(text)) timer = setTimeout(() => child.kill('SIGKILL'), lifeMs)
  })
  const [, signal] = await once(child, 'close')
  assert.equal(signal, 'SIGKILL', 'the process died by itself')
  for (const line of text.slice(0, text.lastIndexOf('\n')).split('\n')) {
    const [what, queue, number] = line.split(' ')
    if (what === 'c') figures.confirmedCount++
    if (what === 'c' && !known[Number(queue)]!.settled.has(Number(number)))
      known[Number(queue)]!.due.add(Number(number))
    if (what !== 't') continue
    figures.settledCount++
    known[Number(queue)]!.due.delete(Number(number))
    known[Number(queue)]!.settled.add(Number(number))
  }
}

/** Whether a life has something to lose: on a slow disk that takes its time. */
function isUnderWay(text: string): boolean {
  return text.split('\nc ').length > CONFIRMED_MIN && text.split('\nt ').length > SETTLED_MIN
}

async function verify(folder: string, known: readonly Known[], figures: KillFigures): Promise<void> {
  const clock = new SystemClock()
  const wheel = new TimerWheel(clock, fail)
  const damages: unknown[] = []
  const report = { ...SILENT, onBug: fail, onDamage: (damage: unknown) => damages.push(damage) }
  const options = { disk: new NodeDisk(folder), turn: new Turn(fail), clock, wheel, report, weigh: weighPayload }
  const store = await openMessageStore({ ...options, residentBytes: RESIDENT_BYTES })
  assert.deepEqual(damages, [])
  try {
    await compare(store, known, figures)
  } finally {
    await store.close()
  }
}

async function compare(store: BlockStore, known: readonly Known[], figures: KillFigures): Promise<void> {
  const view = new PayloadView()
  for (const [i, id] of LEDGER_IDS.entries()) {
    const ledger = store.ledger(id, true)
    const found: number[] = []
    for (let at = ledger.nextLive(1); at < ledger.nextSequence; at = ledger.nextLive(at + 1)) {
      while (!store.open(ledger.addressOf(at), view)) {
        await new Promise<void>((resolve) => store.load(ledger, at, { onLoaded: () => resolve() }))
      }
      found.push(view.number)
    }
    for (let k = 1; k < found.length; k++) assert.ok(found[k]! > found[k - 1]!, `queue ${id} is out of order`)
    const present = new Set(found)
    for (const number of known[i]!.due) assert.ok(present.has(number), `queue ${id} lost confirmed message ${number}`)
    figures.foundCount += found.length
    for (const number of found) if (known[i]!.settled.has(number)) figures.returnedCount++
    known[i]!.due.clear()
    known[i]!.settled.clear()
    for (const number of found) known[i]!.due.add(number)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const rounds = Number(process.argv[2] ?? 50)
  const seed = Number(process.argv[3] ?? process.pid)
  const figures = await killRounds(rounds, seed)
  process.stdout.write(`seed ${seed}, ${rounds} kills: ${JSON.stringify(figures)}\n`)
}
