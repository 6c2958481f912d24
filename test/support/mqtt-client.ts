// A raw MQTT client for tests: sends what it is told, also nonsense, and keeps every packet that comes.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { ByteReader, ByteWriter } from '../../src/base/bytes.ts'
import {
  type ConnectPacket,
  encodeConnect,
  encodePacket,
  encodeSubscribe,
  encodeUnsubscribe,
  type FilterRequest,
  writeProperties,
} from '../../src/protocols/mqtt/codec.ts'
import { PacketReader, type PacketSink } from '../../src/protocols/mqtt/packet-reader.ts'
import {
  type Properties,
  readProperties,
  readVarint,
  writeText,
  writeVarint,
} from '../../src/protocols/mqtt/properties.ts'
import { LEVEL_5, type ProtocolLevel } from '../../src/protocols/mqtt/spec.ts'

const WAIT_MS_MAX = 10_000

/** A packet from the broker. */
export interface Received {
  readonly type: number
  readonly flags: number
  readonly body: Buffer
}

/** A PUBLISH from the broker. */
export interface ReceivedMessage {
  readonly topic: string
  readonly payload: string
  readonly qos: number
  readonly dup: boolean
  readonly retain: boolean
  readonly packetId: number
  readonly properties: Properties
  readonly identifiers: readonly number[]
}

/** What a test says of a CONNECT; the rest is usual. */
export type ConnectSketch = Partial<Omit<ConnectPacket, 'will'>> & { readonly will?: ConnectPacket['will'] }

/** What a test says of a PUBLISH. */
export interface PublishSketch {
  readonly topic: string
  readonly payload?: string
  readonly qos?: number
  readonly retain?: boolean
  readonly dup?: boolean
  readonly packetId?: number
  readonly properties?: Properties
}

export class MqttClient implements PacketSink {
  readonly level: ProtocolLevel
  readonly packets: Received[] = []
  readonly #socket: Socket
  readonly #reader = new PacketReader(this, 1 << 28)
  readonly #watchers: (() => void)[] = []
  isClosed = false

