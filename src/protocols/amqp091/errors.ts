/**
 * What a session throws when its peer is at fault, and the reply codes of AMQP 0-9-1.
 *
 * Anything between the codec and the model may throw; the connection catches in one place: a `ChannelError` becomes
 * channel.close, a `ConnectionError` connection.close, anything else is a bug (541). Texts read
 * `<NAME> - <explanation>` and are cut as RabbitMQ cuts them, because clients match on them. [AMQP 0-9-1 §1.2]
 */
import { classIdOf, methodIdOf } from './spec.ts'

interface Reply {
  readonly code: number
  readonly name: string
  /** What the code closes. `return` marks codes of basic.return, which close nothing. */
  readonly scope: 'channel' | 'connection' | 'return'
}

/** A frame that is too large, too short or none at all. */
export const FRAME_ERROR_CODE = 501

/** Every reply code. [AMQP 0-9-1 §1.2] */
export const REPLIES = {
  contentTooLarge: { code: 311, name: 'CONTENT_TOO_LARGE', scope: 'channel' },
  noRoute: { code: 312, name: 'NO_ROUTE', scope: 'return' },
  noConsumers: { code: 313, name: 'NO_CONSUMERS', scope: 'return' },
  connectionForced: { code: 320, name: 'CONNECTION_FORCED', scope: 'connection' },
  invalidPath: { code: 402, name: 'INVALID_PATH', scope: 'connection' },
  accessRefused: { code: 403, name: 'ACCESS_REFUSED', scope: 'channel' },
  notFound: { code: 404, name: 'NOT_FOUND', scope: 'channel' },
  resourceLocked: { code: 405, name: 'RESOURCE_LOCKED', scope: 'channel' },
  preconditionFailed: { code: 406, name: 'PRECONDITION_FAILED', scope: 'channel' },
  frameError: { code: FRAME_ERROR_CODE, name: 'FRAME_ERROR', scope: 'connection' },
  syntaxError: { code: 502, name: 'SYNTAX_ERROR', scope: 'connection' },
  commandInvalid: { code: 503, name: 'COMMAND_INVALID', scope: 'connection' },
  channelError: { code: 504, name: 'CHANNEL_ERROR', scope: 'connection' },
  unexpectedFrame: { code: 505, name: 'UNEXPECTED_FRAME', scope: 'connection' },
  resourceError: { code: 506, name: 'RESOURCE_ERROR', scope: 'connection' },
  notAllowed: { code: 530, name: 'NOT_ALLOWED', scope: 'connection' },
  notImplemented: { code: 540, name: 'NOT_IMPLEMENTED', scope: 'connection' },
  internalError: { code: 541, name: 'INTERNAL_ERROR', scope: 'connection' },
} as const satisfies Record<string, Reply>

/** The code of a reply that closes nothing because there is nothing wrong: connection.close and channel.close of a client. */
export const REPLY_SUCCESS = 200
/** A reply text is a short string. */
export const REPLY_TEXT_BYTES_MAX = 255
const ELLIPSIS = '...'
/** Octets of a bad frame that its reply shows. */
const OCTETS_SHOWN_MAX = 16
/** Enough octets to fill a reply text, at two characters each. */
const OCTETS_LISTED_MAX = REPLY_TEXT_BYTES_MAX / 2

/** Closes one channel. Made by the factories; `failedMethod` is set by whoever knows the method. */
export class ChannelError extends Error {
  readonly replyCode: number
  readonly replyText: string
  /** Class id << 16 | method id of the method that failed; 0 when none did. */
  failedMethod = 0

  constructor(replyCode: number, replyText: string) {
    super(replyText)
    this.replyCode = replyCode
    this.replyText = replyText
  }

  static #of(reply: Reply, explanation: string): ChannelError {
    return new ChannelError(reply.code, textOf(reply, explanation))
  }

  static contentTooLarge(explanation: string): ChannelError {
    return ChannelError.#of(REPLIES.contentTooLarge, explanation)
  }

  static accessRefused(explanation: string): ChannelError {
    return ChannelError.#of(REPLIES.accessRefused, explanation)
  }

  static notFound(explanation: string): ChannelError {
    return ChannelError.#of(REPLIES.notFound, explanation)
  }

  static resourceLocked(explanation: string): ChannelError {
    return ChannelError.#of(REPLIES.resourceLocked, explanation)
  }

  static preconditionFailed(explanation: string): ChannelError {
    return ChannelError.#of(REPLIES.preconditionFailed, explanation)
  }
}

/** Closes the connection. Made by the factories; `failedMethod` is set by whoever knows the method. */
export class ConnectionError extends Error {
  readonly replyCode: number
  readonly replyText: string
  /** The limit that was exceeded, where it is counted. [docs/limits.md] */
  limit: 'tables' | 'transactions' | null = null
  /** Class id << 16 | method id of the method that failed; 0 when none did. */
  failedMethod = 0

  constructor(replyCode: number, replyText: string) {
    super(replyText)
    this.replyCode = replyCode
    this.replyText = replyText
  }

