/**
 * The subscriptions of one connection: those that receive, by tag, and those that ended with messages unacked, which may
 * still be acknowledged.
 *
 * Invariant: numbers of messages are never used twice for one tag, so an old message id names nothing new.
 */
import type { Outcome } from '../../model/queue/queue.ts'
import { invalidHeader, missingHeader, refusalError, StompError } from './errors.ts'
import type { StompSubscription } from './subscription.ts'

const SEPARATOR = '@@'

/** One per connection. */
export class Subscriptions {
  readonly #countMax: number
  readonly #byTag = new Map<string, StompSubscription>()
  /** Ended, with messages unacked. */
  readonly #ended: StompSubscription[] = []
  /** Of the first message of the next subscription. */
  firstNumber = 1

  constructor(countMax: number) {
    this.#countMax = countMax
  }

  get count(): number {
    return this.#byTag.size
  }

  get unackedCount(): number {
    let count = 0
    for (const { window } of this.#byTag.values()) count += window.count
    for (const { window } of this.#ended) count += window.count
    return count
  }

  all(): Iterable<StompSubscription> {
    return this.#byTag.values()
  }

  get(tag: string): StompSubscription | undefined {
    return this.#byTag.get(tag)
  }

  add(subscription: StompSubscription): void {
    this.#byTag.set(subscription.options.tag, subscription)
  }

  /** Throws when there is no room for one more. */
  checkRoom(): void {
    if (this.#byTag.size < this.#countMax) return
    const text = `reached maximum (${this.#countMax}) of subscriptions per connection`
    throw refusalError({ code: 'not-allowed', text })
  }

  /** Ends one: it receives no more; what is unacked may still be acknowledged. */
  end(subscription: StompSubscription): void {
    const { options, window } = subscription
    if (!this.#byTag.delete(options.tag)) return
    subscription.cancel()
    if (window.nextTag > this.firstNumber) this.firstNumber = window.nextTag
    if (window.count > 0) this.#ended.push(subscription)
  }

  /** Settles what a message id names. Throws for one that names nothing. `header`: where it was found. */
  settle(messageId: string | undefined, outcome: Outcome, command: string, header: string): void {
    if (messageId === undefined) throw missingHeader(command, header)
    const last = messageId.lastIndexOf(SEPARATOR)
    const first = last <= 0 ? -1 : messageId.lastIndexOf(SEPARATOR, last - 1)
    const number = Number(messageId.slice(last + SEPARATOR.length))
    if (first === -1 || !Number.isSafeInteger(number) || number < 0) {
      throw invalidHeader(`"${command}" must include a valid "${header}" header`)
    }
    const tag = messageId.slice(0, first)
    const subscription = this.#byTag.get(tag)
    if (subscription?.settle(number, outcome) === true) return
    if (this.#settleEnded(tag, number, outcome)) return
    if (subscription === undefined) {
      throw new StompError('Subscription not found', `Message with id "${messageId}" has no subscription`)
    }
    throw refusalError({ code: 'precondition-failed', text: `unknown delivery tag ${number}` })
  }

  /** The connection is gone: everything unacked goes back. */
  close(): void {
    for (const subscription of this.#byTag.values()) subscription.cancel()
    for (const subscription of this.#ended) subscription.giveBack()
    for (const subscription of this.#byTag.values()) subscription.giveBack()
    this.#byTag.clear()
    this.#ended.length = 0
  }

  /** The outbox has too much unsent, or that is over. */
  onPressure(): void {
    for (const subscription of this.#byTag.values()) subscription.refresh()
  }

  #settleEnded(tag: string, number: number, outcome: Outcome): boolean {
    const ended = this.#ended
    const at = ended.findIndex(({ options, window }) => options.tag === tag && window.has(number))
    if (at === -1) return false
    const subscription = ended[at]!
    subscription.settle(number, outcome)
    if (subscription.window.count === 0) ended.splice(at, 1)
    return true
  }
}
