/** TLS settings of listeners: the files that the configuration names, read. */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import type { SecureVersion, TlsOptions } from 'node:tls'
import type { Settings } from '../config/settings.ts'
import type { TlsSettings } from '../net/tls.ts'

const VERSIONS: Readonly<Record<string, SecureVersion>> = { 'tlsv1.2': 'TLSv1.2', 'tlsv1.3': 'TLSv1.3' }

/** Reads certificate and key. Throws a sentence when one is missing. */
export function readTlsSettings({ tls, listeners }: Settings): TlsSettings {
  const { certificateFile, keyFile } = tls
  if (certificateFile === null || keyFile === null) {
    throw new Error('a TLS listener needs ssl_options.certfile and ssl_options.keyfile')
  }
  const versions = tls.versions.map((name) => VERSIONS[name]).filter((version) => version !== undefined)
  versions.sort()
  return {
    certificate: readFileSync(certificateFile),
    key: readFileSync(keyFile),
    keyPassword: tls.keyPassword,
    authorities: tls.caCertificateFile === null ? null : readFileSync(tls.caCertificateFile),
    verifyPeer: tls.verify === 'verify_peer',
    failIfNoPeerCertificate: tls.failIfNoPeerCertificate,
    versionMin: versions[0] ?? null,
    versionMax: versions.at(-1) ?? null,
    ciphers: tls.ciphers.length === 0 ? null : tls.ciphers.join(':'),
    honorCipherOrder: tls.honorCipherOrder,
    handshakeTimeoutMs: listeners.sslHandshakeTimeoutMs,
  }
}

/** Certificate and key of the HTTPS port: its own, else those of the other listeners. Throws a sentence without both. */
export function managementTls({ management, tls }: Settings): TlsOptions {
  const certificateFile = management.certificateFile ?? tls.certificateFile
  const keyFile = management.keyFile ?? tls.keyFile
  if (certificateFile === null || keyFile === null) {
    throw new Error('management.ssl.port needs management.ssl.certfile and management.ssl.keyfile')
  }
  const authorities = management.caCertificateFile ?? tls.caCertificateFile
  const passphrase = management.keyPassword ?? tls.keyPassword
  return {
    cert: readFileSync(certificateFile),
    key: readFileSync(keyFile),
    ...(authorities === null ? {} : { ca: readFileSync(authorities) }),
    ...(passphrase === null ? {} : { passphrase }),
  }
}

/** When the listeners' certificate ends to be valid, ms; undefined without one. */
export function certificateEndMs({ tls }: Settings): number | undefined {
  if (tls.certificateFile === null) return undefined
  return Date.parse(new X509Certificate(readFileSync(tls.certificateFile)).validTo)
}
