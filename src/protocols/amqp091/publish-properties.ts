/**
 * The properties of a publish that mean something to the broker: expiration, further keys, reply-to, user id.
 * Checked in RabbitMQ's order, with its texts. [RabbitMQ: basic.publish]
 */

import { writeAnnotations } from '../../model/message/annotations.ts'
import { type MessageDraft, NO_EXPIRATION } from '../../model/message/message.ts'
import { REPLY_TO } from '../../model/routing/reply-to.ts'
import { withoutBcc } from './convert.ts'
import { ChannelError } from './errors.ts'
import { ABSENT, decodeProperties, encodeProperties, type PropertyScan } from './properties.ts'
import { keysOf, type PropertyFacts } from './property-facts.ts'

/** Ten years: RabbitMQ's limit of any duration. */
const EXPIRATION_MS_MAX = 315_360_000_000

/** The expiration of a publish in ms, `NO_EXPIRATION` without one. Throws 406 for what is no number of ms. */
export function expirationOf(scan: PropertyScan): number {
  const text = scan.text(scan.expirationAt)
  if (text === undefined) return NO_EXPIRATION
  const match = /^[+-]?\d+/.exec(text)
  if (match === null) throw invalidExpiration(text, 'no_integer')
  const rest = text.slice(match[0].length)
  if (rest !== '') throw invalidExpiration(text, `{leftover_string,"${rest}"}`)
  const ms = Number(text)
  if (ms < 0) throw invalidExpiration(text, `{value_negative,${ms}}`)
  if (ms > EXPIRATION_MS_MAX) throw invalidExpiration(text, `{value_too_large,${text}}`)
  return ms
}

function invalidExpiration(text: string, reason: string): ChannelError {
  return ChannelError.preconditionFailed(`invalid expiration '${text}': ${reason}`)
}

/** Takes CC and BCC into the draft; BCC leaves the properties, which consumers see. Throws 406 for other than arrays. */
export function takeExtraKeys(draft: MessageDraft, facts: PropertyFacts): void {
  draft.extraKeys = null
  draft.annotations = null
  if (facts.scan.headersStart === facts.scan.headersEnd) return
  const cc = extraKeys(facts, 'CC')
  const bcc = extraKeys(facts, 'BCC')
  if (cc === null && bcc === null) return
  const keys = [...(cc ?? []), ...(bcc ?? [])]
  draft.extraKeys = keys.length === 0 ? null : keys
  if (bcc === null) return
  const { headers, ...others } = decodeProperties(draft.properties, draft.propertiesStart, draft.propertiesEnd)
  const shown = encodeProperties(headers === undefined ? others : { ...others, headers: withoutBcc(headers) })
  draft.properties = shown
  draft.propertiesStart = 0
  draft.propertiesEnd = shown.length
  draft.annotations = writeAnnotations({ cc: cc ?? [], bcc })
}

function extraKeys(facts: PropertyFacts, name: 'CC' | 'BCC'): string[] | null {
  const value = facts.header(name)
  if (value === undefined) return null
  if (value.type !== 'array') {
    throw ChannelError.preconditionFailed(`invalid message: {unacceptable_type_in_header,"${name}",${value.type}}`)
  }
  return keysOf(value)
}

/** Whether the publisher wants the answer at its reply consumer. */
export function wantsDirectReply(scan: PropertyScan): boolean {
  return scan.replyToAt !== ABSENT && scan.text(scan.replyToAt) === REPLY_TO
}

/** The same properties with another reply-to. Owned. */
export function withReplyTo(bytes: Buffer, start: number, end: number, replyTo: string): Buffer {
  return encodeProperties({ ...decodeProperties(bytes, start, end), replyTo })
}
