/** TLS of connections to other systems: the files that the configuration names, read. */
import { readFileSync } from 'node:fs'
import type { TlsClientSettings } from '../net/http-client.ts'

/** What the settings say of a TLS connection to another system. */
export interface TlsClientFiles {
  readonly verify: string
  readonly hostnameVerification: string
  readonly caCertificateFile: string | null
  readonly certificateFile?: string | null
  readonly keyFile?: string | null
  readonly keyPassword?: string | null
  readonly serverName?: string | null
}

/** Reads the files of a TLS client. */
export function tlsClient(files: TlsClientFiles): TlsClientSettings {
  return {
    verifiesPeer: files.verify === 'verify_peer',
    verifiesHost: files.hostnameVerification !== 'none',
    authorities: contents(files.caCertificateFile),
    certificate: contents(files.certificateFile),
    key: contents(files.keyFile),
    keyPassword: files.keyPassword ?? null,
    serverName: files.serverName ?? null,
  }
}

function contents(file: string | null | undefined): Buffer | null {
  return file == null ? null : readFileSync(file)
}
