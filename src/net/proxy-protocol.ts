/**
 * The PROXY protocol, versions 1 and 2: a load balancer says whose connection it forwards, in a header before all else.
 * [The PROXY protocol, 2020/03/05]
 *
 * A pure reader over the bytes received so far; the listener collects them. A listener that expects the header refuses
 * connections without one.
 */
import { isIP, SocketAddress } from 'node:net'
import { plainHost } from './addresses.ts'
import type { TlsFacts } from './transport.ts'

/** The longest header accepted: version 2 with extensions. Version 1 has 107 bytes at most. */
export const PROXY_HEADER_BYTES_MAX = 4096
const V1_BYTES_MAX = 107
const V2_SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const V2_HEAD_BYTES = 16
const V1_PREFIX = Buffer.from('PROXY ', 'latin1')
const FAMILY_IPV4 = 1
const FAMILY_IPV6 = 2
/** Types of the extensions that follow the addresses. */
const TLV_SSL = 0x20
const TLV_SSL_VERSION = 0x21
const TLV_SSL_CIPHER = 0x23
/** Of the flags: the client speaks TLS with the proxy. */
const CLIENT_SSL = 1
/** Flags and the result of the verification, before the extensions of an SSL extension. */
const SSL_HEAD_BYTES = 5

/** What the bytes say so far. */
export type ProxyHeader =
  | { readonly kind: 'incomplete' }
  | { readonly kind: 'invalid'; readonly reason: string }
  /** `source` is null when the proxy speaks for itself (health checks) or the family is unknown. */
  | { readonly kind: 'header'; readonly byteCount: number; readonly source: ProxySource | null }

/** Whose connection it is. */
export interface ProxySource {
  readonly peerHost: string
  readonly peerPort: number
  readonly host: string
  readonly port: number
  /** What the client's TLS with the proxy agreed on; null without TLS, and when the proxy does not say. */
  readonly tls: TlsFacts | null
}

const INCOMPLETE: ProxyHeader = { kind: 'incomplete' }

/** Reads the header at the start of the bytes. */
export function readProxyHeader(bytes: Buffer): ProxyHeader {
  if (startsAs(bytes, V2_SIGNATURE)) return bytes.length < V2_HEAD_BYTES ? INCOMPLETE : readV2(bytes)
  if (startsAs(bytes, V1_PREFIX)) return bytes.length < V1_PREFIX.length ? INCOMPLETE : readV1(bytes)
  return invalid('no PROXY header')
}

/** Whether the bytes begin like the prefix, as far as both go. */
function startsAs(bytes: Buffer, prefix: Buffer): boolean {
  const length = Math.min(bytes.length, prefix.length)
  return bytes.subarray(0, length).equals(prefix.subarray(0, length))
}

function invalid(reason: string): ProxyHeader {
  return { kind: 'invalid', reason }
}

function readV1(bytes: Buffer): ProxyHeader {
  const end = bytes.subarray(0, V1_BYTES_MAX).indexOf('\r\n')
  if (end === -1) return bytes.length >= V1_BYTES_MAX ? invalid('header line too long') : INCOMPLETE
  const words = bytes.toString('latin1', 0, end).split(' ')
  const byteCount = end + 2
  if (words[1] === 'UNKNOWN') return { kind: 'header', byteCount, source: null }
  const [, family, peerHost, host, peerPortText, portText] = words
  const peerPort = portOf(peerPortText)
  const port = portOf(portText)
  const version = family === 'TCP4' ? 4 : family === 'TCP6' ? 6 : -1
  if (words.length !== 6 || peerHost === undefined || host === undefined || peerPort === -1 || port === -1) {
    return invalid('malformed header line')
  }
  if (!isAddress(peerHost, version) || !isAddress(host, version)) return invalid('malformed addresses')
  const plain = version === 4 ? (address: string) => address : plainIpv6
  return {
    kind: 'header',
    byteCount,
    source: { peerHost: plain(peerHost), peerPort, host: plain(host), port, tls: null },
  }
}

/** Names of network interfaces mean nothing on another machine. */
function isAddress(text: string, version: number): boolean {
  return isIP(text) === version && !text.includes('%')
}

function portOf(text: string | undefined): number {
  if (text === undefined || !/^\d{1,5}$/.test(text)) return -1
  const port = Number(text)
  return port <= 0xffff ? port : -1
}

function readV2(bytes: Buffer): ProxyHeader {
  const version = bytes[12]! >>> 4
  const command = bytes[12]! & 0xf
  const family = bytes[13]! >>> 4
  const length = bytes.readUInt16BE(14)
  const byteCount = V2_HEAD_BYTES + length
  if (version !== 2 || command > 1) return invalid('unknown version or command')
  if (byteCount > PROXY_HEADER_BYTES_MAX) return invalid('header too long')
  if (bytes.length < byteCount) return INCOMPLETE
  const isLocal = command === 0
  const hostBytes = family === FAMILY_IPV4 ? 4 : family === FAMILY_IPV6 ? 16 : 0
  if (isLocal || hostBytes === 0) return { kind: 'header', byteCount, source: null }
  if (length < 2 * hostBytes + 4) return invalid('address block too short')
  const portsAt = V2_HEAD_BYTES + 2 * hostBytes
  return {
    kind: 'header',
    byteCount,
    source: {
      peerHost: hostText(bytes, V2_HEAD_BYTES, hostBytes),
      host: hostText(bytes, V2_HEAD_BYTES + hostBytes, hostBytes),
      peerPort: bytes.readUInt16BE(portsAt),
      port: bytes.readUInt16BE(portsAt + 2),
      tls: tlsOf(bytes.subarray(portsAt + 4, byteCount)),
    },
  }
}

/** The facts of the SSL extension among these. Its certificate is the proxy's word alone, so it gives no login. */
function tlsOf(extensions: Buffer): TlsFacts | null {
  const ssl = extensionOf(extensions, TLV_SSL)
  if (ssl === undefined || ssl.length < SSL_HEAD_BYTES || (ssl[0]! & CLIENT_SSL) === 0) return null
  const inner = ssl.subarray(SSL_HEAD_BYTES)
  const text = (type: number) => extensionOf(inner, type)?.toString('latin1') ?? ''
  return { version: text(TLV_SSL_VERSION), cipher: text(TLV_SSL_CIPHER), peerCertificate: null }
}

/** The value of the first extension of a type: type, two octets of length, value. Ends quietly where they are cut short. */
function extensionOf(extensions: Buffer, type: number): Buffer | undefined {
  for (let at = 0; at + 3 <= extensions.length; ) {
    const end = at + 3 + extensions.readUInt16BE(at + 1)
    if (extensions[at] === type) return end <= extensions.length ? extensions.subarray(at + 3, end) : undefined
    at = end
  }
  return undefined
}

/** The address in so many octets. */
function hostText(bytes: Buffer, at: number, byteCount: number): string {
  if (byteCount === 4) return bytes.subarray(at, at + 4).join('.')
  const groups: string[] = []
  for (let i = 0; i < 16; i += 2) groups.push(bytes.readUInt16BE(at + i).toString(16))
  return plainIpv6(groups.join(':'))
}

/** As the system writes addresses of sockets: short, and IPv4 as such. */
function plainIpv6(address: string): string {
  return plainHost(new SocketAddress({ address, family: 'ipv6' }).address)
}
