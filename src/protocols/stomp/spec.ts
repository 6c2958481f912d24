/**
 * The words of STOMP 1.0, 1.1 and 1.2: versions, commands, and the headers that are looked at in every frame.
 */

/** Versions in ascending order; `VERSION_NAMES` has their names. */
export const VERSION_10 = 0
export const VERSION_11 = 1
export const VERSION_12 = 2
export type Version = 0 | 1 | 2

/** By version. */
export const VERSION_NAMES = ['1.0', '1.1', '1.2'] as const

/** All versions, as the `version` header of ERROR lists them. */
export const SUPPORTED_VERSIONS = VERSION_NAMES.join(',')

export const COMMAND_UNKNOWN = 0
export const CONNECT = 1
export const STOMP = 2
export const SEND = 3
export const SUBSCRIBE = 4
export const UNSUBSCRIBE = 5
export const ACK = 6
export const NACK = 7
export const BEGIN = 8
export const COMMIT = 9
export const ABORT = 10
export const DISCONNECT = 11

/** By number; `COMMAND_UNKNOWN` stands for what a client sends beside these. */
export const COMMAND_NAMES = [
  '',
  'CONNECT',
  'STOMP',
  'SEND',
  'SUBSCRIBE',
  'UNSUBSCRIBE',
  'ACK',
  'NACK',
  'BEGIN',
  'COMMIT',
  'ABORT',
  'DISCONNECT',
] as const

export const HEADER_OTHER = 0
export const DESTINATION = 1
export const CONTENT_LENGTH = 2
export const RECEIPT = 3
export const TRANSACTION = 4
export const PERSISTENT = 5
export const PRIORITY = 6
export const EXPIRATION = 7
export const REPLY_TO = 8
export const CONTENT_TYPE = 9
export const CONTENT_ENCODING = 10
export const CORRELATION_ID = 11
export const AMQP_MESSAGE_ID = 12
export const TIMESTAMP = 13
export const TYPE = 14
export const USER_ID = 15
export const APP_ID = 16
export const MESSAGE_ID = 17
export const SUBSCRIPTION = 18
export const REDELIVERED = 19
export const ACK_HEADER = 20
export const ID = 21

/** By number. */
export const HEADER_NAMES = [
  '',
  'destination',
  'content-length',
  'receipt',
  'transaction',
  'persistent',
  'priority',
  'expiration',
  'reply-to',
  'content-type',
  'content-encoding',
  'correlation-id',
  'amqp-message-id',
  'timestamp',
  'type',
  'user-id',
  'app-id',
  'message-id',
  'subscription',
  'redelivered',
  'ack',
  'id',
] as const

const LENGTH_MAX = 16

function byLength(names: readonly string[]): readonly (readonly [Buffer, number])[][] {
  const table: [Buffer, number][][] = Array.from({ length: LENGTH_MAX + 1 }, () => [])
  for (const [id, name] of names.entries()) if (id > 0) table[name.length]!.push([Buffer.from(name), id])
  return table
}

const HEADERS_BY_LENGTH = byLength(HEADER_NAMES)
const COMMANDS_BY_LENGTH = byLength(COMMAND_NAMES)

function find(table: readonly (readonly [Buffer, number])[][], bytes: Buffer, start: number, end: number): number {
  const length = end - start
  if (length > LENGTH_MAX) return 0
  const candidates = table[length]!
  for (let i = 0; i < candidates.length; i++) {
    const [name, id] = candidates[i]!
    let at = 0
    while (at < length && bytes[start + at] === name[at]) at++
    if (at === length) return id
  }
  return 0
}

/** Number of a header's name; `HEADER_OTHER` for those that mean nothing in every frame. */
export function headerId(bytes: Buffer, start: number, end: number): number {
  return find(HEADERS_BY_LENGTH, bytes, start, end)
}

/** Number of a command; `COMMAND_UNKNOWN` for what is none. */
export function commandId(bytes: Buffer, start: number, end: number): number {
  return find(COMMANDS_BY_LENGTH, bytes, start, end)
}
