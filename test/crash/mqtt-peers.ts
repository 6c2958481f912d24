/**
 * MQTT clients of the crash tests. Each is a client that keeps its own state over connections, as the specification asks
 * of it, and an account of what it was promised: a publisher of what was acknowledged, a subscriber of what came.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { type ConnectPacket, encodeConnect, encodePacket, encodeSubscribe } from '../../src/protocols/mqtt/codec.ts'
import { PacketReader } from '../../src/protocols/mqtt/packet-reader.ts'
import { writeText } from '../../src/protocols/mqtt/properties.ts'
import { LEVEL_5, PUBACK, PUBCOMP, PUBREC, PUBREL } from '../../src/protocols/mqtt/spec.ts'

const CONNACK = 2
const PUBLISH = 3
const SUBACK = 9
const WINDOW = 40
const SESSION_SECONDS = 3600

/** What a client sees of its connection. */
export type OnPacket = (type: number, body: Buffer, head: number) => void

/** One connection, which may die at any moment. */
export class Line {
  readonly #socket: Socket
  readonly ended: Promise<void>
  isEnded = false

  private constructor(socket: Socket, onPacket: OnPacket) {
    this.#socket = socket
    const reader = new PacketReader(
      { onPacket: (head, bytes, start, end) => onPacket(head >>> 4, Buffer.from(bytes.subarray(start, end)), head) },
      1 << 20,
    )
    socket.on('data', (chunk) => reader.feed(chunk))
    this.ended = new Promise((resolve) => {
      socket.on('close', () => {
        this.isEnded = true
        resolve()
      })
    })
  }

  /** Connects; undefined when the broker has just died. The session lasts. */
  static async open(port: number, clientId: string, onPacket: OnPacket): Promise<Line | undefined> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.on('error', () => undefined)
    const line = new Line(socket, onPacket)
    await Promise.race([once(socket, 'connect').catch(() => undefined), line.ended])
    if (line.isEnded) return undefined
    const packet: ConnectPacket = {
      level: LEVEL_5,
      clientId,
      cleanStart: false,
      keepAliveSeconds: 0,
      will: null,
      userName: 'guest',
      password: Buffer.from('guest'),
      properties: { sessionExpiryInterval: SESSION_SECONDS },
    }
    line.send(encodeConnect(packet))
    return line
  }

  send(bytes: Buffer): void {
    if (!this.isEnded) this.#socket.write(bytes)
  }

  drop(): void {
    this.#socket.destroy()
  }
}

function ack(type: number, packetId: number): Buffer {
  return Buffer.from([(type << 4) | (type === PUBREL ? 2 : 0), 2, packetId >> 8, packetId & 255])
}

function publishPacket(
  topic: string,
  qos: number,
  packetId: number,
  payload: string,
  dup: boolean,
  retain = false,
): Buffer {
  return encodePacket(0x30 | (qos << 1) | (dup ? 8 : 0) | (retain ? 1 : 0), (writer) => {
    writeText(writer, topic)
    writer.u16(packetId)
    writer.u8(0)
    writer.bytes(Buffer.from(payload))
  })
}

/** A publish that is not finished. */
interface Unfinished {
  readonly topic: string
  readonly payload: string
  isReleased: boolean
}

/** What a publisher publishes: topic and whether it is retained, of message number n. */
export interface PublishPlan {
  readonly clientId: string
  readonly qos: 1 | 2
  readonly retain: boolean
  readonly topicOf: (n: number) => string
}

/** Publishes numbered messages, and goes on with what is unfinished after every connection. */
export class MqttPublisher {
  /** Numbers whose acknowledgement came: PUBACK, or PUBREC. */
  readonly acknowledged = new Set<number>()
  published = 0
  /** No new messages. */
  isFinishing = false
  readonly plan: PublishPlan
  readonly #open = new Map<number, Unfinished>()
  readonly #fail: (text: string) => void
  #line: Line | undefined
  #packetId = 0

  constructor(plan: PublishPlan, fail: (text: string) => void) {
    this.plan = plan
    this.#fail = fail
  }

  get isDone(): boolean {
    return this.#open.size === 0
  }

  async connect(port: number): Promise<void> {
    this.#line = await Line.open(port, this.plan.clientId, (type, body) => this.#onPacket(type, body))
  }

  drop(): void {
    this.#line?.drop()
  }

