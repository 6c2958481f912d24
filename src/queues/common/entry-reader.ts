/**
 * Reads entries of one queue in place, and fetches those that are not in memory, one request at a time.
 *
 * Whoever cannot open an entry stops there; the owner is told when it is worth trying again.
 */

import { MessageView } from '../../model/message/message.ts'
import type { Address, Ledger, LoadSink, MessageStore } from '../../model/message/message-store.ts'

/** Told when entries have come into memory. */
export interface EntryReaderOwner {
  /** `damaged`: entries were unreadable and have left the ledger. */
  onEntriesRead(damaged: boolean): void
}

/** Opens entries. The view moves with every `open`. */
export class EntryReader implements LoadSink {
  readonly #store: MessageStore
  readonly #ledger: Ledger
  readonly #owner: EntryReaderOwner
  #view: MessageView | null = null
  /** Of the entry opened last. */
  address: Address = 0
  isLoading = false
  /** The entry whose time of publishing was asked for last, and that time. */
  #timed = 0
  #timedAtMs = 0

  constructor(store: MessageStore, ledger: Ledger, owner: EntryReaderOwner) {
    this.#store = store
    this.#ledger = ledger
    this.#owner = owner
  }

  /** Where the entry opened last is seen. */
  get view(): MessageView {
    this.#view ??= new MessageView()
    return this.#view
  }

  /** Points the view at a live entry. False: it has to be read first, which is under way then. */
  open(sequence: number): boolean {
    this.address = this.#ledger.addressOf(sequence)
    if (this.#store.open(this.address, this.view)) return true
    if (!this.isLoading) {
      this.isLoading = true
      this.#store.load(this.#ledger, sequence, this)
    }
    return false
  }

  /** When a live entry was published, ms; 0 when it has not been in memory since it was asked for. */
  publishedAtMs(sequence: number): number {
    if (sequence === this.#timed) return this.#timedAtMs
    if (!this.#store.open(this.#ledger.addressOf(sequence), this.view)) return 0
    this.#timed = sequence
    this.#timedAtMs = this.view.publishedAtMs
    return this.#timedAtMs
  }

  onLoaded(failed: boolean): void {
    this.isLoading = false
    this.#owner.onEntriesRead(failed)
  }
}
