/**
 * The victim: a process that publishes, consumes and settles on a data folder until it is killed. To standard output go
 * `c <queue> <number>` when a message is confirmed, and `t <queue> <number>` when one was taken and settled.
 * Arguments: folder, first number, seed.
 */
import { writeSync } from 'node:fs'
import { SystemClock } from '../../src/base/clock.ts'
import { SeededRandomness } from '../../src/base/random.ts'
import { TimerWheel } from '../../src/base/timer-wheel.ts'
import { TURN_SESSIONS, Turn } from '../../src/base/turn.ts'
import { NodeDisk } from '../../src/storage/disk-node.ts'
import { openMessageStore } from '../../src/storage/open-store.ts'
import { SILENT } from '../../src/storage/report.ts'
import { BLOCK_BYTES, fillPayload, LEDGER_IDS, PayloadView, RESIDENT_BYTES, weighPayload } from './store-payload.ts'

function fail(error: unknown): never {
  throw error
}

const [path, firstNumber, seed] = process.argv.slice(2)
const random = new SeededRandomness(Number(seed))
const clock = new SystemClock()
const turn = new Turn(fail)
const store = await openMessageStore({
  disk: new NodeDisk(path!),
  turn,
  clock,
  wheel: new TimerWheel(clock, fail),
  report: { ...SILENT, onBug: fail },
  weigh: weighPayload,
  blockBytes: BLOCK_BYTES,
  residentBytes: RESIDENT_BYTES,
})
const ledgers = LEDGER_IDS.map((id) => store.ledger(id, true))
let number = Number(firstNumber)
/** Unconfirmed messages, as a publisher would bound them. */
const OUTSTANDING_MAX = 500
/** Promises that become true when the log is durable up to the position. */
let promises: { readonly position: number; readonly line: string }[] = []
let isWaiting = false
const view = new PayloadView()

const session = {
  onTurnEnd(): void {
    const rounds = 1 + random.below(30)
    for (let i = 0; i < rounds; i++) step()
    if (promises.length > 0 && !isWaiting) {
      isWaiting = true
      store.awaitDurable(session)
    }
    turn.again(TURN_SESSIONS, session)
  },
  onDurable(upTo: number): void {
    isWaiting = false
    const kept = promises.filter(({ position }) => position > upTo)
    const lines = promises.filter(({ position }) => position <= upTo).map(({ line }) => line)
    promises = kept
    if (lines.length > 0) writeSync(1, `${lines.join('\n')}\n`)
  },
}

function step(): void {
  if (random.below(3) > 0 && promises.length < OUTSTANDING_MAX) publish()
  else consume(random.below(ledgers.length))
}

function publish(): void {
  const bytes = 16 + random.below(random.below(20) === 0 ? 20_000 : 400)
  const chosen = ledgers.map((_, i) => i).filter(() => random.below(2) === 0)
  if (chosen.length === 0) return
  store.reserve(true, chosen.length, bytes)
  fillPayload(store.bytes, store.words, store.payloadAt, ++number, bytes)
  for (const [slot, i] of chosen.entries()) {
    ledgers[i]!.enter(slot, bytes, number & 0xffff)
    promises.push({ position: store.appended, line: `c ${i} ${number}` })
  }
}

/** Written at once: a message that is gone after the crash must have been taken, one that was taken may come back. */
function consume(i: number): void {
  const ledger = ledgers[i]!
  const sequence = ledger.nextLive(1)
  if (sequence === ledger.nextSequence) return
  if (!store.open(ledger.addressOf(sequence), view)) {
    store.load(ledger, sequence, { onLoaded: () => undefined })
    return
  }
  ledger.settle(sequence)
  writeSync(1, `t ${i} ${view.number}\n`)
}

writeSync(1, 'ready\n')
turn.mark(TURN_SESSIONS, session)