  #onPacket(type: number, body: Buffer): void {
    if (type === CONNACK) return this.#resume(body)
    const packetId = body.readUInt16BE(0)
    const unfinished = this.#open.get(packetId)
    if (unfinished === undefined) return
    // PUBCOMP may say that PUBREL was handled before the kill.
    if (type !== PUBCOMP && body.length > 2 && body[2]! >= 0x80) this.#fail(`${this.plan.clientId}: reason ${body[2]}`)
    if (type === PUBACK) return this.#finish(packetId, unfinished)
    if (type === PUBREC) {
      unfinished.isReleased = true
      this.acknowledged.add(Number(unfinished.payload))
      this.#line?.send(ack(PUBREL, packetId))
    } else if (type === PUBCOMP) this.#finish(packetId, unfinished)
  }

  #resume(connack: Buffer): void {
    if (connack[1] !== 0) return this.#fail(`${this.plan.clientId}: CONNACK ${connack[1]}`)
    const isLost = connack[0] === 0 && [...this.#open.values()].some(({ isReleased }) => isReleased)
    if (isLost) return this.#fail(`${this.plan.clientId}: the session with its QoS 2 state is gone`)
    for (const [packetId, { topic, payload, isReleased }] of this.#open) {
      if (isReleased) this.#line?.send(ack(PUBREL, packetId))
      else this.#line?.send(publishPacket(topic, this.plan.qos, packetId, payload, true, this.plan.retain))
    }
    this.#fill()
  }

  #finish(packetId: number, { payload }: Unfinished): void {
    this.acknowledged.add(Number(payload))
    this.#open.delete(packetId)
    this.#fill()
  }

  #fill(): void {
    while (!this.isFinishing && this.#open.size < WINDOW) {
      do this.#packetId = (this.#packetId % 0xffff) + 1
      while (this.#open.has(this.#packetId))
      const n = ++this.published
      const unfinished = { topic: this.plan.topicOf(n), payload: String(n), isReleased: false }
      this.#open.set(this.#packetId, unfinished)
      const { topic, payload } = unfinished
      this.#line?.send(publishPacket(topic, this.plan.qos, this.#packetId, payload, false, this.plan.retain))
    }
  }
}

/** Subscribes with QoS 2 and counts what comes, by topic and payload. */
export class MqttSubscriber {
  /** How often each `<topic> <payload>` came. */
  readonly counts = new Map<string, number>()
  readonly #clientId: string
  readonly #filter: string
  readonly #fail: (text: string) => void
  /** Identifiers of QoS 2 messages received and not released. */
  readonly #held = new Set<number>()
  #line: Line | undefined
  #isSubscribed = false

  constructor(clientId: string, filter: string, fail: (text: string) => void) {
    this.#clientId = clientId
    this.#filter = filter
    this.#fail = fail
  }

  get isSubscribed(): boolean {
    return this.#isSubscribed
  }

  async connect(port: number): Promise<void> {
    this.#line = await Line.open(port, this.#clientId, (type, body, head) => this.#onPacket(type, body, head))
  }

  drop(): void {
    this.#line?.drop()
  }

  #onPacket(type: number, body: Buffer, head: number): void {
    if (type === CONNACK) return this.#resume(body)
    if (type === SUBACK) {
      if (body[3]! > 2) this.#fail(`${this.#clientId}: SUBACK ${body[3]}`)
      this.#isSubscribed = true
    } else if (type === PUBLISH) this.#receive(body, (head >>> 1) & 3)
    else if (type === PUBREL) {
      const packetId = body.readUInt16BE(0)
      this.#held.delete(packetId)
      this.#line?.send(ack(PUBCOMP, packetId))
    }
  }

  #resume(connack: Buffer): void {
    if (this.#isSubscribed && connack[0] === 0) return this.#fail(`${this.#clientId}: the session is gone`)
    if (this.#isSubscribed) return
    this.#held.clear()
    const filters = [{ filter: this.#filter, qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 2 }]
    this.#line?.send(encodeSubscribe(LEVEL_5, { packetId: 1, properties: {}, filters }))
  }

  #receive(body: Buffer, qos: number): void {
    const topicEnd = 2 + body.readUInt16BE(0)
    const propertiesAt = topicEnd + (qos > 0 ? 2 : 0)
    const packetId = qos > 0 ? body.readUInt16BE(topicEnd) : 0
    const message = `${body.toString('utf8', 2, topicEnd)} ${body.toString('utf8', propertiesAt + 1 + body[propertiesAt]!)}`
    if (qos === 2 && this.#held.has(packetId)) return this.#line?.send(ack(PUBREC, packetId))
    this.counts.set(message, (this.counts.get(message) ?? 0) + 1)
    if (qos === 1) this.#line?.send(ack(PUBACK, packetId))
    if (qos !== 2) return
    this.#held.add(packetId)
    this.#line?.send(ack(PUBREC, packetId))
  }
}
