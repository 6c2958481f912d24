/**
 * Accepted TCP sockets that read into one buffer, shared by all of the process, instead of one made anew for each read.
 *
 * Fresh buffers of 64 KiB are memory outside of V8's heap that V8 pays for with whole collections: at 1 GB/s more than ten a
 * second, half of the broker's time. Reads happen one after the other and whoever takes a chunk has it until the call returns,
 * so one buffer is enough. [measured: docs/performance.md]
 *
 * Node.js offers this to clients alone (`onread`). An accepted socket's handle is therefore moved to a socket with that option;
 * where the platform has no such handle, the socket stays what it was.
 */
import net from 'node:net'

/** One read takes so much at most. */
const READ_BYTES = 128 * 1024
/** Views of the buffer that are kept. */
const VIEWS_MAX = 64

/** Takes what a socket read, borrowed until it returns. */
export type ChunkTaker = (this: net.Socket, chunk: Buffer) => void

/** What an accepted socket sits on: Node's own, of no official name. */
interface MovableSocket {
  _handle: { readonly useUserBuffer?: unknown } | null
}

/** Moves accepted sockets to the shared buffer; all of them hand their chunks to the same function. */
export class SharedReads {
  readonly #taker: ChunkTaker
  /** Clients' option; the same for all sockets, so that an idle one has nothing of its own. */
  #onread: object | null = null

  constructor(taker: ChunkTaker) {
    this.#taker = taker
  }

  /**
   * The connection of `accepted` as a socket that emits no `data`; paused until `resume`. Null when the platform cannot.
   * `accepted` must not be used any more, and must not have been read from.
   */
  move(accepted: net.Socket): net.Socket | null {
    const movable = accepted as unknown as MovableSocket
    const handle = movable._handle
    if (typeof handle?.useUserBuffer !== 'function') return null
    this.#onread ??= this.#options()
    movable._handle = null
    // Node's own server passes the handle in the same field.
    const options: object = { handle, onread: this.#onread, allowHalfOpen: false }
    const socket = new net.Socket(options)
    socket.pause()
    // Without its handle it closes nothing; its server counts one less.
    accepted.destroy()
    return socket
  }

  #options(): object {
    const buffer = Buffer.allocUnsafeSlow(READ_BYTES)
    const taker = this.#taker
    // Busy peers send parts of a few sizes: the same views serve many reads, and the collector has less to do.
    const views = new Map([[READ_BYTES, buffer]])
    const viewOf = (byteCount: number): Buffer => {
      if (views.size === VIEWS_MAX) views.clear()
      const view = buffer.subarray(0, byteCount)
      views.set(byteCount, view)
      return view
    }
    return {
      buffer,
      // Node.js calls it as a method of the socket.
      callback(this: net.Socket, byteCount: number): boolean {
        taker.call(this, views.get(byteCount) ?? viewOf(byteCount))
        return true
      },
    }
  }
}
