/**
 * Flips single bits in the files of a stopped broker, or cuts them, then checks the folder with `warren check` and starts
 * the broker: it must come up, say what it found, and have every other message unchanged and in order.
 * `node dist/test/crash/broker-damage.js TRIALS SEED` prints figures.
 */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { SeededRandomness } from '../../src/base/random.ts'
import { type BrokerProcess, projectRoot, startBrokerProcess } from '../support/broker-process.ts'
import { PUBLISHERS_MAX } from './account.ts'
import { Client, checkedId, Ids } from './clients.ts'
import { readAll } from './inspection.ts'
import { bodyOf, randomLength } from './message-body.ts'

const QUEUES: readonly string[] = ['damage-classic-0', 'damage-classic-1', 'damage-quorum-0', 'damage-quorum-1']
const MESSAGES = 400
const ROUNDS = 8
/** Confirms are awaited after this many messages, so that no batch has more. */
const BATCH_MAX = MESSAGES / ROUNDS
const CHECK_MS_MAX = 20_000
const SET: readonly string[] = ['warren.storage.block_bytes=1048576']

/** Which part of the data folder is damaged. */
export type DamagedPart = 'messages' | 'metadata'

/** What all trials saw. */
export interface DamageFigures {
  trials: number
  /** `warren check` exited with 1, or 0. */
  foundByCheck: number
  soundForCheck: number
  /** Trials after which messages or queues were missing. */
  trialsWithLoss: number
  lostMessages: number
  lostMessagesMax: number
  lostQueues: number
  /** Times that `warren check --repair` went before the start. */
  repairs: number
  /** The broker said no, with a sentence, instead of starting. */
  refusedStarts: number
  /** The broker, or the check, ended by a signal: never right. */
  diedStarts: number
  diedChecks: number
  /** What was damaged when a start died. */
  readonly died: string[]
  /** What was damaged when a queue was missing and the check had called the folder sound: never right. */
  readonly queuesLostQuietly: string[]
}

/** A stopped broker's folder with messages in all queues, and what is in them. */
export class DamageBench {
  readonly #template = mkdtempSync(join(tmpdir(), 'warren-damage-'))
  readonly #due = new Map<string, readonly number[]>()
  readonly #random: SeededRandomness
  readonly figures: DamageFigures = {
    trials: 0,
    foundByCheck: 0,
    soundForCheck: 0,
    trialsWithLoss: 0,
    lostMessages: 0,
    lostMessagesMax: 0,
    lostQueues: 0,
    repairs: 0,
    refusedStarts: 0,
    diedStarts: 0,
    diedChecks: 0,
    died: [],
    queuesLostQuietly: [],
  }

  constructor(random: SeededRandomness) {
    this.#random = random
  }

