/** Features and backlogs must not cost more than a share of the plain flow, measured in the same run. */
import amqp from 'amqplib'
import type { LoadPlan } from '../../../src/cli/perf/plan.ts'
import { atLeast, type BenchContext, type BenchScenario } from '../context.ts'

const BACKLOG = 5_000_000
const BINDINGS = 10_000
const FANOUT_QUEUES = 1000

/** The rate with a feature as a share of the rate without. */
async function share(context: BenchContext, feature: Partial<LoadPlan>): Promise<number> {
  return context.withBroker(async (broker) => {
    const base = await context.load(broker, { queueName: 'bench-base' })
    const withFeature = await context.load(broker, { queueName: 'bench-feature', ...feature })
    return (100 * withFeature.receivedPerSecond) / base.receivedPerSecond
  })
}

export const features: BenchScenario = {
  name: 'features',
  description: 'queue features in use, as a share of the plain rate',
  measure: async (context) => {
    const cases: readonly (readonly [string, Partial<LoadPlan>])[] = [
      ['message TTL', { queueArguments: { 'x-message-ttl': 60_000 } }],
      ['max-length', { queueArguments: { 'x-max-length': 100_000 } }],
      ['priorities', { queueArguments: { 'x-max-priority': 10 } }],
    ]
    const rows = []
    for (const [name, plan] of cases) rows.push(atLeast(name, await share(context, plan), '%', 50))
    return rows
  },
}

export const deadLetters: BenchScenario = {
  name: 'dead-letters',
  description: 'every message is dropped from a full queue into another one',
  measure: (context) =>
    context.withBroker(async (broker) => {
      const base = await context.load(broker, { queueName: 'bench-base' })
      const connection = await amqp.connect(broker.amqpUrl)
      const channel = await connection.createChannel()
      const args = { 'x-max-length': 100, 'x-dead-letter-exchange': '', 'x-dead-letter-routing-key': 'bench-dead' }
      await channel.assertQueue('bench-full', { durable: false, arguments: args })
      const dead = await context.load(broker, { queueName: 'bench-dead', routingKey: 'bench-full' })
      await connection.close()
      return [atLeast('dead-lettering', (100 * dead.receivedPerSecond) / base.receivedPerSecond, '%', 50)]
    }),
}

export const bindings: BenchScenario = {
  name: 'bindings',
  description: '10,000 bindings on a topic exchange',
  measure: (context) =>
    context.withBroker(async (broker) => {
      const topic = { exchange: 'bench-topic', exchangeType: 'topic', routingKey: 'a.b.c' }
      const base = await context.load(broker, topic)
      const connection = await amqp.connect(broker.amqpUrl)
      const channel = await connection.createChannel()
      await channel.assertExchange('bench-topic', 'topic', { durable: false })
      const { queue } = await channel.assertQueue('', { exclusive: true })
      for (let i = 0; i < BINDINGS; i++) await channel.bindQueue(queue, 'bench-topic', `x.${i}.*.#`)
      const bound = await context.load(broker, topic)
      await connection.close()
      return [atLeast('rate with 10,000 bindings', (100 * bound.receivedPerSecond) / base.receivedPerSecond, '%', 80)]
    }),
}

export const fanout: BenchScenario = {
  name: 'fanout',
  description: 'one producer, 1,000 queues on a fanout exchange, transient 16 B',
  measure: (context) =>
    context.withBroker(async (broker) => {
      const plan = { exchange: 'bench-fanout', exchangeType: 'fanout', queues: FANOUT_QUEUES, consumers: FANOUT_QUEUES }
      const result = await context.load(broker, { ...plan, threads: 1 })
      return [atLeast('deliveries', result.receivedPerSecond, '/s', 1_000_000)]
    }),
}

export const backlog: BenchScenario = {
  name: 'backlog',
  description: '5,000,000 messages already queued',
  measure: (context) =>
    context.withBroker(async (broker) => {
      const base = await context.load(broker, { queueName: 'bench-base' })
      await context.load(broker, {
        queueName: 'bench-deep',
        consumers: 0,
        count: BACKLOG,
        keepQueues: true,
        confirmWindow: 1000,
      })
      const deep = await context.load(broker, { queueName: 'bench-deep' })
      return [atLeast('rate with a backlog', (100 * deep.receivedPerSecond) / base.receivedPerSecond, '%', 70)]
    }),
}
