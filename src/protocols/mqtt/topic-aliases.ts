/**
 * Topic aliases of one connection, both ways. [MQTT 5.0 §3.3.2.3.4]
 *
 * Inbound, the client numbers its topics. Outbound, the first topics that are sent get the numbers the client allows;
 * they are few and are found by their bytes.
 */
import type { CachedTopic } from './topic-cache.ts'

/** Aliases that the client set. */
export class InboundAliases {
  readonly #topics: (CachedTopic | undefined)[] = []

  get(alias: number): CachedTopic | undefined {
    return this.#topics[alias]
  }

  set(alias: number, topic: CachedTopic): void {
    this.#topics[alias] = topic
  }
}

/** Aliases that we set towards the client. */
export class AliasTable {
  readonly #countMax: number
  readonly #topics: Buffer[] = []
  /** Whether the client knows the alias that `find` gave. */
  isKnown = false

  constructor(countMax: number) {
    this.#countMax = countMax
  }

  /** The alias of a topic, known or to be set now; 0 when there is none left. */
  find(bytes: Buffer, start: number, end: number): number {
    const topics = this.#topics
    for (let i = 0; i < topics.length; i++) {
      const topic = topics[i]!
      if (topic.length === end - start && bytes.compare(topic, 0, topic.length, start, end) === 0) {
        this.isKnown = true
        return i + 1
      }
    }
    this.isKnown = false
    return topics.length < this.#countMax ? topics.length + 1 : 0
  }

  /** The topic was sent with the alias that `find` gave. */
  remember(bytes: Buffer, start: number, end: number): void {
    this.#topics.push(Buffer.from(bytes.subarray(start, end)))
  }
}
