/**
 * What the model and the queues ask of the storage: one store per broker, one ledger per queue.
 *
 * A message is one record in the store, whatever the number of queues it went to. A *ledger* is the numbered list of
 * entries of one queue: entry `sequence` lies at `addressOf(sequence)` until it is settled. Sequences start at 1, grow by
 * one per entry and are never used again, also after a restart: they name entries in settlements and in unacked windows.
 * Addresses change when the store compacts; nobody but the ledger keeps one past the turn.
 *
 * The storage implements these contracts without importing them (its records and bytes have no messages in them).
 */
import type { MessageView } from './message.ts'

/** Place of a record: block number × block bytes + offset. Below 2⁵³. 0 is no address. */
export type Address = number

/** Position in the durable log: grows with every append. Confirms compare positions. */
export type Position = number

/** Told, once, that records have become durable (or that their turn has come to ask again). */
export interface DurableSink {
  /** `upTo`: everything appended before this position survives a power loss now. */
  onDurable(upTo: Position): void
}

/** Told, once, that what it waited for is safe (or that its turn has come to ask again). */
export interface SafeSink {
  /** `upTo`: everything appended before this position survives a power loss now, or is settled in every queue. */
  onSafe(upTo: Position): void
}

/** Told, once, that the bytes it asked for are in memory. */
export interface LoadSink {
  /** `failed`: the bytes are damaged or unreadable; the entries were set aside and settled. */
  onLoaded(failed: boolean): void
}

/** The entries of one queue. Owned by that queue. */
export interface Ledger {
  /** Outlives the queue's name; unique in the data folder. */
  readonly id: number
  /** The sequence that the next entry gets. */
  readonly nextSequence: number
  /** Entries not settled. */
  readonly liveCount: number
  /** Sum of the weights (body bytes) of the live entries. */
  readonly liveBytes: number
  /** Bytes on disk that the live entries take, records and all. A record that several ledgers share counts in each. */
  readonly diskBytes: number
  /** Entries up to here were handed to a consumer at some time: they are redeliveries after a restart. */
  readonly deliveredUpTo: number

  /**
   * Enters the record that the store reserved last, as owner number `slot` of it, and returns its sequence.
   * `tag` is 16 bits of the queue's own, given back by `tagOf`, also after a restart.
   */
  enter(slot: number, weight: number, tag: number): number
  /** Where the entry lies; 0 when it is settled or unknown. */
  addressOf(sequence: number): Address
  weightOf(sequence: number): number
  tagOf(sequence: number): number
  /** The entry is done with: acknowledged, expired, dropped or moved on. Unknown and settled sequences are ignored. */
  settle(sequence: number): void
  /** The smallest live sequence at or above `from`; `nextSequence` when there is none. */
  nextLive(from: number): number
  /** Records that entries up to here have been delivered. Survives a crash as far as the log was written. */
  markDelivered(upTo: number): void
  /** Attaches a number (u32, e.g. a delivery count) to a live entry; 0 by default. Survives a restart. */
  remember(sequence: number, value: number): void
  recall(sequence: number): number
  /** Settles everything and forgets the ledger: its id is never used again. */
  delete(): void
}

/** A ledger whose owner is not known any more. */
export interface UnclaimedLedger {
  readonly label: string
  readonly liveCount: number
}

/** The store of one broker. */
export interface MessageStore {
  /** The block that holds the record reserved last, its 32-bit view, and where its payload starts (a multiple of 4). */
  readonly bytes: Buffer
  readonly words: Uint32Array
  readonly payloadAt: number
  /** End of what was appended to the durable log so far. */
  readonly appended: Position
  readonly durable: Position
  /** A confirm waits until this reaches `appended`: what lies before it is durable, or settled and needs to be no more. */
  readonly safe: Position

  /**
   * Reserves a record with room for `ownerCount` owners (at most OWNERS_MAX) and a payload, and returns its address.
   * The caller fills the payload and enters it into the ledgers before the turn ends. A record that is not durable
   * costs no disk write and is gone after a restart.
   */
  reserve(durable: boolean, ownerCount: number, payloadBytes: number): Address
  /** Points the view at a message; false when its bytes are not in memory (then `load`). */
  open(address: Address, view: MessageView): boolean
  /** Brings the entry, and more of the same ledger after it, into memory. */
  load(ledger: Ledger, sequence: number, sink: LoadSink): void
  /** Keeps the record's bytes in place while a socket still reads from them; balanced by `unpin` with the same address. */
  pin(address: Address): void
  unpin(address: Address): void
  /** Calls the sink when `durable` advances next. */
  awaitDurable(sink: DurableSink): void
  /** Calls the sink when `safe` advances next. */
  awaitSafe(sink: SafeSink): void
  /**
   * The ledger with this id: with what recovery found, or a new one. A ledger that is not durable holds nothing after a restart.
   * The label (`ledgerLabel`) says whose it is.
   */
  ledger(id: number, durable: boolean, label?: string): Ledger
  /** An id for a new ledger; when its owner's record was lost to damage, that of the ledger which its label names. */
  newLedgerId(label?: string): number
  /** After all queues are rebuilt: drops what belongs to none of them. What must be kept, since records are missing, is returned. */
  dropUnclaimed(): readonly UnclaimedLedger[]
}

/** More targets than this are written as several records. */
export const OWNERS_MAX = 0xffff