  /** Fills the folder: in rounds, so that there are many batches, and with acknowledgements between them. */
  async prepare(): Promise<void> {
    const broker = await startBrokerProcess({ dataDir: this.#template, set: SET })
    const client = await Client.open(broker.amqpUrl)
    const ids = new Ids()
    for (const queue of QUEUES) {
      const type = queue.includes('quorum') ? 'quorum' : 'classic'
      await client.channel.assertQueue(queue, { durable: true, arguments: { 'x-queue-type': type } })
      this.#due.set(queue, [])
    }
    for (let round = 0; round < ROUNDS; round++) {
      for (const queue of QUEUES) {
        const sent = Array.from({ length: MESSAGES / ROUNDS }, () => ids.next(0))
        for (const id of sent) {
          const properties = { persistent: true, messageId: String(id), headers: { id } }
          client.channel.publish('', queue, bodyOf(id, randomLength(this.#random)), properties)
        }
        await client.channel.waitForConfirms()
        const taken = await client.channel.get(queue, { noAck: true })
        assert.ok(taken !== false)
        this.#due.set(queue, [...this.#due.get(queue)!, ...sent].slice(1))
      }
    }
    await client.connection.close()
    assert.equal(await broker.stop(), 0)
    assert.equal(check(this.#template).code, 0, 'an undamaged folder')
  }

  dispose(): void {
    rmSync(this.#template, { recursive: true, force: true })
  }

  /** One damage. Throws when something is wrong with what comes up. */
  async trial(part: DamagedPart): Promise<void> {
    const folder = `${this.#template}-trial`
    cpSync(this.#template, folder, { recursive: true })
    try {
      const what = this.#damage(join(folder, part))
      await this.#outcome(folder, part, what).catch((error: unknown) => {
        throw new Error(`${what}: ${error instanceof Error ? error.message : String(error)}`, { cause: error })
      })
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  }

  /** In words. */
  #damage(folder: string): string {
    const files = readdirSync(folder).filter((name) => /\.(log|journal)$/.test(name))
    const name = files[this.#random.below(files.length)]!
    const file = join(folder, name)
    const at = this.#random.below(statSync(file).size)
    if (this.#random.below(4) === 0) {
      truncateSync(file, at)
      return `${name} cut to ${at} bytes`
    }
    const bytes = readFileSync(file)
    const bit = this.#random.below(8)
    bytes[at]! ^= 1 << bit
    writeFileSync(file, bytes)
    return `${name} with bit ${bit} of byte ${at} flipped`
  }

  async #outcome(folder: string, part: DamagedPart, what: string): Promise<void> {
    const { figures } = this
    figures.trials++
    const { code, output } = check(folder)
    if (code === null) figures.diedChecks++
    else assert.ok(code === 0 || code === 1, `warren check exited with ${code}: ${output}`)
    if (code === 1) figures.foundByCheck++
    if (code === 0) figures.soundForCheck++
    const isRepaired = code === 1 && this.#random.below(2) === 0
    if (isRepaired) {
      figures.repairs++
      assert.equal(check(folder, '--repair').code, 1, 'the exit code of a repair that had something to do')
      assert.equal(check(folder).code, 0, 'after the repair the folder is not sound')
    }
    let broker: BrokerProcess
    try {
      broker = await startBrokerProcess({ dataDir: folder, set: SET })
    } catch (error) {
      if (/exited with 1:/.test(String(error))) {
        assert.equal(code, 1, `the broker refuses what warren check calls sound: ${String(error)}`)
        figures.refusedStarts++
      } else {
        figures.diedStarts++
        figures.died.push(what)
      }
      return
    }
    try {
      const queuesBefore = figures.lostQueues
      const lost = await this.#compare(broker)
      if (figures.lostQueues > queuesBefore && code === 0) figures.queuesLostQuietly.push(what)
      if (part === 'messages' && what.includes('flipped')) {
        assert.ok(lost <= BATCH_MAX, `${lost} messages are lost, a batch had at most ${BATCH_MAX}`)
      }
      if (lost > 0) figures.trialsWithLoss++
      figures.lostMessages += lost
      figures.lostMessagesMax = Math.max(figures.lostMessagesMax, lost)
      assert.ok(lost === 0 || code === 1, `${lost} messages are missing, and warren check calls the folder sound`)
      if (part === 'metadata') assert.equal(lost, 0, 'damage of one copy costs nothing')
      if (code === 1 && !isRepaired) {
        assert.match(broker.output, /damaged.*set aside in quarantine/, 'the start says nothing of the damage')
        assert.ok(readdirSync(join(folder, part, 'quarantine')).length > 0, 'nothing is set aside')
        assert.ok((await damageMetric(broker, part)) > 0, 'the metrics say nothing of the damage')
      }
    } finally {
      await broker.stop()
    }
    const after = check(folder)
    assert.equal(after.code, 0, `after the start the folder is not sound: ${after.output}`)
  }

  /** Messages that are missing; everything else must be there, once, unchanged and in order. */
  async #compare(broker: BrokerProcess): Promise<number> {
    let lost = 0
    for (const queue of QUEUES) {
      const client = await Client.open(broker.amqpUrl)
      const due = this.#due.get(queue)!
      const exists = await client.channel.checkQueue(queue).then(
        () => true,
        () => false,
      )
      if (!exists) {
        this.figures.lostQueues++
        await client.connection.close()
        continue
      }
      const found = (await readAll(client, queue)).map(checkedId)
      const known = new Set(due)
      for (let i = 1; i < found.length; i++) assert.ok(found[i]! > found[i - 1]!, `${queue}: order at ${found[i]}`)
      const extra = found.filter((id) => !known.has(id))
      // What was taken may come back when the record of it is the damaged part; nothing else may appear.
      for (const id of extra)
        assert.ok(id % PUBLISHERS_MAX === 0 && id < due.at(-1)!, `${queue}: ${id} was never there`)
      lost += due.length - (found.length - extra.length)
      await client.connection.close()
    }
    return lost
  }
}

async function damageMetric({ listeners }: BrokerProcess, part: DamagedPart): Promise<number> {
  const response = await fetch(`http://127.0.0.1:${listeners.prometheus}/metrics`)
  const name = part === 'messages' ? 'warrenmq_log_damages' : 'warrenmq_metadata_damages'
  const match = new RegExp(`^${name}(?:\\{[^}]*\\})? (\\d+)$`, 'm').exec(await response.text())
  return match === null ? 0 : Number(match[1])
}

/** Runs `warren check`. */
export function check(folder: string, ...options: readonly string[]): { code: number | null; output: string } {
  const args = ['bin/warren.js', 'check', folder, ...options]
  const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: projectRoot,
    encoding: 'utf8',
    timeout: CHECK_MS_MAX,
  })
  return { code: status, output: `${stdout}${stderr}${signal ?? ''}` }
}

/** Damages one part in many ways, one at a time. Throws with the seed. */
export async function damageBrokers(trials: number, seed: number, part: DamagedPart): Promise<DamageFigures> {
  const bench = new DamageBench(new SeededRandomness(seed))
  try {
    await bench.prepare()
    for (let i = 0; i < trials; i++) await bench.trial(part)
    return bench.figures
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    throw new Error(`seed ${seed}, trial ${bench.figures.trials}: ${message}`, { cause: error })
  } finally {
    bench.dispose()
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const trials = Number(process.argv[2] ?? 40)
  const seed = Number(process.argv[3] ?? process.pid)
  const only = process.argv[4]
  for (const part of ['messages', 'metadata'] as const) {
    if (only !== undefined && only !== part) continue
    process.stdout.write(`${part}, seed ${seed}: ${JSON.stringify(await damageBrokers(trials, seed, part))}\n`)
  }
}
