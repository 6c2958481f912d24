/**
 * Retained messages: the last one of each topic, kept for subscriptions to come. One per broker, over the keeper.
 *
 * A tree of topic levels per vhost finds those that a filter matches, wildcards included. The tree holds topics only;
 * the messages themselves lie in the metadata store, and the tree changes when the store tells of a change. Bounded by
 * number and bytes: what does not fit is not retained, which is counted and logged, not told to publishers. [MQTT 5.0 §3.3.1.3]
 */
import type { Logger } from '../../base/log.ts'
import { NO_EXPIRATION } from '../../model/message/message.ts'
import { Keeper, type KeptDone } from '../../model/records/keeper.ts'
import type { Metadata } from '../../model/records/metadata.ts'
import { ANY_WORD, ANY_WORDS, type FilterWord } from './topics.ts'

const AREA = 'mqtt-retained'
/** What a message weighs beyond its bytes. */
const OVERHEAD_BYTES = 256

/** A retained message as stored. Binary is base64. */
export interface RetainedRecord {
  readonly payload: string
  /** The property block of MQTT 5.0, without its length. */
  readonly properties: string
  readonly qos: number
  readonly publishedAtMs: number
  /** `NO_EXPIRATION` when it does not expire. */
  readonly expirationMs: number
}

/** Bounds of the store. */
export interface RetainedLimits {
  readonly countMax: number
  readonly bytesMax: number
}

class RetainedNode {
  readonly children = new Map<string, RetainedNode>()
  isSet = false
}

/** The retained messages of a broker. */
export class RetainedMessages {
  readonly #keeper: Keeper
  readonly #limits: RetainedLimits
  readonly #logger: Logger
  readonly #roots = new Map<string, RetainedNode>()
  readonly #bytes = new Map<string, number>()
  /** On their way to the store, and seen by new subscriptions already; null: the message goes. */
  readonly #coming = new Map<string, RetainedRecord | null>()
  #isFull = false
  count = 0
  byteCount = 0
  /** Messages that found no place. */
  refusedCount = 0

  constructor(metadata: Metadata, limits: RetainedLimits, logger: Logger) {
    this.#keeper = new Keeper(metadata, AREA)
    this.#limits = limits
    this.#logger = logger
    // The store keeps only records of this shape in this area.
    this.#keeper.watch((vhost, key, value) => this.#onChange(vhost, key, value as RetainedRecord | undefined))
  }

  /** Retains a message under its routing key, instead of the one before. `done` once it is durable, or has found no place. */
  put(vhost: string, routingKey: string, record: RetainedRecord, done: KeptDone): void {
    const before = this.#bytes.get(nameOf(vhost, routingKey))
    const bytes = weigh(routingKey, record)
    const isFull =
      (before === undefined && this.count >= this.#limits.countMax) ||
      this.byteCount - (before ?? 0) + bytes > this.#limits.bytesMax
    if (isFull) {
      this.refusedCount++
      if (!this.#isFull) {
        this.#isFull = true
        this.#logger.warning(
          `retained messages are at their limit (${this.count} messages, ${this.byteCount} bytes): more are not retained`,
        )
      }
      return done(null)
    }
    this.#isFull = false
    this.#keeper.put(vhost, routingKey, record, this.#announce(vhost, routingKey, record, done))
  }

  /** Forgets the message of a topic; none is fine. */
  drop(vhost: string, routingKey: string, done: KeptDone): void {
    this.#keeper.drop(vhost, routingKey, this.#announce(vhost, routingKey, null, done))
  }

