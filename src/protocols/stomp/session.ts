/**
 * The session of one connection: dispatches its frames, and owns what they opened. The only object of the protocol, with
 * its parts, that knows both wire and model. [STOMP 1.2 "Client Frames"]
 *
 * The connection hands frames in and catches what is thrown.
 */
import { whenKnown } from '../../model/access/access-pending.ts'
import type { ChannelStatus } from '../../model/connections.ts'
import type { Outcome } from '../../model/queue/queue.ts'
import type { Frame } from './codec.ts'
import { parseFrame } from './codec.ts'
import { DeclaredQueues, type Done } from './declared-queues.ts'
import { StompError } from './errors.ts'
import { Publishing } from './publishing.ts'
import * as spec from './spec.ts'
import { Subscribing } from './subscribing.ts'
import type { StompSubscription, SubscriptionListener } from './subscription.ts'
import { Subscriptions } from './subscriptions.ts'
import { Transactions } from './transactions.ts'
import type { Session } from './world.ts'

/** One per connection that is logged in. */
export class StompSession implements SubscriptionListener {
  readonly #session: Session
  readonly #subscriptions: Subscriptions
  readonly #subscribing: Subscribing
  readonly #publishing: Publishing
  readonly #transactions = new Transactions()
  /** For frames of a transaction, which were whole when they were held. */
  readonly #heldRules

