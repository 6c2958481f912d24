// What a broker sent on one channel and who waits for it. Every wait is bounded; a failure tells what came instead.
// Used by wire-client.ts and wire-channel.ts.
import assert from 'node:assert/strict'
import type { Table } from './wire-codec.ts'

/** How long any expectation waits. */
export const PATIENCE_MS = 20_000

/** What the broker sent: a method, with its content where it has one. */
export interface Arrival {
  readonly name: string
  readonly args: Table
  readonly properties: Table
  /** The header table of the content, or an empty one. */
  readonly headers: Table
  readonly body: Buffer
  /** The content header's payload, for tests that look at its bytes. */
  readonly headerPayload: Buffer
  /** Sizes of the body frames it came in. */
  readonly bodyFrames: readonly number[]
}

interface Waiter {
  readonly wants: (arrival: Arrival) => boolean
  readonly settle: (arrival: Arrival | Error) => void
}

/** Arrivals of one channel, in order, and those who wait for them. */
export class Inbox {
  readonly #arrivals: Arrival[] = []
  readonly #waiters: Waiter[] = []
  #ended: Error | undefined

  push(arrival: Arrival): void {
    const at = this.#waiters.findIndex((waiter) => waiter.wants(arrival))
    if (at < 0) this.#arrivals.push(arrival)
    else this.#waiters.splice(at, 1)[0]!.settle(arrival)
  }

  /** Whoever waits now or later learns why nothing comes any more. */
  end(reason: Error): void {
    this.#ended ??= reason
    for (const waiter of this.#waiters.splice(0)) waiter.settle(reason)
  }

  next(what: string, wants: (arrival: Arrival) => boolean): Promise<Arrival> {
    const at = this.#arrivals.findIndex(wants)
    if (at >= 0) return Promise.resolve(this.#arrivals.splice(at, 1)[0]!)
    if (this.#ended !== undefined)
      return Promise.reject(new Error(`waited for ${what}, but ${this.#ended.message}${this.describe()}`))
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.#waiters.splice(this.#waiters.indexOf(waiter), 1)
        reject(new Error(`waited ${PATIENCE_MS} ms for ${what}; it did not come${this.describe()}`))
      }, PATIENCE_MS)
      const waiter: Waiter = {
        wants,
        settle: (outcome) => {
          clearTimeout(timer)
          if (outcome instanceof Error)
            reject(new Error(`waited for ${what}, but ${outcome.message}${this.describe()}`))
          else resolve(outcome)
        },
      }
      this.#waiters.push(waiter)
    })
  }

  get pending(): readonly Arrival[] {
    return this.#arrivals
  }

  describe(): string {
    if (this.#arrivals.length === 0) return ''
    return `; unread: ${this.#arrivals.map(describeArrival).join(', ')}`
  }
}

/** An arrival as failures show it. */
export function describeArrival(arrival: Arrival): string {
  return `${arrival.name} ${JSON.stringify(arrival.args)}`
}

/** The next arrival, which must be this method. */
export async function expectNext(inbox: Inbox, name: string): Promise<Arrival> {
  const arrival = await inbox.next(name, () => true)
  if (arrival.name !== name) assert.fail(`waited for ${name}, got ${describeArrival(arrival)}${inbox.describe()}`)
  return arrival
}

/** Compares a close with the reply code, text and failing method that a test expects. */
export function checkReply(
  close: Arrival,
  code: number,
  text: string | RegExp,
  classId?: number,
  methodId?: number,
): void {
  const said = String(close.args.replyText)
  // A reply text longer than a short string is cut to 252 octets and three dots.
  if (typeof text === 'string') assert.equal(said, text.length > 255 ? `${text.slice(0, 252)}...` : text)
  else assert.match(said, text)
  assert.equal(close.args.replyCode, code, said)
  if (classId !== undefined) {
    assert.deepEqual([close.args.classId, close.args.methodId], [classId, methodId ?? 0], 'failing method')
  }
}

/** Yields between two looks at a condition. */
export function pause(ms = 4): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

/** Repeats a check until it passes, at most for the usual patience. */
export async function eventually(check: () => Promise<void> | void, patienceMs = PATIENCE_MS): Promise<void> {
  for (const deadline = Date.now() + patienceMs; ; ) {
    try {
      return await check()
    } catch (error) {
      if (Date.now() > deadline) throw error
    }
    await pause()
  }
}
