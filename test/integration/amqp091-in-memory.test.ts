// AMQP 0-9-1 without a port: the whole session over a pipe within the process, with a clock that the test moves.
import assert from 'node:assert/strict'
import type { Duplex } from 'node:stream'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { ManualClock } from '../../src/base/clock.ts'
import { createLogger, LogLevels, RecordingSink } from '../../src/base/log.ts'
import { type BootedBroker, startBroker } from '../../src/boot.ts'
import { settingsWith } from '../../src/config/build-settings.ts'
import { memoryPair } from '../../src/net/memory-transport.ts'
import {
  decodeMethod,
  encodeMethod,
  type MethodArguments,
  readMethodId,
  writeBodyFrames,
  writeContentHeader,
  writePublish,
} from '../../src/protocols/amqp091/codec.ts'
import { FrameReader } from '../../src/protocols/amqp091/frame-reader.ts'
import { encodeProperties } from '../../src/protocols/amqp091/properties.ts'
import * as spec from '../../src/protocols/amqp091/spec.ts'

const HEADER = Buffer.from([0x41, 0x4d, 0x51, 0x50, 0, 0, 9, 1])
const CAPABILITIES = new Map([
  [
    'capabilities',
    {
      type: 'table' as const,
      value: new Map([
        ['connection.blocked', { type: 'bool' as const, value: true }],
        ['authentication_failure_close', { type: 'bool' as const, value: true }],
      ]),
    },
  ],
])

/** What the broker said: methods by name, and the bytes of bodies. */
interface Said {
  readonly channel: number
  readonly id: number
  readonly bytes: Buffer
}

/** The client's end of a pipe. */
class Client {
  readonly stream: Duplex
  readonly said: Said[] = []
  readonly bodies: string[] = []
  closed = false
  #wake: () => void = () => undefined

  constructor(broker: BootedBroker) {
    const { client, transport } = memoryPair()
    this.stream = client
    const reader = new FrameReader(
      {
        onFrame: (type, channel, bytes, start, end) => {
          if (type === spec.FRAME_METHOD) {
            this.said.push({ channel, id: readMethodId(bytes, start), bytes: Buffer.from(bytes.subarray(start, end)) })
          } else if (type === spec.FRAME_BODY) this.bodies.push(bytes.toString('latin1', start, end))
        },
      },
      0,
    )
    client.on('data', (chunk: Buffer) => {
      reader.feed(chunk)
      this.#wake()
    })
    client.on('close', () => {
      this.closed = true
      this.#wake()
    })
    client.on('error', () => undefined)
    broker.acceptAmqp(transport)
  }

  send(...frames: readonly Buffer[]): void {
    this.stream.write(Buffer.concat(frames))
  }

