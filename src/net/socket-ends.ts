/** Where a socket leads: its addresses, or those that a proxy names, and what TLS agreed on. */
import type net from 'node:net'
import tls from 'node:tls'
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

/** IPv4 addresses as such, also on a socket for both. */
export function plainHost(host: string | undefined): string {
  if (host === undefined) return ''
  return host.startsWith('::ffff:') ? host.slice('::ffff:'.length) : host
}

/** Whether an address (no name) is of this machine. */
export function isLoopback(host: string): boolean {
  return host === '::1' || /^127\.[\d.]+$/.test(host)
}
