import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TopicTrie } from '../../model/routing/topic-trie.ts'
import {
  isExactInExchange,
  matchesWords,
  parseShared,
  refusesTopicFilter,
  refusesTopicName,
  TOPIC_BYTES_MAX,
  TopicNames,
} from './topics.ts'

const names = new TopicNames(false)
const level = fc.constantFrom('', 'a', 'b', '$x', '*', 'ä')
const topic = fc
  .array(level, { minLength: 1, maxLength: 4 })
  .map((levels) => levels.join('/'))
  .filter((text) => text !== '')
const filter = fc
  .tuple(fc.array(fc.oneof(level, fc.constant('+')), { minLength: 1, maxLength: 4 }), fc.boolean())
  .map(([levels, hasRest]) => [...levels, ...(hasRest ? ['#'] : [])].join('/'))
  .filter((text) => text !== '')

/** The specification's words as a regular expression. [MQTT 5.0 §4.7] */
function expressionOf(text: string): RegExp {
  const escaped = text
    .split('/')
    .map((each) => (each === '+' ? '[^/]*' : each.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')))
    .join('/')
  const body = escaped === '#' ? '.*' : escaped.replace(/\/#$/, '(/.*)?')
  return new RegExp(`^${/^[+#]/.test(text) ? '(?!\\$)' : ''}${body}$`, 'u')
}

test('filters match topics as the specification says', () => {
  fc.assert(
    fc.property(topic, filter, (name, pattern) => {
      const matches = matchesWords(names.words(pattern), names.routingKey(name).split('.'))
      assert.equal(matches, expressionOf(pattern).test(name), `${pattern} and ${name}`)
    }),
    { numRuns: 1000 },
  )
})

test('what the exchange finds for an exact filter is what the filter means', () => {
  fc.assert(
    fc.property(topic, filter, (name, pattern) => {
      const words = names.words(pattern)
      const key = names.routingKey(name)
      const trie = new TopicTrie<string>()
      trie.add(names.bindingKey(pattern), pattern)
      let found = false
      trie.match(key, { onMatch: () => (found = true) })
      const matches = matchesWords(words, key.split('.'))
      if (isExactInExchange(words)) assert.equal(found, matches)
      else assert(found || !matches, 'the exchange finds at least what matches')
    }),
    { numRuns: 1000 },
  )
})

test('names that cannot be published to', () => {
  assert.equal(refusesTopicName('a/b'), undefined)
  for (const bad of ['', 'a/+', '#', 'a'.repeat(TOPIC_BYTES_MAX + 1)]) assert.notEqual(refusesTopicName(bad), undefined)
})

test('filters that cannot be subscribed to', () => {
  for (const good of ['#', '+', 'a/+/#', '/', '+/+']) assert.equal(refusesTopicFilter(good), undefined)
  for (const bad of ['', 'a#', '#/a', 'a+', 'a/+b', 'a/#/b']) assert.notEqual(refusesTopicFilter(bad), undefined)
})

test('shared filters', () => {
  assert.deepEqual(parseShared('$share/g/a/b'), { group: 'g', filter: 'a/b' })
  for (const bad of ['$share/g', '$share//a', '$share/g/', '$share/+/a']) assert.equal(parseShared(bad), undefined)
})

test("Sparkplug's name spaces keep their dot", () => {
  const escaping = new TopicNames(true)
  assert.equal(escaping.routingKey('spBv1.0/group/DATA'), 'spBv1___0.group.DATA')
  assert.equal(escaping.topic('spBv1___0.group.DATA'), 'spBv1.0/group/DATA')
  assert.equal(escaping.bindingKey('spAv1.0/+/#'), 'spAv1___0.*.#')
  assert.equal(names.topic(names.routingKey('a.b/c')), 'a/b/c')
})
