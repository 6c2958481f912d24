// The well-behaved client beside all abuse, in a thread of its own: publishes persistent messages with confirms, consumes
// and acknowledges them, and checks that each confirmed one arrives once and in order. Tells its round trips when asked.
import { parentPort, workerData } from 'node:worker_threads'
import amqp from 'amqplib'

const QUEUE = 'abuse-witness'
const EVERY_MS = 20
const LATE_MS_MAX = 120_000

/** What the witness saw since it was last asked. */
export interface WitnessReport {
  readonly roundTrips: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Empty while everything is right. */
  readonly problem: string
}

let problem = ''
const fail = (text: string) => {
  problem ||= text
}
const connection = await amqp.connect(String(workerData))
connection.on('error', (error: Error) => fail(`the connection failed: ${error.message}`))
connection.on('close', () => fail('the connection was closed'))
const channel = await connection.createConfirmChannel()
channel.on('error', (error: Error) => fail(`the channel failed: ${error.message}`))
await channel.assertQueue(QUEUE, { durable: true })
await channel.prefetch(100)

let next = 0
let expected = 0
let confirmed = 0
const sentAtMs = new Map<number, number>()
let roundTripsMs: number[] = []
await channel.consume(QUEUE, (message) => {
  if (message === null) return fail('the consumer was cancelled')
  const id = message.content.readUInt32BE(0)
  if (id !== expected) fail(`message ${id} came in place of ${expected}`)
  if (message.fields.redelivered) fail(`message ${id} came again`)
  expected = id + 1
  roundTripsMs.push(performance.now() - (sentAtMs.get(id) ?? 0))
  sentAtMs.delete(id)
  channel.ack(message)
})
setInterval(() => {
  const body = Buffer.alloc(256)
  body.writeUInt32BE(next)
  sentAtMs.set(next++, performance.now())
  channel.publish('', QUEUE, body, { persistent: true }, (error: unknown) => {
    confirmed++
    if (error !== null && error !== undefined) fail('a publish was not confirmed')
  })
}, EVERY_MS)

parentPort?.on('message', () => {
  const sorted = roundTripsMs.sort((a, b) => a - b)
  roundTripsMs = []
  const [oldest] = sentAtMs.values()
  if (oldest !== undefined && performance.now() - oldest > LATE_MS_MAX) fail(`a message is ${LATE_MS_MAX} ms late`)
  if (next - confirmed > LATE_MS_MAX / EVERY_MS) fail(`${next - confirmed} publishes wait for their confirm`)
  const at = (share: number) => sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0
  const report: WitnessReport = {
    roundTrips: sorted.length,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    maxMs: sorted.at(-1) ?? 0,
    problem,
  }
  parentPort?.postMessage(report)
})
parentPort?.postMessage('ready')
