/**
 * What the broker adds to a message: how and where it died, and what that preserves. Kept as JSON in the annotation
 * section of the stored record (see `message.ts`), because it is rare and read by people.
 *
 * Protocols show it in their own way; AMQP 0-9-1 as `x-death`, `x-first-death-…`, `x-last-death-…`, `x-delivery-count`
 * and `x-acquired-count`. A publisher's own header of such a name is never read as one of these.
 *
 * Invariant: `deaths` has one element per queue and reason, the most recent first.
 */
import type { DeathReason } from '../queue/dead-letter.ts'
import { FLAG_ANNOTATED, type MessageView } from './message.ts'

/** All deaths of a message in one queue for one reason. */
export interface Death {
  readonly queue: string
  readonly reason: DeathReason
  readonly count: number
  /** ms since 1970; `x-death` shows the first one, in whole seconds. */
  readonly firstAtMs: number
  readonly lastAtMs: number
  /** The exchange and the keys (CC included, BCC not) that it had been published with, at the first time. */
  readonly exchange: string
  readonly routingKeys: readonly string[]
  /** The message's own expiration at the first time, which was removed; `x-death` shows it as text. */
  readonly originalExpirationMs?: number
}

/** `x-first-death-…` and `x-last-death-…`. */
export interface DeathPlace {
  readonly reason: DeathReason
  readonly queue: string
  readonly exchange: string
}

/** The annotations of a message. */
export interface Annotations {
  readonly deaths?: readonly Death[]
  readonly firstDeath?: DeathPlace
  readonly lastDeath?: DeathPlace
  /** The further keys in force, instead of those in the properties. BCC is never shown. */
  readonly cc?: readonly string[]
  readonly bcc?: readonly string[]
  /** Failed deliveries and returns that the message had when it was dead-lettered. Counts of the queue it is in now come with the delivery, and are shown instead. */
  readonly deliveryCount?: number
  readonly acquiredCount?: number
}

/** No annotations. */
export const NO_ANNOTATIONS: Annotations = {}

/** The annotations of a stored message, decoded. */
export function readAnnotations(view: MessageView): Annotations {
  if ((view.flags & FLAG_ANNOTATED) === 0) return NO_ANNOTATIONS
  return JSON.parse(view.bytes.toString('utf8', view.annotationsStart, view.annotationsEnd)) as Annotations
}

/** The annotation section; null when there is nothing to say. */
export function writeAnnotations(annotations: Annotations): Buffer | null {
  const text = JSON.stringify(annotations)
  return text === '{}' ? null : Buffer.from(text)
}
