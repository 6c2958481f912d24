/**
 * TLS: from settings to what Node's server takes, and the facts of a finished handshake.
 *
 * Certificates and keys come as bytes: whoever composes the broker reads the files.
 */
import type { SecureVersion, TLSSocket, TlsOptions } from 'node:tls'
import type { PeerCertificate, TlsFacts } from './transport.ts'

/** Settings of a TLS listener. */
export interface TlsSettings {
  readonly certificate: Buffer
  readonly key: Buffer
  /** Of the key; null when it is not encrypted. */
  readonly keyPassword: string | null
  /** Authorities that sign the peers' certificates; null is the system's. */
  readonly authorities: Buffer | null
  /** Ask peers for a certificate and refuse bad ones. */
  readonly verifyPeer: boolean
  /** Refuse peers without a certificate. */
  readonly failIfNoPeerCertificate: boolean
  /** Lowest and highest version; null is the platform's choice. */
  readonly versionMin: SecureVersion | null
  readonly versionMax: SecureVersion | null
  /** In OpenSSL's notation; null is the platform's choice. */
  readonly ciphers: string | null
  readonly honorCipherOrder: boolean
  readonly handshakeTimeoutMs: number
}

/** Options of a TLS server. */
export function tlsServerOptions(settings: TlsSettings): TlsOptions {
  return {
    cert: settings.certificate,
    key: settings.key,
    requestCert: settings.verifyPeer,
    rejectUnauthorized: settings.verifyPeer && settings.failIfNoPeerCertificate,
    honorCipherOrder: settings.honorCipherOrder,
    handshakeTimeout: settings.handshakeTimeoutMs,
    ...(settings.keyPassword === null ? {} : { passphrase: settings.keyPassword }),
    ...(settings.authorities === null ? {} : { ca: settings.authorities }),
    ...(settings.versionMin === null ? {} : { minVersion: settings.versionMin }),
    ...(settings.versionMax === null ? {} : { maxVersion: settings.versionMax }),
    ...(settings.ciphers === null ? {} : { ciphers: settings.ciphers }),
  }
}

/** Why a peer with this handshake is refused; undefined when it is welcome. A missing certificate may be allowed, a bad one never is. */
export function refusesPeer(settings: TlsSettings, socket: TLSSocket): string | undefined {
  if (!settings.verifyPeer || socket.authorized) return undefined
  const sentOne = Object.keys(socket.getPeerCertificate()).length > 0
  if (!sentOne && !settings.failIfNoPeerCertificate) return undefined
  return String(socket.authorizationError)
}

/** What the handshake agreed on. */
export function tlsFacts(socket: TLSSocket): TlsFacts {
  return {
    version: socket.getProtocol() ?? '',
    cipher: socket.getCipher().name,
    peerCertificate: socket.authorized ? certificateOf(socket) : null,
  }
}

function certificateOf(socket: TLSSocket): PeerCertificate | null {
  const certificate = socket.getPeerCertificate()
  const subject = certificate.subject as Record<string, string | string[]> | undefined
  if (subject === undefined) return null
  const parts = Object.entries(subject).map(
    ([name, value]) => `${name}=${Array.isArray(value) ? value.join('+') : value}`,
  )
  const commonName = subject.CN
  return {
    distinguishedName: parts.reverse().join(','),
    commonName: Array.isArray(commonName) ? (commonName[0] ?? '') : (commonName ?? ''),
    alternativeNames: certificate.subjectaltname === undefined ? [] : certificate.subjectaltname.split(', '),
  }
}
