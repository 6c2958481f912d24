/**
 * The properties that a consumer was last shown with the broker's own headers among them. Dead letters come in runs whose
 * annotations and properties are the same bytes: then the encoded list is, too. One per consumer that met such a message.
 */
import { type MessageView, PROTOCOL_AMQP091 } from '../../model/message/message.ts'

/** Longer ones are not worth remembering. */
const REMEMBERED_BYTES_MAX = 4096
const NOTHING: Buffer = Buffer.alloc(0)
const NO_WORDS = new Uint32Array(0)

export class LastShown {
  /** Annotations, routing and properties as stored; and their whole words: comparing those is several times faster than `Buffer.compare`. */
  #stored = NOTHING
  #words = NO_WORDS
  #counts = 0
  #properties = NOTHING

  /** The encoded properties of the last message, when this one's must be the same; else null. */
  of(view: MessageView, deliveryCount: number, acquiredCount: number): Buffer | null {
    const stored = this.#stored
    if (deliveryCount + acquiredCount !== this.#counts || this.#counts !== 0) return null
    if (view.protocol !== PROTOCOL_AMQP091 || view.propertiesEnd - view.annotationsStart !== stored.length) return null
    return stored.length > 0 && this.#isStored(view) ? this.#properties : null
  }

  keep(view: MessageView, deliveryCount: number, acquiredCount: number, properties: Buffer): void {
    if (view.propertiesEnd - view.annotationsStart > REMEMBERED_BYTES_MAX) return
    this.#stored = Buffer.from(view.bytes.subarray(view.annotationsStart, view.propertiesEnd))
    const from = view.annotationsStart >>> 2
    this.#words = view.words.slice(from, from + (this.#stored.length >>> 2))
    this.#counts = deliveryCount + acquiredCount
    this.#properties = properties
  }

  #isStored(view: MessageView): boolean {
    const known = this.#words
    const { words, bytes, annotationsStart } = view
    const from = annotationsStart >>> 2
    for (let i = 0; i < known.length; i++) if (known[i] !== words[from + i]) return false
    const stored = this.#stored
    for (let i = known.length << 2; i < stored.length; i++) if (stored[i] !== bytes[annotationsStart + i]) return false
    return true
  }
}