  constructor(session: Session) {
    this.#session = session
    const { subscriptionCountMax } = session.world.settings
    const declared = new DeclaredQueues(session)
    this.#subscriptions = new Subscriptions(subscriptionCountMax)
    this.#subscribing = new Subscribing(session, this.#subscriptions, declared, this)
    this.#publishing = new Publishing(session, declared, this.#subscribing)
    this.#heldRules = {
      version: session.version,
      trims: session.version === spec.VERSION_10,
      frameBytesMax: Number.POSITIVE_INFINITY,
    }
  }

  /** Handles a frame. Throws `StompError`. */
  onFrame(frame: Frame): void {
    switch (frame.command) {
      case spec.SEND:
        return this.#send(frame)
      case spec.ACK:
      case spec.NACK:
        return this.#acknowledge(frame)
      case spec.SUBSCRIBE: {
        const headers = frame.headers()
        return this.#later(headers.get('receipt'), (done) => this.#subscribing.subscribe(headers, done))
      }
      case spec.UNSUBSCRIBE: {
        const headers = frame.headers()
        return this.#later(headers.get('receipt'), (done) => this.#subscribing.unsubscribe(headers, done))
      }
      case spec.BEGIN:
        this.#transactions.begin(frame.text(spec.TRANSACTION))
        return this.#answer(frame)
      case spec.COMMIT:
        return this.#commit(frame)
      case spec.ABORT:
        this.#transactions.take(frame.text(spec.TRANSACTION), spec.ABORT)
        return this.#answer(frame)
      case spec.DISCONNECT:
        this.#answer(frame)
        this.#session.host.suspend(false)
        return this.#session.receipts.whenEmpty(() => this.#session.host.end())
      case spec.CONNECT:
      case spec.STOMP:
        throw new StompError('Bad CONNECT', 'The connection is established already\n')
      default:
        throw new StompError('Bad command', `Could not interpret command "${frame.commandText()}"\n`)
    }
  }

  /** The queue ended a subscription: the client is told, and goes on. */
  onCancelled(subscription: StompSubscription): void {
    const { description, id } = subscription.options
    this.#subscriptions.end(subscription)
    const text = `The server has canceled a subscription.\nNo more messages will be delivered for "${description}".\n`
    const error = new StompError('Server cancelled subscription', text)
    this.#session.host.complain(error, id === null ? [] : [['subscription', id]])
  }

  /** The outbox has too much unsent, or that is over. */
  onPressure(): void {
    this.#subscriptions.onPressure()
  }

  /** Gives back everything. `done`: the exclusive queues are gone. */
  close(done: () => void): void {
    this.#transactions.close()
    this.#session.receipts.close()
    this.#session.rates.close()
    this.#subscriptions.close()
    this.#session.vhost.releaseOwner(this.#session.actor.connectionId ?? '', done)
  }

  /** The connection as one channel. */
  status(idleSinceMs: number): ChannelStatus {
    const { connectionName, tallies, receipts } = this.#session
    return {
      number: 1,
      name: `${connectionName} (1)`,
      confirm: false,
      transactional: false,
      consumerCount: this.#subscriptions.count,
      prefetchCount: 0,
      globalPrefetchCount: 0,
      unackedCount: this.#subscriptions.unackedCount,
      unconfirmedCount: receipts.count,
      uncommittedMessages: this.#transactions.frameCount,
      uncommittedAcks: 0,
      idleSinceMs,
      counters: tallies.sum(),
      breakdown: tallies,
    }
  }

  #send(frame: Frame): void {
    this.#session.host.onPublish()
    const transaction = this.#publishing.send(frame, false)
    if (transaction !== undefined) this.#transactions.hold(transaction, frame)
  }

  #acknowledge(frame: Frame): void {
    const transaction = frame.text(spec.TRANSACTION)
    if (transaction !== undefined) return this.#transactions.hold(transaction, frame)
    this.#settle(frame)
  }

  #settle(frame: Frame): void {
    const isOfVersion12 = this.#session.version === spec.VERSION_12
    const header = isOfVersion12 ? spec.ID : spec.MESSAGE_ID
    const command = spec.COMMAND_NAMES[frame.command]!
    this.#subscriptions.settle(frame.text(header), this.#outcome(frame), command, spec.HEADER_NAMES[header])
    this.#answer(frame)
  }

  #outcome(frame: Frame): Outcome {
    if (frame.command === spec.ACK) return 'accepted'
    const requeue = frame.headers().get('requeue')
    const { defaultNackRequeue } = this.#session.world.settings
    const isRequeued = requeue === 'true' || (requeue !== 'false' && defaultNackRequeue)
    return isRequeued ? 'returned' : 'discarded'
  }

  /** Handles the frames of a transaction. Permissions were asked when they came; one that is forgotten by now is waited for. */
  #commit(frame: Frame): void {
    const receipt = frame.text(spec.RECEIPT)
    const { host, receipts } = this.#session
    const frames = this.#transactions.take(frame.text(spec.TRANSACTION), spec.COMMIT)
    let next = 0
    let isDone = false
    let isWaiting = false
    let failure: unknown
    const step = (): void => {
      if (host.isOver) return
      for (; next < frames.length; next++) this.#commitOne(frames[next]!)
      isDone = true
      if (receipt !== undefined) receipts.add(receipt, this.#session.vhost.mustWait)
      if (isWaiting) host.resume()
    }
    whenKnown(step, (error) => {
      isDone = true
      failure = error
      if (isWaiting) host.fail(error)
    })
    if (!isDone) {
      isWaiting = true
      return host.suspend(false)
    }
    if (failure !== undefined) throw failure
  }

  #commitOne(bytes: Buffer): void {
    const held = this.#session.world.heldFrame
    parseFrame(bytes, 0, bytes.length, held, this.#heldRules)
    if (held.command !== spec.SEND) this.#settle(held)
    else this.#publishing.send(held, true)
  }

  #answer(frame: Frame): void {
    const receipt = frame.text(spec.RECEIPT)
    if (receipt !== undefined) this.#session.receipts.add(receipt, false)
  }

  /** Runs what may be answered later; frames wait until it is, and only then. */
  #later(receipt: string | undefined, run: (done: Done) => void): void {
    const { host, receipts } = this.#session
    let isDone = false
    let isWaiting = false
    let failure: Error | undefined
    run((error) => {
      isDone = true
      failure = error
      if (!isWaiting) return
      if (error !== undefined) return host.fail(error)
      if (receipt !== undefined) receipts.add(receipt, false)
      host.resume()
    })
    if (!isDone) {
      isWaiting = true
      return host.suspend(false)
    }
    if (failure !== undefined) throw failure
    if (receipt !== undefined) receipts.add(receipt, false)
  }
}
