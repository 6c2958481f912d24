/**
 * Direct reply-to: queues that live in a session's hands only. A requester opens one and consumes from it; the default
 * exchange leads replies to it by its name; nothing is kept, and nothing is listed. [RabbitMQ: direct reply-to]
 *
 * Invariant: a reply is handed to the requester within the publish, or dropped.
 */
import { type Randomness, uniqueName } from '../../base/random.ts'
import { type MessageDraft, MessageView } from '../message/message.ts'
import type { Address, MessageStore } from '../message/message-store.ts'
import { ADMIT_DROPPED, ADMIT_PASSING, type Admission, type ConsumerSink, type MessageTarget } from '../queue/queue.ts'

/** The name that clients consume from and put into `reply_to`. */
export const REPLY_TO = 'amq.rabbitmq.reply-to'
const REPLY_PREFIX = `${REPLY_TO}.`

/** Whether a queue name means direct reply-to: such queues cannot be declared or bound. */
export function isReplyName(name: string): boolean {
  return name === REPLY_TO || name.startsWith(REPLY_PREFIX)
}

/** The reply queue of one session. */
export class ReplyQueue implements MessageTarget {
  /** What the broker writes into `reply_to`. */
  readonly name: string
  readonly #sink: ConsumerSink
  readonly #replies: ReplyQueues
  delivered = 0

  constructor(name: string, sink: ConsumerSink, replies: ReplyQueues) {
    this.name = name
    this.#sink = sink
    this.#replies = replies
  }

  keeps(): boolean {
    return false
  }

  admit(): Admission {
    return this.#sink.hasCredit ? ADMIT_PASSING : ADMIT_DROPPED
  }

  enter(_draft: MessageDraft, _slot: number, address: Address): void {
    const view = this.#replies.view(address)
    if (view === null) return
    this.delivered++
    this.#sink.deliver(view, 0, address, false, 0, 0)
  }

  /** The requester is done. Later replies are dropped. */
  close(): void {
    this.#replies.forget(this)
  }
}

/** A requester that is gone: replies to it count as routed. */
const GONE: MessageTarget = {
  name: '',
  keeps: () => false,
  admit: () => ADMIT_DROPPED,
  enter: () => undefined,
}

/** The reply queues of one vhost. */
export class ReplyQueues {
  readonly #store: MessageStore
  readonly #randomness: Randomness
  readonly #byName = new Map<string, ReplyQueue>()
  readonly #view = new MessageView()

  constructor(store: MessageStore, randomness: Randomness) {
    this.#store = store
    this.#randomness = randomness
  }

  /** A reply queue for a session. Replies go to the sink at once, with sequence 0, as long as it has credit. */
  open(sink: ConsumerSink): ReplyQueue {
    const queue = new ReplyQueue(uniqueName(this.#randomness, REPLY_PREFIX), sink, this)
    this.#byName.set(queue.name, queue)
    return queue
  }

  /** Whether the requester of this name is there: what declaring such a name asks. */
  isOpen(name: string): boolean {
    return this.#byName.has(name)
  }

  /** The target of a routing key: undefined when it is none of ours. */
  target(name: string): MessageTarget | undefined {
    return this.#byName.get(name) ?? (name.startsWith(REPLY_PREFIX) ? GONE : undefined)
  }

  /** Called by reply queues. */
  view(address: Address): MessageView | null {
    return this.#store.open(address, this.#view) ? this.#view : null
  }

  /** Called by reply queues. */
  forget(queue: ReplyQueue): void {
    this.#byName.delete(queue.name)
  }
}
