// Abuse by connections: very many, very slow, silent ones, and ones with wrong passwords.
import net from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Attacker, PATIENCE_MS } from './attacker.ts'
import type { Scenario, World } from './world.ts'

const STORM_COUNT = 10_000
const STORM_AT_ONCE = 500
const STORM_TRIES_MAX = 10
const CALM_MS = 15_000
/** Each gives the storm its own ephemeral ports. */
const SOURCES = 8
const LORIS_PER_LISTENER = 40
const LORIS_EVERY_MS = 1_000
/** Node looks at idle HTTP connections every 30 s, after 30 s for the headers. */
const LORIS_MS_MAX = 90_000
const SILENT_COUNT = 200
const LOGIN_COUNT = 1_000

/** Beginnings that are right as far as they go. */
const BEGINNINGS: Readonly<Record<string, Buffer>> = {
  amqp: Buffer.from('AMQP\0\0\x09\x01\x01\0\0\0\0\x10\0', 'latin1'),
  mqtt: Buffer.from(
    '\x10\x7f\0\x04MQTT\x05\xc2\0\x3c\0\0\x20aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
    'latin1',
  ),
  stomp: Buffer.from(`CONNECT\nlogin:guest\npasscode:${'a'.repeat(200)}`),
  'web-mqtt': Buffer.from(`GET /ws HTTP/1.1\r\nHost: a\r\nX-Slow: ${'a'.repeat(200)}`),
  'web-stomp': Buffer.from(`GET /ws HTTP/1.1\r\nHost: a\r\nX-Slow: ${'a'.repeat(200)}`),
  http: Buffer.from(`GET /api/overview HTTP/1.1\r\nHost: a\r\nX-Slow: ${'a'.repeat(200)}`),
  prometheus: Buffer.from(`GET /metrics HTTP/1.1\r\nHost: a\r\nX-Slow: ${'a'.repeat(200)}`),
}

async function slowLoris(world: World): Promise<string> {
  const startedMs = performance.now()
  const listeners = Object.entries(BEGINNINGS).filter(([name]) => world.broker.listeners[name] !== undefined)
  const ends = await Promise.all(
    listeners.map(async ([name, beginning]) => {
      const all = Array.from({ length: LORIS_PER_LISTENER }, () => crawl(world.port(name), beginning))
      await Promise.all(all)
      return `${name} ${((performance.now() - startedMs) / 1_000).toFixed(0)} s`
    }),
  )
  return `${LORIS_PER_LISTENER} per listener, one byte a second, all closed after: ${ends.join(', ')}`
}

/** One byte a second, until the broker has had enough. */
function crawl(port: number, beginning: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1')
    let at = 0
    const timer = setInterval(() => socket.write(beginning.subarray(at, ++at)), LORIS_EVERY_MS)
    const limit = setTimeout(() => {
      socket.destroy()
      reject(new Error(`a slow connection to port ${port} is open after ${LORIS_MS_MAX} ms`))
    }, LORIS_MS_MAX)
    socket.on('error', () => undefined)
    socket.resume()
    socket.on('close', () => {
      clearInterval(timer)
      clearTimeout(limit)
      resolve()
    })
  })
}

/** All at once; who is not served within the time for a handshake is dropped by the broker, and comes again. */
async function storm(world: World): Promise<string> {
  const startedMs = performance.now()
  const open: Attacker[] = []
  let droppedCount = 0
  try {
    for (let tries = 0; open.length < STORM_COUNT; tries++) {
      if (tries === STORM_TRIES_MAX) throw new Error(`${open.length} of ${STORM_COUNT} connections are open`)
      const begun = await beginMany(world.port('amqp'), STORM_COUNT - open.length)
      await Promise.all(begun.map((one) => one.until(() => one.isClosed || one.count(10, 41) > 0, 'an answer')))
      open.push(...begun.filter((one) => !one.isClosed))
      droppedCount += begun.filter((one) => one.isClosed).length
    }
    const seconds = (performance.now() - startedMs) / 1_000
    const { rssBytes, handles } = world.usage()
    const figures = `${handles} handles, ${(rssBytes / 1e6).toFixed(0)} MB`
    return `${STORM_COUNT} connections open after ${seconds.toFixed(1)} s, ${droppedCount} dropped and begun again, ${figures}`
  } finally {
    for (const attacker of open) attacker.drop()
  }
}

