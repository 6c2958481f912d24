/**
 * The contract between a connection and whatever carries its bytes: TCP, TLS, a pair of streams within the process.
 *
 * A `Socket` drives it and is the only one who writes. Chunks that it hands over are borrowed: the memory may serve the
 * next read as soon as the call returns, so whoever must keep bytes across chunks copies them.
 */

/** Where a transport leads, as listed. Within the process the hosts are empty and the ports 0. */
export interface TransportEnds {
  readonly peerHost: string
  readonly peerPort: number
  readonly host: string
  readonly port: number
  /** The peer is on this machine, or in this process. */
  readonly isLoopback: boolean
  /** Null without TLS. */
  readonly tls: TlsFacts | null
  /** Of the HTTP request that a WebSocket began with, where the listener reads it. */
  readonly httpLogin?: HttpLogin
}

/** User and password of HTTP's basic authentication. */
export interface HttpLogin {
  readonly user: string
  readonly password: string
}

/** What a TLS handshake agreed on. */
export interface TlsFacts {
  readonly version: string
  readonly cipher: string
  /** Names of the verified certificate of the peer; null when it sent none, and when a proxy spoke TLS for us. */
  readonly peerCertificate: PeerCertificate | null
}

/** The verified certificate of a peer. */
export interface PeerCertificate {
  /** RFC 4514, most specific part first. */
  readonly distinguishedName: string
  readonly commonName: string
  /** In the certificate's order. */
  readonly alternativeNames: readonly AlternativeName[]
  /** Distinguished name of who signed it. */
  readonly issuer: string
  /** ISO 8601. */
  readonly notBefore: string
  readonly notAfter: string
}

/** One of the alternative names of a certificate. Kinds are RabbitMQ's. */
export interface AlternativeName {
  readonly type: 'dns' | 'ip' | 'email' | 'uri' | 'other_name'
  readonly value: string
}

/** What a transport tells. */
export interface TransportSink {
  /** Bytes arrived; the chunk is borrowed until this returns. */
  onBytes(chunk: Buffer): void
  /** The peer will send no more. */
  onEnd(): void
  /** It is gone; nothing follows. `error` is null when nobody is to blame. Called once. */
  onClosed(error: Error | null): void
}

/** One duplex of bytes. */
export interface Transport {
  readonly ends: TransportEnds
  /** Starts to read. Called once. */
  open(sink: TransportSink): void
  pause(): void
  resume(): void
  /** Takes the range; `written` is called once, in the order of writes, when its memory is free again. */
  write(bytes: Buffer, start: number, end: number, written: () => void): void
  /** Writes until `uncork` go out together. */
  cork(): void
  uncork(): void
  /** Sends what was written, then says that no more follows. */
  end(): void
  /** Drops the connection now. */
  destroy(): void
}
