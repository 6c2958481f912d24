/**
 * A message as the broker holds it: bytes in a block of the message store, never an object of its own.
 *
 * `MessageDraft` is what a session fills and hands to the router: one per session, reused for every publish.
 * `MessageView` reads a stored message in place: one per reader, moved from record to record.
 * `writeMessage` copies a draft into the space that the store reserved.
 *
 * Payload of a message record, in 32-bit little-endian words, then bytes:
 *
 *   word 0  published at, ms since 1970, high 32 bits      word 3  protocol | flags<<8 | priority<<16 | exchange bytes<<24
 *   word 1  published at, low 32 bits                      word 4  routing key bytes | properties bytes<<8
 *   word 2  expiration, as `expirationWord` packs it          word 5  body bytes
 *   [u32 annotation bytes, annotations]  only when FLAG_ANNOTATED is set
 *   u8 length + exchange · u8 length + routing key · properties · body
 *
 * Properties are the publisher's own encoding (for AMQP 0-9-1: property flags and list), so that delivery over the same
 * protocol copies them verbatim. Annotations are the broker's own additions (deaths), as JSON; they are rare.
 */
import { copyRange } from '../../base/bytes.ts'
import type { Arguments, TypedValue } from '../values/arguments.ts'

export const PROTOCOL_AMQP091 = 1
export const PROTOCOL_AMQP10 = 2
export const PROTOCOL_MQTT = 3
export const PROTOCOL_STOMP = 4

/** The publisher asked for persistence (delivery mode 2). */
export const FLAG_PERSISTENT = 1
/** The publisher set a priority; otherwise the priority byte is 0 and the queue's default applies. */
export const FLAG_HAS_PRIORITY = 2
/** An annotation section precedes the routing bytes. */
export const FLAG_ANNOTATED = 4

/** No per-message expiration. */
export const NO_EXPIRATION = Number.MAX_SAFE_INTEGER
const WORD_NONE = 0xffff_ffff
/** From here on a word counts seconds: 24 days in ms come before, 68 years after. */
const WORD_SECONDS = 0x8000_0000
const WORD_SECONDS_MAX = WORD_NONE - 1 - WORD_SECONDS

/** An expiration in a word of the record: ms up to 24 days, full seconds (rounded up) beyond. */
export function expirationWord(ms: number): number {
  if (ms < WORD_SECONDS) return ms
  return ms === NO_EXPIRATION ? WORD_NONE : WORD_SECONDS + Math.min(Math.ceil(ms / 1_000), WORD_SECONDS_MAX)
}

/** The expiration in ms that a word stands for. */
export function expirationOfWord(word: number): number {
  if (word < WORD_SECONDS) return word
  return word === WORD_NONE ? NO_EXPIRATION : (word - WORD_SECONDS) * 1_000
}
/** Property lists are limited by their 24-bit length field. */
export const PROPERTIES_BYTES_MAX = 0xff_ffff
const HEADER_WORDS = 6
const HEADER_BYTES = HEADER_WORDS * 4

/** The facts beyond exchange and routing key that some exchange types route by. Answers are computed on request. */
export interface RoutingFacts {
  /** One header, or undefined. */
  header(name: string): TypedValue | undefined
  /** All headers. Decodes the table: O(size). */
  headers(): Arguments
  /** A basic property by its wire name (`correlation_id`, `message_id`, `timestamp`, …) as text, or undefined. */
  property(name: string): string | undefined
}

/** Facts of a message without headers and properties. */
export const NO_FACTS: RoutingFacts = {
  header: () => undefined,
  headers: () => new Map(),
  property: () => undefined,
}

const EMPTY = Buffer.alloc(0)
const NO_DATA: DataView = new DataView(EMPTY.buffer)
const NO_WORDS = new Uint32Array(0)

/**
 * What a session publishes. Buffers are borrowed until the publish returns.
 * `routing` holds the exchange and the routing key, each preceded by its length in one byte.
 */
export class MessageDraft {
  protocol = PROTOCOL_AMQP091
  exchange = ''
  routingKey = ''
  /** Further routing keys (CC, BCC), or null. */
  extraKeys: readonly string[] | null = null
  facts: RoutingFacts = NO_FACTS
  persistent = false
  hasPriority = false
  priority = 0
  expirationMs = NO_EXPIRATION
  publishedAtMs = 0
  routing: Buffer = EMPTY
  routingStart = 0
  routingEnd = 0
  properties: Buffer = EMPTY
  propertiesStart = 0
  propertiesEnd = 0
  /** The body: one range of one buffer, or, when `bodyParts` is set, those buffers in order. */
  body: Buffer = EMPTY
  bodyStart = 0
  bodyEnd = 0
  bodyParts: readonly Buffer[] | null = null
  bodyBytes = 0
  annotations: Buffer | null = null

  /** Sets exchange and routing key from text; sessions that have the encoded bytes at hand set them directly. */
  address(exchange: string, routingKey: string): void {
    const exchangeBytes = Buffer.byteLength(exchange)
    const keyBytes = Buffer.byteLength(routingKey)
    const routing = Buffer.allocUnsafe(2 + exchangeBytes + keyBytes)
    routing[0] = exchangeBytes
    routing.write(exchange, 1)
    routing[1 + exchangeBytes] = keyBytes
    routing.write(routingKey, 2 + exchangeBytes)
    this.exchange = exchange
    this.routingKey = routingKey
    this.routing = routing
    this.routingStart = 0
    this.routingEnd = routing.length
  }

  /** Sets the body to one whole buffer. */
  setBody(body: Buffer): void {
    this.body = body
    this.bodyStart = 0
    this.bodyEnd = body.length
    this.bodyParts = null
    this.bodyBytes = body.length
  }

