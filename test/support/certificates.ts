// Certificates for tests: an authority of their own, and what it signs, as files in a temporary folder.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SystemRandomness } from '../../src/base/random.ts'
import {
  type CertificateRequest,
  type Issued,
  issue,
  keyPem,
  type Signer,
  type SubjectName,
} from '../../src/cli/tls/certificate.ts'

const DAY_MS = 86_400_000
const LOCAL: readonly SubjectName[] = [
  { type: 'dns', value: 'localhost' },
  { type: 'ip', value: '127.0.0.1' },
]

/** A certificate on disk and in memory; `chain` holds the certificates between it and the authority. */
export interface TestCertificate {
  readonly issued: Issued
  readonly certificate: string
  readonly key: string
  readonly certificateFile: string
  readonly keyFile: string
}

/** A folder of certificates, and the authority that signs them. */
export class TestAuthority {
  readonly folder = mkdtempSync(join(tmpdir(), 'warren-tls-'))
  readonly authority: TestCertificate
  readonly #randomness = new SystemRandomness()

  constructor(name = 'Test CA') {
    this.authority = this.make('ca', { subject: [['CN', name]], purpose: 'authority' }, null)
  }

  /** A certificate of the broker, for `localhost` unless names say otherwise. */
  server(file = 'server', names: readonly SubjectName[] = LOCAL, daysLeft = 30): TestCertificate {
    return this.make(file, { subject: [['CN', file]], purpose: 'server', names }, this.authority.issued, daysLeft)
  }

  /** A certificate of a client. */
  client(user: string, names: readonly SubjectName[] = [], file = `client-${user}`): TestCertificate {
    const subject: CertificateRequest['subject'] = [
      ['O', 'Example, Inc.'],
      ['CN', user],
    ]
    return this.make(file, { subject, purpose: 'client', names }, this.authority.issued)
  }

  /** Any certificate; without a signer it signs itself. */
  make(
    file: string,
    request: Partial<CertificateRequest> & Pick<CertificateRequest, 'subject' | 'purpose'>,
    signer: Signer | null,
    daysLeft = 30,
    chain = '',
  ): TestCertificate {
    const nowMs = Date.now()
    const validity = { notBeforeMs: nowMs - 2 * DAY_MS, notAfterMs: nowMs + daysLeft * DAY_MS }
    const issued = issue({ names: [], ...validity, ...request }, signer, this.#randomness)
    const [certificateFile, keyFile] = [join(this.folder, `${file}.pem`), join(this.folder, `${file}-key.pem`)]
    const certificate = issued.certificate + chain
    const key = keyPem(issued)
    writeFileSync(certificateFile, certificate)
    writeFileSync(keyFile, key, { mode: 0o600 })
    return { issued, certificate, key, certificateFile, keyFile }
  }

  /** Settings by which the broker shows this certificate and trusts this authority. */
  settings(server: TestCertificate, prefix = 'ssl_options'): Record<string, string> {
    return {
      [`${prefix}.cacertfile`]: this.authority.certificateFile,
      [`${prefix}.certfile`]: server.certificateFile,
      [`${prefix}.keyfile`]: server.keyFile,
    }
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
