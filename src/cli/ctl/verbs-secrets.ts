/**
 * Verbs of `warren ctl` that encrypt and decrypt values as RabbitMQ's configuration files have them, `{encrypted,<<"…">>}` and
 * `encrypted:…`: to read what an old configuration hides. They need no broker. [RabbitMQ: rabbit_pbe]
 */
import { createCipheriv, createDecipheriv, getCipherInfo, getHashes, pbkdf2Sync } from 'node:crypto'
import { SystemRandomness } from '../../base/random.ts'
import { CtlError } from './ctl-client.ts'
import { EXIT_UNAVAILABLE } from './exit-codes.ts'
import { type CtlCall, type CtlOptions, text, type Verb } from './verb.ts'

const SALT_BYTES = 16
/** What newer versions of RabbitMQ document, and what they used between: a value without options may be of either. */
const DEFAULTS = { cipher: 'aes_256_cbc', hash: 'sha512', iterations: 1_000 }
const OLD_DEFAULTS = { cipher: 'aes_128_cbc', hash: 'sha256', iterations: 1 }
/** Erlang's external term format. */
const TERM_VERSION = 131
const BINARY_TAG = 109
const STRING_TAG = 107
/** Tag to where the text begins: an atom in each of its encodings. */
const ATOM_HEADS: ReadonlyMap<number | undefined, number> = new Map([
  [100, 4],
  [115, 3],
  [118, 4],
  [119, 3],
])

/** The verbs of this file. */
export const SECRET_VERBS: readonly Verb[] = [
  cryptic('encode', 'Encrypting value ...', 'Encrypts a value with a passphrase.', (call, secret, passphrase) =>
    text(`{encrypted,<<"${encrypted(secret, passphrase, call.options)}">>}`),
  ),
  cryptic('decode', 'Decrypting value...', 'Decrypts an encrypted value.', (call, value, passphrase) =>
    text(decrypted(value, passphrase, call.options)),
  ),
  cryptic(
    'encrypt_conf_value',
    'Encrypting value ...',
    'Encrypts a value for rabbitmq.conf.',
    (call, secret, passphrase) => text(`encrypted:${encrypted(secret, passphrase, call.options)}`),
  ),
  cryptic(
    'decrypt_conf_value',
    'Decrypting value...',
    'Decrypts a value of rabbitmq.conf.',
    (call, value, passphrase) => text(decrypted(value, passphrase, call.options)),
  ),
]

function cryptic(
  name: string,
  banner: string,
  summary: string,
  run: (call: CtlCall, value: string, passphrase: string) => ReturnType<typeof text>,
): Verb {
  return {
    name,
    usage: '<value> <passphrase>',
    summary: `${summary} --cipher, --hash, --iterations.`,
    banner: () => banner,
    run: (call) => Promise.resolve().then(() => run(call, call.args[0]!, call.args[1]!)),
  }
}

interface Scheme {
  readonly cipher: string
  readonly keyBytes: number
  readonly ivBytes: number
  readonly hash: string
  readonly iterations: number
}

/** Erlang's names: `aes_256_cbc`, `sha512`. */
function schemeOf(options: CtlOptions, defaults = DEFAULTS): Scheme {
  const { cipher = defaults.cipher, hash = defaults.hash, iterations = defaults.iterations } = options
  const name = cipher.replaceAll('_', '-')
  const info = getCipherInfo(name)
  if (info === undefined || info.mode !== 'cbc')
    throw new CtlError('The requested cipher is not supported', 0, EXIT_UNAVAILABLE)
  const digest = hash === 'sha' ? 'sha1' : hash.replaceAll('_', '-')
  if (!getHashes().includes(digest)) throw new CtlError('The requested hash is not supported', 0, EXIT_UNAVAILABLE)
  if (!Number.isInteger(iterations) || iterations < 1)
    throw new CtlError('The requested number of iterations is incorrect', 0, EXIT_UNAVAILABLE)
  const { keyLength: keyBytes, ivLength: ivBytes = 0 } = info
  return { cipher: name, keyBytes, ivBytes, hash: digest, iterations }
}

function keyOf(passphrase: string, salt: Buffer, { iterations, keyBytes, hash }: Scheme): Buffer {
  return pbkdf2Sync(passphrase, salt, iterations, keyBytes, hash)
}

/** A term may be given as Erlang writes it, `<<"x">>` or `"x"`; anything else is a text. */
function encrypted(value: string, passphrase: string, options: CtlOptions): string {
  const scheme = schemeOf(options)
  const randomness = new SystemRandomness()
  const [salt, iv] = [randomness.bytes(SALT_BYTES), randomness.bytes(scheme.ivBytes)]
  const cipher = createCipheriv(scheme.cipher, keyOf(passphrase, salt, scheme), iv)
  const bytes = Buffer.concat([cipher.update(termOf(value)), cipher.final()])
  return Buffer.concat([salt, iv, bytes]).toString('base64')
}

function termOf(value: string): Buffer {
  const bytes = Buffer.from(/^(?:<<)?"(.*)"(?:>>)?$/s.exec(value)?.[1] ?? value)
  const head = Buffer.from([TERM_VERSION, BINARY_TAG, 0, 0, 0, 0])
  head.writeUInt32BE(bytes.length, 2)
  return Buffer.concat([head, bytes])
}

function decrypted(value: string, passphrase: string, options: CtlOptions): string {
  const base64 = /[A-Za-z0-9+/]{20,}={0,2}/.exec(value.replace(/^encrypted:/, ''))?.[0] ?? ''
  const bytes = Buffer.from(base64, 'base64')
  for (const defaults of [DEFAULTS, OLD_DEFAULTS]) {
    const term = termIn(bytes, passphrase, schemeOf(options, defaults))
    if (term !== null) return quoted(term)
  }
  const reason = 'is the passphrase right, and are cipher, hash and iterations those of the encryption?'
  throw new CtlError(`the value cannot be decrypted: ${reason}`, 0, EXIT_UNAVAILABLE)
}

/** Null when the key is another: the padding or the first byte is wrong. */
function termIn(bytes: Buffer, passphrase: string, scheme: Scheme): Buffer | null {
  const [from, to] = [SALT_BYTES, SALT_BYTES + scheme.ivBytes]
  try {
    const key = keyOf(passphrase, bytes.subarray(0, from), scheme)
    const decipher = createDecipheriv(scheme.cipher, key, bytes.subarray(from, to))
    const term = Buffer.concat([decipher.update(bytes.subarray(to)), decipher.final()])
    return term[0] === TERM_VERSION ? term : null
  } catch {
    return null
  }
}

/** As rabbitmqctl writes what it decrypted. */
function quoted(term: Buffer): string {
  const tag = term[1]
  if (tag === BINARY_TAG) return `<<"${term.subarray(6)}">>`
  if (tag === STRING_TAG) return `"${term.subarray(4)}"`
  const atomHead = ATOM_HEADS.get(tag)
  if (atomHead !== undefined) return term.toString('utf8', atomHead)
  throw new CtlError('the value is neither a text nor a binary nor an atom', 0, EXIT_UNAVAILABLE)
}
