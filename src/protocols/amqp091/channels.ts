/**
 * The channels of one connection: which are open, which wait for the client's close-ok.
 *
 * Invariant: a number is open, closing, or free. Limits are checked when a channel opens, never later.
 */
import { Channel } from './channel.ts'
import { ConnectionError } from './errors.ts'
import type { PublishScratch } from './publisher.ts'
import { refuse } from './refused.ts'
import type { Session } from './session.ts'

/** One per connection. */
export class Channels {
  readonly #session: Session
  readonly #scratch: PublishScratch
  readonly #countMax: number
  readonly #open = new Map<number, Channel>()
  /** We sent channel.close and wait for the answer. */
  readonly #closing = new Set<number>()
  /** The channel of the last frame: most connections use one at a time. */
  #last: Channel | null = null

  constructor(session: Session, scratch: PublishScratch, countMax: number) {
    this.#session = session
    this.#scratch = scratch
    this.#countMax = countMax
  }

  get count(): number {
    return this.#open.size
  }

  all(): Iterable<Channel> {
    return this.#open.values()
  }

  get(number: number): Channel | null {
    const last = this.#last
    if (last !== null && last.number === number) return last
    const channel = this.#open.get(number) ?? null
    this.#last = channel
    return channel
  }

  isClosing(number: number): boolean {
    return this.#closing.has(number)
  }

  /** channel.open. Throws 530 at a limit. */
  open(number: number): void {
    const { world, identity } = this.#session
    const { totals, settings, broker } = world
    const count = this.#open.size + this.#closing.size
    if (this.#countMax !== 0 && count >= this.#countMax) {
      broker.counters.limits.hit('connection_channels')
      const text = `number of channels opened (${count}) has reached the negotiated channel_max (${this.#countMax})`
      throw ConnectionError.notAllowed(text)
    }
    if (totals.channelCount >= settings.channelCountMaxOfNode) {
      broker.counters.limits.hit('node_channels')
      const limit = `maximum allowed limit of ${settings.channelCountMaxOfNode}`
      throw ConnectionError.notAllowed(
        `number of channels opened on node '${settings.nodeName}' has reached the ${limit}`,
      )
    }
    refuse(broker.refusesChannel(identity.user))
    this.#open.set(number, new Channel(number, this.#session, this.#scratch))
    totals.channelCount++
    broker.counters.channelsOpened++
    this.#announce('channel.created', number)
  }

  /** The channel gives everything back. `awaitsCloseOk`: the client has yet to answer our channel.close. */
  close(channel: Channel, awaitsCloseOk: boolean): void {
    if (!this.#open.delete(channel.number)) return
    if (this.#last === channel) this.#last = null
    if (awaitsCloseOk) this.#closing.add(channel.number)
    this.#session.world.totals.channelCount--
    this.#session.world.broker.counters.channelsClosed++
    channel.close()
    this.#announce('channel.closed', channel.number)
  }

  /** The client answered our channel.close. */
  closed(number: number): void {
    this.#closing.delete(number)
  }

  /** The connection ends. */
  closeAll(): void {
    for (const channel of [...this.#open.values()]) this.close(channel, false)
    this.#closing.clear()
  }

  #announce(event: string, number: number): void {
    const { world, connectionName, identity, vhost } = this.#session
    if (!world.broker.events.isObserved) return
    const name = `${connectionName} (${number})`
    world.broker.events.announce(event, vhost.name, {
      pid: name,
      name,
      connection: connectionName,
      number,
      user: identity.user,
      vhost: vhost.name,
      user_who_performed_action: identity.user,
    })
  }
}
