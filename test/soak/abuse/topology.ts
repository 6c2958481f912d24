// Abuse by objects: channels, queues, exchanges and bindings that come and go.
import { Attacker, methodFrame } from './attacker.ts'
import type { Scenario, World } from './world.ts'

const CHANNEL_COUNT = 100_000
const CHANNEL_CONNECTIONS = 4
const CHANNELS_AT_ONCE = 500
const QUEUE_COUNT = 5_000
const QUEUES_AT_ONCE = 250
const BINDING_COUNT = 65_535
const BINDINGS_AT_ONCE = 2_048

async function channelChurn(world: World): Promise<string> {
  const startedMs = performance.now()
  const each = CHANNEL_COUNT / CHANNEL_CONNECTIONS
  await Promise.all(
    Array.from({ length: CHANNEL_CONNECTIONS }, async () => {
      const one = await Attacker.open(world.port('amqp'))
      for (let done = 0; done < each; done += CHANNELS_AT_ONCE) {
        const parts: Buffer[] = []
        for (let id = 1; id <= CHANNELS_AT_ONCE; id++) {
          parts.push(
            methodFrame(id, 'channel.open'),
            methodFrame(id, 'channel.close', { replyCode: 200, replyText: '' }),
          )
        }
        one.write(Buffer.concat(parts))
        await one.until(() => one.count(20, 41) >= done + CHANNELS_AT_ONCE, 'channel.close-ok')
      }
      if (one.count(20, 11) !== each) throw new Error(`${one.count(20, 11)} of ${each} channels were opened`)
      one.drop()
    }),
  )
  return `${CHANNEL_COUNT} channels opened and closed in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`
}

async function queueChurn(world: World): Promise<string> {
  const startedMs = performance.now()
  const one = await Attacker.open(world.port('amqp'))
  one.send(1, 'channel.open')
  for (let done = 0; done < QUEUE_COUNT; done += QUEUES_AT_ONCE) {
    const parts: Buffer[] = []
    for (let i = 0; i < QUEUES_AT_ONCE; i++) {
      const queue = `churn-${done + i}`
      parts.push(
        methodFrame(1, 'queue.declare', { queue, durable: i % 2 === 0, exclusive: i % 3 === 0 }),
        methodFrame(1, 'queue.bind', { queue, exchange: 'amq.topic', routingKey: `churn.${i}.#` }),
        methodFrame(1, 'queue.delete', { queue }),
      )
    }
    one.write(Buffer.concat(parts))
    await one.until(() => one.count(50, 41) >= done + QUEUES_AT_ONCE, 'queue.delete-ok')
  }
  one.drop()
  return `${QUEUE_COUNT} queues declared, bound and deleted in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s`
}

async function manyBindings(world: World): Promise<string> {
  const startedMs = performance.now()
  const one = await Attacker.open(world.port('amqp'))
  one.send(1, 'channel.open')
  one.send(1, 'exchange.declare', { exchange: 'abuse-topic', type: 'topic', durable: false })
  one.send(1, 'queue.declare', { queue: 'abuse-bound', durable: false, exclusive: true })
  for (let done = 0; done < BINDING_COUNT; ) {
    const until = Math.min(BINDING_COUNT, done + BINDINGS_AT_ONCE)
    const parts: Buffer[] = []
    for (; done < until; done++) {
      const routingKey = `${done % 251}.*.${done}.#`
      parts.push(methodFrame(1, 'queue.bind', { queue: 'abuse-bound', exchange: 'abuse-topic', routingKey }))
    }
    one.write(Buffer.concat(parts))
    await one.until(() => one.count(50, 21) >= until, 'queue.bind-ok')
  }
  const boundMs = performance.now()
  one.send(1, 'exchange.delete', { exchange: 'abuse-topic' })
  await one.until(() => one.count(40, 21) > 0, 'exchange.delete-ok')
  const deletedMs = performance.now()
  one.drop()
  return (
    `${BINDING_COUNT} bindings of one queue in ${((boundMs - startedMs) / 1_000).toFixed(1)} s, ` +
    `gone with their exchange in ${(deletedMs - boundMs).toFixed(0)} ms`
  )
}

/** All of them. */
export const TOPOLOGY_SCENARIOS: readonly Scenario[] = [
  { name: 'channel-churn', run: channelChurn },
  { name: 'queue-churn', run: queueChurn },
  { name: 'many-bindings', run: manyBindings },
]
