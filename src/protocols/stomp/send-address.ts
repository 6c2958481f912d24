/**
 * Destinations that a connection sends to, known by the bytes of their header. Most connections send to one, over and
 * over: then exchange, permission and route are known without decoding or looking anything up. What was looked up is void
 * when the revision it was looked up at has moved.
 */
import { utf8Text } from '../../base/bytes.ts'
import type { ExchangeTally } from '../../model/message/session-tallies.ts'
import type { Exchange } from '../../model/routing/exchange.ts'
import type { Route } from '../../model/routing/route.ts'
import type { Frame } from './codec.ts'
import { type Destination, destinationRefused, parseDestination } from './destinations.ts'
import { malformed, StompError } from './errors.ts'

/** Compared by bytes, before the text is made. */
const RECENT_COUNT = 8
/** Destinations of a connection; more, and it starts over. */
const ADDRESSES_MAX = 4096
const NAME_BYTES_MAX = 255
/** No revision is this. */
const NEVER_LOOKED_UP = -1

/** One destination. */
export class SendAddress {
  /** Of the header, as on the wire. Owned. */
  readonly bytes: Buffer
  readonly exchangeName: string
  readonly routingKey: string
  /** Exchange and routing key, each with its length before it. */
  readonly routing: Buffer
  /** The queue that has to be declared before the first message, or null. */
  readonly queueName: string | null
  /** Of the permission table. */
  permissionRevision = NEVER_LOOKED_UP
  mayWrite = false
  /** Of the vhost's topology. */
  exchangeRevision = NEVER_LOOKED_UP
  exchange: Exchange | undefined = undefined
  /** Where publishes to the exchange are counted; set with it. */
  tally: ExchangeTally | null = null
  /** A reusable route, or null. */
  route: Route | null = null

  constructor(bytes: Buffer, exchangeName: string, routingKey: string, queueName: string | null) {
    this.bytes = bytes
    this.exchangeName = exchangeName
    this.routingKey = routingKey
    this.queueName = queueName
    const exchange = Buffer.from(exchangeName)
    const key = Buffer.from(routingKey)
    if (exchange.length > NAME_BYTES_MAX || key.length > NAME_BYTES_MAX) throw tooLong()
    this.routing = Buffer.concat([Buffer.from([exchange.length]), exchange, Buffer.from([key.length]), key])
  }

  /** Whether these bytes are this destination. */
  is(bytes: Buffer, start: number, end: number): boolean {
    const own = this.bytes
    const length = end - start
    if (own.length !== length) return false
    // The ends of destinations differ more often than their beginnings.
    for (let i = length - 1; i >= 0; i--) if (own[i] !== bytes[start + i]) return false
    return true
  }
}

function tooLong(): StompError {
  return new StompError('Invalid destination', `A name in a destination is longer than ${NAME_BYTES_MAX} bytes\n`)
}

/** One per connection that sends. */
export class SendAddresses {
  readonly #topicExchange: string
  readonly #byText = new Map<string, SendAddress>()
  readonly #recent: SendAddress[] = []
  #oldest = 0
  #last: SendAddress | null = null

  constructor(topicExchange: string) {
    this.#topicExchange = topicExchange
  }

  /** The address of a frame's destination. Throws `StompError`. */
  find(frame: Frame, index: number): SendAddress {
    if (index === -1) {
      throw new StompError('Missing destination', `"SEND" must include a 'destination' header\n`)
    }
    const { bytes } = frame
    const start = frame.valueStart(index)
    const end = frame.valueEnd(index)
    const last = this.#last
    if (last?.is(bytes, start, end) === true) return last
    for (const address of this.#recent) {
      if (address.is(bytes, start, end)) {
        this.#last = address
        return address
      }
    }
    const address = this.#lookUp(frame, index, start, end)
    this.#recent[this.#oldest] = address
    this.#oldest = (this.#oldest + 1) % RECENT_COUNT
    this.#last = address
    return address
  }

  #lookUp(frame: Frame, index: number, start: number, end: number): SendAddress {
    if (utf8Text(frame.bytes, start, end) === undefined) throw malformed('the destination is not UTF-8')
    const text = frame.valueText(index)
    const known = this.#byText.get(text)
    if (known?.is(frame.bytes, start, end) === true) return known
    const address = this.#make(Buffer.from(frame.bytes.subarray(start, end)), text, parseDestination(text))
    if (this.#byText.size >= ADDRESSES_MAX) this.#byText.clear()
    this.#byText.set(text, address)
    return address
  }

  #make(bytes: Buffer, text: string, destination: Destination): SendAddress {
    switch (destination.kind) {
      case 'exchange':
        return new SendAddress(bytes, destination.exchange, destination.key, null)
      case 'topic':
        return new SendAddress(bytes, this.#topicExchange, destination.key, null)
      case 'queue':
        return new SendAddress(bytes, '', destination.name, destination.name)
      case 'existing':
        return new SendAddress(bytes, '', destination.name, null)
      case 'temporary':
        throw destinationRefused(text, 'SEND')
    }
  }
}
