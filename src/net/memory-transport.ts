/**
 * A connection within the process, without any port: two ends of one pipe. The library hands one to a client and gives the
 * other to the broker.
 */
import { type Duplex, duplexPair } from 'node:stream'
import { NodeTransport } from './node-transport.ts'
import type { Transport, TransportEnds } from './transport.ts'

const IN_PROCESS: TransportEnds = { peerHost: '', peerPort: 0, host: '', port: 0, isLoopback: true, tls: null }

/** The client's end, any of Node's duplex streams' users can take it; and the broker's. */
export interface MemoryPair {
  readonly client: Duplex
  readonly transport: Transport
}

/** A new pair. When one end is destroyed the other closes too. */
export function memoryPair(): MemoryPair {
  const [client, server] = duplexPair()
  // As with a TCP socket: when one side has said all, the other stops too.
  client.allowHalfOpen = false
  server.allowHalfOpen = false
  closeTogether(client, server)
  closeTogether(server, client)
  return { client, transport: new NodeTransport(server, IN_PROCESS) }
}

/** A pipe does not carry a `destroy` across as TCP does a reset. */
function closeTogether(one: Duplex, other: Duplex): void {
  one.on('close', () => {
    if (!other.destroyed) other.destroy()
  })
}
