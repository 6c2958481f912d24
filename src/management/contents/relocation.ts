/**
 * Publishes entries of a queue again (copy), and takes them out of it once they are safe (move).
 *
 * Invariant: an entry that is moved is held while its copy is written, and settled only when the copy is as durable as a
 * confirm says. So a crash may leave it twice, never not at all; and nobody gets it meanwhile.
 */
import { type Annotations, readAnnotations } from '../../model/message/annotations.ts'
import { MessageDraft, type MessageView } from '../../model/message/message.ts'
import type { MessageStore } from '../../model/message/message-store.ts'
import { restoreDraft } from '../../model/message/restore.ts'
import type { Queue, QueueContents } from '../../model/queue/queue.ts'
import { PUBLISH_ROUTED, PUBLISH_UNROUTED, type PublishOutcome, Route } from '../../model/routing/route.ts'
import type { Vhost } from '../../model/vhost.ts'
import type { ManagementContext } from '../context.ts'

/** Where messages go. */
export type Destination =
  /** Straight into a queue; exchange and routing key stay what they were. */
  | { readonly kind: 'queue'; readonly queue: string }
  /** Through an exchange; undefined: the message's own exchange, the message's own key. */
  | { readonly kind: 'exchange'; readonly exchange: string | undefined; readonly routingKey: string | undefined }
  /** Back to the queue where the message died last, as if it had not. */
  | { readonly kind: 'origin' }

/** What became of the messages. */
export interface Relocated {
  done: number
  /** Nothing took them, or there is no such place: they are where they were. */
  unrouted: number
  /** A queue is full and rejects: they are where they were. */
  refused: number
}

/** Publishes the messages of one request. */
export class Relocation {
  readonly #context: Pick<ManagementContext, 'formats' | 'clock' | 'store'>
  readonly #vhost: Vhost
  readonly #contents: QueueContents
  readonly #destination: Destination
  readonly #draft = new MessageDraft()
  /** Held, published, and not yet safe. */
  #unsafe: number[] = []
  #mustWait = false
  readonly result: Relocated = { done: 0, unrouted: 0, refused: 0 }

  constructor(
    context: Pick<ManagementContext, 'formats' | 'clock' | 'store'>,
    vhost: Vhost,
    contents: QueueContents,
    destination: Destination,
  ) {
    this.#context = context
    this.#vhost = vhost
    this.#contents = contents
    this.#destination = destination
  }

  /** Where this message would go, in words; undefined when there is no such place. */
  placeOf(view: MessageView): string | undefined {
    const destination = this.#destination
    switch (destination.kind) {
      case 'queue':
        return this.#vhost.queue(destination.queue)?.name
      case 'exchange':
        return this.#vhost.exchange(destination.exchange ?? view.exchange())?.name
      case 'origin':
        return this.#origin(readAnnotations(view))?.name
    }
  }

  /** Publishes a copy; the entry stays. */
  copy(view: MessageView): void {
    this.#count(this.#publish(view))
  }

  /** Publishes a copy of an entry that is held from now on, until `flush`. */
  move(view: MessageView, sequence: number): void {
    if (!this.#contents.hold(sequence)) return
    const outcome = this.#publish(view)
    this.#count(outcome)
    if (outcome === PUBLISH_ROUTED) this.#unsafe.push(sequence)
    else this.#contents.release(sequence, 'returned')
  }

  /** Waits until everything published is safe, and settles what was moved. */
  async flush(): Promise<void> {
    const moved = this.#unsafe
    this.#unsafe = []
    if (this.#mustWait) await durable(this.#context.store)
    this.#mustWait = false
    for (const sequence of moved) this.#contents.release(sequence, 'accepted')
  }

  #publish(view: MessageView): PublishOutcome {
    const { formats, clock } = this.#context
    const draft = this.#draft
    restoreDraft(view, formats, clock.nowMs(), draft)
    const route = this.#route(view, draft)
    if (route === undefined || route.targets.length === 0) return PUBLISH_UNROUTED
    const outcome = this.#vhost.publishTo(route, draft)
    if (this.#vhost.mustWait) this.#mustWait = true
    return outcome
  }

  /** Finds the way, and makes the draft what goes there. */
  #route(view: MessageView, draft: MessageDraft): Route | undefined {
    const destination = this.#destination
    switch (destination.kind) {
      case 'queue':
        return this.#routeTo(this.#vhost.queue(destination.queue))
      case 'exchange':
        return this.#routeThrough(destination.exchange, destination.routingKey, draft)
      case 'origin': {
        const annotations = readAnnotations(view)
        const queue = this.#origin(annotations)
        const death = annotations.deaths?.[0]
        if (queue === undefined || death === undefined) return undefined
        // It starts anew: what it counts as died of would keep it from dying there again.
        draft.annotations = null
        draft.extraKeys = null
        draft.address(death.exchange, death.routingKeys[0] ?? '')
        return this.#routeTo(queue)
      }
    }
  }

  #routeTo(queue: Queue | undefined): Route | undefined {
    return queue === undefined ? undefined : new Route([queue], this.#vhost.topologyRevision, false)
  }

  #routeThrough(name: string | undefined, key: string | undefined, draft: MessageDraft): Route | undefined {
    const exchange = this.#vhost.exchange(name ?? draft.exchange)
    if (exchange === undefined) return undefined
    if (name !== undefined || key !== undefined) draft.address(exchange.name, key ?? draft.routingKey)
    if (key !== undefined) draft.extraKeys = null
    return this.#vhost.routeOf(exchange, draft)
  }

  #origin({ deaths }: Annotations): Queue | undefined {
    const queue = deaths?.[0]?.queue
    return queue === undefined ? undefined : this.#vhost.queue(queue)
  }

  #count(outcome: PublishOutcome): void {
    if (outcome === PUBLISH_ROUTED) this.result.done++
    else if (outcome === PUBLISH_UNROUTED) this.result.unrouted++
    else this.result.refused++
  }
}

/** Resolves when everything appended so far is durable. */
export function durable(store: MessageStore): Promise<void> {
  const target = store.appended
  return new Promise((resolve) => {
    const sink = {
      onDurable: () => {
        if (store.durable >= target) resolve()
        else store.awaitDurable(sink)
      },
    }
    sink.onDurable()
  })
}
