// Abuse by content: peers that do not read, messages and headers that are too large, tables that are too deep, garbage.
import net from 'node:net'
import { frames } from '../../fuzz/targets/amqp091-grammar.ts'
import { frame, HEADER, type Table } from '../../support/wire-codec.ts'
import { Attacker, methodFrame, publishFrames } from './attacker.ts'
import type { Scenario, World } from './world.ts'

const DEAF_CONSUMERS = 20
const DEAF_MESSAGES = 2_000
const DEAF_BODY = Buffer.alloc(65_536, 'a')
/** What the broker may use beyond what it used before, while it holds messages for those who do not read. */
const GROWTH_BYTES_MAX = 600 * 1024 * 1024
const UNREAD_CONFIRMS = 200_000
const GARBAGE_COUNT = 500
const PUBLISH_AT_ONCE = 200

function withinMemory(world: World, beforeBytes: number): string {
  const { rssBytes } = world.usage()
  const grown = rssBytes - beforeBytes
  if (grown > GROWTH_BYTES_MAX) throw new Error(`memory grew by ${grown} bytes`)
  return `${(beforeBytes / 1e6).toFixed(0)} -> ${(rssBytes / 1e6).toFixed(0)} MB`
}

/** Every consumer is owed more than a hundred megabytes, and reads nothing. */
async function deafConsumers(world: World): Promise<string> {
  const { rssBytes } = world.usage()
  const publisher = await Attacker.open(world.port('amqp'))
  publisher.send(1, 'channel.open')
  publisher.send(1, 'exchange.declare', { exchange: 'abuse-deaf', type: 'fanout', autoDelete: true })
  const consumers: Attacker[] = []
  for (let i = 0; i < DEAF_CONSUMERS; i++) {
    const one = await Attacker.open(world.port('amqp'))
    one.send(1, 'channel.open')
    one.send(1, 'queue.declare', { queue: `abuse-deaf-${i}`, exclusive: true })
    one.send(1, 'queue.bind', { queue: `abuse-deaf-${i}`, exchange: 'abuse-deaf' })
    one.send(1, 'basic.consume', { queue: `abuse-deaf-${i}`, noAck: true })
    await one.until(() => one.count(60, 21) > 0, 'basic.consume-ok')
    one.socket.pause()
    consumers.push(one)
  }
  publisher.send(1, 'confirm.select')
  for (let i = 0; i < DEAF_MESSAGES; i++) await publisher.flush(publishFrames(1, 'abuse-deaf', '', DEAF_BODY))
  publisher.send(1, 'basic.qos', { prefetchCount: 1 })
  await publisher.until(() => publisher.count(60, 11) > 0, 'basic.qos-ok')
  const memory = withinMemory(world, rssBytes)
  for (const one of [...consumers, publisher]) one.drop()
  const megabytes = (DEAF_MESSAGES * DEAF_BODY.length) / 1e6
  return `${DEAF_CONSUMERS} consumers that read nothing, ${megabytes.toFixed(0)} MB for each: ${memory}`
}

/** Publishes without ever reading a confirm. */
async function unreadConfirms(world: World): Promise<string> {
  const { rssBytes } = world.usage()
  const one = await Attacker.open(world.port('amqp'))
  one.send(1, 'channel.open')
  one.send(1, 'queue.declare', { queue: 'abuse-unread', exclusive: true, arguments: { 'x-max-length': 10 } })
  one.send(1, 'confirm.select')
  await one.until(() => one.count(85, 11) > 0, 'confirm.select-ok')
  one.socket.pause()
  const batch = Buffer.concat(
    Array.from({ length: PUBLISH_AT_ONCE }, () => publishFrames(1, '', 'abuse-unread', Buffer.from('a'))),
  )
  let published = 0
  for (; published < UNREAD_CONFIRMS; published += PUBLISH_AT_ONCE) {
    // A broker that stops reading is as good as one that takes them all.
    const isTaken = await Promise.race([
      one.flush(batch).then(() => true),
      new Promise<boolean>((resolve) => setTimeout(() => resolve(false), 5_000)),
    ])
    if (!isTaken) break
  }
  const memory = withinMemory(world, rssBytes)
  one.drop()
  return `${published} publishes whose confirms nobody reads: ${memory}`
}

/** Tables inside each other, deeper than any broker should follow. */
function deepTable(levels: number): Table {
  let table: Table = {}
  for (let i = 0; i < levels; i++) table = { a: table }
  return table
}

