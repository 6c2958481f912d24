/**
 * TLS: from settings to what Node's servers take, and the facts of a finished handshake.
 *
 * Certificates and keys come as bytes: whoever composes the broker reads the files. `TlsContext` keeps them current.
 */
import { constants } from 'node:crypto'
import type { SecureContextOptions, SecureVersion, TLSSocket, TlsOptions } from 'node:tls'
import { peerCertificate } from './peer-certificate.ts'
import type { TlsFacts } from './transport.ts'

/** A certificate with its chain, and its key. */
export interface TlsCredentials {
  readonly certificate: Buffer
  readonly key: Buffer
  /** Of the key; null when it is not encrypted. */
  readonly keyPassword: string | null
}

/** Credentials for clients that ask for certain host names. */
export interface TlsHost extends TlsCredentials {
  /** `broker.example.com`, `*.example.com`; in lower case. */
  readonly names: readonly string[]
}

/** Settings of a TLS listener. */
export interface TlsSettings extends TlsCredentials {
  /** Other certificates, by the host name that a client asks for (SNI). */
  readonly hosts: readonly TlsHost[]
  /** Authorities that sign the peers' certificates; null is the platform's list of public ones. */
  readonly authorities: Buffer | null
  /** Ask peers for a certificate and refuse bad ones. */
  readonly verifyPeer: boolean
  /** Refuse peers without a certificate. */
  readonly failIfNoPeerCertificate: boolean
  /** Intermediate certificates between a peer's and its authority's, at most. */
  readonly depthMax: number
  /** Lowest and highest version; null is the platform's choice. */
  readonly versionMin: SecureVersion | null
  readonly versionMax: SecureVersion | null
  /** In OpenSSL's notation; null is the platform's choice. */
  readonly ciphers: string | null
  readonly honorCipherOrder: boolean
  readonly handshakeTimeoutMs: number
}

/** What a secure context is made of; `credentials` are the settings' own or those of one host. */
export function contextOptions(settings: TlsSettings, credentials: TlsCredentials): SecureContextOptions {
  return {
    cert: credentials.certificate,
    key: credentials.key,
    honorCipherOrder: settings.honorCipherOrder,
    // A resumed session does not show its certificate chain again, so with client certificates there is none.
    ...(settings.verifyPeer ? { secureOptions: constants.SSL_OP_NO_TICKET } : {}),
    ...(credentials.keyPassword === null ? {} : { passphrase: credentials.keyPassword }),
    ...(settings.authorities === null ? {} : { ca: settings.authorities }),
    ...(settings.versionMin === null ? {} : { minVersion: settings.versionMin }),
    ...(settings.versionMax === null ? {} : { maxVersion: settings.versionMax }),
    ...(settings.ciphers === null ? {} : { ciphers: settings.ciphers }),
  }
}

/** Options of a TLS server, except for SNI. */
export function serverOptions(settings: TlsSettings): TlsOptions {
  return {
    ...contextOptions(settings, settings),
    requestCert: settings.verifyPeer,
    rejectUnauthorized: settings.verifyPeer && settings.failIfNoPeerCertificate,
    handshakeTimeout: settings.handshakeTimeoutMs,
  }
}

/** Why a peer with this handshake is refused; undefined when it is welcome. A missing certificate may be allowed, a bad one never is. */
export function refusesPeer(settings: TlsSettings, socket: TLSSocket): string | undefined {
  if (!settings.verifyPeer) return undefined
  if (socket.authorized) {
    const intermediateCount = intermediatesOf(socket)
    return intermediateCount <= settings.depthMax
      ? undefined
      : `its chain has ${intermediateCount} intermediate certificates, ${settings.depthMax} are allowed`
  }
  const sentOne = Object.keys(socket.getPeerCertificate()).length > 0
  if (!sentOne && !settings.failIfNoPeerCertificate) return undefined
  return String(socket.authorizationError)
}

/** Certificates between the peer's own and the one that is its own issuer. */
function intermediatesOf(socket: TLSSocket): number {
  let certificate = socket.getPeerCertificate(true)
  let count = 0
  // The authority's certificate names itself as its issuer.
  while (certificate.issuerCertificate !== undefined && certificate.issuerCertificate !== certificate) {
    certificate = certificate.issuerCertificate
    count++
  }
  return Math.max(0, count - 1)
}

/** What the handshake agreed on. */
export function tlsFacts(socket: TLSSocket): TlsFacts {
  const cipher = socket.getCipher()
  const certificate = socket.authorized ? socket.getPeerX509Certificate() : undefined
  return {
    version: socket.getProtocol() ?? '',
    cipher: cipher.standardName ?? cipher.name,
    peerCertificate: certificate === undefined ? null : peerCertificate(certificate),
  }
}
