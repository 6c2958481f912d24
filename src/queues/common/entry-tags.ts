/**
 * The 16 bits that a queue keeps beside an entry in its ledger. The usual entry has 0, which costs nothing.
 *
 *   bits 0–7  priority level, combined with the default level of the kind (see `ready-order.ts`)
 *   bit 8     the message has an expiration of its own
 *   bit 9     the message is transient, in a durable queue
 */

export const TAG_EXPIRES = 0x100
export const TAG_TRANSIENT = 0x200
