/**
 * Destinations: what the text after `destination:` leads to, and the text that a message's address has. [RabbitMQ: STOMP destinations]
 *
 *   /exchange/<exchange>[/<key>]   /topic/<key>          /queue/<queue>          <queue>
 *   /amq/queue/<queue>             /reply-queue/<queue>  /temp-queue/<name>
 *
 * In names `%2F` stands for a slash, and nothing else for anything else, as in RabbitMQ.
 */
import { StompError } from './errors.ts'

/** A parsed destination. `queue` is declared, `existing` must be there, `temporary` is the session's own. */
export type Destination =
  | { readonly kind: 'exchange'; readonly exchange: string; readonly key: string }
  | { readonly kind: 'topic'; readonly key: string }
  | { readonly kind: 'queue' | 'existing' | 'temporary'; readonly name: string }

/** Prefix of reply-to addresses that are bare names of queues. */
export const REPLY_QUEUE_PREFIX = '/reply-queue/'
/** Prefix of a session's own queues for replies. */
export const TEMPORARY_PREFIX = '/temp-queue/'

const AMQ_QUEUE_PREFIX = '/amq/queue'
const VALID_TYPES = '/temp-queue, /exchange, /topic, /queue, /amq/queue, /reply-queue/'

/** Parses. Throws `StompError`. */
export function parseDestination(text: string): Destination {
  if (!text.startsWith('/')) {
    // RabbitMQ: a bare name is a queue's.
    if (text !== '' && !text.includes('/')) return { kind: 'queue', name: text }
    throw unknown(text)
  }
  if (text.startsWith(REPLY_QUEUE_PREFIX)) {
    const name = text.slice(REPLY_QUEUE_PREFIX.length)
    if (name === '') throw invalid('reply_queue', '')
    return { kind: 'existing', name }
  }
  if (text === AMQ_QUEUE_PREFIX || text.startsWith(`${AMQ_QUEUE_PREFIX}/`)) {
    return { kind: 'existing', name: singleName('amqqueue', text.slice(AMQ_QUEUE_PREFIX.length)) }
  }
  const typeEnd = text.indexOf('/', 1)
  const type = typeEnd === -1 ? text : text.slice(0, typeEnd)
  const rest = typeEnd === -1 ? '' : text.slice(typeEnd)
  switch (type) {
    case '/exchange':
      return exchangeDestination(rest)
    case '/topic':
      return { kind: 'topic', key: singleName('topic', rest) }
    case '/queue':
      return { kind: 'queue', name: singleName('queue', rest) }
    case '/temp-queue':
      return { kind: 'temporary', name: singleName('temp_queue', rest) }
    default:
      throw unknown(text)
  }
}

function exchangeDestination(rest: string): Destination {
  const parts = rest.split('/')
  const [, exchange, key] = parts
  if (parts.length > 3 || exchange === undefined || exchange === '') throw invalid('exchange', rest)
  return { kind: 'exchange', exchange: decoded(exchange), key: key === undefined ? '' : decoded(key) }
}

function singleName(type: string, rest: string): string {
  const name = rest.slice(1)
  if (name === '' || name.includes('/')) throw invalid(type, rest)
  return decoded(name)
}

function decoded(name: string): string {
  return name.includes('%') ? name.replaceAll('%2F', '/') : name
}

function invalid(type: string, rest: string): StompError {
  return new StompError('Invalid destination', `'${rest}' is not a valid ${type} destination\n`)
}

function unknown(text: string): StompError {
  return new StompError(
    'Unknown destination',
    `'${text}' is not a valid destination.\nValid destination types are: ${VALID_TYPES}.\n`,
  )
}

/** A destination that is one, but not for this command. */
export function destinationRefused(text: string, command: string): StompError {
  return new StompError('Invalid destination', `'${text}' is not a valid destination for '${command}'\n`)
}

/** The destination that MESSAGE shows for an address. `topicExchange`: the one of `/topic/`. */
export function destinationOf(exchange: string, routingKey: string, topicExchange: string): string {
  if (exchange === '') return `/queue/${encoded(routingKey)}`
  if (exchange === topicExchange) return `/topic/${encoded(routingKey)}`
  const prefix = `/exchange/${encoded(exchange)}`
  return routingKey === '' ? prefix : `${prefix}/${encoded(routingKey)}`
}

function encoded(name: string): string {
  if (!/[/%]|[^ -~]/.test(name)) return name
  let text = ''
  for (const byte of Buffer.from(name)) {
    const isKept = byte >= 0x20 && byte < 0x7f && byte !== 0x2f && byte !== 0x25
    text += isKept ? String.fromCharCode(byte) : `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
  }
  return text
}

const REPLY_PREFIXES = ['/exchange/', '/topic/', '/queue/', '/amq/queue/', TEMPORARY_PREFIX, REPLY_QUEUE_PREFIX]

/** A reply-to as consumers see it: an address that they can send to. */
export function shownReplyTo(replyTo: string): string {
  return REPLY_PREFIXES.some((prefix) => replyTo.startsWith(prefix)) ? replyTo : `${REPLY_QUEUE_PREFIX}${replyTo}`
}

/** The reply-to for other protocols: a bare name of a queue where it is one. */
export function plainReplyTo(replyTo: string): string {
  return replyTo.startsWith(REPLY_QUEUE_PREFIX) ? replyTo.slice(REPLY_QUEUE_PREFIX.length) : replyTo
}
