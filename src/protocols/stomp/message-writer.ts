/**
 * Writes MESSAGE frames of one subscription. The path of every delivery.
 *
 *   MESSAGE · subscription · destination · message-id · redelivered · [ack] · the publisher's headers · content-length · body
 *
 * All before the message's number repeats from message to message and is kept encoded, by the address that it shows.
 * Bodies are copied once, large ones leave from where they lie. Invariant: a frame is written in pieces that end at its
 * headers' or its body's end, so text stays whole when a transport makes messages of its writes.
 */
import { copyRange } from '../../base/bytes.ts'
import type { MessageView } from '../../model/message/message.ts'
import type { Address } from '../../model/message/message-store.ts'
import type { Outbox, Pinned } from '../../net/outbox.ts'
import { destinationOf } from './destinations.ts'
import { headerLine } from './escapes.ts'
import { VERSION_12, type Version } from './spec.ts'

/** Longer bodies travel by reference. */
const COPY_BYTES_MAX = 2048
const LINE_FEED = 10
const ZERO = 48

const NOT_REDELIVERED = Buffer.from('\nredelivered:false\n')
const REDELIVERED = Buffer.from('\nredelivered:true\n')
const CONTENT_LENGTH_NAME = Buffer.from('content-length:')
const NOTHING: Buffer = Buffer.alloc(0)

/** Store that bodies are pinned in. */
export interface BodyStore extends Pinned {
  pin(address: Address): void
}

/** What a subscription shows in every message. */
export interface MessageShape {
  readonly version: Version
  /** Null: the client gave none, and gets none. */
  readonly subscriptionId: string | null
  /** Before the number in message ids: `<tag>@@<session>@@`. */
  readonly idPrefix: string
  /** Whether there is an `ack` header: in 1.2, when acknowledgement is asked for. */
  readonly hasAck: boolean
  readonly topicExchange: string
  readonly trailingLineFeed: boolean
}

/** One per subscription. */
export class MessageWriter {
  readonly #shape: MessageShape
  readonly #ackPrefix: Buffer
  /** Exchange and routing key that `#head` shows. */
  #routing = NOTHING
  #head = NOTHING

  constructor(shape: MessageShape) {
    this.#shape = shape
    this.#ackPrefix = shape.hasAck
      ? Buffer.from(headerLine('ack', shape.idPrefix, shape.version).slice(0, -1))
      : NOTHING
  }

  /**
   * Writes one message. `lines` are its headers, each with a line feed. The body is pinned in `store` while it leaves by
   * reference; null when it is not the store's, and is copied.
   */
  write(
    outbox: Outbox,
    view: MessageView,
    number: number,
    redelivered: boolean,
    lines: Buffer,
    linesStart: number,
    linesEnd: number,
    body: Buffer,
    bodyStart: number,
    bodyEnd: number,
    store: BodyStore | null,
    address: Address,
  ): void {
    if (!this.#shows(view)) this.#show(view)
    const head = this.#head
    const ackPrefix = this.#ackPrefix
    const flag = redelivered ? REDELIVERED : NOT_REDELIVERED
    const bodyBytes = bodyEnd - bodyStart
    const numberBytes = digitCount(number)
    const isCopied = bodyBytes <= COPY_BYTES_MAX || store === null
    const ackBytes = ackPrefix.length === 0 ? 0 : ackPrefix.length + numberBytes + 1
    const linesBytes = linesEnd - linesStart
    const lengthBytes = CONTENT_LENGTH_NAME.length + digitCount(bodyBytes) + 2
    const tailBytes = this.#shape.trailingLineFeed ? 2 : 1
    const headBytes = head.length + numberBytes + flag.length + ackBytes + linesBytes + lengthBytes
    let at = outbox.reserve(headBytes + (isCopied ? bodyBytes + tailBytes : 0))
    const to = outbox.bytes
    copyRange(head, 0, head.length, to, at)
    at = writeDigits(number, to, at + head.length, numberBytes)
    copyRange(flag, 0, flag.length, to, at)
    at += flag.length
    if (ackBytes > 0) {
      copyRange(ackPrefix, 0, ackPrefix.length, to, at)
      at = writeDigits(number, to, at + ackPrefix.length, numberBytes)
      to[at++] = LINE_FEED
    }
    copyRange(lines, linesStart, linesEnd, to, at)
    at += linesBytes
    copyRange(CONTENT_LENGTH_NAME, 0, CONTENT_LENGTH_NAME.length, to, at)
    at = writeDigits(bodyBytes, to, at + CONTENT_LENGTH_NAME.length, digitCount(bodyBytes))
    to[at++] = LINE_FEED
    to[at++] = LINE_FEED
    if (isCopied) {
      copyRange(body, bodyStart, bodyEnd, to, at)
      at += bodyBytes
    } else {
      store.pin(address)
      outbox.writeReference(body, bodyStart, bodyEnd, store, address)
      at = outbox.reserve(tailBytes)
    }
    const tail = outbox.bytes
    tail[at] = 0
    if (tailBytes === 2) tail[at + 1] = LINE_FEED
  }

  #shows({ bytes, routingStart, propertiesStart }: MessageView): boolean {
    const routing = this.#routing
    const length = routing.length
    if (propertiesStart - routingStart !== length) return false
    // From the end: keys differ there first.
    for (let i = length - 1; i >= 0; i--) if (routing[i] !== bytes[routingStart + i]) return false
    return true
  }

  #show(view: MessageView): void {
    const { version, subscriptionId, idPrefix, topicExchange } = this.#shape
    this.#routing = Buffer.from(view.bytes.subarray(view.routingStart, view.propertiesStart))
    const destination = destinationOf(view.exchange(), view.routingKey(), topicExchange)
    const subscription = subscriptionId === null ? '' : headerLine('subscription', subscriptionId, version)
    const id = headerLine('message-id', idPrefix, version).slice(0, -1)
    this.#head = Buffer.from(`MESSAGE\n${subscription}${headerLine('destination', destination, version)}${id}`)
  }
}

/** Whether messages of a subscription have an `ack` header. */
export function showsAck(version: Version, noAck: boolean): boolean {
  return version === VERSION_12 && !noAck
}

function digitCount(number: number): number {
  let count = 1
  for (let limit = 10; number >= limit; limit *= 10) count++
  return count
}

function writeDigits(number: number, to: Buffer, at: number, count: number): number {
  let rest = number
  for (let i = at + count - 1; i >= at; i--) {
    const next = Math.floor(rest / 10)
    to[i] = ZERO + rest - next * 10
    rest = next
  }
  return at + count
}
