/**
 * basic.get of one channel: takes entries from queues and shows them. The bytes may have to be read from disk first; the
 * connection waits meanwhile, so that replies keep their order.
 */
import type { QueueTally } from '../../model/message/session-tallies.ts'
import type { Outcome, Queue, Taken, TakeSink } from '../../model/queue/queue.ts'
import { encodeMethod, GET_OK_FIXED_BYTES, writeGetOk } from './codec.ts'
import type { DeliverySource } from './consumer.ts'
import type { Deliveries } from './deliveries.ts'
import { isVerbatim, shownContent, writeContentCopy } from './delivery-writer.ts'
import { refuse } from './refused.ts'
import type { Session } from './session.ts'
import { BASIC_GET, BASIC_GET_EMPTY } from './spec.ts'

/** Gets from one queue that wait for their acknowledgement. */
class GetSource implements DeliverySource {
  readonly queue: Queue
  readonly index: number
  readonly tally: QueueTally
  readonly countsForPrefetch = false
  readonly isRetired = true
  unackedCount = 0
  readonly #sources: Map<Queue, GetSource>

  constructor(queue: Queue, index: number, tally: QueueTally, sources: Map<Queue, GetSource>) {
    this.queue = queue
    this.index = index
    this.tally = tally
    this.#sources = sources
  }

  settle(sequence: number, outcome: Outcome): void {
    // Its number is about to be given away.
    if (this.unackedCount === 0) this.#sources.delete(this.queue)
    this.queue.settleTaken(sequence, outcome)
  }
}

/** One get under way at most: the input waits for it. */
export class Gets implements TakeSink {
  readonly #session: Session
  readonly #deliveries: Deliveries
  readonly #sources = new Map<Queue, GetSource>()
  #queue: Queue | null = null
  #noAck = false
  #isAnswered = false
  #isParked = false
  #isClosed = false

  constructor(session: Session, deliveries: Deliveries) {
    this.#session = session
    this.#deliveries = deliveries
  }

  /** Takes one entry; answers with get-ok or get-empty. */
  get(queue: Queue, noAck: boolean): void {
    refuse(queue.refusesTake(noAck))
    this.#queue = queue
    this.#noAck = noAck
    this.#isAnswered = false
    queue.take(noAck, this)
    if (this.#isAnswered) return
    this.#isParked = true
    this.#session.host.suspendInput()
  }

  /** The channel is closed: an entry that still comes goes back. */
  close(): void {
    this.#isClosed = true
  }

  onTaken(taken: Taken | null): void {
    this.#isAnswered = true
    const wasParked = this.#isParked
    this.#isParked = false
    if (this.#isClosed) {
      if (taken !== null && !this.#noAck) this.#queue?.settleTaken(taken.sequence, 'returned')
      return
    }
    if (!wasParked) return this.#answer(taken)
    const { host } = this.#session
    host.complete(this.#deliveries.channel, BASIC_GET, () => this.#answer(taken))
    host.resumeInput()
  }

  #answer(taken: Taken | null): void {
    const { outbox, rates } = this.#session
    const { channel } = this.#deliveries
    if (taken === null) {
      const tally = this.#tallyOf(this.#queue!) // Set by `get`, which this answers.
      tally.getEmpty++
      tally.ofKind.getEmpty++
      outbox.write(encodeMethod(BASIC_GET_EMPTY, channel))
      return
    }
    const { view, redelivered, readyCount } = taken
    const deliveryTag = this.#tag(taken)
    if (rates.isLimited) rates.got(view.bodyBytes)
    if (this.#session.vhost.isTraced) this.#deliveries.trace(view, this.#queue?.name ?? '', redelivered)
    const { bytes, routingStart, propertiesStart } = view
    const at = outbox.reserve(GET_OK_FIXED_BYTES + propertiesStart - routingStart)
    const fields = { deliveryTag, redelivered, messageCount: readyCount }
    writeGetOk(outbox.bytes, at, channel, fields, bytes, routingStart, propertiesStart)
    this.#writeContent(taken)
  }

  #writeContent({ view, deliveryCount, acquiredCount }: Taken): void {
    const { outbox, frameBytesMax } = this.#session
    const { channel } = this.#deliveries
    if (isVerbatim(view, deliveryCount, acquiredCount)) {
      const { bytes, propertiesStart, propertiesEnd, bodyStart, bodyEnd } = view
      writeContentCopy(outbox, channel, frameBytesMax, bytes, propertiesStart, propertiesEnd, bytes, bodyStart, bodyEnd)
      return
    }
    const { properties, body, bodyStart, bodyEnd } = shownContent(this.#session, view, { deliveryCount, acquiredCount })
    writeContentCopy(outbox, channel, frameBytesMax, properties, 0, properties.length, body, bodyStart, bodyEnd)
  }

  #tag({ sequence, redelivered }: Taken): number {
    const queue = this.#queue! // Set by `get`, which asked for this entry.
    if (this.#noAck) return this.#deliveries.gotNoAck(this.#tallyOf(queue), redelivered)
    const source = this.#sourceOf(queue)
    return this.#deliveries.got(source, source.index, sequence, redelivered)
  }

  #sourceOf(queue: Queue): GetSource {
    const known = this.#sources.get(queue)
    if (known !== undefined) return known
    const tally = this.#tallyOf(queue)
    const made = this.#deliveries.add((index) => new GetSource(queue, index, tally, this.#sources))
    this.#sources.set(queue, made)
    return made
  }

  #tallyOf({ name, kind }: Queue): QueueTally {
    return this.#deliveries.tallies.ofQueue(name, kind)
  }
}
