/**
 * One message that a client publishes, with the memory it lies in: borrowed from the socket's chunk, or held in a copy
 * while a transaction or a permission keeps it waiting.
 */
import type { PublishAddress } from './publish-address.ts'

/** One message with the memory it lies in, borrowed. */
export interface Publication {
  readonly address: PublishAddress
  readonly mandatory: boolean
  readonly properties: Buffer
  readonly propertiesStart: number
  readonly propertiesEnd: number
  readonly body: Buffer
  readonly bodyStart: number
  readonly bodyEnd: number
}

/** A message in memory of its own. */
export class HeldPublication implements Publication {
  readonly address: PublishAddress
  readonly mandatory: boolean
  readonly properties: Buffer
  readonly propertiesStart = 0
  readonly propertiesEnd: number
  readonly body: Buffer
  readonly bodyStart = 0
  readonly bodyEnd: number

  /** Takes a copy. */
  constructor(of: Publication) {
    this.address = of.address
    this.mandatory = of.mandatory
    this.properties = Buffer.from(of.properties.subarray(of.propertiesStart, of.propertiesEnd))
    this.propertiesEnd = this.properties.length
    this.body = Buffer.from(of.body.subarray(of.bodyStart, of.bodyEnd))
    this.bodyEnd = this.body.length
  }
}
