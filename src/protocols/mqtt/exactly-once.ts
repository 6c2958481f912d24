/**
 * What QoS 2 has to remember beyond a connection, and for lasting sessions beyond a restart.
 *
 * Inbound: identifiers received and not released. The identifier is the tag of an entry in a ledger of the session's
 * own, which is an owner of the message's record like any queue: message and identifier become durable in one write, or
 * neither does. Outbound: identifiers that the client has received (PUBREC) and not completed, each an empty record in a
 * second ledger that also remembers which entry of the session's queue it was. [MQTT 5.0 §4.3.3]
 *
 * Invariant: PUBREC and PUBREL leave only when what they say is durable.
 */
import { MessageDraft, PROTOCOL_MQTT } from '../../model/message/message.ts'
import type { Ledger } from '../../model/message/message-store.ts'
import { ADMIT_STORED, type Admission, type MessageTarget } from '../../model/queue/queue.ts'
import type { Publisher } from '../../model/routing/publisher.ts'
import { Route } from '../../model/routing/route.ts'

const LOW_WORD = 0x1_0000_0000

/** Ids of the two ledgers, as kept in the session's record. */
export interface LedgerIds {
  readonly received: number
  readonly released: number
}

/** Enters what is published into a ledger, under a tag. */
class LedgerTarget implements MessageTarget {
  readonly name = ''
  readonly ledger: Ledger
  tag = 0
  sequence = 0

  constructor(ledger: Ledger) {
    this.ledger = ledger
  }

  keeps(): boolean {
    return true
  }

  admit(): Admission {
    return ADMIT_STORED
  }

  enter(draft: MessageDraft, slot: number): void {
    this.sequence = this.ledger.enter(slot, draft.bodyBytes, this.tag)
  }
}

/** Identifiers that came with PUBLISH and wait for PUBREL. */
export class ReceivedIds {
  /** Id → sequence in the ledger; 0 when there is none. */
  readonly #sequences = new Map<number, number>()
  readonly #recovered = new Set<number>()
  readonly #target: LedgerTarget | null

  /** `ledger` null: the session does not last. */
  constructor(ledger: Ledger | null) {
    this.#target = ledger === null ? null : new LedgerTarget(ledger)
    if (ledger === null) return
    for (let sequence = ledger.nextLive(1); sequence < ledger.nextSequence; sequence = ledger.nextLive(sequence + 1)) {
      this.#sequences.set(ledger.tagOf(sequence), sequence)
      this.#recovered.add(ledger.tagOf(sequence))
    }
  }

  get count(): number {
    return this.#sequences.size
  }

  /**
   * Whether this PUBLISH has been received. After a restart a packet that is not marked as a repetition is a new one: the
   * client completed the old one, and the broker stopped before that was written.
   */
  has(packetId: number, dup: boolean): boolean {
    if (!this.#sequences.has(packetId)) return false
    if (dup || !this.#recovered.has(packetId)) return true
    this.drop(packetId)
    return false
  }

  /** The route with the session's ledger as one more owner of the message. */
  routeWith(route: Route, packetId: number): Route {
    if (this.#target === null) return route
    this.#target.tag = packetId
    this.#target.sequence = 0
    return new Route([...route.targets, this.#target], route.revision, false)
  }

  /** The publish was taken. */
  add(packetId: number): void {
    this.#sequences.set(packetId, this.#target?.sequence ?? 0)
    if (this.#target !== null) this.#target.sequence = 0
  }

  /** The publish was refused: nothing is remembered. */
  refused(): void {
    if (this.#target === null) return
    this.#target.ledger.settle(this.#target.sequence)
    this.#target.sequence = 0
  }

  /** PUBREL came; false when the identifier is unknown. */
  drop(packetId: number): boolean {
    const sequence = this.#sequences.get(packetId)
    if (sequence === undefined) return false
    this.#sequences.delete(packetId)
    this.#recovered.delete(packetId)
    this.#target?.ledger.settle(sequence)
    return true
  }

  /** The session is over. */
  delete(): void {
    this.#sequences.clear()
    this.#target?.ledger.delete()
  }
}

/** Identifiers that the client has received and not completed: the durable side of `InFlight`'s released phase. */
export class ReleasedIds {
  readonly #target: LedgerTarget | null
  readonly #publisher: Publisher
  readonly #route: Route
  readonly #draft = new MessageDraft()

  constructor(ledger: Ledger | null, publisher: Publisher) {
    this.#target = ledger === null ? null : new LedgerTarget(ledger)
    this.#publisher = publisher
    this.#route = new Route(this.#target === null ? [] : [this.#target], 0, false)
    this.#draft.protocol = PROTOCOL_MQTT
    this.#draft.persistent = true
    this.#draft.address('', '')
  }

  /** Remembers that the client has entry `sequence` as this identifier; returns the record's sequence, 0 for none. */
  add(packetId: number, sequence: number): number {
    if (this.#target === null) return 0
    this.#target.tag = packetId
    this.#publisher.publish(this.#route, this.#draft)
    const { ledger } = this.#target
    ledger.remember(this.#target.sequence, sequence % LOW_WORD)
    return this.#target.sequence
  }

  /** PUBCOMP came. */
  settle(record: number): void {
    if (record > 0) this.#target?.ledger.settle(record)
  }

  /** What the log held, oldest first. `entryLow`: the low word of the queue's sequence, 0 when it is not known. */
  recovered(visit: (packetId: number, record: number, entryLow: number) => void): void {
    const ledger = this.#target?.ledger
    if (ledger === undefined) return
    for (let record = ledger.nextLive(1); record < ledger.nextSequence; record = ledger.nextLive(record + 1)) {
      visit(ledger.tagOf(record), record, ledger.recall(record))
    }
  }

  /** The session is over. */
  delete(): void {
    this.#target?.ledger.delete()
  }
}