  async until(what: () => boolean): Promise<void> {
    while (!what()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  async expect<Id extends spec.MethodId>(id: Id): Promise<MethodArguments<Id>> {
    await this.until(() => this.closed || this.said.some((said) => said.id === id))
    const at = this.said.findIndex((said) => said.id === id)
    assert.notEqual(at, -1, `${spec.methodName(id)} did not come`)
    const [said] = this.said.splice(at, 1)
    return decodeMethod(id, said!.bytes, 0, said!.bytes.length)
  }
}

function greeting(user = 'guest'): Buffer[] {
  return [
    HEADER,
    encodeMethod(spec.CONNECTION_START_OK, 0, {
      clientProperties: CAPABILITIES,
      mechanism: 'PLAIN',
      response: `\0${user}\0guest`,
      locale: 'en_US',
    }),
    encodeMethod(spec.CONNECTION_TUNE_OK, 0, { channelMax: 100, frameMax: 8192, heartbeat: 0 }),
    encodeMethod(spec.CONNECTION_OPEN, 0, { virtualHost: '/' }),
    encodeMethod(spec.CHANNEL_OPEN, 1),
  ]
}

function declare(queue: string, durable = false): Buffer {
  return encodeMethod(spec.QUEUE_DECLARE, 1, {
    queue,
    passive: false,
    durable,
    exclusive: !durable,
    autoDelete: false,
    noWait: false,
    arguments: new Map(),
  })
}

function publish(queue: string, body: string, channel = 1): Buffer {
  const routing = Buffer.concat([Buffer.from([0, queue.length]), Buffer.from(queue)])
  const properties = encodeProperties({ deliveryMode: 2, contentType: 'text/plain' })
  const bytes = Buffer.alloc(200 + routing.length + body.length * 2)
  let at = writePublish(bytes, 0, channel, routing, false)
  at = writeContentHeader(bytes, at, channel, body.length, properties, 0, properties.length)
  at = writeBodyFrames(bytes, at, channel, 8192, Buffer.from(body), 0, body.length)
  return Buffer.from(bytes.subarray(0, at))
}

const get = (queue: string) => encodeMethod(spec.BASIC_GET, 1, { queue, noAck: true })
const close = encodeMethod(spec.CONNECTION_CLOSE, 0, { replyCode: 200, replyText: '', classId: 0, methodId: 0 })

const clock = new ManualClock()
const log = new RecordingSink()
let broker: BootedBroker

before(async () => {
  broker = await startBroker({
    settings: settingsWith({
      'listeners.tcp': 'none',
      'mqtt.listeners.tcp': 'none',
      'stomp.listeners.tcp': 'none',
      'management.tcp.port': 0,
      'prometheus.tcp.port': 0,
    }),
    dataDir: null,
    logger: createLogger({ sink: log, levels: new LogLevels('info'), clock }),
    clock,
  })
})

after(async () => {
  await broker.stop()
})

async function open(): Promise<Client> {
  const client = new Client(broker)
  client.send(...greeting())
  await client.expect(spec.CHANNEL_OPEN_OK)
  return client
}

test('a whole session may arrive cut at any bytes: the answers are the same', async () => {
  const bodies = ['', 'small', 'x'.repeat(20_000), 'y'.repeat(8184), 'z'.repeat(8185)]
  const script = Buffer.concat([
    ...greeting(),
    declare('cut'),
    ...bodies.map((body) => publish('cut', body)),
    ...bodies.map(() => get('cut')),
    get('cut'),
    close,
  ])
  const answers = async (cuts: readonly number[]): Promise<string> => {
    const client = new Client(broker)
    let from = 0
    for (const cut of [...cuts, script.length].sort((a, b) => a - b)) {
      client.stream.write(script.subarray(from, cut))
      from = cut
      // Some pieces arrive together, some apart.
      if (cut % 2 === 0) await new Promise(setImmediate)
    }
    await client.expect(spec.CONNECTION_CLOSE_OK)
    const methods = client.said.filter(({ id }) => id !== spec.CONNECTION_START)
    return JSON.stringify([methods.map(({ channel, bytes }) => [channel, bytes.toString('hex')]), client.bodies])
  }
  const whole = await answers([])
  assert.ok(whole.includes('y'.repeat(8184)))
  const cuts = fc.array(fc.nat(script.length), { maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(cuts, async (positions) => {
      assert.equal(await answers(positions), whole)
    }),
    { numRuns: 25 },
  )
})

test('an alarm blocks the first publish after it, and the rest arrives when it is over', async () => {
  const client = await open()
  client.send(declare('alarmed'))
  await client.expect(spec.QUEUE_DECLARE_OK)
  broker.parts.alarms.set('memory', true)
  client.send(publish('alarmed', 'one'), publish('alarmed', 'two'), get('alarmed'), get('alarmed'))
  assert.equal((await client.expect(spec.CONNECTION_BLOCKED)).reason, 'low on memory')
  assert.equal(client.said.length, 3, 'nothing is handled meanwhile: start, tune, open-ok')
  broker.parts.alarms.set('memory', false)
  await client.expect(spec.CONNECTION_UNBLOCKED)
  await client.until(() => client.bodies.length === 2)
  assert.deepEqual(client.bodies, ['one', 'two'])
  client.stream.destroy()
})

test('a connection that only consumes is never blocked', async () => {
  const client = await open()
  broker.parts.alarms.set('disk', true)
  client.send(declare('calm'))
  await client.expect(spec.QUEUE_DECLARE_OK)
  broker.parts.alarms.set('disk', false)
  assert.ok(!client.said.some(({ id }) => id === spec.CONNECTION_BLOCKED))
  client.stream.destroy()
})

test('a bug closes one connection with 541, with a stack in the log, and no other', async () => {
  const bystander = await open()
  const victim = await open()
  const vhost = broker.parts.broker.vhost('/')!
  const findQueue = vhost.findQueue
  vhost.findQueue = () => {
    throw new TypeError('a bug')
  }
  victim.send(get('any'))
  const closed = await victim.expect(spec.CONNECTION_CLOSE)
  vhost.findQueue = findQueue
  assert.equal(closed.replyCode, 541)
  assert.equal(closed.replyText, 'INTERNAL_ERROR')
  assert.ok(log.lines().some((line) => line.includes('TypeError: a bug') && line.includes(' at ')))
  bystander.send(declare('fine'))
  await bystander.expect(spec.QUEUE_DECLARE_OK)
  bystander.stream.destroy()
  victim.stream.destroy()
})

test('a client that never opens is dropped after the handshake timeout', async () => {
  const client = new Client(broker)
  client.stream.write(HEADER)
  await client.expect(spec.CONNECTION_START)
  clock.advance(10_001)
  await client.until(() => client.closed)
})

test('a refused login is told to those who asked, then the socket goes', async () => {
  const client = new Client(broker)
  client.send(...greeting('nobody').slice(0, 2))
  // Failed logins are answered slowly.
  while (!client.said.some(({ id }) => id === spec.CONNECTION_CLOSE)) {
    clock.advance(100)
    await new Promise(setImmediate)
  }
  assert.equal((await client.expect(spec.CONNECTION_CLOSE)).replyCode, 403)
  client.send(encodeMethod(spec.CONNECTION_CLOSE_OK, 0))
  await client.until(() => client.closed)
})

test('a client that does not answer connection.close is dropped in time', async () => {
  const client = await open()
  client.send(encodeMethod(spec.QUEUE_PURGE, 2, { queue: 'q', noWait: false }))
  assert.equal((await client.expect(spec.CONNECTION_CLOSE)).replyCode, 504)
  assert.equal(client.closed, false)
  clock.advance(30_001)
  await client.until(() => client.closed)
})

test('the end of a connection leaves nothing behind', async () => {
  const client = await open()
  client.send(declare('gone'))
  await client.expect(spec.QUEUE_DECLARE_OK)
  const { connections } = broker.parts.broker
  const before = connections.count
  client.stream.destroy()
  await client.until(() => client.closed)
  while (connections.count === before) await new Promise(setImmediate)
  assert.equal(broker.parts.broker.vhost('/')?.queue('gone'), undefined)
})
