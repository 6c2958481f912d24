/**
 * A message store in memory for the tests of queues: durability and residence are under the test's control.
 *
 * `sync` makes what was appended durable; `unload` takes records out of memory until they are loaded; `restart` gives a
 * store that holds what was durable. Slow and simple on purpose: it is what queues are compared against.
 */
import type { MessageView } from '../../model/message/message.ts'
import type {
  Address,
  DurableSink,
  Ledger,
  LoadSink,
  MessageStore,
  Position,
  SafeSink,
  UnclaimedLedger,
} from '../../model/message/message-store.ts'

interface StoredRecord {
  readonly durable: boolean
  readonly words: Uint32Array
  readonly bytes: Buffer
  isLoaded: boolean
}

interface StoredEntry {
  readonly address: Address
  readonly weight: number
  readonly tag: number
  value: number
}

/** A ledger of maps. */
export class MemoryLedger implements Ledger {
  readonly id: number
  readonly entries = new Map<number, StoredEntry>()
  readonly #store: MemoryStore
  nextSequence = 1
  deliveredUpTo = 0
  isDeleted = false

  constructor(id: number, store: MemoryStore) {
    this.id = id
    this.#store = store
  }

  get liveCount(): number {
    return this.entries.size
  }

  get liveBytes(): number {
    let sum = 0
    for (const entry of this.entries.values()) sum += entry.weight
    return sum
  }

  get diskBytes(): number {
    return 0
  }

  enter(_slot: number, weight: number, tag: number): number {
    const sequence = this.nextSequence++
    this.entries.set(sequence, { address: this.#store.reserved, weight, tag, value: 0 })
    return sequence
  }

  addressOf(sequence: number): Address {
    return this.entries.get(sequence)?.address ?? 0
  }

  weightOf(sequence: number): number {
    return this.entries.get(sequence)?.weight ?? 0
  }

  tagOf(sequence: number): number {
    return this.entries.get(sequence)?.tag ?? 0
  }

  settle(sequence: number): void {
    this.entries.delete(sequence)
  }

  nextLive(from: number): number {
    let sequence = from
    while (sequence < this.nextSequence && !this.entries.has(sequence)) sequence++
    return Math.min(sequence, this.nextSequence)
  }

  markDelivered(upTo: number): void {
    this.deliveredUpTo = Math.max(this.deliveredUpTo, upTo)
  }

  remember(sequence: number, value: number): void {
    const entry = this.entries.get(sequence)
    if (entry !== undefined) entry.value = value >>> 0
  }

  recall(sequence: number): number {
    return this.entries.get(sequence)?.value ?? 0
  }

  delete(): void {
    this.entries.clear()
    this.isDeleted = true
  }
}

/** A store of records in memory. */
export class MemoryStore implements MessageStore {
  readonly #records: StoredRecord[] = []
  readonly #ledgers = new Map<number, MemoryLedger>()
  readonly #loads: { ledger: Ledger; sequence: number; sink: LoadSink }[] = []
  #sinks: DurableSink[] = []
  #lastLedgerId = 0
  bytes: Buffer = Buffer.alloc(0)
  words: Uint32Array = new Uint32Array(0)
  readonly payloadAt = 0
  appended: Position = 0
  durable: Position = 0
  /** Address of the record reserved last. */
  reserved: Address = 0
  /** Whether appends are durable at once. */
  isAlwaysDurable = true

  reserve(durable: boolean, _ownerCount: number, payloadBytes: number): Address {
    this.words = new Uint32Array((payloadBytes + 3) >>> 2)
    this.bytes = Buffer.from(this.words.buffer)
    this.#records.push({ durable, words: this.words, bytes: this.bytes, isLoaded: true })
    this.reserved = this.#records.length
    if (durable) this.appended++
    if (this.isAlwaysDurable) this.durable = this.appended
    return this.reserved
  }

  open(address: Address, view: MessageView): boolean {
    const record = this.#records[address - 1]
    if (record === undefined) throw new Error(`nothing is stored at ${address}`)
    if (!record.isLoaded) return false
    view.at(record.bytes, record.words, 0)
    return true
  }

  load(ledger: Ledger, sequence: number, sink: LoadSink): void {
    this.#loads.push({ ledger, sequence, sink })
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
    this.#sinks.push(sink)
  }

  ledger(id: number): MemoryLedger {
    const known = this.#ledgers.get(id)
    if (known !== undefined && !known.isDeleted) return known
    const ledger = new MemoryLedger(id, this)
    this.#ledgers.set(id, ledger)
    return ledger
  }

  newLedgerId(): number {
    return ++this.#lastLedgerId
  }

  dropUnclaimed(): readonly UnclaimedLedger[] {
    return []
  }

  // For tests

  /** What was appended is durable now. */
  sync(): void {
    this.durable = this.appended
    const sinks = this.#sinks
    this.#sinks = []
    for (const sink of sinks) sink.onDurable(this.durable)
  }

  /** Takes every record out of memory. */
  unload(): void {
    for (const record of this.#records) record.isLoaded = false
  }

  /** Answers the loads asked for; those that `isDamaged` says so fail, and their entries are settled. */
  finishLoads(isDamaged: (sequence: number) => boolean = () => false): number {
    const loads = this.#loads.splice(0)
    for (const { ledger, sequence, sink } of loads) {
      const failed = isDamaged(sequence)
      const record = this.#records[ledger.addressOf(sequence) - 1]
      if (failed) ledger.settle(sequence)
      else if (record !== undefined) record.isLoaded = true
      sink.onLoaded(failed)
    }
    return loads.length
  }

  /** Whether a record takes part in the log. */
  isDurable(address: Address): boolean {
    return this.#records[address - 1]!.durable
  }

  /** A store as after a restart: ledgers keep the entries of durable records. */
  restart(): MemoryStore {
    const store = new MemoryStore()
    store.#lastLedgerId = this.#lastLedgerId
    store.appended = this.appended
    store.durable = this.appended
    for (const record of this.#records) store.#records.push({ ...record, isLoaded: false })
    for (const [id, old] of this.#ledgers) {
      if (old.isDeleted) continue
      const ledger = store.ledger(id)
      ledger.nextSequence = old.nextSequence
      ledger.deliveredUpTo = old.deliveredUpTo
      for (const [sequence, entry] of old.entries) {
        if (this.isDurable(entry.address)) ledger.entries.set(sequence, { ...entry })
      }
    }
    return store
  }
}
