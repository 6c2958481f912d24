/**
 * Load over raw MQTT 3.1.1 sockets, cheap enough that the broker is what is measured: one publisher, any number of
 * subscribers to one topic, 16-byte payloads. Packets of a kind have one length, so receiving is counting bytes.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** Runs have topics and client ids of their own: what an earlier one left behind does not disturb. */
let runs = 0
const PAYLOAD_BYTES = 16
/** QoS 0 publishes that may be ahead of the subscribers. */
const AHEAD_MAX = 20_000
const WARMUP_MS = 1_000

/** What to send, and to how many. */
export interface MqttLoad {
  readonly port: number
  readonly qos: 0 | 1 | 2
  readonly subscribers: number
  /** Subscribers' sessions last, so that QoS 1 and 2 are durable. */
  readonly lasts: boolean
  /** Publishes of QoS 1 and 2 that are not finished. */
  readonly window: number
  readonly seconds: number
}

/** Messages per second. */
export interface MqttRates {
  readonly acknowledged: number
  readonly received: number
}

/** Opens a connection, with a clean session unless it is to last. */
export async function connected(port: number, clientId: string, lasts = false): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  const id = Buffer.from(clientId)
  const head = [0x10, 12 + id.length, 0, 4, 77, 81, 84, 84, 4, lasts ? 0 : 2, 0, 0, 0, id.length]
  socket.write(Buffer.concat([Buffer.from(head), id]))
  const closed = once(socket, 'close').then(() => {
    throw new Error(`closed before CONNACK by port ${port}`)
  })
  await Promise.race([once(socket, 'data'), closed])
  return socket
}

/** What acknowledgements have. */
const ACK_BYTES = 4
const PUBREC_BYTE = 0x50
const PUBREL_BYTE = 0x62
const PUBCOMP_BYTE = 0x70
/** Answers to a PUBLISH, by its QoS. */
const ANSWER_BYTES = [0, 0x40, PUBREC_BYTE]

/** Runs the load; the first second is not measured. */
export async function runMqttLoad(load: MqttLoad): Promise<MqttRates> {
  const run = new Run(load)
  await run.open()
  await wait(WARMUP_MS)
  const { received, acknowledged } = run
  const startedMs = performance.now()
  await wait(load.seconds * 1000)
  const seconds = (performance.now() - startedMs) / 1000
  const rates = {
    received: (run.received - received) / seconds,
    acknowledged: (run.acknowledged - acknowledged) / seconds,
  }
  run.close()
  return rates
}

class Run {
  received = 0
  acknowledged = 0
  readonly #load: MqttLoad
  readonly #packetBytes: number
  readonly #number = runs++
  readonly #topic: Buffer
  readonly #sockets: Socket[] = []
  #sent = 0
  #packetId = 1
  #isClosed = false

  constructor(load: MqttLoad) {
    this.#load = load
    this.#topic = Buffer.from(`bench/${this.#number}`)
    this.#packetBytes = 2 + 2 + this.#topic.length + (load.qos > 0 ? 2 : 0) + PAYLOAD_BYTES
  }

  async open(): Promise<void> {
    const { port, qos, subscribers, window, lasts } = this.#load
    for (let i = 0; i < subscribers; i++) {
      await this.#subscribe(await connected(port, `bench-sub-${this.#number}-${i}`, lasts))
    }
    const publisher = await connected(port, `bench-pub-${this.#number}`)
    this.#sockets.push(publisher)
    if (qos === 0) return this.#pump(publisher)
    let rest: Buffer = Buffer.alloc(0)
    publisher.on('data', (chunk) => {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      const end = bytes.length - (bytes.length % ACK_BYTES)
      rest = bytes.subarray(end)
      if (!this.#isClosed) publisher.write(this.#goOn(bytes, end))
    })
    publisher.write(this.#batch(window))
  }

  /** PUBREL for every PUBREC, a new publish for every one that is finished. */
  #goOn(bytes: Buffer, end: number): Buffer {
    const releases: Buffer[] = []
    let finished = 0
    for (let at = 0; at < end; at += ACK_BYTES) {
      if (bytes[at] === PUBREC_BYTE) releases.push(Buffer.from([PUBREL_BYTE, 2, bytes[at + 2]!, bytes[at + 3]!]))
      else finished++
    }
    this.acknowledged += finished
    return Buffer.concat([...releases, this.#batch(finished)])
  }

  close(): void {
    this.#isClosed = true
    for (const socket of this.#sockets) socket.destroy()
  }

  async #subscribe(socket: Socket): Promise<void> {
    this.#sockets.push(socket)
    const topic = this.#topic
    socket.write(Buffer.from([0x82, 5 + topic.length, 0, 1, 0, topic.length, ...topic, this.#load.qos]))
    await once(socket, 'data')
    let rest: Buffer = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
      rest = bytes.subarray(this.#load.qos === 0 ? this.#count(bytes) : this.#receive(socket, bytes))
    })
  }

  /** QoS 0: packets are counted, not looked at. Returns the end of the last one. */
  #count(bytes: Buffer): number {
    const count = Math.floor(bytes.length / this.#packetBytes)
    this.received += count
    return count * this.#packetBytes
  }

  /** Answers every PUBLISH and every PUBREL. Returns the end of the last packet. */
  #receive(socket: Socket, bytes: Buffer): number {
    const answers = Buffer.allocUnsafe(bytes.length)
    const answer = ANSWER_BYTES[this.#load.qos]!
    let answered = 0
    let at = 0
    while (at < bytes.length) {
      const isRelease = bytes[at] === PUBREL_BYTE
      const end = at + (isRelease ? ACK_BYTES : this.#packetBytes)
      if (end > bytes.length) break
      const idAt = isRelease ? at + 2 : at + 4 + this.#topic.length
      answers[answered] = isRelease ? PUBCOMP_BYTE : answer
      answers[answered + 1] = 2
      answers[answered + 2] = bytes[idAt]!
      answers[answered + 3] = bytes[idAt + 1]!
      answered += ACK_BYTES
      if (!isRelease) this.received++
      at = end
    }
    if (answered > 0) socket.write(answers.subarray(0, answered))
    return at
  }

  /** Publishes with QoS 0 as fast as the subscribers follow. */
  #pump(publisher: Socket): void {
    const perBatch = this.#load.subscribers > 10 ? 5 : 500
    const pump = (): void => {
      while (!this.#isClosed && this.#sent - this.received / this.#load.subscribers < AHEAD_MAX) {
        this.#sent += perBatch
        if (publisher.write(this.#batch(perBatch))) continue
        publisher.once('drain', pump)
        return
      }
      if (!this.#isClosed) setTimeout(pump, 1)
    }
    pump()
  }

  #batch(count: number): Buffer {
    const size = this.#packetBytes
    const bytes = Buffer.alloc(size * count)
    for (let i = 0; i < count; i++) {
      const at = i * size
      bytes[at] = 0x30 | (this.#load.qos << 1)
      bytes[at + 1] = size - 2
      bytes.writeUInt16BE(this.#topic.length, at + 2)
      this.#topic.copy(bytes, at + 4)
      if (this.#load.qos === 0) continue
      bytes.writeUInt16BE(this.#packetId, at + 4 + this.#topic.length)
      this.#packetId = this.#packetId === 0xffff ? 1 : this.#packetId + 1
    }
    return bytes
  }
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}