  static #of(reply: Reply, explanation: string): ConnectionError {
    return new ConnectionError(reply.code, textOf(reply, explanation))
  }

  /** A refused login: the one use of 403 for a whole connection. */
  static accessRefused(explanation: string): ConnectionError {
    return ConnectionError.#of(REPLIES.accessRefused, explanation)
  }

  static connectionForced(explanation: string): ConnectionError {
    return ConnectionError.#of(REPLIES.connectionForced, explanation)
  }

  static frameError(explanation: string): ConnectionError {
    return ConnectionError.#of(REPLIES.frameError, explanation)
  }

  static syntaxError(explanation: string): ConnectionError {
    return ConnectionError.#of(REPLIES.syntaxError, explanation)
  }

  static commandInvalid(explanation: string): ConnectionError {
    return ConnectionError.#of(REPLIES.commandInvalid, explanation)
  }

  static channelError(explanation: string): ConnectionError {
    return ConnectionError.#of(REPLIES.channelError, explanation)
  }

  static unexpectedFrame(explanation: string): ConnectionError {
    return ConnectionError.#of(REPLIES.unexpectedFrame, explanation)
  }

  static resourceError(explanation: string): ConnectionError {
    return ConnectionError.#of(REPLIES.resourceError, explanation)
  }

  static notAllowed(explanation: string): ConnectionError {
    return ConnectionError.#of(REPLIES.notAllowed, explanation)
  }

  static notImplemented(explanation: string): ConnectionError {
    return ConnectionError.#of(REPLIES.notImplemented, explanation)
  }

  /** A bug of ours. Without an explanation the text is the bare name, as RabbitMQ sends it. */
  static internalError(explanation?: string): ConnectionError {
    const { code, name } = REPLIES.internalError
    return explanation === undefined
      ? new ConnectionError(code, name)
      : ConnectionError.#of(REPLIES.internalError, explanation)
  }

  /** RabbitMQ: an error of a channel on channel 0 closes the connection, with the same code and text. */
  static promoted(error: ChannelError): ConnectionError {
    const promoted = new ConnectionError(error.replyCode, error.replyText)
    promoted.failedMethod = error.failedMethod
    return promoted
  }
}

/** `<NAME> - <explanation>`; one that exceeds 255 bytes is cut to 252 and dots, at a character's border. */
function textOf(reply: Reply, explanation: string): string {
  const text = `${reply.name} - ${explanation}`
  if (Buffer.byteLength(text) <= REPLY_TEXT_BYTES_MAX) return text
  const bytes = Buffer.from(text)
  let end = REPLY_TEXT_BYTES_MAX - ELLIPSIS.length
  while ((bytes[end]! & 0xc0) === 0x80) end--
  return bytes.toString('utf8', 0, end) + ELLIPSIS
}

/** `type <t>, all octets = <<…>>`: how replies show a bad frame; longer ones say `first 16 octets`. */
export function frameText(type: number, bytes: Uint8Array, start: number, end: number): string {
  const shown = Math.min(end, start + OCTETS_SHOWN_MAX)
  const label = end - start > OCTETS_SHOWN_MAX ? `first ${OCTETS_SHOWN_MAX} octets` : 'all octets'
  return `type ${type}, ${label} = ${octetsText(bytes, start, shown)}`
}

/** `cannot decode <<0,0,5,65>>`: how replies show arguments of a method that do not fit it. */
export function cannotDecodeText(bytes: Uint8Array, start: number, end: number): string {
  return `cannot decode <<${octetList(bytes, start, Math.min(end, start + OCTETS_LISTED_MAX))}>>`
}

/** Octets as text when all are printable, else as numbers. Differs: RabbitMQ takes Latin-1 for printable too. */
function octetsText(bytes: Uint8Array, start: number, end: number): string {
  if (start === end) return '<<>>'
  let text = ''
  for (let at = start; at < end; at++) {
    const octet = bytes[at]!
    const escaped = ESCAPES.get(octet)
    if (escaped === undefined && (octet < 0x20 || octet > 0x7e)) return `<<${octetList(bytes, start, end)}>>`
    text += escaped ?? String.fromCharCode(octet)
  }
  return `<<"${text}">>`
}

const ESCAPES: ReadonlyMap<number, string> = new Map([
  [8, '\\b'],
  [9, '\\t'],
  [10, '\\n'],
  [11, '\\v'],
  [12, '\\f'],
  [13, '\\r'],
  [27, '\\e'],
  [0x22, '\\"'],
  [0x5c, '\\\\'],
])

function octetList(bytes: Uint8Array, start: number, end: number): string {
  return bytes.subarray(start, end).join(',')
}

/** Arguments of channel.close and connection.close. */
export interface CloseArguments {
  readonly replyCode: number
  readonly replyText: string
  readonly classId: number
  readonly methodId: number
}

/** What a close says of an error. */
export function closeArguments({ replyCode, replyText, failedMethod }: ChannelError | ConnectionError): CloseArguments {
  return { replyCode, replyText, classId: classIdOf(failedMethod), methodId: methodIdOf(failedMethod) }
}