  /** Bytes that `writeMessage` will fill. */
  payloadBytes(): number {
    return (
      HEADER_BYTES +
      (this.annotations === null ? 0 : 4 + this.annotations.length) +
      (this.routingEnd - this.routingStart) +
      (this.propertiesEnd - this.propertiesStart) +
      this.bodyBytes
    )
  }
}

/**
 * Writes a draft at byte `at` (a multiple of 4) of a block. The space must be `draft.payloadBytes()` long.
 * `words` is the block's 32-bit view.
 */
export function writeMessage(draft: MessageDraft, bytes: Buffer, words: Uint32Array, at: number): void {
  const exchangeBytes = draft.routing[draft.routingStart]!
  const keyBytes = draft.routingEnd - draft.routingStart - exchangeBytes - 2
  const annotations = draft.annotations
  const word = at >>> 2
  words[word] = Math.floor(draft.publishedAtMs / 0x1_0000_0000)
  words[word + 1] = draft.publishedAtMs >>> 0
  words[word + 2] = expirationWord(draft.expirationMs)
  words[word + 3] =
    draft.protocol |
    (((draft.persistent ? FLAG_PERSISTENT : 0) |
      (draft.hasPriority ? FLAG_HAS_PRIORITY : 0) |
      (annotations === null ? 0 : FLAG_ANNOTATED)) <<
      8) |
    (draft.priority << 16) |
    (exchangeBytes << 24)
  words[word + 4] = keyBytes | ((draft.propertiesEnd - draft.propertiesStart) << 8)
  words[word + 5] = draft.bodyBytes
  let to = at + HEADER_BYTES
  if (annotations !== null) {
    words[to >>> 2] = annotations.length
    copyRange(annotations, 0, annotations.length, bytes, to + 4)
    to += 4 + annotations.length
  }
  copyRange(draft.routing, draft.routingStart, draft.routingEnd, bytes, to)
  to += draft.routingEnd - draft.routingStart
  copyRange(draft.properties, draft.propertiesStart, draft.propertiesEnd, bytes, to)
  to += draft.propertiesEnd - draft.propertiesStart
  if (draft.bodyParts === null) copyRange(draft.body, draft.bodyStart, draft.bodyEnd, bytes, to)
  else {
    for (const part of draft.bodyParts) {
      bytes.set(part, to)
      to += part.length
    }
  }
}

/**
 * A stored message, read in place. Move it with `at`; ranges are offsets into `bytes`.
 * Borrowed: valid until the next `at`, and only while the message is neither settled nor its block unloaded.
 */
export class MessageView {
  bytes: Buffer = EMPTY
  /** The same memory as 32-bit words; annotations begin at one. */
  words: Uint32Array = NO_WORDS
  /** And as a view, with the same offsets as `bytes`. */
  data = NO_DATA
  protocol = 0
  flags = 0
  priority = 0
  /** Word of the payload's first byte. */
  #word = 0
  annotationsStart = 0
  annotationsEnd = 0
  /** Start of: u8 length, exchange, u8 length, routing key. */
  routingStart = 0
  exchangeBytes = 0
  routingKeyBytes = 0
  propertiesStart = 0
  propertiesEnd = 0
  bodyStart = 0
  bodyEnd = 0

  /** Points the view at the payload that starts at byte `at` of a block. */
  at(bytes: Buffer, words: Uint32Array, at: number): void {
    const word = at >>> 2
    // Mostly the block of the message before.
    if (bytes !== this.bytes) this.#moveTo(bytes, words)
    this.#word = word
    const facts = words[word + 3]!
    this.protocol = facts & 0xff
    this.flags = (facts >>> 8) & 0xff
    this.priority = (facts >>> 16) & 0xff
    this.exchangeBytes = facts >>> 24
    const lengths = words[word + 4]!
    this.routingKeyBytes = lengths & 0xff
    let from = at + HEADER_BYTES
    this.annotationsStart = from
    this.annotationsEnd = from
    if ((this.flags & FLAG_ANNOTATED) !== 0) {
      this.annotationsStart = from + 4
      this.annotationsEnd = from + 4 + bytes.readUInt32LE(from)
      from = this.annotationsEnd
    }
    this.routingStart = from
    this.propertiesStart = from + 2 + this.exchangeBytes + this.routingKeyBytes
    this.propertiesEnd = this.propertiesStart + (lengths >>> 8)
    this.bodyStart = this.propertiesEnd
    this.bodyEnd = this.bodyStart + words[word + 5]!
  }

  #moveTo(bytes: Buffer, words: Uint32Array): void {
    this.bytes = bytes
    this.words = words
    this.data = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  }

  get publishedAtMs(): number {
    return this.words[this.#word]! * 0x1_0000_0000 + this.words[this.#word + 1]!
  }

  get expirationMs(): number {
    return expirationOfWord(this.words[this.#word + 2]!)
  }

  get persistent(): boolean {
    return (this.flags & FLAG_PERSISTENT) !== 0
  }

  get hasPriority(): boolean {
    return (this.flags & FLAG_HAS_PRIORITY) !== 0
  }

  get bodyBytes(): number {
    return this.bodyEnd - this.bodyStart
  }

  /** The exchange that it was published to. Decodes text: not for the path of every message. */
  exchange(): string {
    return this.bytes.toString('utf8', this.routingStart + 1, this.routingStart + 1 + this.exchangeBytes)
  }

  /** The routing key that it was published with. Decodes text. */
  routingKey(): string {
    const from = this.routingStart + 2 + this.exchangeBytes
    return this.bytes.toString('utf8', from, from + this.routingKeyBytes)
  }
}
