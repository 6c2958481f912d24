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

let shared: Buffer | null = null

/** Takes what a socket reads: the first `byteCount` bytes of `bytes`, borrowed until it returns. */
export type ReadSink = (byteCount: number, bytes: Buffer) => void

/** What an accepted socket sits on: Node's own, of no official name. */
interface MovableSocket {
  _handle: { readonly useUserBuffer?: unknown } | null
}

/**
 * The connection of `accepted` as a socket that hands its bytes to `sink` and emits no `data`; paused until `resume`. Null when
 * the platform cannot. `accepted` must not be used any more, and must not have been read from.
 */
export function withSharedReads(accepted: net.Socket, sink: ReadSink): net.Socket | null {
  const movable = accepted as unknown as MovableSocket
  const handle = movable._handle
  if (typeof handle?.useUserBuffer !== 'function') return null
  shared ??= Buffer.allocUnsafeSlow(READ_BYTES)
  const onread: net.OnReadOpts = {
    buffer: shared,
    callback: (byteCount, bytes) => {
      sink(byteCount, bytes as Buffer) // the buffer above
      return true
    },
  }
  movable._handle = null
  // Clients' option, and the field that Node's own server uses.
  const options: object = { handle, onread, allowHalfOpen: false }
  const socket = new net.Socket(options)
  socket.pause()
  // Without its handle it closes nothing; its server counts one less.
  accepted.destroy()
  return socket
}
