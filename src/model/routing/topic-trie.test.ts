import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { refusesTopicPattern, TopicTrie, topicWords } from './topic-trie.ts'

function matches(trie: TopicTrie<string>, key: string): string[] {
  const found = new Set<string>()
  trie.match(key, { onMatch: (value) => found.add(value) })
  return [...found].sort()
}

/** The slow model: every word with a mark behind it, so that `#` needs no special case for dots. */
function modelMatches(pattern: string, key: string): boolean {
  const source = topicWords(pattern)
    .map((word) => (word === '#' ? '(?:[^!]*!)*' : word === '*' ? '[^!]*!' : `${word}!`))
    .join('')
  const text = topicWords(key)
    .map((word) => `${word}!`)
    .join('')
  return new RegExp(`^${source}$`).test(text)
}

const key = fc.array(fc.constantFrom('a', 'b', 'ab', ''), { maxLength: 5 }).map((words) => words.join('.'))
const pattern = fc
  .array(fc.constantFrom('a', 'b', 'ab', '', '*', '#'), { maxLength: 5 })
  .map((words) => words.join('.'))
  .filter((text) => refusesTopicPattern(text) === undefined)

test('a trie matches what a regular expression matches, after any additions and removals', () => {
  fc.assert(
    fc.property(fc.uniqueArray(pattern), fc.array(fc.nat(20)), fc.array(key, { minLength: 1 }), (all, gone, keys) => {
      const trie = new TopicTrie<string>()
      for (const each of all) trie.add(each, each)
      const left = new Set(all)
      for (const index of gone) {
        const each = all[index]
        if (each === undefined) continue
        trie.remove(each, each)
        left.delete(each)
      }
      for (const each of keys) {
        const wanted = [...left].filter((candidate) => modelMatches(candidate, each)).sort()
        assert.deepEqual(matches(trie, each), wanted, each)
      }
    }),
    { numRuns: 500 },
  )
})

test('a trie without values has no nodes left', () => {
  const trie = new TopicTrie<number>()
  trie.add('a.*.#', 1)
  trie.add('a.b', 2)
  trie.add('', 3)
  trie.remove('a.b', 2)
  assert.equal(trie.isEmpty, false)
  trie.remove('a.*.#', 1)
  trie.remove('a.*.#', 1)
  trie.remove('never.there', 1)
  trie.remove('', 3)
  assert.equal(trie.isEmpty, true)
})

test('the empty pattern matches the empty key alone, and an empty word is a word', () => {
  const trie = new TopicTrie<string>()
  for (const each of ['', '#', '*', 'a.*.b', 'a.#']) trie.add(each, each)
  assert.deepEqual(matches(trie, ''), ['', '#'])
  assert.deepEqual(matches(trie, 'a..b'), ['#', 'a.#', 'a.*.b'])
  assert.deepEqual(matches(trie, 'a'), ['#', '*', 'a.#'])
})

test('a key may contain the characters of the wildcards', () => {
  const trie = new TopicTrie<string>()
  for (const each of ['*', '#.x', 'a']) trie.add(each, each)
  assert.deepEqual(matches(trie, '*'), ['*'])
  assert.deepEqual(matches(trie, '#'), ['*'])
  assert.deepEqual(matches(trie, '#.x'), ['#.x'])
})

test('a long key of wildcard characters takes one way through the nodes', () => {
  const trie = new TopicTrie<string>()
  const long = Array.from({ length: 120 }, () => '*').join('.')
  trie.add(long, long)
  let count = 0
  trie.match(long, { onMatch: () => count++ })
  assert.equal(count, 1)
})

test('two # are acceptable, three are not', () => {
  assert.equal(refusesTopicPattern('#.a.#'), undefined)
  assert.equal(refusesTopicPattern('##.#a.#'), undefined)
  assert.equal(
    refusesTopicPattern('#.a.#.#'),
    "Topic binding key '#.a.#.#' uses 3 '#' wildcards, at most 2 are allowed",
  )
})