async function beginMany(port: number, count: number): Promise<Attacker[]> {
  const begun: Attacker[] = []
  while (begun.length < count) {
    const from = `127.0.0.${2 + (Math.floor(begun.length / STORM_AT_ONCE) % SOURCES)}`
    const some = Math.min(STORM_AT_ONCE, count - begun.length)
    begun.push(...(await Promise.all(Array.from({ length: some }, () => Attacker.start(port, { from })))))
  }
  return begun
}

/** Peers that are gone without a word: nothing is sent any more, and heartbeats are due. */
async function halfOpen(world: World): Promise<string> {
  const startedMs = performance.now()
  const silent = await Promise.all(
    Array.from({ length: SILENT_COUNT }, () => Attacker.open(world.port('amqp'), { heartbeat: 1 })),
  )
  for (const one of silent) one.socket.pause()
  const others = await Promise.all([
    ...Array.from({ length: SILENT_COUNT }, () => silence(world.port('mqtt'), MQTT_CONNECT)),
    ...Array.from({ length: SILENT_COUNT }, () => silence(world.port('stomp'), STOMP_CONNECT)),
  ])
  // On a busy machine the first are gone before the last has logged in.
  const gone = others.map((socket) =>
    socket.closed ? undefined : new Promise<void>((resolve) => socket.once('close', () => resolve())),
  )
  // A paused socket sees its end only when it reads again.
  const deadline = performance.now() + PATIENCE_MS
  for (;;) {
    const { connections } = await world.holdings()
    if (connections <= 1) break
    if (performance.now() > deadline) throw new Error(`${connections} connections of silent peers are left`)
    await sleep(LORIS_EVERY_MS)
  }
  const seconds = (performance.now() - startedMs) / 1_000
  for (const one of silent) one.drop()
  await Promise.all(gone)
  return `${3 * SILENT_COUNT} silent peers of AMQP, MQTT and STOMP with a heartbeat of 1 s are gone after ${seconds.toFixed(0)} s`
}

const MQTT_CONNECT = Buffer.from('\x10\x1a\0\x04MQTT\x04\xc2\0\x01\0\0\0\x05guest\0\x05guest', 'latin1')
const STOMP_CONNECT = Buffer.from('CONNECT\nlogin:guest\npasscode:guest\naccept-version:1.2\nheart-beat:1000,0\n\n\0')

/** Logs in, and says nothing more. */
function silence(port: number, login: Buffer): Promise<net.Socket> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('error', reject)
    socket.once('connect', () => socket.write(login))
    const refused = () => reject(new Error(`port ${port} does not answer a login`))
    socket.once('close', refused)
    socket.once('data', () => {
      socket.off('close', refused)
      socket.off('error', reject)
      socket.on('error', () => undefined)
      resolve(socket)
    })
  })
}

async function loginFlood(world: World): Promise<string> {
  const startedMs = performance.now()
  let refused = 0
  const attempt = async () => {
    const one = await Attacker.start(world.port('amqp'), { password: 'wrong', from: '127.0.0.99' })
    await one.closed()
    refused += one.count(10, 41) === 0 ? 1 : 0
  }
  const over = async () => {
    const headers = { authorization: `Basic ${btoa('guest:wrong')}` }
    const response = await fetch(`http://127.0.0.1:${world.port('http')}/api/whoami`, { headers })
    if (response.status !== 401 && response.status !== 429) throw new Error(`a wrong password: ${response.status}`)
    await response.arrayBuffer()
  }
  for (let begun = 0; begun < LOGIN_COUNT; begun += 50) {
    await Promise.all([...Array.from({ length: 50 }, attempt), ...Array.from({ length: 5 }, over)])
  }
  if (refused !== LOGIN_COUNT) throw new Error(`${LOGIN_COUNT - refused} wrong passwords were taken`)
  // Somebody with the right one, from elsewhere, still gets in.
  const good = await Attacker.open(world.port('amqp'))
  good.drop()
  return `${LOGIN_COUNT} wrong passwords over AMQP, ${LOGIN_COUNT / 10} over HTTP in ${((performance.now() - startedMs) / 1_000).toFixed(1)} s, none taken`
}

/** Nothing: what the round trips are compared with. */
async function calm(): Promise<string> {
  await sleep(CALM_MS)
  return 'no abuse'
}

/** All of them. */
export const CONNECTION_SCENARIOS: readonly Scenario[] = [
  { name: 'calm', run: calm },
  { name: 'slow-loris', run: slowLoris },
  { name: 'connection-storm', run: storm },
  { name: 'half-open', run: halfOpen },
  { name: 'login-flood', run: loginFlood },
]
