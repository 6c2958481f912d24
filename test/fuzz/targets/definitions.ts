// Definitions files: what they say, and what an import of them would change in a broker. Held: a wrong file is
// `InvalidDefinitions` with its problems; a plan changes nothing by itself.

import { SILENT_LOGGER } from '../../../src/base/log.ts'
import type { Randomness } from '../../../src/base/random.ts'
import { importContext } from '../../../src/boot/contents.ts'
import { startBroker } from '../../../src/boot.ts'
import { settingsWith } from '../../../src/config/build-settings.ts'
import { type Definitions, InvalidDefinitions } from '../../../src/management/definitions/definitions.ts'
import { planImport } from '../../../src/management/definitions/import-plan.ts'
import { parseDefinitions } from '../../../src/management/definitions/parse-definitions.ts'
import { type FuzzTarget, holds, outcomeOf, pick, refusalOf, words } from '../fuzz-target.ts'
import { anyJson, jsonText } from './json-grammar.ts'

const ARGUMENTS = [
  'x-queue-type',
  'x-max-length',
  'x-message-ttl',
  'x-match',
  'x-max-priority',
  'alternate-exchange',
  'x-dead-letter-exchange',
  'x-expires',
  'x-overflow',
]
const NAMES = ['a', 'b', '', 'guest', 'amq.topic', 'amq.new', '/', 'é', 'q'.repeat(256)]

type Field = (random: Randomness) => unknown
const name: Field = (random) => pick(random, NAMES)
const vhost: Field = (random) => (random.below(8) === 0 ? pick(random, NAMES) : '/')
const flag: Field = (random) => random.below(2) === 0
const pattern: Field = (random) => pick(random, ['.*', '', '^a', '(', '(?i)a', '[', '\\A\\z'])
const args: Field = (random) =>
  Object.fromEntries(
    Array.from({ length: random.below(3) }, () => [
      pick(random, ARGUMENTS),
      random.below(2) === 0 ? pick(random, ['quorum', 'classic', 'all', 'drop-head', 'a', 10, 0, -1]) : anyJson(random),
    ]),
  )
const SECTIONS: Readonly<Record<string, Readonly<Record<string, Field>>>> = {
  users: {
    name,
    password: name,
    password_hash: name,
    hashing_algorithm: (random) => pick(random, ['rabbit_password_hashing_sha256', 'x']),
    tags: (random) => pick(random, ['administrator', [], ['monitoring'], 'a,b']),
    limits: anyJson,
  },
  vhosts: {
    name,
    description: name,
    tags: anyJson,
    default_queue_type: (random) => pick(random, ['quorum', 'undefined', 'x']),
    metadata: anyJson,
    limits: anyJson,
  },
  permissions: { vhost, user: name, configure: pattern, write: pattern, read: pattern },
  topic_permissions: { vhost, user: name, exchange: name, write: pattern, read: pattern },
  parameters: {
    vhost,
    component: (random) => pick(random, ['operator_policy', 'vhost-limits', 'shovel', 'x']),
    name,
    value: anyJson,
  },
  global_parameters: { name, value: anyJson },
  policies: {
    vhost,
    name,
    pattern,
    'apply-to': (random) => pick(random, ['all', 'queues', 'x']),
    priority: (random) => random.below(9),
    definition: (random) => ({
      [pick(random, ['max-length', 'message-ttl', 'ha-mode', 'x'])]: pick(random, [5, 'a', -1, 'all']),
    }),
  },
  queues: {
    vhost,
    name,
    durable: flag,
    auto_delete: flag,
    arguments: args,
    type: (random) => pick(random, ['classic', 'quorum', 'x']),
  },
  exchanges: {
    vhost,
    name,
    type: (random) => pick(random, ['direct', 'topic', 'headers', 'x-delayed-message', 'x']),
    durable: flag,
    auto_delete: flag,
    internal: flag,
    arguments: args,
  },
  bindings: {
    vhost,
    source: name,
    destination: name,
    destination_type: (random) => pick(random, ['queue', 'exchange', 'x']),
    routing_key: name,
    arguments: args,
  },
}

function generate(random: Randomness): Buffer {
  const file: Record<string, unknown> = {}
  for (const [section, fields] of Object.entries(SECTIONS)) {
    if (random.below(4) > 0) continue
    file[section] = Array.from({ length: random.below(3) }, () =>
      Object.fromEntries(
        Object.entries(fields)
          .filter(() => random.below(10) > 0)
          .map(([field, make]) => [field, random.below(25) === 0 ? anyJson(random) : make(random)]),
      ),
    )
  }
  return Buffer.from(jsonText(random, file))
}

const WHOLE = {
  users: [
    { name: 'a', password_hash: 'AAAAAAAA', hashing_algorithm: 'rabbit_password_hashing_sha256', tags: ['monitoring'] },
  ],
  vhosts: [{ name: 'b' }],
  permissions: [{ vhost: '/', user: 'guest', configure: '.*', write: '.*', read: '.*' }],
  policies: [
    { vhost: '/', name: 'p', pattern: '.*', 'apply-to': 'queues', definition: { 'max-length': 10 }, priority: 1 },
  ],
  queues: [{ vhost: '/', name: 'q', durable: true, auto_delete: false, arguments: { 'x-max-length': 5 } }],
  exchanges: [
    { vhost: '/', name: 'e', type: 'topic', durable: true, auto_delete: false, internal: false, arguments: {} },
  ],
  bindings: [
    { vhost: '/', source: 'e', destination: 'q', destination_type: 'queue', routing_key: 'a.#', arguments: {} },
  ],
}

/** The target. Holds a broker in memory, which the plans are made for. */
export async function definitionsTarget(random: Randomness): Promise<FuzzTarget> {
  const settings = settingsWith()
  const booted = await startBroker({ settings, dataDir: null, logger: SILENT_LOGGER, listen: false })
  const { foundation } = booted.parts
  const context = importContext(foundation, settings)
  return {
    name: 'definitions',
    seeds: [Buffer.from(JSON.stringify(WHOLE)), ...Array.from({ length: 20 }, () => generate(random))],
    dictionary: words(
      '"',
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      'null',
      'true',
      '-1',
      '1e999',
      '"vhost":"/"',
      '\\u0000',
      '\xef\xbb\xbf',
      '__proto__',
      '"name":""',
    ),
    generate,
    check: (input) => {
      let definitions: Definitions | undefined
      const into = input.length % 5 === 0 ? '/' : undefined
      const error = refusalOf(InvalidDefinitions, () => {
        definitions = parseDefinitions(input.toString('utf8'), into)
        for (const _ of planImport(definitions, foundation.metadata, context));
      })
      if (error === undefined) return 'fine'
      holds(error.problems.length > 0, 'an error without a problem')
      return `${definitions === undefined} ${outcomeOf(new Error(error.problems[0]!.replaceAll(/'[^']*'/g, '')))}`
    },
    close: () => booted.stop(),
  }
}
