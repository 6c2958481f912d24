/** Where a socket leads: its addresses, or those that a proxy names, and what TLS agreed on. */
import type net from 'node:net'
import tls from 'node:tls'
import { isLoopback, plainHost } from './addresses.ts'
import type { ProxySource } from './proxy-protocol.ts'
import { tlsFacts } from './tls.ts'
import type { TransportEnds } from './transport.ts'

/** The ends of a connection that was accepted. */
export function socketEnds(socket: net.Socket, source: ProxySource | undefined): TransportEnds {
  const peerHost = source?.peerHost ?? plainHost(socket.remoteAddress)
  return {
    peerHost,
    peerPort: source?.peerPort ?? socket.remotePort ?? 0,
    host: source?.host ?? plainHost(socket.localAddress),
    port: source?.port ?? socket.localPort ?? 0,
    isLoopback: isLoopback(peerHost),
    // TLS that ends at the proxy is the client's TLS all the same.
    tls: socket instanceof tls.TLSSocket ? tlsFacts(socket) : (source?.tls ?? null),
  }
}
