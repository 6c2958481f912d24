/**
 * How an MQTT message's own facts stand in its record, as the properties of `model/message/message.ts`:
 *
 *   u8 flags   bits 0–1 QoS as published · 2 retain flag as published · 3 kept message given to a new subscription
 *              4 publisher's client id follows · 5 properties of MQTT 5.0 follow · 6 other protocols see the client id
 *   [u8 length, client id]   only while somebody subscribes with No Local, or when other protocols are to see it
 *   [property block]         as it came, without topic alias and message expiry; to the end
 *
 * Most messages have nothing but flags: those come from a table and cost nothing.
 */
import type { MessageView } from '../../model/message/message.ts'
import { endOfPublishProperty, type PublishScan } from './publish-scan.ts'
import { MESSAGE_EXPIRY_INTERVAL, TOPIC_ALIAS } from './spec.ts'

export const QOS_MASK = 3
export const FLAG_RETAIN = 4
export const FLAG_KEPT = 8
export const FLAG_PUBLISHER = 16
export const FLAG_PROPERTIES = 32
export const FLAG_ANNOTATED = 64

/** One buffer per value of the flags. */
const BARE: readonly Buffer[] = Array.from({ length: 64 }, (_, flags) => Buffer.from([flags]))

/** Encodes the facts of publishes, one at a time, into memory of its own. */
export class StoredPropertiesWriter {
  /** The last ones: [0, length). Borrowed until the next call. */
  bytes: Buffer = BARE[0]!
  length = 0
  #scratch = Buffer.allocUnsafe(1024)
  readonly #publisherFlags: number

  /** `annotates`: publishers that are stored are shown to other protocols. */
  constructor(annotates: boolean) {
    this.#publisherFlags = FLAG_PUBLISHER | (annotates ? FLAG_ANNOTATED : 0)
  }

  /** Of a PUBLISH. `publisher`: the client id, when it is wanted. */
  ofScan(scan: PublishScan, publisher: Buffer | null): void {
    const flags = scan.qos | (scan.retain ? FLAG_RETAIN : 0)
    const propertyBytes = scan.propertiesEnd - scan.propertiesStart
    if (propertyBytes === 0 && publisher === null) {
      this.bytes = BARE[flags]!
      this.length = 1
      return
    }
    let at = this.#begin(flags, publisher, propertyBytes)
    const flagsAt = at
    if (scan.hasOwnProperties) at = this.#copyKept(scan, at)
    else at += scan.bytes.copy(this.#scratch, at, scan.propertiesStart, scan.propertiesEnd)
    if (at > flagsAt) this.#scratch[0] = this.#scratch[0]! | FLAG_PROPERTIES
    this.length = at
  }

  /** Of a will, or of a kept message. `properties`: a property block without its length. */
  of(flags: number, publisher: Buffer | null, properties: Buffer): void {
    const at = this.#begin(flags, publisher, properties.length)
    properties.copy(this.#scratch, at)
    if (properties.length > 0) this.#scratch[0] = this.#scratch[0]! | FLAG_PROPERTIES
    this.length = at + properties.length
  }

  #begin(flags: number, publisher: Buffer | null, propertyBytes: number): number {
    const needed = 2 + (publisher?.length ?? 0) + propertyBytes
    if (needed > this.#scratch.length) this.#scratch = Buffer.allocUnsafe(needed * 2)
    this.bytes = this.#scratch
    this.#scratch[0] = flags
    if (publisher === null) return 1
    this.#scratch[0] = flags | this.#publisherFlags
    this.#scratch[1] = publisher.length
    publisher.copy(this.#scratch, 2)
    return 2 + publisher.length
  }

  #copyKept({ bytes, propertiesStart, propertiesEnd }: PublishScan, to: number): number {
    for (let at = propertiesStart; at < propertiesEnd; ) {
      const next = endOfPublishProperty(bytes, at, propertiesEnd)
      const id = bytes[at]
      if (id !== TOPIC_ALIAS && id !== MESSAGE_EXPIRY_INTERVAL) to += bytes.copy(this.#scratch, to, at, next)
      at = next
    }
    return to
  }
}

/** Where the property block of a stored message starts; it ends with the properties. */
export function blockStart(view: MessageView): number {
  const { bytes, propertiesStart } = view
  const flags = bytes[propertiesStart]!
  return (flags & FLAG_PUBLISHER) === 0 ? propertiesStart + 1 : propertiesStart + 2 + bytes[propertiesStart + 1]!
}

/** Whether the stored message was published by this client. */
export function isPublishedBy(view: MessageView, clientId: Buffer): boolean {
  const { bytes, propertiesStart } = view
  if ((bytes[propertiesStart]! & FLAG_PUBLISHER) === 0 || bytes[propertiesStart + 1] !== clientId.length) return false
  return bytes.compare(clientId, 0, clientId.length, propertiesStart + 2, propertiesStart + 2 + clientId.length) === 0
}

/** The client id that other protocols are to see; undefined: none. */
export function annotatedClientId({ bytes, propertiesStart }: MessageView): string | undefined {
  if ((bytes[propertiesStart]! & FLAG_ANNOTATED) === 0) return undefined
  const start = propertiesStart + 2
  return bytes.toString('utf8', start, start + bytes[propertiesStart + 1]!)
}
