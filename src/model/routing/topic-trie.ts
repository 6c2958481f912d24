/**
 * An index of topic patterns: which of many patterns match a routing key.
 *
 * Keys and patterns are words between dots; the empty key has no word, and `a..b` has an empty one. In a pattern `*`
 * stands for exactly one word and `#` for any number, none included. A node per prefix of a pattern; values lie on the
 * node where their pattern ends. Called by topic exchanges, whatever the protocol of the binding.
 *
 * Cost of `match`: the nodes that agree with the key, each once per way to reach it; two `#` in a pattern make that
 * quadratic in the number of words, which is why more are refused.
 */

/** More `#` in a pattern than this are refused. */
export const MULTI_WORD_WILDCARDS_MAX = 2

/** Takes what matches. A value may be offered several times. */
export interface TopicSink<T> {
  onMatch(value: T): void
}

class TrieNode<T> {
  readonly children = new Map<string, TrieNode<T>>()
  readonly values = new Set<T>()

  get isEmpty(): boolean {
    return this.values.size === 0 && this.children.size === 0
  }
}

/** The words of a key or pattern. */
export function topicWords(key: string): readonly string[] {
  return key === '' ? [] : key.split('.')
}

/** Why a pattern is not acceptable, or undefined. */
export function refusesTopicPattern(pattern: string): string | undefined {
  let wildcards = 0
  for (const word of topicWords(pattern)) if (word === '#') wildcards++
  return wildcards <= MULTI_WORD_WILDCARDS_MAX
    ? undefined
    : `Topic binding key '${pattern}' uses ${wildcards} '#' wildcards, at most ${MULTI_WORD_WILDCARDS_MAX} are allowed`
}

/** Values by pattern. */
export class TopicTrie<T> {
  readonly #root = new TrieNode<T>()
  #words: readonly string[] = []

  /** Adds a value under a pattern; twice is once. */
  add(pattern: string, value: T): void {
    let node = this.#root
    for (const word of topicWords(pattern)) {
      let child = node.children.get(word)
      if (child === undefined) {
        child = new TrieNode<T>()
        node.children.set(word, child)
      }
      node = child
    }
    node.values.add(value)
  }

  /** Removes a value from a pattern, and the nodes that nobody needs any more. */
  remove(pattern: string, value: T): void {
    const words = topicWords(pattern)
    const path = [this.#root]
    for (const word of words) {
      const child = path[path.length - 1]!.children.get(word)
      if (child === undefined) return
      path.push(child)
    }
    path[path.length - 1]!.values.delete(value)
    for (let depth = words.length; depth > 0 && path[depth]!.isEmpty; depth--) {
      path[depth - 1]!.children.delete(words[depth - 1]!)
    }
  }

  get isEmpty(): boolean {
    return this.#root.isEmpty
  }

  /** Offers every value whose pattern matches the key. Not to be called from within the sink. */
  match(key: string, sink: TopicSink<T>): void {
    this.#words = topicWords(key)
    this.#walk(this.#root, 0, sink)
  }

  #walk(node: TrieNode<T>, at: number, sink: TopicSink<T>): void {
    const words = this.#words
    if (at === words.length) for (const value of node.values) sink.onMatch(value)
    if (node.children.size === 0) return
    const rest = node.children.get('#')
    if (rest !== undefined) for (let i = at; i <= words.length; i++) this.#walk(rest, i, sink)
    if (at === words.length) return
    const word = words[at]!
    const one = node.children.get('*')
    if (one !== undefined) this.#walk(one, at + 1, sink)
    // A routing key may contain the wildcards' characters; they are no words of their own there.
    const same = word === '*' || word === '#' ? undefined : node.children.get(word)
    if (same !== undefined) this.#walk(same, at + 1, sink)
  }
}