/** Faults that must close what they are done on, with the right code. */
async function oversize(world: World): Promise<string> {
  const port = world.port('amqp')
  const refused = async (what: string, code: number, bytes: Buffer) => {
    const one = await Attacker.open(port)
    one.send(1, 'channel.open')
    await one.until(() => one.count(20, 11) > 0, 'channel.open-ok')
    one.write(bytes)
    await one.until(() => one.closeCode !== 0, `${what}: a close`)
    if (one.closeCode !== code) throw new Error(`${what}: closed with ${one.closeCode}, not ${code}`)
    one.drop()
  }
  const publish = methodFrame(1, 'basic.publish', { exchange: '', routingKey: 'nobody' })
  const wide: Table = Object.fromEntries(Array.from({ length: 2_000 }, (_, i) => [`header-${i}`, 'x'.repeat(30)]))
  const head = Buffer.from([1, 0, 1, 0x7f, 0xff, 0xff, 0xff])
  await refused('a frame of 2 GB', 501, head)
  await refused('a body of 2^60 bytes', 501, Buffer.concat([publish, bodyOf(2n ** 60n)]))
  await refused('a body of 17 MB', 406, Buffer.concat([publish, bodyOf(17_000_000n)]))
  await refused(
    'a table of 200 levels',
    502,
    publishFrames(1, '', 'nobody', Buffer.alloc(0), { headers: deepTable(200) }),
  )
  const fine = await Attacker.open(port)
  fine.send(1, 'channel.open')
  fine.send(1, 'confirm.select')
  await fine.flush(publishFrames(1, '', 'nobody', Buffer.alloc(0), { headers: wide }))
  await fine.until(() => fine.count(60, 80) > 0, 'a confirm for a wide table')
  fine.drop()
  await ends(world.port('mqtt'), Buffer.from('\x10\xff\xff\xff\x7f', 'latin1'), 'an MQTT packet of 256 MB')
  await ends(world.port('stomp'), Buffer.from(`SEND\n${'a:b\n'.repeat(5_000)}`), 'a STOMP frame of 5,000 headers')
  await ends(world.port('http'), Buffer.from(`GET / HTTP/1.1\r\nA: ${'a'.repeat(100_000)}`), 'an HTTP header of 100 kB')
  return 'frames, bodies, tables, packets and headers beyond the limits: refused by the right codes'
}

/** A content header that promises so many bytes. */
function bodyOf(byteCount: bigint): Buffer {
  const payload = Buffer.alloc(14)
  payload.writeUInt16BE(60, 0)
  payload.writeBigUInt64BE(byteCount, 4)
  return frame(HEADER, 1, payload)
}

/** The listener must end the connection. */
function ends(port: number, bytes: Buffer, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.write(bytes))
    const limit = setTimeout(() => {
      socket.destroy()
      reject(new Error(`${what}: the connection stays open`))
    }, 60_000)
    socket.on('error', () => undefined)
    socket.resume()
    socket.on('close', () => {
      clearTimeout(limit)
      resolve()
    })
  })
}

/** Random bytes at every listener, and random frames after a login. */
async function garbage(world: World): Promise<string> {
  const { random } = world
  const ports = Object.entries(world.broker.listeners).map(([, port]) => port)
  for (let sent = 0; sent < GARBAGE_COUNT; sent += 10) {
    await Promise.all(
      Array.from({ length: 10 }, async (_, i) => {
        if (i % 2 === 0) {
          const one = await Attacker.open(world.port('amqp'))
          one.send(1, 'channel.open')
          await one.flush(Buffer.concat(Array.from({ length: 20 }, () => frames(random))))
          one.send(0, 'connection.close', { replyCode: 200, replyText: '' })
          await Promise.race([one.closed(), new Promise((resolve) => setTimeout(resolve, 200))])
          one.drop()
        } else await spill(ports[random.below(ports.length)]!, random.bytes(1 + random.below(4_000)))
      }),
    )
  }
  await world.sweep()
  return `${GARBAGE_COUNT} connections with random bytes or frames`
}

function spill(port: number, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => socket.end(bytes))
    socket.on('error', () => undefined)
    socket.setTimeout(1_000, () => socket.destroy())
    socket.resume()
    socket.on('close', () => resolve())
  })
}

/** Messages that go round and round: every delivery is put back. */
async function requeueStorm(world: World): Promise<string> {
  const one = await Attacker.open(world.port('amqp'))
  one.send(1, 'channel.open')
  one.send(1, 'queue.declare', { queue: 'abuse-requeue', exclusive: true })
  const batch = Buffer.concat(
    Array.from({ length: 500 }, () => publishFrames(1, '', 'abuse-requeue', Buffer.from('a'))),
  )
  one.write(batch)
  one.send(1, 'basic.consume', { queue: 'abuse-requeue' })
  const startedMs = performance.now()
  let seen = 0
  while (performance.now() - startedMs < 5_000) {
    const from = seen
    await one.until(() => one.count(60, 60) > from, 'a delivery')
    seen = one.count(60, 60)
    one.send(1, 'basic.nack', { deliveryTag: 0, multiple: true, requeue: true })
  }
  one.drop()
  return `${seen} deliveries put back in 5 s`
}

/** All of them. */
export const MESSAGE_SCENARIOS: readonly Scenario[] = [
  { name: 'deaf-consumers', run: deafConsumers },
  { name: 'unread-confirms', run: unreadConfirms },
  { name: 'oversize', run: oversize },
  { name: 'garbage', run: garbage },
  { name: 'requeue-storm', run: requeueStorm },
]
