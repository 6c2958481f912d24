/**
 * Addresses (exchange and routing key) that a channel published to lately, known by their bytes.
 *
 * Most channels publish to one address, over and over: then texts, permission, exchange and route are known without
 * decoding or looking anything up. What was looked up is void when the revision it was looked up at has moved.
 */
import type { ExchangeTally } from '../../model/message/session-tallies.ts'
import type { Exchange } from '../../model/routing/exchange.ts'
import type { Route } from '../../model/routing/route.ts'
import { shortstrText } from './codec.ts'

/** Addresses remembered per channel. */
const REMEMBERED_MAX = 8
/** No revision is this. */
const NEVER_LOOKED_UP = -1

/** One address. */
export class PublishAddress {
  /** Owned: u8 length, exchange, u8 length, routing key. */
  readonly routing: Buffer
  readonly exchangeName: string
  readonly routingKey: string
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

  constructor(routing: Buffer, exchangeName: string, routingKey: string) {
    this.routing = routing
    this.exchangeName = exchangeName
    this.routingKey = routingKey
  }
}

/** One per channel that publishes. */
export class PublishAddresses {
  readonly #recent: PublishAddress[] = []
  #oldest = 0
  #last: PublishAddress | null = null

  /** The address whose bytes are [start, end), where `keyAt` is the offset of the routing key's length. */
  find(bytes: Buffer, start: number, keyAt: number, end: number): PublishAddress {
    const last = this.#last
    if (last !== null && isSame(last.routing, bytes, start, end)) return last
    for (const address of this.#recent) {
      if (isSame(address.routing, bytes, start, end)) {
        this.#last = address
        return address
      }
    }
    return this.#remember(bytes, start, keyAt, end)
  }

  #remember(bytes: Buffer, start: number, keyAt: number, end: number): PublishAddress {
    const exchange = shortstrText(bytes, start + 1, keyAt)
    const routingKey = shortstrText(bytes, keyAt + 1, end)
    const address = withoutLineEnds(Buffer.from(bytes.subarray(start, end)), exchange, routingKey)
    this.#recent[this.#oldest] = address
    this.#oldest = (this.#oldest + 1) % REMEMBERED_MAX
    this.#last = address
    return address
  }
}

/** RabbitMQ: CR and LF in the name of an exchange are dropped. */
function withoutLineEnds(routing: Buffer, exchange: string, routingKey: string): PublishAddress {
  return new PublishAddress(routing, exchange.replaceAll(/[\r\n]/g, ''), routingKey)
}

function isSame(routing: Buffer, bytes: Buffer, start: number, end: number): boolean {
  const length = routing.length
  if (end - start !== length) return false
  // From the end: keys differ there first.
  for (let i = length - 1; i >= 0; i--) if (routing[i] !== bytes[start + i]) return false
  return true
}
