/**
 * `warren tls`: a certificate authority for development, and certificates of its own for the broker and for clients.
 *
 * Keys are readable by their owner alone. Nothing that is there is overwritten unless `--force` says so.
 */
import { createPrivateKey, createPublicKey, X509Certificate } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { hostname } from 'node:os'
import { join, resolve } from 'node:path'
import type { Command } from 'commander'
import { SystemClock } from '../../base/clock.ts'
import { SystemRandomness } from '../../base/random.ts'
import type { CliHost } from '../command.ts'
import { type CertificateRequest, type Issued, issue, keyPem, type Signer, type SubjectName } from './certificate.ts'

const DAY_MS = 86_400_000
const KEY_MODE = 0o600
const AUTHORITY_NAME = 'WarrenMQ development CA'
const ORGANISATION = 'WarrenMQ development'

interface InitOptions {
  readonly host: readonly string[]
  readonly user: string
  readonly days: string
  readonly force: boolean
}

/** Adds `tls`. */
export function registerTls(program: Command, host: CliHost): void {
  const tls = program.command('tls').description('certificates for development')
  tls
    .command('init')
    .description('make a certificate authority, a certificate for the broker and one for a client')
    .argument('[folder]', 'where the files go', 'tls')
    .option('--host <name>', 'a name or address of the broker (repeatable)', collect, [])
    .option('--user <name>', 'user that the client certificate stands for', 'guest')
    .option('--days <count>', 'how long the certificates are valid', '365')
    .option('--force', 'overwrite what is there', false)
    .action((folder: string, options: InitOptions) => init(resolve(folder), options, host))
  tls
    .command('client')
    .description('make a client certificate for one more user, with the authority of `tls init`')
    .argument('<user>', 'its common name')
    .argument('[folder]', 'that of `tls init`', 'tls')
    .option('--days <count>', 'how long it is valid', '365')
    .option('--force', 'overwrite what is there', false)
    .action((user: string, folder: string, options: InitOptions) => addClient(user, resolve(folder), options, host))
}

function collect(value: string, before: readonly string[]): readonly string[] {
  return [...before, value]
}

function init(folder: string, options: InitOptions, host: CliHost): void {
  const make = maker(options.days)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (!options.force && existsSync(join(folder, 'ca.pem'))) {
    throw new Error(`${folder} has a certificate authority already; --force makes another`)
  }
  const authority = make([['CN', AUTHORITY_NAME]], 'authority', [], null)
  const hosts = [...new Set(['localhost', hostname(), '127.0.0.1', '::1', ...options.host])]
  const names = hosts.map((value): SubjectName => ({ type: isIP(value) === 0 ? 'dns' : 'ip', value }))
  const server = make(subject(options.host[0] ?? 'localhost'), 'server', names, authority)
  const client = make(subject(options.user), 'client', userNames(options.user), authority)
  write(folder, 'ca', authority, options.force)
  write(folder, 'server', server, options.force)
  write(folder, 'client', client, options.force)
  host.stdout.write(advice(folder, options.user, hosts))
}

function addClient(user: string, folder: string, options: InitOptions, host: CliHost): void {
  if (!/^[\w.@-]+$/.test(user)) throw new Error('the user is part of a file name: letters, digits, _ . @ - only')
  const issued = maker(options.days)(subject(user), 'client', userNames(user), readAuthority(folder))
  const name = `client-${user}`
  write(folder, name, issued, options.force)
  host.stdout.write(`${join(folder, name)}.pem and ${join(folder, name)}-key.pem stand for the user ${user}\n`)
}

function subject(commonName: string): CertificateRequest['subject'] {
  return [
    ['O', ORGANISATION],
    ['CN', commonName],
  ]
}

/** A DNS name for `ssl_cert_login_from = subject_alternative_name`, where the user's name can be one. */
function userNames(user: string): SubjectName[] {
  return /^[A-Za-z0-9.-]+$/.test(user) ? [{ type: 'dns', value: user }] : []
}

type Make = (
  subject: CertificateRequest['subject'],
  purpose: CertificateRequest['purpose'],
  names: readonly SubjectName[],
  issuer: Signer | null,
) => Issued

function maker(days: string): Make {
  const count = Number(days)
  if (!Number.isInteger(count) || count < 1) throw new Error('--days is a whole number from 1')
  const randomness = new SystemRandomness()
  const nowMs = new SystemClock().nowMs()
  // Clocks of machines differ a little.
  const validity = { notBeforeMs: nowMs - DAY_MS, notAfterMs: nowMs + count * DAY_MS }
  return (subject, purpose, names, issuer) => issue({ subject, purpose, names, ...validity }, issuer, randomness)
}

function readAuthority(folder: string): Signer {
  const file = join(folder, 'ca-key.pem')
  if (!existsSync(file))
    throw new Error(`there is no certificate authority in ${folder}: run \`warren tls init\` first`)
  const key = createPrivateKey(readFileSync(file))
  const isOurs = new X509Certificate(readFileSync(join(folder, 'ca.pem'))).subject === `CN=${AUTHORITY_NAME}`
  if (!isOurs) throw new Error(`the authority in ${folder} was not made by \`warren tls init\``)
  return { subject: [['CN', AUTHORITY_NAME]], key, publicKey: createPublicKey(key) }
}

function write(folder: string, name: string, issued: Issued, overwrites: boolean): void {
  const keyFile = join(folder, `${name}-key.pem`)
  if (overwrites) rmSync(keyFile, { force: true })
  // Made with the right mode: a key is never readable by others, not even for a moment.
  writeFileSync(keyFile, keyPem(issued), { mode: KEY_MODE, flag: 'wx' })
  writeFileSync(join(folder, `${name}.pem`), issued.certificate, { mode: 0o644, flag: overwrites ? 'w' : 'wx' })
}

function advice(folder: string, user: string, hosts: readonly string[]): string {
  return `The certificates are in ${folder}. The broker's is for ${hosts.join(', ')}.

Put this into the configuration file:

listeners.ssl.default = 5671
ssl_options.cacertfile = ${join(folder, 'ca.pem')}
ssl_options.certfile   = ${join(folder, 'server.pem')}
ssl_options.keyfile    = ${join(folder, 'server-key.pem')}

To let clients in by their certificate, as the user ${user} without a password, add:

ssl_options.verify = verify_peer
auth_mechanisms.1 = EXTERNAL
auth_mechanisms.2 = PLAIN
auth_mechanisms.3 = AMQPLAIN
ssl_cert_login_from = common_name

Clients trust ${join(folder, 'ca.pem')} and show client.pem with client-key.pem.
These certificates are for development: who has ca-key.pem can be anybody.
`
}
