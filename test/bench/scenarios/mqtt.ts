/** MQTT: throughput, fan-out, connects and idle memory; beside mosquitto in the same run, where it is installed. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { atLeast, atMost, type BenchRow, type BenchScenario, plain, residentBytes } from '../context.ts'
import { connected, runMqttLoad } from '../mqtt-load.ts'

const MOSQUITTO_PORT = 18_899
const IDLE_CONNECTIONS = 8_000
const CONNECTING_AT_ONCE = 64

interface Figures {
  readonly qos0: number
  readonly qos1: number
  readonly fanout: number
}

export const mqtt: BenchScenario = {
  name: 'mqtt',
  description: 'MQTT: 16-byte messages through one topic, connects, idle connections',
  measure: (context) =>
    context.withBroker(async (broker) => {
      const port = broker.listeners.mqtt!
      const rows: Omit<BenchRow, 'scenario'>[] = [...(await measureIdle(port, broker.pid))]
      const own = await measureLoads(port, context.seconds)
      const rival = await withMosquitto((rivalPort) => measureLoads(rivalPort, context.seconds))
      rows.push(atLeast('QoS 0, delivered', own.qos0, 'msg/s', Math.round(rival?.qos0 ?? 0)))
      rows.push(atLeast('QoS 1, delivered', own.qos1, 'msg/s', Math.round(rival?.qos1 ?? 0)))
      rows.push(atLeast('QoS 0 to 1,000 subscribers, delivered', own.fanout, 'msg/s', 300_000))
      if (rival === undefined) return rows
      rows.push(plain('mosquitto: QoS 0, delivered', rival.qos0, 'msg/s'))
      rows.push(plain('mosquitto: QoS 1, delivered', rival.qos1, 'msg/s'))
      rows.push(plain('mosquitto: QoS 0 to 1,000 subscribers, delivered', rival.fanout, 'msg/s'))
      return rows
    }),
}

async function measureLoads(port: number, seconds: number): Promise<Figures> {
  const base = { port, seconds, window: 100, subscribers: 1 }
  const qos0 = await runMqttLoad({ ...base, qos: 0 })
  const qos1 = await runMqttLoad({ ...base, qos: 1 })
  const fanout = await runMqttLoad({ ...base, qos: 0, subscribers: 1000 })
  return { qos0: qos0.received, qos1: qos1.received, fanout: fanout.received }
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
  writeFileSync(file, `listener ${MOSQUITTO_PORT} 127.0.0.1\nallow_anonymous true\n`)
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
