/**
 * What the last dead letter was made of. Letters come in runs (a full queue, a TTL) that differ in nothing but their
 * bodies: then annotations and address are those of the one before, and nothing is decoded or encoded anew.
 * [measured: docs/performance.md "Dead letters"]
 */
import type { Annotations } from '../message/annotations.ts'
import { FLAG_ANNOTATED, type MessageDraft, type MessageView } from '../message/message.ts'
import type { DeadLetterTarget, DeathReason } from './dead-letter.ts'

const NOTHING: Buffer = Buffer.alloc(0)

/** A message that dies for the first time, without counts and further keys; these are the facts that its letter depends on. */
export interface PlainDeath {
  readonly source: string
  readonly reason: DeathReason
  readonly target: DeadLetterTarget
  readonly nowMs: number
}

/** The letter before. One per sink. */
export class LastLetter {
  #death: PlainDeath | null = null
  #expirationMs = 0
  /** Of the message that died: exchange and routing key with their lengths. */
  #routing = NOTHING
  annotations: Annotations = {}
  encoded: Buffer | null = null
  /** Of the letter. */
  #exchange = ''
  #routingKey = ''
  #letterRouting = NOTHING

  /** Whether the letter of this death has the annotations and the address of the last one. */
  fits(view: MessageView, death: PlainDeath): boolean {
    const last = this.#death
    return (
      last !== null &&
      last.nowMs === death.nowMs &&
      last.source === death.source &&
      last.reason === death.reason &&
      last.target === death.target &&
      (view.flags & FLAG_ANNOTATED) === 0 &&
      view.expirationMs === this.#expirationMs &&
      this.#hasRouting(view)
    )
  }

  /** Gives the draft the address of the last letter. */
  address(draft: MessageDraft): void {
    draft.exchange = this.#exchange
    draft.routingKey = this.#routingKey
    draft.routing = this.#letterRouting
    draft.routingStart = 0
    draft.routingEnd = this.#letterRouting.length
  }

  /** This was the last letter. */
  keep(view: MessageView, death: PlainDeath, draft: MessageDraft, annotations: Annotations): void {
    this.#death = death
    this.#expirationMs = view.expirationMs
    this.#routing = Buffer.from(view.bytes.subarray(view.routingStart, view.propertiesStart))
    this.annotations = annotations
    this.encoded = draft.annotations
    this.#exchange = draft.exchange
    this.#routingKey = draft.routingKey
    this.#letterRouting = draft.routing
  }

  #hasRouting(view: MessageView): boolean {
    const routing = this.#routing
    if (view.propertiesStart - view.routingStart !== routing.length) return false
    for (let i = 0, at = view.routingStart; i < routing.length; i++, at++) {
      if (routing[i] !== view.bytes[at]) return false
    }
    return true
  }
}
