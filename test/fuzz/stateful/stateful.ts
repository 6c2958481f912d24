// Lets actors of three protocols take random steps against one real broker, one after the other, and checks at the end
// that every confirmed message is where it must be, and that the broker holds nothing of those who have left.
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { SeededRandomness } from '../../../src/base/random.ts'
import { type BrokerProcess, startBrokerProcess } from '../../support/broker-process.ts'
import { Defect, holds, pick } from '../fuzz-target.ts'
import { AmqpActor } from './amqp-actor.ts'
import { AmqpLink } from './amqp-link.ts'
import { type Actor, Model } from './model.ts'
import { MqttActor, TOPIC } from './mqtt-actor.ts'
import { StompActor } from './stomp-actor.ts'

/** What is read is overwritten at once: who keeps it is found out. */
const OVERWRITE_READS = new URL('../../support/overwrite-reads.js', import.meta.url).href
const AMQP_ACTORS = 5
const OTHER_ACTORS = 2
const TRACE_COUNT = 40
const RSS_BYTES_MAX = 700_000_000
const SETTLE_MS_MAX = 60_000
const LOOK_EVERY_MS = 200

/** How to run. */
export interface StatefulOptions {
  readonly steps: number
  readonly seed: number
  readonly onProgress?: (step: number) => void
}

/** What a run did. */
export interface StatefulFigures {
  readonly steps: number
  readonly messages: number
  readonly left: number
  readonly seconds: number
  readonly rssBytes: number
}

/** Runs; throws `Defect` with the last steps. The same seed takes the same steps. */
export async function runStateful(options: StatefulOptions): Promise<StatefulFigures> {
  const broker = await startBrokerProcess({ nodeArgs: ['--import', OVERWRITE_READS] })
  const trace: string[] = []
  try {
    const figures = await runAgainst(broker, options, trace)
    holds((await broker.stop()) === 0, 'the broker did not end by itself')
    return figures
  } catch (error) {
    await broker.kill()
    const steps = trace.slice(-TRACE_COUNT).join('\n')
    throw new Defect(`seed ${options.seed}: ${error instanceof Error ? error.message : error}\n${steps}`, {
      cause: error,
    })
  }
}

async function runAgainst(broker: BrokerProcess, options: StatefulOptions, trace: string[]): Promise<StatefulFigures> {
  const startedMs = performance.now()
  const { amqp, mqtt, stomp } = broker.listeners
  const model = new Model()
  const link = await AmqpLink.open(amqp!)
  await prepare(link, model)
  const actors: Actor[] = [
    ...Array.from({ length: AMQP_ACTORS }, (_, i) => new AmqpActor(`amqp-${i}`, amqp!, model)),
    ...Array.from({ length: OTHER_ACTORS }, (_, i) => new MqttActor(`mqtt-${i}`, mqtt!, model)),
    ...Array.from({ length: OTHER_ACTORS }, (_, i) => new StompActor(`stomp-${i}`, stomp!, model)),
  ]
  for (let step = 0; step < options.steps; step++) {
    // Of its own for each step: what one draws does not shift what others draw.
    const random = new SeededRandomness(Math.imul(options.seed, 0x01000193) ^ Math.imul(step, 0x9e3779b1))
    const actor = pick(random, actors)
    trace.push(`step ${step}: ${actor.name} …`)
    trace[trace.length - 1] = `step ${step}: ${actor.name} ${await actor.step(random)}`
    if (trace.length > 4 * TRACE_COUNT) trace.splice(0, 2 * TRACE_COUNT)
    if (step % 1_000 === 999) options.onProgress?.(step + 1)
  }
  for (const actor of actors) await actor.close()
  const left = await verify(link, model)
  await checkNothingLeft(broker)
  const rssBytes = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${broker.pid}/status`, 'utf8'))?.[1] ?? 0) * 1024
  holds(rssBytes < RSS_BYTES_MAX, `the broker uses ${rssBytes} bytes`)
  const seconds = (performance.now() - startedMs) / 1_000
  return { steps: options.steps, messages: model.messageCount, left, seconds, rssBytes }
}

async function prepare(link: AmqpLink, model: Model): Promise<void> {
  link.send(1, 'channel.open')
  for (const { name, type } of model.queues) {
    const limit = type === 'quorum' ? { 'x-delivery-limit': -1 } : {}
    link.send(1, 'queue.declare', { queue: name, durable: true, arguments: { 'x-queue-type': type, ...limit } })
    const routingKey = `${TOPIC}${name}`.replaceAll('/', '.')
    link.send(1, 'queue.bind', { queue: name, exchange: 'amq.topic', routingKey })
    const answer = await link.answer(1, 'queue.bind-ok')
    holds(answer?.name === 'queue.bind-ok', `cannot prepare ${name}`)
  }
}

/** Empties the tracked queues, and compares. Returns how many messages were in them. */
async function verify(link: AmqpLink, model: Model): Promise<number> {
  let count = 0
  // What left connections had returns at once, when the broker sees them go.
  await sleep(LOOK_EVERY_MS)
  for (const queue of model.queues) {
    const found: string[] = []
    for (const deadline = performance.now() + SETTLE_MS_MAX; ; ) {
      link.send(1, 'basic.get', { queue: queue.name, noAck: true })
      const got = await link.answer(1, 'basic.get-ok', 'basic.get-empty')
      if (got?.name === 'basic.get-ok') found.push(got.body)
      else if ([...queue.must].every((id) => found.includes(id)) || performance.now() > deadline) break
      else await sleep(LOOK_EVERY_MS)
    }
    queue.verify(found)
    count += found.length
    link.send(1, 'queue.delete', { queue: queue.name })
    await link.answer(1, 'queue.delete-ok')
  }
  return count
}

/** Calls the HTTP API. */
function call(broker: BrokerProcess, method: string, path: string): Promise<Response> {
  const headers = { authorization: `Basic ${btoa('guest:guest')}` }
  return fetch(`http://127.0.0.1:${broker.listeners.http}/api/${path}`, { method, headers })
}

async function checkNothingLeft(broker: BrokerProcess): Promise<void> {
  // Random frames may have declared queues that nobody knows of.
  const listed = await call(broker, 'GET', 'queues')
  // The shape of /api/queues.
  for (const { name } of (await listed.json()) as { name: string }[]) {
    const answer = await call(broker, 'DELETE', `queues/%2F/${encodeURIComponent(name)}`)
    holds(answer.status === 204 || answer.status === 404, `deleting ${name}: ${answer.status}`)
  }
  for (const deadline = performance.now() + SETTLE_MS_MAX; ; ) {
    const response = await call(broker, 'GET', 'overview')
    // The shape of /api/overview.
    const { object_totals: held } = (await response.json()) as { object_totals: Record<string, number> }
    // The connection that looks at the queues is one.
    const isClean = held.connections! <= 1 && held.channels! <= 1 && held.consumers === 0 && held.queues === 0
    if (isClean) return
    if (performance.now() > deadline) throw new Defect(`left behind: ${JSON.stringify(held)}`)
    await sleep(LOOK_EVERY_MS)
  }
}
