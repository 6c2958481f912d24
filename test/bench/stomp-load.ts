/**
 * Load over raw STOMP sockets, cheap enough that the broker is what is measured: one sender, one subscription, bodies
 * without NUL, so that receiving is counting NULs.
 */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** Runs have queues of their own: what an earlier one left behind does not disturb. */
let runs = 0
/** Messages that may be ahead of the subscription. */
const AHEAD_MAX = 20_000
const WARMUP_MS = 1_000
const BATCH_COUNT = 200
const ACK_EVERY = 100

/** What to send, and how. */
export interface StompLoad {
  readonly port: number
  readonly bodyBytes: number
  /** Client acknowledgements, every hundredth message, instead of none. */
  readonly acknowledges: boolean
  /** Persistent messages, of which so many wait for their receipt; 0: transient, without. */
  readonly receiptWindow: number
  readonly seconds: number
}

/** Runs the load; the first second is not measured. Returns messages received per second. */
export async function runStompLoad(load: StompLoad): Promise<number> {
  const run = new Run(load)
  await run.open()
  await wait(WARMUP_MS)
  const { received } = run
  const startedMs = performance.now()
  await wait(load.seconds * 1000)
  const perSecond = (run.received - received) / ((performance.now() - startedMs) / 1000)
  await run.close()
  return perSecond
}

async function connected(port: number): Promise<Socket> {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  socket.write('CONNECT\nlogin:guest\npasscode:guest\naccept-version:1.2\n\n\u0000')
  const [reply] = (await once(socket, 'data')) as [Buffer]
  if (!reply.toString().startsWith('CONNECTED')) throw new Error(`port ${port}: ${reply.toString()}`)
  return socket
}

class Run {
  received = 0
  #receipts = 0
  #sent = 0
  #isClosed = false
  readonly #load: StompLoad
  readonly #destination = `/queue/stomp-bench-${process.pid}-${runs++}`
  readonly #sockets: Socket[] = []

  constructor(load: StompLoad) {
    this.#load = load
  }

  async open(): Promise<void> {
    const { port, acknowledges } = this.#load
    const reader = await connected(port)
    const sender = await connected(port)
    this.#sockets.push(reader, sender)
    const ack = acknowledges ? 'client' : 'auto'
    const subscribe = `SUBSCRIBE\nid:1\nack:${ack}\nprefetch-count:1000\ndestination:${this.#destination}\nreceipt:r\n\n\u0000`
    reader.write(subscribe)
    await once(reader, 'data')
    let unacked = 0
    reader.on('data', (chunk) => {
      const count = nulCount(chunk)
      this.received += count
      unacked += count
      if (!acknowledges || unacked < ACK_EVERY) return
      const id = lastAck(chunk)
      if (id === undefined) return
      unacked = 0
      reader.write(`ACK\nid:${id}\n\n\u0000`)
    })
    sender.on('data', (chunk) => {
      this.#receipts += nulCount(chunk)
    })
    this.#pump(sender)
  }

  async close(): Promise<void> {
    this.#isClosed = true
    for (const socket of this.#sockets) {
      socket.destroy()
      if (!socket.closed) await once(socket, 'close')
    }
  }

  #pump(sender: Socket): void {
    const batch = this.#batch()
    const { receiptWindow } = this.#load
    const hasRoom = (): boolean =>
      this.#sent - this.received < AHEAD_MAX && (receiptWindow === 0 || this.#sent - this.#receipts < receiptWindow)
    const pump = (): void => {
      while (!this.#isClosed && hasRoom()) {
        this.#sent += BATCH_COUNT
        if (sender.write(batch)) continue
        sender.once('drain', pump)
        return
      }
      if (!this.#isClosed) setTimeout(pump, 1)
    }
    pump()
  }

  #batch(): Buffer {
    const { bodyBytes, receiptWindow } = this.#load
    const headers = receiptWindow > 0 ? 'persistent:true\nreceipt:r\n' : ''
    const head = `SEND\ndestination:${this.#destination}\n${headers}content-length:${bodyBytes}\n\n`
    return Buffer.from(`${head}${'x'.repeat(bodyBytes)}\u0000`.repeat(BATCH_COUNT))
  }
}

function nulCount(chunk: Buffer): number {
  let count = 0
  for (let at = chunk.indexOf(0); at !== -1; at = chunk.indexOf(0, at + 1)) count++
  return count
}

/** The last message id to acknowledge that is whole. */
function lastAck(chunk: Buffer): string | undefined {
  const at = chunk.lastIndexOf('\nack:')
  const end = at === -1 ? -1 : chunk.indexOf(10, at + 5)
  return end === -1 ? undefined : chunk.toString('utf8', at + 5, end)
}

function wait(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}
