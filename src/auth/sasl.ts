/**
 * SASL mechanisms of one step: what a client's response says. Pure.
 *
 * PLAIN [RFC 4616], AMQPLAIN (a field table without its length), ANONYMOUS [RFC 4505], EXTERNAL [RFC 4422 appendix A].
 */
import type { Arguments } from '../model/values/arguments.ts'
import type { LoginSource } from './identity.ts'

/** Mechanisms there are, by their SASL names. */
export const SASL_MECHANISMS = ['PLAIN', 'AMQPLAIN', 'ANONYMOUS', 'EXTERNAL'] as const

/** One of `SASL_MECHANISMS`. */
export type SaslMechanism = (typeof SASL_MECHANISMS)[number]

/** Offered unless the configuration says otherwise. Differs: RabbitMQ 4 also offers ANONYMOUS. */
export const DEFAULT_MECHANISMS: readonly SaslMechanism[] = ['PLAIN', 'AMQPLAIN']

/** Decodes a field table without its length. Throws on malformed input. */
export type TableDecoder = (bytes: Uint8Array) => Arguments

/** What a response claims. */
export type SaslClaim =
  | { readonly kind: 'password'; readonly user: string; readonly password: string }
  /** Nobody in particular. */
  | { readonly kind: 'anonymous' }
  /** The name in a certificate that was verified. */
  | { readonly kind: 'external'; readonly user: string }
  | { readonly kind: 'malformed'; readonly text: string }

/** Whether this is the name of a known mechanism. */
export function isSaslMechanism(name: string): name is SaslMechanism {
  return (SASL_MECHANISMS as readonly string[]).includes(name)
}

/** Reads a response. `null` is a response that was not sent. */
export function readResponse(
  mechanism: SaslMechanism,
  response: Uint8Array | null,
  source: LoginSource,
  decodeTable: TableDecoder,
): SaslClaim {
  switch (mechanism) {
    case 'PLAIN':
      return readPlain(response ?? new Uint8Array())
    case 'AMQPLAIN':
      return readAmqPlain(response ?? new Uint8Array(), decodeTable)
    case 'ANONYMOUS':
      return { kind: 'anonymous' }
    case 'EXTERNAL':
      return source.certificateUser === undefined
        ? malformed('the connection has no verified client certificate')
        : { kind: 'external', user: source.certificateUser }
  }
}

/**
 * `[authorization identity] NUL user NUL password`. Differs: RabbitMQ wants the identity empty; naming the user itself is
 * allowed here, as several clients do. Its error repeats the response, ours does not: a password may be in it.
 */
function readPlain(response: Uint8Array): SaslClaim {
  const parts = Buffer.from(response.buffer, response.byteOffset, response.byteLength).toString('utf8').split('\u0000')
  const [identity, user, password] = parts
  if (parts.length !== 3 || identity === undefined || user === undefined || password === undefined) {
    return malformed('PLAIN response invalid')
  }
  if (identity !== '' && identity !== user) return malformed('PLAIN response invalid')
  return { kind: 'password', user, password }
}

function readAmqPlain(response: Uint8Array, decodeTable: TableDecoder): SaslClaim {
  let table: Arguments
  try {
    table = decodeTable(response)
  } catch (error) {
    return malformed(`AMQPLAIN response invalid: ${error instanceof Error ? error.message : String(error)}`)
  }
  const user = textOf(table, 'LOGIN')
  const password = textOf(table, 'PASSWORD')
  if (user === undefined || password === undefined) {
    return malformed('AMQPLAIN auth info is missing LOGIN or PASSWORD field')
  }
  return { kind: 'password', user, password }
}

function textOf(table: Arguments, name: string): string | undefined {
  const value = table.get(name)?.value
  if (value instanceof Uint8Array) return Buffer.from(value).toString('utf8')
  return typeof value === 'string' ? value : undefined
}

function malformed(text: string): SaslClaim {
  return { kind: 'malformed', text }
}
