/**
 * Wills: the message that a client leaves for the case that it goes without a goodbye. [MQTT 5.0 §3.1.2.5]
 *
 * A will with a delay belongs to its session and is kept with it: neither a stop nor a kill of the broker loses it.
 */
import { ByteWriter } from '../../base/bytes.ts'
import { whenKnown } from '../../model/access/access-pending.ts'
import type { SessionPermissions } from '../../model/permissions.ts'
import type { Vhost } from '../../model/vhost.ts'
import type { WillPacket } from './codec.ts'
import { encodeProperties } from './properties.ts'
import { expirationMs } from './publishing.ts'
import { LEVEL_5 } from './spec.ts'
import { FLAG_RETAIN } from './stored-properties.ts'
import { type MqttWorld, mayPublish } from './world.ts'

/** A will as kept with its session. Binary is base64. */
export interface WillRecord {
  readonly topic: string
  readonly payload: string
  /** The property block of MQTT 5.0, without its length, delay and expiry. */
  readonly properties: string
  readonly qos: number
  readonly retain: boolean
  /** Of the message; -1: it does not expire. */
  readonly expirySeconds: number
  readonly delaySeconds: number
  /** When the delay ends; null while the client is connected: after a kill it begins with the broker's start. */
  readonly dueAtMs: number | null
}

/** What a will says, and when. */
interface WillContent {
  readonly topic: string
  readonly payload: Buffer
  /** Properties of the message, encoded. */
  readonly block: Buffer
  readonly qos: number
  readonly retain: boolean
  readonly expirySeconds: number
  readonly delaySeconds: number
}

/** Whose will it is. */
export interface WillAuthor {
  readonly vhost: Vhost
  readonly permissions: SessionPermissions
  readonly clientId: string
}

/** A will that was accepted: its topic is valid. Whether its author may publish it is asked when it is published. */
export class Will {
  readonly #content: WillContent

  constructor(content: WillContent) {
    this.#content = content
  }

  /** Of a CONNECT. */
  static of({ topic, payload, qos, retain, properties }: WillPacket): Will {
    const { willDelayInterval, messageExpiryInterval, ...kept } = properties
    const writer = new ByteWriter()
    encodeProperties(writer, kept)
    const block = writer.finish()
    const expirySeconds = messageExpiryInterval ?? -1
    return new Will({ topic, payload, block, qos, retain, expirySeconds, delaySeconds: willDelayInterval ?? 0 })
  }

  /** As it was kept. */
  static kept({ payload, properties, ...rest }: WillRecord): Will {
    return new Will({ ...rest, payload: Buffer.from(payload, 'base64'), block: Buffer.from(properties, 'base64') })
  }

  /** To be kept. */
  record(dueAtMs: number | null): WillRecord {
    const { topic, payload, block, qos, retain, expirySeconds, delaySeconds } = this.#content
    const binary = { payload: payload.toString('base64'), properties: block.toString('base64') }
    return { topic, ...binary, qos, retain, expirySeconds, delaySeconds, dueAtMs }
  }

  get delaySeconds(): number {
    return this.#content.delaySeconds
  }

  /** Publishes it for its author; what the author may not publish any more is dropped. */
  publish(world: MqttWorld, author: WillAuthor): void {
    whenKnown(
      () => this.#publish(world, author),
      (error) => world.logger.error(`the will of client '${author.clientId}' is lost`, { error }),
    )
  }

  #publish(world: MqttWorld, author: WillAuthor): void {
    const { topic: name, payload, block, qos, retain, expirySeconds } = this.#content
    const { vhost, permissions, clientId } = author
    const topics = world.topicsOf(vhost)
    const topic = topics.named(name)
    if (!mayPublish(permissions, world.settings.exchange, topic.routingKey)) {
      return world.logger.warning(`will of client '${clientId}' dropped: not allowed to publish to ${name}`)
    }
    const { draft, stored, facts } = world
    stored.of(qos | (retain ? FLAG_RETAIN : 0), world.wantsPublisher ? Buffer.from(clientId) : null, block)
    draft.persistent = qos > 0
    draft.expirationMs = expirationMs(expirySeconds)
    draft.publishedAtMs = world.broker.world.clock.nowMs()
    draft.properties = stored.bytes
    draft.propertiesStart = 0
    draft.propertiesEnd = stored.length
    draft.setBody(payload)
    facts.bytes = block
    facts.start = 0
    facts.end = block.length
    const route = topics.route(topic, draft)
    // A will that was kept no longer tells which version its client spoke.
    world.trafficOf(LEVEL_5).countPublished(payload.length)
    if (route !== undefined) vhost.publishTo(route, draft)
    if (!retain) return
    const done = (error: Error | null): void => {
      if (error !== null) world.logger.error(`the will of client '${clientId}' is not retained: ${error.message}`)
    }
    if (payload.length === 0) return world.retained.drop(vhost.name, topic.routingKey, done)
    const record = {
      payload: payload.toString('base64'),
      properties: block.toString('base64'),
      qos,
      publishedAtMs: draft.publishedAtMs,
      expirationMs: draft.expirationMs,
    }
    world.retained.put(vhost.name, topic.routingKey, record, done)
  }
}
