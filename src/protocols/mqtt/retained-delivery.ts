/**
 * Gives retained messages to new subscriptions: through the session's queue, so that they are delivered, acknowledged
 * and repeated like any other message. A budget per turn keeps a filter that matches everything from holding up the rest.
 */
import { TURN_DELIVER, type TurnTask } from '../../base/turn.ts'
import { PROTOCOL_MQTT } from '../../model/message/message.ts'
import { Route } from '../../model/routing/route.ts'
import type { MqttSession } from './session.ts'
import { queueOf } from './session-queues.ts'
import { FLAG_KEPT, FLAG_RETAIN } from './stored-properties.ts'
import type { RetainedRequest } from './subscribing.ts'
import type { MqttWorld } from './world.ts'

/** Messages given per turn. */
const GIVEN_PER_TURN = 256

/** What is still to be given. */
interface Errand {
  readonly isPassing: boolean
  readonly routingKeys: readonly string[]
  given: number
}

/** One per connection that subscribed. */
export class RetainedDelivery implements TurnTask {
  readonly #world: MqttWorld
  readonly #session: MqttSession
  readonly #errands: Errand[] = []
  #isMarked = false
  #isClosed = false

  constructor(world: MqttWorld, session: MqttSession) {
    this.#world = world
    this.#session = session
  }

  /** Gives what the filter of a subscription matches now. */
  give({ filter, isPassing }: RetainedRequest): void {
    const { retained, names } = this.#world
    if (retained.count === 0) return
    const routingKeys = retained.match(this.#session.vhostName, names.words(filter))
    if (routingKeys.length === 0) return
    this.#errands.push({ isPassing, routingKeys, given: 0 })
    this.resume()
  }

  /** The outbox has room again. */
  resume(): void {
    if (this.#isMarked || this.#isClosed || this.#errands.length === 0) return
    this.#isMarked = true
    this.#world.broker.world.turn.again(TURN_DELIVER, this)
  }

  close(): void {
    this.#isClosed = true
    this.#errands.length = 0
  }

  onTurnEnd(): void {
    this.#isMarked = false
    let budget = GIVEN_PER_TURN
    while (budget > 0) {
      const errand = this.#errands[0]
      if (errand === undefined) return
      // A queue that keeps nothing would drop them: `resume` comes when the outbox has room.
      if (errand.isPassing && !this.#session.sink(true).hasCredit) return
      if (errand.given === errand.routingKeys.length) this.#errands.shift()
      else this.#publish(errand.routingKeys[errand.given++]!, errand.isPassing)
      budget--
    }
    this.resume()
  }

  #publish(routingKey: string, isPassing: boolean): void {
    const { retained, broker, draft, stored, facts, settings } = this.#world
    const queue = queueOf(this.#session, isPassing)
    const record = retained.get(this.#session.vhostName, routingKey, broker.world.clock.nowMs())
    if (queue === undefined || record === undefined) return
    const block = Buffer.from(record.properties, 'base64')
    stored.of(record.qos | FLAG_RETAIN | FLAG_KEPT, null, block)
    draft.protocol = PROTOCOL_MQTT
    draft.address(settings.exchange, routingKey)
    draft.persistent = record.qos > 0
    draft.expirationMs = record.expirationMs
    draft.publishedAtMs = record.publishedAtMs
    draft.properties = stored.bytes
    draft.propertiesStart = 0
    draft.propertiesEnd = stored.length
    draft.setBody(Buffer.from(record.payload, 'base64'))
    facts.bytes = block
    facts.start = 0
    facts.end = block.length
    broker.world.publisher.publish(new Route([queue], 0, false), draft)
  }
}
