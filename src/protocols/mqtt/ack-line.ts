/**
 * Acknowledgements that wait until what they promise is durable: PUBACK, PUBREC, PUBREL and PUBCOMP of one connection, in
 * the order of the packets they answer. [MQTT-4.6.0-2 … 4]
 *
 * The log becomes durable in order, so of all acks of a turn only the end and the log's position are kept. An ack may
 * also be held until something else (a retained message, a session's record) is stored; what is behind it waits.
 */
import type { Clock } from '../../base/clock.ts'
import { TURN_SESSIONS, type Turn, type TurnTask } from '../../base/turn.ts'
import type { DurableSink, MessageStore, Position } from '../../model/message/message-store.ts'
import type { ProtocolTraffic } from '../../model/observe/traffic.ts'
import type { Outbox } from '../../net/outbox.ts'
import { ackBytes, putAck } from './codec.ts'
import { PUBACK, PUBREC } from './spec.ts'

/** What acks need of their connection and broker. */
export interface AckWorld {
  readonly turn: Turn
  readonly store: MessageStore
  readonly clock: Clock
}

/** Told when acks have gone out: publishes that no longer count against the receive maximum. */
export interface AckListener {
  onAcked(type: number, packetId: number, reasonCode: number): void
}

/** One ack as a number: packet id, type and reason code. */
function pack(type: number, packetId: number, reasonCode: number): number {
  return packetId | (type << 16) | (reasonCode << 20)
}

/** Acks before `end` may go once the log is at `position`. */
interface Stop {
  end: number
  readonly position: Position
  /** When the first of them was asked for. */
  readonly sinceMs: number
}

/** The ack at this place of the line, and what is behind it, waits for its release. */
interface Hold {
  index: number
}

/** Lets go of a held ack. */
export type AckRelease = () => void

/** Sent acks are removed from the head of the line in steps of this many. */
const COMPACT_COUNT = 1024

/** One per connection that publishes. */
export class AckLine implements TurnTask, DurableSink {
  readonly #world: AckWorld
  readonly #outbox: Outbox
  readonly #traffic: ProtocolTraffic
  readonly #listener: AckListener
  /** Acks in order; the first `#sent` of them are gone. */
  readonly #acks: number[] = []
  #sent = 0
  /** Acks before this one belong to turns that have ended. */
  #turnEnd = 0
  readonly #stops: Stop[] = []
  readonly #holds: Hold[] = []
  #mustWait = false
  #markedAtMs = 0
  #isMarked = false
  #isWaiting = false
  #isClosed = false

  constructor(world: AckWorld, outbox: Outbox, traffic: ProtocolTraffic, listener: AckListener) {
    this.#traffic = traffic
    this.#world = world
    this.#outbox = outbox
    this.#listener = listener
  }

  /** Acks that wait. */
  get count(): number {
    return this.#acks.length - this.#sent
  }

  /** Adds an ack. `mustWait`: until the log is durable up to where it is at the end of this turn. */
  add(type: number, packetId: number, reasonCode: number, mustWait: boolean): void {
    this.#acks.push(pack(type, packetId, reasonCode))
    if (mustWait) this.#mustWait = true
    if (this.#isMarked) return
    this.#isMarked = true
    this.#markedAtMs = this.#world.clock.monotonicMs()
    this.#world.turn.mark(TURN_SESSIONS, this)
  }

  /** Adds an ack that also waits until it is released. */
  addHeld(type: number, packetId: number, reasonCode: number, mustWait: boolean): AckRelease {
    this.add(type, packetId, reasonCode, mustWait)
    const hold: Hold = { index: this.#acks.length - 1 }
    this.#holds.push(hold)
    return () => {
      const at = this.#holds.indexOf(hold)
      if (at === -1) return
      this.#holds.splice(at, 1)
      this.#send()
    }
  }

  /** The connection is gone. */
  close(): void {
    this.#isClosed = true
    this.#holds.length = 0
    this.#clear()
  }

  onTurnEnd(): void {
    this.#isMarked = false
    if (this.#isClosed) return
    const { store } = this.#world
    const end = this.#acks.length
    const last = this.#stops[this.#stops.length - 1]
    if (this.#mustWait && store.durable < store.appended)
      this.#stops.push({ end, position: store.appended, sinceMs: this.#markedAtMs })
    // Behind publishes that wait: they are answered together.
    else if (last !== undefined) last.end = end
    this.#mustWait = false
    this.#turnEnd = end
    this.#send()
  }

  onDurable(): void {
    this.#isWaiting = false
    if (!this.#isClosed) this.#send()
  }

  /** Sends what may go. */
  #send(): void {
    const { store } = this.#world
    const stops = this.#stops
    // The oldest one's wait stands for all that are answered now.
    const sinceMs = stops[0]?.sinceMs ?? this.#markedAtMs
    let end = this.#sent
    let passed = 0
    while (passed < stops.length && stops[passed]!.position <= store.durable) end = stops[passed++]!.end
    if (passed > 0) stops.splice(0, passed)
    if (stops.length === 0) end = this.#turnEnd
    else if (!this.#isWaiting) {
      this.#isWaiting = true
      store.awaitDurable(this)
    }
    const hold = this.#holds[0]
    if (hold !== undefined && hold.index < end) {
      // What has passed its stop waits on, without one.
      stops.unshift({ end, position: 0, sinceMs })
      end = hold.index
    }
    this.#sendUpTo(end, sinceMs)
  }

  #sendUpTo(end: number, sinceMs: number): void {
    const acks = this.#acks
    let confirmed = 0
    const outbox = this.#outbox
    for (; this.#sent < end; this.#sent++) {
      const ack = acks[this.#sent]!
      const packetId = ack & 0xffff
      const type = (ack >>> 16) & 0xf
      const reasonCode = ack >>> 20
      const at = outbox.reserve(ackBytes(reasonCode))
      putAck(outbox.bytes, at, type, packetId, reasonCode)
      if (type === PUBACK || type === PUBREC) confirmed++
      this.#listener.onAcked(type, packetId, reasonCode)
    }
    if (confirmed > 0) this.#countConfirmed(confirmed, sinceMs)
    if (this.#sent === acks.length) this.#clear()
    else if (this.#sent >= COMPACT_COUNT) this.#compact()
  }

  #countConfirmed(count: number, sinceMs: number): void {
    this.#traffic.confirmed += count
    this.#traffic.confirmWaitMs.observe(this.#world.clock.monotonicMs() - sinceMs, count)
  }

  #clear(): void {
    this.#acks.length = 0
    this.#stops.length = 0
    this.#sent = 0
    this.#turnEnd = 0
  }

  #compact(): void {
    const gone = this.#sent
    this.#acks.splice(0, gone)
    for (const stop of this.#stops) stop.end -= gone
    for (const hold of this.#holds) hold.index -= gone
    this.#turnEnd -= gone
    this.#sent = 0
  }
}
