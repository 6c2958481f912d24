/**
 * Password hashes in RabbitMQ's formats: base64 of a four-byte salt and the digest of salt and password.
 *
 * Definitions files carry these hashes between brokers, so formats and names are fixed. Digests are fast by design of the
 * format; what slows guessing down is the backoff in `Authenticators`.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import type { Randomness } from '../base/random.ts'

const SALT_BYTES = 4

/** Digests by the names that definitions use. */
const DIGESTS = {
  rabbit_password_hashing_sha256: { name: 'sha256', bytes: 32 },
  rabbit_password_hashing_sha512: { name: 'sha512', bytes: 64 },
  rabbit_password_hashing_md5: { name: 'md5', bytes: 16 },
} as const

/** A hashing algorithm, by the name it has in definitions. */
export type HashingAlgorithm = keyof typeof DIGESTS

/** What new passwords are hashed with unless the configuration says otherwise. */
export const DEFAULT_HASHING_ALGORITHM: HashingAlgorithm = 'rabbit_password_hashing_sha256'

/** Names of all algorithms. */
export const HASHING_ALGORITHMS = Object.keys(DIGESTS) as readonly HashingAlgorithm[] // The table's own keys.

/** Whether this is the name of a known algorithm. */
export function isHashingAlgorithm(name: string): name is HashingAlgorithm {
  return Object.hasOwn(DIGESTS, name)
}

/** Hashes a password with a fresh salt. The empty password gives the empty hash, which no login matches. */
export function hashPassword(password: string, algorithm: HashingAlgorithm, randomness: Randomness): string {
  if (password === '') return ''
  const salt = randomness.bytes(SALT_BYTES)
  return Buffer.concat([salt, digest(algorithm, salt, password)]).toString('base64')
}

/**
 * Whether the password is the one that was hashed. The digest is made in any case, also for a hash that no password has:
 * how long it takes says nothing about the user.
 */
export function verifyPassword(password: string, hash: string, algorithm: string): boolean {
  const used = isHashingAlgorithm(algorithm) ? algorithm : DEFAULT_HASHING_ALGORITHM
  const bytes = Buffer.from(hash, 'base64')
  const isHash = used === algorithm && bytes.length === SALT_BYTES + DIGESTS[used].bytes
  const expected = isHash ? bytes : Buffer.alloc(SALT_BYTES + DIGESTS[used].bytes)
  const actual = digest(used, expected.subarray(0, SALT_BYTES), password)
  return timingSafeEqual(expected.subarray(SALT_BYTES), actual) && isHash && password !== ''
}

/** The algorithm whose hashes are as long as this one; the default one when none are. */
export function algorithmOfHash(hash: string): HashingAlgorithm {
  const digestBytes = Buffer.byteLength(hash, 'base64') - SALT_BYTES
  return HASHING_ALGORITHMS.find((name) => DIGESTS[name].bytes === digestBytes) ?? DEFAULT_HASHING_ALGORITHM
}

/** Why a text cannot be a hash of the algorithm, or undefined. The empty hash is fine: a user without password. */
export function refusesHash(hash: string, algorithm: HashingAlgorithm): string | undefined {
  if (hash === '') return undefined
  const bytes = Buffer.from(hash, 'base64')
  const isBase64 = bytes.toString('base64').replace(/=+$/, '') === hash.replace(/=+$/, '')
  const wantedBytes = SALT_BYTES + DIGESTS[algorithm].bytes
  if (!isBase64) return 'the password hash is not base64'
  return bytes.length === wantedBytes
    ? undefined
    : `the password hash has ${bytes.length} bytes, ${wantedBytes} expected for ${algorithm}`
}

function digest(algorithm: HashingAlgorithm, salt: Uint8Array, password: string): Buffer {
  return createHash(DIGESTS[algorithm].name).update(salt).update(password, 'utf8').digest()
}
