/** What idle things and waiting messages cost in resident memory, and what an idle broker costs in CPU. */
import { connect, type Socket } from 'node:net'
import amqp from 'amqplib'
import { encodeMethod, readMethodId } from '../../../src/protocols/amqp091/codec.ts'
import { FrameReader } from '../../../src/protocols/amqp091/frame-reader.ts'
import {
  CHANNEL_OPEN,
  CHANNEL_OPEN_OK,
  CONNECTION_OPEN,
  CONNECTION_OPEN_OK,
  CONNECTION_START,
  CONNECTION_START_OK,
  CONNECTION_TUNE,
  CONNECTION_TUNE_OK,
  PROTOCOL_HEADER,
} from '../../../src/protocols/amqp091/spec.ts'
import { atMost, type BenchRow, type BenchScenario, cpuSeconds, residentBytes } from '../context.ts'

const CONNECTIONS = 8000
const OPENING_MAX = 100
const WARM_QUEUES = 10_000
const QUEUES = 40_000
const MESSAGES = 2_000_000
const BODY_BYTES = 16
/** Bytes of one message's own content as it is held: body, routing key and property flags. */
const OWN_BYTES = BODY_BYTES + 'bench-memory'.length + 2

/** An idle connection with one channel; resolves when the channel is open. */
function idleConnection(port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    const reader = new FrameReader(
      {
        onFrame(_type, _channel, bytes, start) {
          switch (readMethodId(bytes, start)) {
            case CONNECTION_START: {
              const response = '\0guest\0guest'
              const args = { clientProperties: new Map(), mechanism: 'PLAIN', response, locale: 'en_US' }
              socket.write(encodeMethod(CONNECTION_START_OK, 0, args))
              break
            }
            case CONNECTION_TUNE:
              socket.write(encodeMethod(CONNECTION_TUNE_OK, 0, { channelMax: 2047, frameMax: 131072, heartbeat: 0 }))
              socket.write(encodeMethod(CONNECTION_OPEN, 0, { virtualHost: '/' }))
              break
            case CONNECTION_OPEN_OK:
              socket.write(encodeMethod(CHANNEL_OPEN, 1))
              break
            case CHANNEL_OPEN_OK:
              resolve(socket)
          }
        },
      },
      131072,
    )
    socket.on('data', (chunk: Buffer) => reader.feed(chunk))
    socket.on('error', reject)
    socket.write(Buffer.from(PROTOCOL_HEADER))
  })
}

async function openMany(port: number, count: number): Promise<Socket[]> {
  const sockets: Socket[] = []
  while (sockets.length < count) {
    const batch = Array.from({ length: Math.min(OPENING_MAX, count - sockets.length) }, () => idleConnection(port))
    sockets.push(...(await Promise.all(batch)))
  }
  return sockets
}

const settle = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

export const memory: BenchScenario = {
  name: 'memory',
  description: 'resident memory of idle connections, idle queues and waiting messages; CPU when idle',
  measure: async (context) => {
    const rows: Omit<BenchRow, 'scenario'>[] = []
    await context.withBroker(async (broker) => {
      rows.push(atMost('idle broker', residentBytes(broker.pid) / 2 ** 20, 'MiB', 80))
      const warm = await openMany(broker.listeners.amqp!, 1000)
      await settle(2000)
      const cpu = cpuSeconds(broker.pid)
      await settle(10_000)
      rows.push(atMost('CPU with 1,000 idle clients', (100 * (cpuSeconds(broker.pid) - cpu)) / 10, '% of a core', 2))
      const before = residentBytes(broker.pid)
      const sockets = await openMany(broker.listeners.amqp!, CONNECTIONS)
      await settle(3000)
      rows.push(
        atMost('idle connection with a channel', (residentBytes(broker.pid) - before) / CONNECTIONS / 1024, 'KiB', 10),
      )
      for (const socket of [...warm, ...sockets]) socket.destroy()
    })
    await context.withBroker(async (broker) => {
      const connection = await amqp.connect(broker.amqpUrl)
      const channel = await connection.createChannel()
      // The heap grows in steps until it has its size: the first queues pay for that.
      for (let i = 0; i < WARM_QUEUES; i++) await channel.assertQueue(`warm-${i}`, { durable: false })
      await settle(2000)
      const before = residentBytes(broker.pid)
      for (let i = 0; i < QUEUES; i++) await channel.assertQueue(`idle-${i}`, { durable: false })
      await settle(2000)
      rows.push(atMost('idle transient queue', (residentBytes(broker.pid) - before) / QUEUES / 1024, 'KiB', 2))
      await connection.close()
    })
    await context.withBroker(
      async (broker) => {
        await context.load(broker, { queueName: 'bench-warm', seconds: 1 })
        const before = residentBytes(broker.pid)
        await context.load(broker, {
          queueName: 'bench-memory',
          consumers: 0,
          count: MESSAGES,
          confirmWindow: 1000,
          keepQueues: true,
        })
        const each = (residentBytes(broker.pid) - before) / MESSAGES
        rows.push(atMost('ready message beyond its bytes', each - OWN_BYTES, 'B', 60))
      },
      ['warren.storage.resident_bytes=2GiB'],
    )
    return rows
  },
}
