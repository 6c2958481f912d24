/** MQTT: throughput, fan-out, connects and idle memory; beside mosquitto in the same run, where it is installed. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { atLeast, atMost, type BenchRow, type BenchScenario, plain, residentBytes } from '../context.ts'
import { connected, runMqttLoad } from '../mqtt-load.ts'

const MOSQUITTO_PORT = 18_899
const IDLE_CONNECTIONS = 15_000
const CONNECTING_AT_ONCE = 64

/** Rounds of each load, ours and the rival's in turns; the best of each counts. */
const ROUNDS = 2
/** Unfinished deliveries of a subscriber: what mosquitto has by default. */
const IN_FLIGHT = 20
/** Unfinished publishes of a publisher; more where every one of them waits for a sync, which mosquitto has none of. */
const WINDOW = 100
const LASTING_WINDOW = 1000
const FANOUT_TARGET = 300_000

/** A load, and what of it is the figure. */
interface Load {
  readonly name: string
  readonly qos: 0 | 1 | 2
  readonly lasts: boolean
  readonly subscribers: number
  /** What has to be reached whatever the rival does. */
  readonly target: number
  /** Every window of deliveries waits for a sync, which the rival has none of: not to be compared. */
  readonly isBoundBySync?: boolean
}

const LOADS: readonly Load[] = [
  { name: 'QoS 0', qos: 0, lasts: false, subscribers: 1, target: 0 },
  { name: 'QoS 1', qos: 1, lasts: false, subscribers: 1, target: 0 },
  { name: 'QoS 2', qos: 2, lasts: false, subscribers: 1, target: 0 },
  { name: 'QoS 1 to a durable session', qos: 1, lasts: true, subscribers: 1, target: 0 },
  { name: 'QoS 2 to a durable session', qos: 2, lasts: true, subscribers: 1, target: 0, isBoundBySync: true },
  { name: 'QoS 0 to 1,000 subscribers', qos: 0, lasts: false, subscribers: 1000, target: FANOUT_TARGET },
]

export const mqtt: BenchScenario = {
  name: 'mqtt',
  description: 'MQTT: 16-byte messages through one topic, connects, idle connections',
  measure: (context) =>
    context.withBroker(
      async (broker) => {
        const port = broker.listeners.mqtt!
        const rows: Omit<BenchRow, 'scenario'>[] = [...(await measureIdle(port, broker.pid))]
        const rivalRows = await withMosquitto((rivalPort) => measureLoads(port, rivalPort, context.seconds))
        return [...rows, ...(rivalRows ?? (await measureLoads(port, null, context.seconds)))]
      },
      [`mqtt.prefetch=${IN_FLIGHT}`],
    ),
}

/** Every load, in turns with the rival when there is one: messages delivered per second, and the ratio. */
async function measureLoads(
  port: number,
  rivalPort: number | null,
  seconds: number,
): Promise<Omit<BenchRow, 'scenario'>[]> {
  const rows: Omit<BenchRow, 'scenario'>[] = []
  for (const { name, target, isBoundBySync, ...load } of LOADS) {
    let own = 0
    let rival = 0
    for (let round = 0; round < ROUNDS; round++) {
      own = Math.max(
        own,
        (await runMqttLoad({ port, seconds, window: load.lasts ? LASTING_WINDOW : WINDOW, ...load })).received,
      )
      if (rivalPort === null) continue
      rival = Math.max(
        rival,
        (await runMqttLoad({ port: rivalPort, seconds, window: load.lasts ? LASTING_WINDOW : WINDOW, ...load }))
          .received,
      )
    }
    rows.push(
      target > 0 ? atLeast(`${name}, delivered`, own, 'msg/s', target) : plain(`${name}, delivered`, own, 'msg/s'),
    )
    if (rivalPort === null) continue
    rows.push(plain(`mosquitto: ${name}, delivered`, rival, 'msg/s'))
    if (isBoundBySync !== true) rows.push(atLeast(`${name}, beside mosquitto`, own / rival, 'times', 1))
  }
  return rows
}

async function measureIdle(port: number, pid: number): Promise<Omit<BenchRow, 'scenario'>[]> {
  const before = residentBytes(pid)
  const startedMs = performance.now()
  const sockets: Socket[] = []
  let next = 0
  const connectSome = async (): Promise<void> => {
    while (next < IDLE_CONNECTIONS) sockets.push(await connected(port, `bench-idle-${next++}`))
  }
  await Promise.all(Array.from({ length: CONNECTING_AT_ONCE }, connectSome))
  const perSecond = IDLE_CONNECTIONS / ((performance.now() - startedMs) / 1000)
  const perConnection = (residentBytes(pid) - before) / IDLE_CONNECTIONS / 1024
  for (const socket of sockets) socket.destroy()
  return [
    atLeast('connects', perSecond, '/s', 3_000),
    atMost('memory of an idle connection, garbage included', perConnection, 'KB', 6),
  ]
}

/** Runs with mosquitto on a port of its own; undefined when it is not installed. */
async function withMosquitto<T>(run: (port: number) => Promise<T>): Promise<T | undefined> {
  const command = '/usr/sbin/mosquitto'
  if (spawnSync(command, ['-h']).error !== undefined) return undefined
  const folder = mkdtempSync(path.join(tmpdir(), 'mosquitto-'))
  const file = path.join(folder, 'mosquitto.conf')
  writeFileSync(
    file,
    `listener ${MOSQUITTO_PORT} 127.0.0.1\nallow_anonymous true\npersistence true\npersistence_location ${folder}/\n`,
  )
  const child: ChildProcess = spawn(command, ['-c', file], { stdio: 'ignore' })
  try {
    await untilListening(MOSQUITTO_PORT)
    return await run(MOSQUITTO_PORT)
  } finally {
    child.kill()
    rmSync(folder, { recursive: true, force: true })
  }
}

async function untilListening(port: number): Promise<void> {
  for (let tries = 0; tries < 50; tries++) {
    try {
      const socket = await connected(port, 'bench-probe')
      return void socket.destroy()
    } catch {
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  throw new Error(`nobody listens on port ${port}`)
}
