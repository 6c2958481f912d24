/** TLS settings of listeners: the files that the configuration names, read. */
import { readFileSync } from 'node:fs'
import type { SecureVersion } from 'node:tls'
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
