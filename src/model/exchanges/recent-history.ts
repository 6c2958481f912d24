/**
 * Exchange type `x-recent-history`: a fanout that keeps its last messages (20, or the argument
 * `x-recent-history-length`) and hands them to each queue that is bound. The header `x-recent-history-no-store: true`
 * keeps a message out of the history.
 *
 * The history is the exchange's own ledger: persistent messages of a durable exchange are in it after a restart.
 */

import { MessageDraft, type RoutingFacts } from '../message/message.ts'
import type { Address, Ledger, LoadSink } from '../message/message-store.ts'
import { ADMIT_STORED, type Admission } from '../queue/queue.ts'
import { type ExchangeRecord, ledgerLabel, metadataKeys } from '../records/records.ts'
import type {
  Binding,
  Destination,
  ExchangeHost,
  ExchangeIndex,
  ExchangeKeeper,
  ExchangeType,
  RouteSet,
} from '../routing/exchange.ts'
import { type Arguments, integerArgument } from '../values/arguments.ts'

const LENGTH = 'x-recent-history-length'
const NO_STORE = 'x-recent-history-no-store'
const LENGTH_DEFAULT = 20
/** Tag of transient messages: after a restart they are gone, also when a queue kept the record. */
const TAG_TRANSIENT = 1

/** Hands the history to one destination, oldest first; waits where messages have to be read. */
class Replay implements LoadSink {
  readonly #host: ExchangeHost
  readonly #ledger: Ledger
  readonly #destination: Destination
  readonly #draft = new MessageDraft()
  /** What comes later has reached the destination through its binding. */
  readonly #end: number
  #at = 1

  constructor(host: ExchangeHost, ledger: Ledger, destination: Destination) {
    this.#host = host
    this.#ledger = ledger
    this.#destination = destination
    this.#end = ledger.nextSequence
  }

  run(): void {
    for (;;) {
      this.#at = this.#ledger.nextLive(this.#at)
      if (this.#at >= this.#end) return
      if (!this.#host.restore(this.#ledger.addressOf(this.#at), this.#draft)) {
        return this.#host.store.load(this.#ledger, this.#at, this)
      }
      this.#host.publishTo(this.#destination, this.#draft)
      this.#at++
    }
  }

  onLoaded(): void {
    this.run()
  }
}

/** The last messages of one exchange. */
class History implements ExchangeKeeper {
  readonly name = ''
  readonly #durable: boolean
  readonly #host: ExchangeHost
  readonly #ledger: Ledger
  readonly #countMax: number

  constructor(record: ExchangeRecord, host: ExchangeHost, countMax: number) {
    this.#durable = record.durable
    this.#host = host
    this.#ledger = host.store.ledger(
      record.ledgerId,
      record.durable,
      ledgerLabel(metadataKeys.exchange(record.vhost, record.name)),
    )
    this.#countMax = countMax
    this.#dropTransient()
  }

  get keptCount(): number {
    return this.#ledger.liveCount
  }

  keeps(persistent: boolean): boolean {
    return this.#durable && persistent
  }

  admit(): Admission {
    return ADMIT_STORED
  }

  enter(draft: MessageDraft, slot: number, _address: Address): void {
    this.#ledger.enter(slot, draft.bodyBytes, draft.persistent ? 0 : TAG_TRANSIENT)
    this.#trim()
  }

  start(): void {
    this.#trim()
  }

  bound({ destination }: Binding): void {
    if (destination.kind === 'queue') new Replay(this.#host, this.#ledger, destination).run()
  }

  stop(): void {}

  close(): void {
    this.#ledger.delete()
  }

  #dropTransient(): void {
    const ledger = this.#ledger
    for (let sequence = ledger.nextLive(1); sequence < ledger.nextSequence; sequence = ledger.nextLive(sequence + 1)) {
      if (ledger.tagOf(sequence) === TAG_TRANSIENT) ledger.settle(sequence)
    }
  }

  #trim(): void {
    while (this.#ledger.liveCount > this.#countMax) this.#ledger.settle(this.#ledger.nextLive(1))
  }
}

class RecentHistoryIndex implements ExchangeIndex {
  readonly usesEveryKey = false
  readonly keeper: History
  readonly #bindings = new Set<Binding>()

  constructor(keeper: History) {
    this.keeper = keeper
  }

  bind(binding: Binding): void {
    this.#bindings.add(binding)
  }

  unbind(binding: Binding): void {
    this.#bindings.delete(binding)
  }

  route(_routingKey: string, facts: RoutingFacts, into: RouteSet): void {
    for (const binding of this.#bindings) into.add(binding)
    if (facts.header(NO_STORE)?.value !== true) into.addTarget(this.keeper)
  }
}

function refusesLength(args: Arguments): string | undefined {
  if (!args.has(LENGTH)) return undefined
  const length = integerArgument(args, LENGTH)
  return length !== undefined && length > 0 ? undefined : `Invalid argument, '${LENGTH}' must be a positive integer`
}

export const recentHistory: ExchangeType = {
  name: 'x-recent-history',
  description: 'Recent History Exchange.',
  routesByKeyAlone: false,
  keepsMessages: true,
  refusesArguments: refusesLength,
  refusesBinding: () => undefined,
  create: (record, args, host) =>
    new RecentHistoryIndex(new History(record, host, integerArgument(args, LENGTH) ?? LENGTH_DEFAULT)),
}
