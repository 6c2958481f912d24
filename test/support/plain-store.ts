// A message store of plain objects, for tests of the model: nothing is written, and a test may take bytes out of memory.
import type { MessageView } from '../../src/model/message/message.ts'
import type {
  Address,
  DurableSink,
  Ledger,
  LoadSink,
  MessageStore,
  Position,
  SafeSink,
  UnclaimedLedger,
} from '../../src/model/message/message-store.ts'

interface PlainRecord {
  readonly bytes: Buffer
  readonly words: Uint32Array
  readonly durable: boolean
  readonly ownerCount: number
}

interface PlainEntry {
  readonly address: Address
  readonly weight: number
  readonly tag: number
  remembered: number
}

/** A ledger in a map. */
export class PlainLedger implements Ledger {
  readonly id: number
  readonly #store: PlainStore
  readonly #entries = new Map<number, PlainEntry>()
  nextSequence = 1
  deliveredUpTo = 0
  isDeleted = false

  constructor(id: number, store: PlainStore) {
    this.id = id
    this.#store = store
  }

  get liveCount(): number {
    return this.#entries.size
  }

  get liveBytes(): number {
    return [...this.#entries.values()].reduce((sum, entry) => sum + entry.weight, 0)
  }

  get diskBytes(): number {
    return 0
  }

  enter(slot: number, weight: number, tag: number): number {
    if (slot < 0 || slot >= this.#store.lastRecord.ownerCount) throw new Error(`slot ${slot} was not reserved`)
    this.#entries.set(this.nextSequence, { address: this.#store.lastAddress, weight, tag, remembered: 0 })
    return this.nextSequence++
  }

  addressOf(sequence: number): Address {
    return this.#entries.get(sequence)?.address ?? 0
  }

  weightOf(sequence: number): number {
    return this.#entries.get(sequence)?.weight ?? 0
  }

  tagOf(sequence: number): number {
    return this.#entries.get(sequence)?.tag ?? 0
  }

  settle(sequence: number): void {
    this.#entries.delete(sequence)
  }

  nextLive(from: number): number {
    for (let at = from; at < this.nextSequence; at++) if (this.#entries.has(at)) return at
    return this.nextSequence
  }

  markDelivered(upTo: number): void {
    this.deliveredUpTo = Math.max(this.deliveredUpTo, upTo)
  }

  remember(sequence: number, value: number): void {
    const entry = this.#entries.get(sequence)
    if (entry !== undefined) entry.remembered = value
  }

  recall(sequence: number): number {
    return this.#entries.get(sequence)?.remembered ?? 0
  }

  delete(): void {
    this.#entries.clear()
    this.isDeleted = true
  }
}

/** The store. `records` counts what was reserved. */
export class PlainStore implements MessageStore {
  readonly payloadAt = 0
  appended = 0
  durable = 0
  recordCount = 0
  lastAddress: Address = 0
  readonly #records = new Map<Address, PlainRecord>()
  readonly #ledgers = new Map<number, PlainLedger>()
  readonly #absent = new Set<Address>()
  readonly #loads: { readonly address: Address; readonly sink: LoadSink }[] = []
  #lastLedgerId = 0

  get lastRecord(): PlainRecord {
    return this.#records.get(this.lastAddress)!
  }

  get bytes(): Buffer {
    return this.lastRecord.bytes
  }

  get words(): Uint32Array {
    return this.lastRecord.words
  }

  reserve(durable: boolean, ownerCount: number, payloadBytes: number): Address {
    const words = new Uint32Array(Math.ceil(payloadBytes / 4))
    const bytes = Buffer.from(words.buffer)
    this.lastAddress = ++this.recordCount
    this.#records.set(this.lastAddress, { bytes, words, durable, ownerCount })
    if (durable) this.appended++
    return this.lastAddress
  }

  open(address: Address, view: MessageView): boolean {
    const record = this.#records.get(address)
    if (record === undefined || this.#absent.has(address)) return false
    view.at(record.bytes, record.words, 0)
    return true
  }

  load(ledger: Ledger, sequence: number, sink: LoadSink): void {
    this.#loads.push({ address: ledger.addressOf(sequence), sink })
  }

  /** Takes every record's bytes out of memory. */
  evictAll(): void {
    for (const address of this.#records.keys()) this.#absent.add(address)
  }

  /** Answers the loads that wait, of which there must be one. */
  finishLoads(): void {
    if (this.#loads.length === 0) throw new Error('nobody waits for bytes')
    for (const { address, sink } of this.#loads.splice(0)) {
      this.#absent.delete(address)
      sink.onLoaded(false)
    }
  }

  pin(): void {}
  unpin(): void {}

  get safe(): Position {
    return this.durable
  }

  awaitSafe(sink: SafeSink): void {
    this.awaitDurable({ onDurable: (upTo) => sink.onSafe(upTo) })
  }

  awaitDurable(sink: DurableSink): void {
    this.durable = this.appended
    sink.onDurable(this.durable)
  }

  ledger(id: number): PlainLedger {
    const ledger = this.#ledgers.get(id) ?? new PlainLedger(id, this)
    this.#ledgers.set(id, ledger)
    this.#lastLedgerId = Math.max(this.#lastLedgerId, id)
    return ledger
  }

  newLedgerId(): number {
    return ++this.#lastLedgerId
  }

  dropUnclaimed(): readonly UnclaimedLedger[] {
    return []
  }
}
