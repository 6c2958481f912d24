// A real LDAP directory: Debian's slapd, started on a folder and a port of its own, with TLS when a certificate is given.
import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { eventually } from './wire-inbox.ts'

const SLAPD = '/usr/sbin/slapd'
const SLAPADD = '/usr/sbin/slapadd'

/** Whether the machine has it. */
export const HAS_SLAPD = existsSync(SLAPD)

/** The account that may read everything. */
export const READER = { dn: 'cn=reader,dc=example,dc=com', password: 'reader-secret' } as const

/** Files of the server's certificate. */
export interface ServerCertificate {
  readonly certificateFile: string
  readonly keyFile: string
}

/** One directory. */
export class DirectoryServer {
  readonly port: number
  /** With TLS from the first byte; 0 without a certificate. */
  readonly tlsPort: number
  readonly #folder: string
  readonly #arguments: readonly string[]
  #process: ChildProcess | null = null

  private constructor([port, tlsPort]: readonly [number, number], folder: string, args: readonly string[]) {
    this.port = port
    this.tlsPort = tlsPort
    this.#folder = folder
    this.#arguments = args
  }

  /** Starts one with these entries (LDIF). */
  static async start(ldif: string, certificate: ServerCertificate | null = null): Promise<DirectoryServer> {
    const folder = await mkdtemp(path.join(tmpdir(), 'warren-slapd-'))
    const configuration = path.join(folder, 'slapd.conf')
    const data = path.join(folder, 'data')
    const entries = path.join(folder, 'entries.ldif')
    await mkdir(data)
    await writeFile(configuration, configurationOf(folder, data, certificate))
    await writeFile(entries, ldif)
    const added = spawnSync(SLAPADD, ['-f', configuration, '-l', entries], { encoding: 'utf8' })
    if (added.status !== 0) throw new Error(`slapadd: ${added.stderr}`)
    const ports = [await freePort(), certificate === null ? 0 : await freePort()] as const
    const server = new DirectoryServer(ports, folder, ['-d', '0', '-f', configuration])
    await server.run()
    return server
  }

  /** Runs the server that was halted, with the same data. */
  async run(): Promise<void> {
    const addresses = [`ldap://127.0.0.1:${this.port}`]
    if (this.tlsPort > 0) addresses.push(`ldaps://127.0.0.1:${this.tlsPort}`)
    this.#process = spawn(SLAPD, [...this.#arguments, '-h', addresses.join(' ')], { stdio: 'ignore' })
    await eventually(() => accepts(this.port))
  }

  /** Stops answering, but keeps its connections. */
  async freeze(): Promise<void> {
    const { pid } = this.#process!
    this.#process!.kill('SIGSTOP')
    await eventually(async () => assert.match(await readFile(`/proc/${pid}/stat`, 'utf8'), /\) T /))
  }

  thaw(): void {
    this.#process?.kill('SIGCONT')
  }

  /** Ends the process. */
  async halt(): Promise<void> {
    const running = this.#process
    this.#process = null
    if (running === null) return
    const ended = new Promise((resolve) => running.once('exit', resolve))
    running.kill('SIGCONT')
    running.kill('SIGKILL')
    await ended
  }

  async stop(): Promise<void> {
    await this.halt()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

function configurationOf(folder: string, data: string, certificate: ServerCertificate | null): string {
  const tls =
    certificate === null
      ? []
      : [`TLSCertificateFile ${certificate.certificateFile}`, `TLSCertificateKeyFile ${certificate.keyFile}`]
  return [
    'include /etc/ldap/schema/core.schema',
    'include /etc/ldap/schema/cosine.schema',
    'include /etc/ldap/schema/inetorgperson.schema',
    'modulepath /usr/lib/ldap',
    'moduleload back_mdb',
    `pidfile ${path.join(folder, 'slapd.pid')}`,
    ...tls,
    'database mdb',
    'suffix "dc=example,dc=com"',
    `rootdn "${READER.dn}"`,
    `rootpw ${READER.password}`,
    `directory ${data}`,
    'maxsize 10485760',
    'access to attrs=userPassword by anonymous auth by * none',
    'access to * by users read by anonymous none',
    '',
  ].join('\n')
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = net.createServer()
    server.once('error', reject)
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0))
    })
  })
}

function accepts(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = net.connect(port, '127.0.0.1')
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.destroy()
      resolve()
    })
  })
}
