/**
 * Turns a stored message back into a draft, to publish it again: for exchanges that keep messages.
 */
import { readAnnotations } from './annotations.ts'
import { FLAG_ANNOTATED, type MessageDraft, type MessageView, NO_FACTS } from './message.ts'
import type { MessageFormats } from './message-format.ts'

/** Fills the draft with all of the message. It borrows the view and its bytes. */
export function restoreDraft(view: MessageView, formats: MessageFormats, nowMs: number, draft: MessageDraft): void {
  const format = formats.get(view.protocol)
  const isAnnotated = (view.flags & FLAG_ANNOTATED) !== 0
  draft.protocol = view.protocol
  draft.exchange = view.exchange()
  draft.routingKey = view.routingKey()
  draft.routing = view.bytes
  draft.routingStart = view.routingStart
  draft.routingEnd = view.propertiesStart
  draft.facts = format?.facts(view) ?? NO_FACTS
  draft.persistent = view.persistent
  draft.hasPriority = view.hasPriority
  draft.priority = view.priority
  draft.expirationMs = view.expirationMs
  draft.publishedAtMs = nowMs
  draft.properties = view.bytes
  draft.propertiesStart = view.propertiesStart
  draft.propertiesEnd = view.propertiesEnd
  draft.body = view.bytes
  draft.bodyStart = view.bodyStart
  draft.bodyEnd = view.bodyEnd
  draft.bodyBytes = view.bodyBytes
  draft.bodyParts = null
  draft.annotations = isAnnotated ? view.bytes.subarray(view.annotationsStart, view.annotationsEnd) : null
  draft.extraKeys = extraKeys(view, formats, isAnnotated)
}

/** Keys of the annotations stand before those of the properties. */
function extraKeys(view: MessageView, formats: MessageFormats, isAnnotated: boolean): readonly string[] | null {
  const annotated = isAnnotated ? readAnnotations(view) : undefined
  const isOverridden = annotated?.cc !== undefined || annotated?.bcc !== undefined
  const source = isOverridden ? annotated : formats.get(view.protocol)?.extraKeys(view)
  const keys = [...(source?.cc ?? []), ...(source?.bcc ?? [])]
  return keys.length === 0 ? null : keys
}
