/**
 * Wills: the message that a client leaves for the case that it goes without a goodbye. [MQTT 5.0 §3.1.2.5]
 */
import { ByteWriter } from '../../base/bytes.ts'
import { whenKnown } from '../../model/access/access-pending.ts'
import type { WillPacket } from './codec.ts'
import { encodeProperties } from './properties.ts'
import { expirationMs } from './publishing.ts'
import { FLAG_RETAIN } from './stored-properties.ts'
import { type Member, type MqttWorld, mayPublish } from './world.ts'

/** A will that was accepted: its topic is valid, and its publisher may publish there. */
export class Will {
  readonly delaySeconds: number
  readonly #packet: WillPacket
  readonly #block: Buffer

  constructor(packet: WillPacket) {
    const { willDelayInterval, messageExpiryInterval: _, ...kept } = packet.properties
    this.#packet = packet
    this.delaySeconds = willDelayInterval ?? 0
    const writer = new ByteWriter()
    encodeProperties(writer, kept)
    this.#block = writer.finish()
  }

  /** Publishes it for the member; what the member may not publish any more is dropped. */
  publish(world: MqttWorld, member: Member): void {
    whenKnown(
      () => this.#publish(world, member),
      (error) => world.logger.error(`the will of client '${member.clientId}' is lost`, { error }),
    )
  }

  #publish(world: MqttWorld, member: Member): void {
    const { topic: name, payload, qos, retain, properties } = this.#packet
    const { vhost, permissions } = member
    const topics = world.topicsOf(vhost)
    const topic = topics.named(name)
    if (!mayPublish(permissions, world.settings.exchange, topic.routingKey)) {
      return world.logger.warning(`will of client '${member.clientId}' dropped: not allowed to publish to ${name}`)
    }
    const { draft, stored, facts } = world
    stored.of(
      qos | (retain ? FLAG_RETAIN : 0),
      world.noLocalCount > 0 ? Buffer.from(member.clientId) : null,
      this.#block,
    )
    draft.persistent = qos > 0
    draft.expirationMs = expirationMs(properties.messageExpiryInterval ?? -1)
    draft.publishedAtMs = world.broker.world.clock.nowMs()
    draft.properties = stored.bytes
    draft.propertiesStart = 0
    draft.propertiesEnd = stored.length
    draft.setBody(payload)
    facts.bytes = this.#block
    facts.start = 0
    facts.end = this.#block.length
    const route = topics.route(topic, draft)
    world.broker.counters.published++
    if (route !== undefined) vhost.publishTo(route, draft)
    if (!retain) return
    const done = (error: Error | null): void => {
      if (error !== null)
        world.logger.error(`the will of client '${member.clientId}' is not retained: ${error.message}`)
    }
    if (payload.length === 0) return world.retained.drop(vhost.name, topic.routingKey, done)
    const record = {
      payload: payload.toString('base64'),
      properties: this.#block.toString('base64'),
      qos,
      publishedAtMs: draft.publishedAtMs,
      expirationMs: draft.expirationMs,
    }
    world.retained.put(vhost.name, topic.routingKey, record, done)
  }
}
