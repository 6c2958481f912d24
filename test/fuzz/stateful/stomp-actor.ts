// Takes legal and illegal steps over STOMP 1.2: sends to the tracked queues and takes from them, and breaks the rules,
// which must end the connection with an ERROR frame.
import type { Randomness } from '../../../src/base/random.ts'
import { StompClient, type StompFrame } from '../../support/stomp-client.ts'
import { Defect, holds, pick } from '../fuzz-target.ts'
import type { Actor, Model, TrackedQueue } from './model.ts'

const FAULTS: readonly (readonly [what: string, frame: string])[] = [
  ['SEND without a destination', 'SEND\n\na\0'],
  ['an unknown destination', 'SEND\ndestination:/nowhere/a\n\na\0'],
  ['ACK of nothing', 'ACK\nid:nothing\n\n\0'],
  ['COMMIT of nothing', 'COMMIT\ntransaction:nothing\n\n\0'],
  ['BEGIN without a name', 'BEGIN\n\n\0'],
  ['UNSUBSCRIBE of nothing', 'UNSUBSCRIBE\nid:nothing\n\n\0'],
  ['an unknown command', 'PLEASE\n\n\0'],
  ['an unknown escape', 'SEND\ndestination:/queue/\\t\n\n\0'],
  ['a header without a colon', 'SEND\ndestination\n\n\0'],
  ['a wrong content-length', 'SEND\ndestination:/queue/a\ncontent-length:1\n\nabc\0'],
  ['a content-length that is no number', 'SEND\ndestination:/queue/a\ncontent-length:x\n\nabc\0'],
]

/** One client, which comes again whenever it has been closed. */
export class StompActor implements Actor {
  readonly name: string
  readonly #port: number
  readonly #model: Model
  #client: StompClient | null = null
  #subscriptions = 0

  constructor(name: string, port: number, model: Model) {
    this.name = name
    this.#port = port
    this.#model = model
  }

  async step(random: Randomness): Promise<string> {
    const client = await this.#connected()
    switch (random.below(7)) {
      case 0:
      case 1:
      case 2:
        return await this.#send(client, random)
      case 3:
        return await this.#takeOne(client, random)
      case 4:
        return await this.#transaction(client, random)
      case 5:
        return await this.#fault(client, random)
      default:
        this.#client = null
        if (random.below(2) === 0) client.destroy()
        else {
          await client.call('DISCONNECT')
          await client.closed()
        }
        return 'left'
    }
  }

  async close(): Promise<void> {
    if (this.#client === null) return
    await this.#client.call('DISCONNECT')
    this.#client = null
  }

  async #connected(): Promise<StompClient> {
    if (this.#client !== null) return this.#client
    const client = await StompClient.connect(this.#port)
    await client.login()
    this.#client = client
    return client
  }

  async #send(client: StompClient, random: Randomness): Promise<string> {
    const queue = pick(random, this.#model.queues)
    const id = this.#model.newId()
    queue.sent(id)
    await client.call('SEND', { destination: destinationOf(queue), persistent: 'true' }, id)
    queue.confirmed(id)
    return `sent ${id}`
  }

  /** Subscribes, takes a message if there is one, settles it, and unsubscribes. */
  async #takeOne(client: StompClient, random: Randomness): Promise<string> {
    const queue = pick(random, this.#model.queues)
    const id = `${this.name}-${++this.#subscriptions}`
    const receipt = `${id}-over`
    client.send('SUBSCRIBE', { id, destination: destinationOf(queue), ack: 'client-individual', 'prefetch-count': 1 })
    // One that is certain to be there, or nothing is waited for.
    if (queue.must.size === 0 || random.below(4) === 0) {
      client.send('UNSUBSCRIBE', { id, receipt })
      await this.#until(client, receipt, queue)
      return 'subscribed for a moment'
    }
    client.send('SEND', { destination: '/topic/nobody', receipt: `${id}-now` })
    const frames = await this.#until(client, `${id}-now`, queue)
    const message = frames[0]
    const isTaken = message !== undefined && random.below(2) === 0
    if (message !== undefined) {
      if (isTaken) queue.doubted(message.body)
      client.send(isTaken ? 'ACK' : 'NACK', { id: message.headers.ack ?? '', ...(isTaken ? {} : { requeue: 'true' }) })
    }
    client.send('UNSUBSCRIBE', { id, receipt })
    await this.#until(client, receipt, queue)
    if (isTaken) queue.settled(message.body)
    return message === undefined ? 'found nothing' : `${isTaken ? 'took' : 'put back'} ${message.body}`
  }

  /** Frames up to a receipt; messages among them must be the queue's. */
  async #until(client: StompClient, receipt: string, queue: TrackedQueue): Promise<StompFrame[]> {
    const messages: StompFrame[] = []
    for (;;) {
      const frame = await client.next()
      if (frame.command === 'RECEIPT' && frame.headers['receipt-id'] === receipt) return messages
      if (frame.command !== 'MESSAGE') throw new Defect(`${this.name}: ${frame.command} ${frame.body}`)
      queue.delivered(frame.body)
      messages.push(frame)
    }
  }

  async #transaction(client: StompClient, random: Randomness): Promise<string> {
    const queue = pick(random, this.#model.queues)
    const id = this.#model.newId()
    const isCommitted = random.below(2) === 0
    const transaction = `t-${id}`
    await client.call('BEGIN', { transaction })
    queue.sent(id)
    client.send('SEND', { destination: destinationOf(queue), transaction, persistent: 'true' }, id)
    await client.call(isCommitted ? 'COMMIT' : 'ABORT', { transaction })
    if (isCommitted) queue.confirmed(id)
    else queue.settled(id)
    return `${isCommitted ? 'committed' : 'aborted'} ${id}`
  }

  async #fault(client: StompClient, random: Randomness): Promise<string> {
    const [what, text] = pick(random, FAULTS)
    client.raw(text)
    this.#client = null
    const frame = await client.next()
    holds(frame.command === 'ERROR', `${this.name}: ${what} is answered by ${frame.command}`)
    await client.closed()
    return what
  }
}

function destinationOf({ name }: TrackedQueue): string {
  return `/amq/queue/${name}`
}
