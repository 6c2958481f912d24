import { ManualClock } from '../base/clock.ts'
import { TimerWheel } from '../base/timer-wheel.ts'
import { Turn } from '../base/turn.ts'
import { BlockTable } from './block-table.ts'
import { MemoryDisk } from './disk-memory.ts'
import type { Log } from './log.ts'
import { AdversarialLog } from './log-adversarial.ts'
import { LogFiles } from './log-files.ts'
import { LocalLog } from './log-local.ts'
import { MemoryLog } from './log-memory.ts'
import { numberAfterLog } from './log-scan.ts'
import { type LogBench, testLog } from './log-suite.ts'
import { SILENT } from './report.ts'

const BLOCK_BYTES = 4096

function rethrow(error: unknown): never {
  throw error
}

function world(): { clock: ManualClock; wheel: TimerWheel; blocks: BlockTable } {
  const clock = new ManualClock()
  const blocks = new BlockTable(BLOCK_BYTES, 1024 * BLOCK_BYTES, new Turn(rethrow, () => undefined))
  return { clock, wheel: new TimerWheel(clock, rethrow), blocks }
}

function owned(log: Log): Log {
  log.setOwner({ onLogReady: () => log.flush(), onHeldUp: () => undefined, onBlockClosed: () => undefined })
  return log
}

async function pass(clock: ManualClock): Promise<void> {
  clock.advance(50)
  for (let i = 0; i < 4; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}

async function local(memory: MemoryDisk): Promise<LogBench> {
  const { clock, wheel, blocks } = world()
  const files = new LogFiles(memory)
  blocks.skipTo(await numberAfterLog(files, BLOCK_BYTES))
  const options = {
    files,
    blocks,
    clock,
    wheel,
    confirmAfter: 'sync' as const,
    isSyncOnLoop: false,
    unsyncedBytesMax: 1 << 20,
    report: SILENT,
  }
  const log = owned(new LocalLog(options))
  return {
    log,
    pass: () => pass(clock),
    afterPowerLoss: () => local(memory.powerLoss()),
    blockCount: () => blocks.count,
  }
}

async function inMemory(): Promise<LogBench> {
  const { clock, blocks } = world()
  const log = owned(new MemoryLog(blocks))
  return { log, pass: () => pass(clock), afterPowerLoss: async () => null, blockCount: () => blocks.count }
}

async function adversarial(memory: MemoryDisk, seed: number): Promise<LogBench> {
  const { clock, wheel, blocks } = world()
  blocks.skipTo(await numberAfterLog(new LogFiles(memory), BLOCK_BYTES))
  const hostile = new AdversarialLog({ memory, blocks, clock, wheel, seed })
  let passes = 0
  return {
    log: owned(hostile.log),
    pass: async () => {
      if (passes++ % 8 === 0) hostile.stir()
      await pass(clock)
      if (hostile.log.health.state === 'failed') clock.advance(5_000)
    },
    afterPowerLoss: () => adversarial(hostile.crash(), seed + 1),
    blockCount: () => blocks.count,
  }
}

testLog('local, on a disk', () => local(new MemoryDisk()))
testLog('memory', inMemory)
for (const seed of [1, 20, 300, 4_000, 50_000]) {
  testLog(`adversarial, seed ${seed}`, () => adversarial(new MemoryDisk(), seed))
}