  /** Shows a change before it is stored: whoever subscribes after a publish sees it, however long the disk takes. */
  #announce(vhost: string, routingKey: string, record: RetainedRecord | null, done: KeptDone): KeptDone {
    const name = nameOf(vhost, routingKey)
    this.#coming.set(name, record)
    this.#onChange(vhost, routingKey, record ?? undefined)
    return (error) => {
      if (this.#coming.get(name) === record) {
        this.#coming.delete(name)
        // What is not stored is not there.
        if (error !== null) this.#onChange(vhost, routingKey, this.#stored(vhost, routingKey))
      }
      done(error)
    }
  }

  #stored(vhost: string, routingKey: string): RetainedRecord | undefined {
    // The store keeps only records of this shape in this area.
    return this.#keeper.get(vhost, routingKey) as RetainedRecord | undefined
  }

  /** The message of a topic. */
  get(vhost: string, routingKey: string, nowMs: number): RetainedRecord | undefined {
    const coming = this.#coming.get(nameOf(vhost, routingKey))
    const record = coming === undefined ? this.#stored(vhost, routingKey) : coming
    if (record === undefined || record === null) return undefined
    if (record.expirationMs === NO_EXPIRATION || record.publishedAtMs + record.expirationMs > nowMs) return record
    this.drop(vhost, routingKey, () => undefined)
    return undefined
  }

  /** Routing keys of the messages that a filter matches. O(matches and the way to them). */
  match(vhost: string, words: readonly FilterWord[]): string[] {
    const found: string[] = []
    const root = this.#roots.get(vhost)
    if (root !== undefined) collect(root, words, 0, '', found)
    return found
  }

  #onChange(vhost: string, routingKey: string, record: RetainedRecord | undefined): void {
    const name = nameOf(vhost, routingKey)
    const before = this.#bytes.get(name)
    if (before !== undefined) {
      this.byteCount -= before
      this.count--
      this.#bytes.delete(name)
    }
    if (record === undefined) {
      if (before !== undefined) this.#remove(vhost, routingKey)
      return
    }
    const bytes = weigh(routingKey, record)
    this.#bytes.set(name, bytes)
    this.byteCount += bytes
    this.count++
    if (before === undefined) this.#add(vhost, routingKey)
  }

  #add(vhost: string, routingKey: string): void {
    const root = this.#roots.get(vhost) ?? new RetainedNode()
    this.#roots.set(vhost, root)
    let node = root
    for (const word of routingKey.split('.')) {
      const child: RetainedNode = node.children.get(word) ?? new RetainedNode()
      node.children.set(word, child)
      node = child
    }
    node.isSet = true
  }

  #remove(vhost: string, routingKey: string): void {
    const root = this.#roots.get(vhost)
    if (root === undefined) return
    const words = routingKey.split('.')
    const path = [root]
    for (const word of words) path.push(path[path.length - 1]!.children.get(word)!)
    path[words.length]!.isSet = false
    for (let depth = words.length; depth > 0; depth--) {
      const node = path[depth]!
      if (node.isSet || node.children.size > 0) return
      path[depth - 1]!.children.delete(words[depth - 1]!)
    }
    if (root.children.size === 0) this.#roots.delete(vhost)
  }
}

function collect(node: RetainedNode, words: readonly FilterWord[], at: number, prefix: string, into: string[]): void {
  if (at === words.length) {
    if (node.isSet) into.push(prefix)
    return
  }
  const word = words[at]!
  if (word === ANY_WORDS) return collectAll(node, at, prefix, into)
  if (word !== ANY_WORD) {
    const child = node.children.get(word)
    if (child !== undefined) collect(child, words, at + 1, joined(prefix, word, at), into)
    return
  }
  for (const [name, child] of node.children) {
    if (at > 0 || !name.startsWith('$')) collect(child, words, at + 1, joined(prefix, name, at), into)
  }
}

/** The node and all below it: what `#` stands for. */
function collectAll(node: RetainedNode, at: number, prefix: string, into: string[]): void {
  if (node.isSet) into.push(prefix)
  for (const [name, child] of node.children) {
    if (at > 0 || !name.startsWith('$')) collectAll(child, at + 1, joined(prefix, name, at), into)
  }
}

function joined(prefix: string, word: string, depth: number): string {
  return depth === 0 ? word : `${prefix}.${word}`
}

function weigh(routingKey: string, { payload, properties }: RetainedRecord): number {
  return OVERHEAD_BYTES + routingKey.length + payload.length + properties.length
}

/** Vhost names contain no U+0000. */
function nameOf(vhost: string, routingKey: string): string {
  return `${vhost}\u0000${routingKey}`
}
