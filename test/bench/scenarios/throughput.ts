/** The basic workloads, one producer and one consumer. Targets are for an otherwise idle machine with two cores. */
import { atLeast, atMost, type BenchScenario, DURABLE, plain } from '../context.ts'

export const throughput: BenchScenario = {
  name: 'throughput',
  description: 'messages per second through one queue',
  measure: (context) =>
    context.withBroker(async (broker) => {
      const transient = await context.load(broker, {})
      const durable16 = await context.load(broker, DURABLE)
      const durable1k = await context.load(broker, { ...DURABLE, sizes: [1024] })
      const publishOnly = await context.load(broker, { ...DURABLE, sizes: [1024], consumers: 0 })
      return [
        atLeast('16 B, transient, auto-ack', transient.receivedPerSecond, 'msg/s', 850_000),
        atLeast('16 B, persistent, confirmed, acknowledged', durable16.receivedPerSecond, 'msg/s', 450_000),
        atLeast('1 KiB, persistent, confirmed, acknowledged', durable1k.receivedPerSecond, 'msg/s', 200_000),
        plain('1 KiB, persistent, confirmed, no consumer', publishOnly.confirmedPerSecond, 'msg/s'),
      ]
    }),
}

export const latency: BenchScenario = {
  name: 'latency',
  description: '10,000 messages per second, persistent and confirmed: how late they arrive',
  measure: (context) =>
    context.withBroker(async (broker) => {
      const pattern = [{ fromPerSecond: 10_000, toPerSecond: 10_000, seconds: 1 }]
      const paced = await context.load(broker, { ...DURABLE, sizes: [64], ackEvery: 1, prefetch: 100, pattern })
      return [
        plain('delivery p50', paced.latency.p50, 'ms'),
        plain('delivery p99', paced.latency.p99, 'ms'),
        plain('confirm p99', paced.confirmLatency.p99, 'ms'),
      ]
    }),
}

export const fairness: BenchScenario = {
  name: 'fairness',
  description: 'round trips of a quiet connection beside one that publishes at full speed',
  measure: (context) =>
    context.withBroker(async (broker) => {
      const busy = context.load(broker, { queueName: 'bench-busy', consumers: 1 })
      const pattern = [{ fromPerSecond: 200, toPerSecond: 200, seconds: 1 }]
      const quiet = await context.load(broker, {
        queueName: 'bench-quiet',
        sizes: [64],
        pattern,
        seconds: context.seconds - 1,
      })
      await busy
      return [atMost('delivery p99 beside a full-speed producer', quiet.latency.p99, 'ms', 20)]
    }),
}
