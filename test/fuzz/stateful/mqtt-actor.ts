// Takes legal and illegal steps over MQTT 5.0: publishes into the tracked queues by way of amq.topic, subscribes to itself,
// and breaks the rules, which must end the connection by the right reason code.
import type { Randomness } from '../../../src/base/random.ts'
import { MqttClient } from '../../support/mqtt-client.ts'
import { holds, pick } from '../fuzz-target.ts'
import type { Actor, Model } from './model.ts'

/** Topics of tracked queues begin so; the queue's name follows. */
export const TOPIC = 'tracked/'

/** What no client may send, and the reason codes it may be refused by. */
const FAULTS: readonly (readonly [what: string, bytes: Buffer, codes: readonly number[]])[] = [
  ['a second CONNECT', Buffer.from('\x10\x10\0\x04MQTT\x05\x02\0\0\0\0\x03abc', 'latin1'), [0x82]],
  ['QoS 3', Buffer.from('\x36\x06\0\x01a\0\x01\0', 'latin1'), [0x81]],
  ['packet id 0', Buffer.from('\x32\x06\0\x01a\0\0\0', 'latin1'), [0x82]],
  ['a wildcard in a topic', Buffer.from('\x30\x04\0\x01#\0', 'latin1'), [0x90]],
  ['a topic that is no UTF-8', Buffer.from('\x30\x05\0\x02\xff\xfe\0', 'latin1'), [0x81, 0x90]],
  ['an unknown topic alias', Buffer.from('\x30\x06\0\0\x03\x23\0\x09', 'latin1'), [0x82, 0x94]],
  ['a topic alias beyond the limit', Buffer.from('\x30\x07\0\x01a\x03\x23\xff\xff', 'latin1'), [0x94]],
  ['SUBSCRIBE without a filter', Buffer.from('\x82\x03\0\x01\0', 'latin1'), [0x81, 0x82]],
  ['SUBSCRIBE with reserved flags', Buffer.from('\x80\x07\0\x01\0\0\x01a\0', 'latin1'), [0x81]],
  ['CONNACK from a client', Buffer.from('\x20\x02\0\0', 'latin1'), [0x81, 0x82]],
  ['packet type 0', Buffer.from([0, 0]), [0x81, 0x82]],
  ['a length of five bytes', Buffer.from('\x30\xff\xff\xff\xff\x7f', 'latin1'), [0x81]],
]

/** One client, which comes again whenever it has been closed. */
export class MqttActor implements Actor {
  readonly name: string
  readonly #port: number
  readonly #model: Model
  #client: MqttClient | null = null
  #packetId = 0

  constructor(name: string, port: number, model: Model) {
    this.name = name
    this.#port = port
    this.#model = model
  }

  async step(random: Randomness): Promise<string> {
    const client = await this.#connected(random)
    switch (random.below(8)) {
      case 0:
      case 1:
      case 2:
        return await this.#publish(client, random)
      case 3:
        return await this.#echo(client, random)
      case 4:
        await client.unsubscribe('nobody/#', `${this.name}/+`)
        return 'unsubscribed'
      case 5:
        // Answers to what was never asked are passed over, or refused with a code; they end nothing.
        client.ack(pick(random, [4, 5, 7]), 4_711)
        await client.settle()
        return 'acknowledged nothing'
      case 6:
        return await this.#fault(client, random)
      default:
        return await this.#leave(client, random)
    }
  }

  async close(): Promise<void> {
    if (this.#client === null) return
    await this.#client.disconnect()
    this.#client = null
  }

  async #connected(random: Randomness): Promise<MqttClient> {
    if (this.#client !== null) return this.#client
    const client = await MqttClient.open(this.#port)
    const will =
      random.below(2) === 0
        ? null
        : { topic: 'a/will', payload: Buffer.from('w'), qos: 1, retain: false, properties: {} }
    const { code } = await client.connect({ clientId: this.name, will })
    holds(code === 0, `${this.name}: CONNACK ${code}`)
    this.#client = client
    return client
  }

  #nextId(): number {
    this.#packetId = (this.#packetId % 60_000) + 1
    return this.#packetId
  }

  async #publish(client: MqttClient, random: Randomness): Promise<string> {
    const queue = pick(random, this.#model.queues)
    const ids = Array.from({ length: 1 + random.below(4) }, () => this.#model.newId())
    for (const id of ids) {
      queue.sent(id)
      client.publish({ topic: `${TOPIC}${queue.name}`, payload: id, qos: 1, packetId: this.#nextId() })
    }
    for (const id of ids) {
      const { body } = await client.next(4)
      holds((body[2] ?? 0) < 0x80, `${this.name}: PUBACK ${body[2]}`)
      queue.confirmed(id)
    }
    return `${ids.length} publishes`
  }

  /** What it sends itself, it gets. */
  async #echo(client: MqttClient, random: Randomness): Promise<string> {
    const qos = random.below(2)
    const codes = await client.subscribe([{ filter: `${this.name}/+`, qos }])
    holds(codes[0] === qos, `${this.name}: SUBACK ${codes[0]}`)
    const payload = `echo-${random.below(1_000_000)}`
    client.publish({ topic: `${this.name}/a`, payload, qos: 0 })
    const message = await client.nextMessage()
    holds(message.payload === payload, `${this.name}: ${message.payload} in place of ${payload}`)
    if (message.qos > 0) client.ack(4, message.packetId)
    await client.unsubscribe(`${this.name}/+`)
    return 'an echo'
  }

  async #fault(client: MqttClient, random: Randomness): Promise<string> {
    const [what, bytes, codes] = pick(random, FAULTS)
    client.send(bytes)
    this.#client = null
    const code = await client.refusal()
    holds(codes.includes(code), `${this.name}: ${what} is refused by 0x${code.toString(16)}`)
    return what
  }

  async #leave(client: MqttClient, random: Randomness): Promise<string> {
    this.#client = null
    if (random.below(2) === 0) await client.disconnect(random.below(2) * 4)
    else await client.drop()
    return 'left'
  }
}
