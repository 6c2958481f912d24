/**
 * Topic names and filters, and how they stand in a topic exchange: `a/b/+/#` is the binding key `a.b.*.#`, the topic
 * `a/b` the routing key `a.b`. [MQTT 5.0 §4.7; RabbitMQ: MQTT topics]
 *
 * The way back makes every `.` of a routing key a `/`, also one that the topic had: RabbitMQ's documented limitation.
 * Sparkplug's name spaces contain a dot and are escaped when the setting says so: `spBv1.0` ↔ `spBv1___0`.
 */

/** Longest topic or filter: routing keys have at most 255 bytes. */
export const TOPIC_BYTES_MAX = 255
/** Levels of a topic or filter at most. */
export const TOPIC_LEVELS_MAX = 128

const SPARKPLUG_DOTTED = /(^|\/)(sp[AB]v1)\.0(?=\/|$)/g
const SPARKPLUG_ESCAPED = /(^|\.)(sp[AB]v1)___0(?=\.|$)/g

/** Translates between topics and keys, by the setting on Sparkplug. */
export class TopicNames {
  readonly escapesSparkplug: boolean

  constructor(escapesSparkplug: boolean) {
    this.escapesSparkplug = escapesSparkplug
  }

  /** The routing key of a topic. */
  routingKey(topic: string): string {
    return this.#escaped(topic).replaceAll('/', '.')
  }

  /** The binding key of a filter. */
  bindingKey(filter: string): string {
    return this.#escaped(filter)
      .split('/')
      .map((level) => (level === '+' ? '*' : level))
      .join('.')
  }

  /** The topic of a routing key, whatever protocol it was published over. */
  topic(routingKey: string): string {
    const unescaped = this.escapesSparkplug ? routingKey.replace(SPARKPLUG_ESCAPED, '$1$2\u0000') : routingKey
    return unescaped.replaceAll('.', '/').replaceAll('\u0000', '.0')
  }

  /** The words of a filter, to be matched against the words of a routing key. */
  words(filter: string): readonly FilterWord[] {
    return this.#escaped(filter)
      .replaceAll('.', '/')
      .split('/')
      .map((level) => (level === '+' ? ANY_WORD : level === '#' ? ANY_WORDS : level))
  }

  #escaped(topic: string): string {
    return this.escapesSparkplug ? topic.replace(SPARKPLUG_DOTTED, '$1$2___0') : topic
  }
}

/** `+` of a filter. */
export const ANY_WORD = Symbol('+')
/** `#` of a filter. */
export const ANY_WORDS = Symbol('#')
/** A level of a filter: text stands for itself. */
export type FilterWord = string | typeof ANY_WORD | typeof ANY_WORDS

/** Whether a filter's words match the words of a routing key. A wildcard in first place matches no `$…`. [MQTT-4.7.2-1] */
export function matchesWords(filter: readonly FilterWord[], key: readonly string[]): boolean {
  if (typeof filter[0] !== 'string' && key[0]!.startsWith('$')) return false
  for (let i = 0; i < filter.length; i++) {
    const word = filter[i]!
    if (word === ANY_WORDS) return true
    if (i === key.length) return false
    if (word !== ANY_WORD && word !== key[i]) return false
  }
  return filter.length === key.length
}

/**
 * Whether the exchange finds exactly what the filter means: it does not know `$`, and takes a `*` in a filter for its
 * own wildcard.
 */
export function isExactInExchange(words: readonly FilterWord[]): boolean {
  return typeof words[0] === 'string' && !words.includes('*')
}

/** Why a topic cannot be published to, or undefined. */
export function refusesTopicName(topic: string): string | undefined {
  if (topic === '') return 'is empty'
  if (topic.includes('+') || topic.includes('#')) return 'contains a wildcard'
  return refusesLength(topic)
}

/** Why a filter cannot be subscribed to, or undefined. [MQTT-4.7.1-1, MQTT-4.7.1-2] */
export function refusesTopicFilter(filter: string): string | undefined {
  if (filter === '') return 'is empty'
  const levels = filter.split('/')
  for (let i = 0; i < levels.length; i++) {
    const level = levels[i]!
    if (level.includes('#') && (level !== '#' || i !== levels.length - 1))
      return "has '#' in a place other than the end"
    if (level.includes('+') && level !== '+') return "has '+' beside other characters"
  }
  return refusesLength(filter)
}

function refusesLength(text: string): string | undefined {
  if (Buffer.byteLength(text) > TOPIC_BYTES_MAX) return `is longer than ${TOPIC_BYTES_MAX} bytes`
  let levels = 1
  for (const character of text) if (character === '/' || character === '.') levels++
  return levels > TOPIC_LEVELS_MAX ? `has more than ${TOPIC_LEVELS_MAX} levels` : undefined
}

/** A filter of a group: `$share/<group>/<filter>`. [MQTT 5.0 §4.8.2] */
export interface SharedFilter {
  readonly group: string
  readonly filter: string
}

const SHARE_PREFIX = '$share/'

/** Whether the text means a shared subscription. */
export function isShared(filter: string): boolean {
  return filter.startsWith(SHARE_PREFIX)
}

/** The parts of a shared filter; undefined when it is malformed. */
export function parseShared(filter: string): SharedFilter | undefined {
  const slash = filter.indexOf('/', SHARE_PREFIX.length)
  if (slash <= SHARE_PREFIX.length || slash === filter.length - 1) return undefined
  const group = filter.slice(SHARE_PREFIX.length, slash)
  return /[+#]/.test(group) ? undefined : { group, filter: filter.slice(slash + 1) }
}
