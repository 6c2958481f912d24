/**
 * Headers and properties of a message as routing asks for them, read from the publisher's encoding on request.
 */
import type { RoutingFacts } from '../../model/message/message.ts'
import { decodeTable, decodeValue, type FieldTable, type FieldValue, findHeader } from './fields.ts'
import type { PropertyScan } from './properties.ts'

/** Facts over a scan and the bytes that it scanned. Reused: valid until the scan moves on. */
export class PropertyFacts implements RoutingFacts {
  readonly scan: PropertyScan
  bytes: Buffer

  constructor(scan: PropertyScan, bytes: Buffer) {
    this.scan = scan
    this.bytes = bytes
  }

  header(name: string): FieldValue | undefined {
    const { headersStart, headersEnd } = this.scan
    if (headersStart === headersEnd) return undefined
    const at = findHeader(this.bytes, headersStart, headersEnd, name)
    return at === -1 ? undefined : decodeValue(this.bytes, at, headersEnd)
  }

  headers(): FieldTable {
    return decodeTable(this.bytes, this.scan.headersStart, this.scan.headersEnd)
  }

  property(name: string): string | undefined {
    const scan = this.scan
    switch (name) {
      case 'content_type':
        return scan.text(scan.contentTypeAt)
      case 'content_encoding':
        return scan.text(scan.contentEncodingAt)
      case 'correlation_id':
        return scan.text(scan.correlationIdAt)
      case 'reply_to':
        return scan.text(scan.replyToAt)
      case 'expiration':
        return scan.text(scan.expirationAt)
      case 'message_id':
        return scan.text(scan.messageIdAt)
      case 'timestamp':
        return scan.timestamp()?.toString()
      case 'type':
        return scan.text(scan.typeAt)
      case 'user_id':
        return scan.text(scan.userIdAt)
      case 'app_id':
        return scan.text(scan.appIdAt)
      case 'cluster_id':
        return scan.text(scan.clusterIdAt)
      default:
        return undefined
    }
  }
}

/** Further routing keys in a header: an array of text. Throws nothing; what is no text is left out. */
export function keysOf(value: FieldValue | undefined): string[] {
  if (value === undefined || !Array.isArray(value.value)) return []
  return value.value.filter((key) => key.type === 'longstr').map((key) => textOf(key.value))
}

function textOf(value: FieldValue['value']): string {
  return value instanceof Uint8Array ? Buffer.from(value).toString() : String(value)
}