  private constructor(socket: Socket, level: ProtocolLevel) {
    this.#socket = socket
    this.level = level
    socket.on('data', (chunk) => this.#reader.feed(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.isClosed = true
      this.#wake()
    })
  }

  /** A socket without CONNECT. */
  static async open(port: number, level: ProtocolLevel = LEVEL_5): Promise<MqttClient> {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    await once(socket, 'connect')
    return new MqttClient(socket, level)
  }

  onPacket(head: number, bytes: Buffer, start: number, end: number): void {
    this.packets.push({ type: head >>> 4, flags: head & 15, body: Buffer.from(bytes.subarray(start, end)) })
    this.#wake()
  }

  send(...packets: Buffer[]): void {
    this.#socket.write(Buffer.concat(packets))
  }

  /** Removes and returns the next packet of a type. */
  async next(type: number): Promise<Received> {
    await this.until(() => this.packets.some((packet) => packet.type === type), `a packet of type ${type}`)
    const at = this.packets.findIndex((packet) => packet.type === type)
    return this.packets.splice(at, 1)[0]!
  }

  async nextMessage(): Promise<ReceivedMessage> {
    return this.#message(await this.next(3))
  }

  /** Waits for a condition, which is looked at whenever something happens. */
  async until(holds: () => boolean, what: string): Promise<void> {
    const deadline = Date.now() + WAIT_MS_MAX
    while (!holds()) {
      if (this.isClosed) throw new Error(`closed while waiting for ${what}`)
      if (Date.now() > deadline) throw new Error(`no ${what} in ${WAIT_MS_MAX} ms`)
      await this.#change()
    }
  }

  /** Waits until the broker has closed. */
  async closed(): Promise<void> {
    const deadline = Date.now() + WAIT_MS_MAX
    while (!this.isClosed) {
      if (Date.now() > deadline) throw new Error('the broker did not close')
      await this.#change()
    }
  }

  /** Everything that was sent has been answered: a round trip. */
  async settle(): Promise<void> {
    this.send(Buffer.from([0xc0, 0]))
    await this.next(13)
  }

  async connect(sketch: ConnectSketch = {}): Promise<{ present: boolean; code: number; properties: Properties }> {
    this.send(
      encodeConnect({
        level: this.level,
        clientId: 'client',
        cleanStart: true,
        keepAliveSeconds: 0,
        will: null,
        userName: 'guest',
        password: Buffer.from('guest'),
        properties: {},
        ...sketch,
      }),
    )
    const { body } = await this.next(2)
    const properties = this.level === LEVEL_5 ? readProperties(new ByteReader(body, 2, body.length), 2) : {}
    return { present: body[0] === 1, code: body[1]!, properties }
  }

  /** Subscribes; resolves with the codes. */
  async subscribe(filters: readonly (string | Partial<FilterRequest>)[], identifier = 0): Promise<number[]> {
    const requests = filters.map((filter) => ({
      qos: 2,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: 0,
      filter: '',
      ...(typeof filter === 'string' ? { filter } : filter),
    }))
    const properties = identifier === 0 ? {} : { subscriptionIdentifier: identifier }
    this.send(encodeSubscribe(this.level, { packetId: 1, properties, filters: requests }))
    return [...(await this.next(9)).body.subarray(this.level === LEVEL_5 ? 3 : 2)]
  }

  async unsubscribe(...filters: string[]): Promise<number[]> {
    this.send(encodeUnsubscribe(this.level, { packetId: 1, filters }))
    return [...(await this.next(11)).body.subarray(this.level === LEVEL_5 ? 3 : 2)]
  }

  publish(sketch: PublishSketch): void {
    this.send(this.publishPacket(sketch))
  }

  publishPacket({ topic, payload, qos, retain, dup, packetId, properties }: PublishSketch): Buffer {
    const head = 0x30 | ((qos ?? 0) << 1) | (retain === true ? 1 : 0) | (dup === true ? 8 : 0)
    return encodePacket(head, (writer) => {
      writeText(writer, topic)
      if ((qos ?? 0) > 0) writer.u16(packetId ?? 1)
      if (this.level === LEVEL_5) writeProperties(writer, properties ?? {})
      writer.bytes(Buffer.from(payload ?? ''))
    })
  }

  /** Publishes with QoS 1 and waits for the answer. */
  async publishSafely(sketch: PublishSketch): Promise<number> {
    this.publish({ ...sketch, qos: 1 })
    return (await this.next(4)).body[2] ?? 0
  }

  /** PUBACK, PUBREC, PUBREL or PUBCOMP. */
  ack(type: number, packetId: number, reasonCode = 0): void {
    const body = [packetId >> 8, packetId & 255, ...(reasonCode === 0 ? [] : [reasonCode])]
    this.send(Buffer.from([(type << 4) | (type === 6 ? 2 : 0), body.length, ...body]))
  }

  /** DISCONNECT, and waits until the broker has closed. */
  async disconnect(reasonCode = 0, properties: Properties = {}): Promise<void> {
    this.send(
      encodePacket(0xe0, (writer) => {
        if (this.level !== LEVEL_5) return
        writer.u8(reasonCode)
        writeProperties(writer, properties)
      }),
    )
    await this.closed()
  }

  /** Goes without a goodbye. */
  async drop(): Promise<void> {
    this.#socket.destroy()
    await this.closed()
  }

  /** Reason code of the DISCONNECT that the broker closes with. */
  async refusal(): Promise<number> {
    const { body } = await this.next(14)
    await this.closed()
    return body[0] ?? 0
  }

  #message({ flags, body }: Received): ReceivedMessage {
    const topicEnd = 2 + body.readUInt16BE(0)
    const qos = (flags >> 1) & 3
    const reader = new ByteReader(body, topicEnd, body.length)
    const packetId = qos > 0 ? reader.u16() : 0
    const identifiers: number[] = []
    let properties: Properties = {}
    if (this.level === LEVEL_5) {
      const end =
        reader.at + 1 + (body[reader.at]! < 0x80 ? 0 : 1) + readVarint(new ByteReader(body, reader.at, body.length))
      const block = withoutIdentifiers(body.subarray(reader.at, end), identifiers)
      properties = readProperties(new ByteReader(block, 0, block.length), 3)
      reader.at = end
    }
    return {
      identifiers,
      topic: body.toString('utf8', 2, topicEnd),
      payload: body.toString('utf8', reader.at),
      qos,
      dup: (flags & 8) !== 0,
      retain: (flags & 1) !== 0,
      packetId,
      properties,
    }
  }

  /** Says that nothing follows. */
  end(): void {
    this.#socket.end()
  }

  /** Resolves when something has come, or the connection is gone; after a while in any case. */
  changed(): Promise<void> {
    return this.isClosed ? Promise.resolve() : this.#change()
  }

  #wake(): void {
    for (const watcher of this.#watchers.splice(0)) watcher()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, 200)
      this.#watchers.push(() => {
        clearTimeout(timer)
        resolve()
      })
    })
  }
}

/** A property block with its length, without subscription identifiers: of them there may be several. They lie at the front. */
function withoutIdentifiers(block: Buffer, identifiers: number[]): Buffer {
  const reader = new ByteReader(block, 0, block.length)
  readVarint(reader)
  const kept = new ByteWriter()
  const lengths: Readonly<Record<number, number>> = { 2: 5, 35: 3 }
  while (reader.at < reader.end) {
    const id = block[reader.at]!
    if (id === 11) {
      reader.at++
      identifiers.push(readVarint(reader))
    } else if (lengths[id] !== undefined) kept.bytes(reader.copy(lengths[id]))
    else kept.bytes(reader.copy(reader.end - reader.at))
  }
  const writer = new ByteWriter()
  writeVarint(writer, kept.length)
  writer.bytes(kept.finish())
  return writer.finish()
}
