import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { SeededRandomness } from '../../base/random.ts'
import type { QueueKind } from '../../model/queue/queue-host.ts'
import type { Metadata } from '../../model/records/metadata.ts'
import { metadataKeys, type QueueRecord, type UserRecord, type VhostRecord } from '../../model/records/records.ts'
import type { ExchangeType } from '../../model/routing/exchange.ts'
import type { Json } from '../../model/values/arguments-json.ts'
import { AdversarialMetadata } from '../../storage/metadata-adversarial.ts'
import { createMemoryMetadata } from '../../storage/metadata-memory.ts'
import { InvalidDefinitions } from './definitions.ts'
import { importDefinitionsFiles } from './definitions-files.ts'
import { exportDefinitions, exportVhostDefinitions } from './export-definitions.ts'
import type { JsonObject } from './field-reader.ts'
import { RABBITMQ_3_10, RABBITMQ_3_10_VHOST, RABBITMQ_4_1 } from './fixtures.ts'
import type { ImportContext } from './import-plan.ts'
import { importDefinitions } from './importer.ts'
import { parseDefinitions } from './parse-definitions.ts'
import { topologyBuilders } from './topology-builders.ts'

const ORIGIN = { product: 'RabbitMQ', version: '4.1.0', clusterName: 'warren@here' }

function context(): ImportContext {
  let lastId = 0
  const builders = topologyBuilders({
    queueKinds: new Map(['classic', 'quorum'].map((name) => [name, kind(name)])),
    exchangeTypes: new Map(['direct', 'fanout', 'topic', 'headers'].map((name) => [name, exchangeType(name)])),
    defaultQueueType: 'classic',
    newLedgerId: () => ++lastId,
  })
  const hashing = { algorithm: 'rabbit_password_hashing_sha256', randomness: new SeededRandomness(9) } as const
  return { builders, hashing, actingUser: 'importer' }
}

/** A kind that refuses transient quorum queues; what else kinds do is not asked here. */
function kind(name: string): QueueKind {
  const refusal = { code: 'precondition-failed', text: `invalid property 'non-durable'` } as const
  const judged: Pick<QueueKind, 'name' | 'refusesDeclaration'> = {
    name,
    refusesDeclaration: ({ durable }) => (name === 'quorum' && !durable ? refusal : undefined),
  }
  return judged as QueueKind
}

function exchangeType(name: string): ExchangeType {
  const judged: Pick<ExchangeType, 'name' | 'keepsMessages' | 'refusesArguments' | 'refusesBinding'> = {
    name,
    keepsMessages: false,
    refusesArguments: () => undefined,
    refusesBinding: ({ record }) => (record.routingKey === 'never' ? 'this key is not permitted' : undefined),
  }
  return judged as ExchangeType
}

async function imported(text: string, metadata: Metadata = createMemoryMetadata()): Promise<Metadata> {
  await importDefinitions(parseDefinitions(text), metadata, context())
  return metadata
}

function namesOf(metadata: Metadata, ...prefix: string[]): string[] {
  return [...metadata.list(prefix)].map(({ key }) => key.slice(1).join(' '))
}

test('an export of RabbitMQ 3.10 imports as it is', async () => {
  const metadata = await imported(RABBITMQ_3_10)
  assert.deepEqual(namesOf(metadata, 'user'), ['guest', 'shop-app', 'shop-nopw'])
  assert.deepEqual(metadata.get(metadataKeys.user('shop-app'))?.value, {
    name: 'shop-app',
    passwordHash: 'yo+h1klxtejss5nLHLCU3WEdCfk57ysrhiv9JB82wh4Gxm4w',
    hashingAlgorithm: 'rabbit_password_hashing_sha256',
    tags: ['monitoring', 'policymaker'],
    maxConnections: -1,
    maxChannels: 20,
  })
  const vhost = metadata.get(metadataKeys.vhost('shop'))?.value as VhostRecord
  assert.deepEqual([vhost.maxConnections, vhost.maxQueues], [100, 500])
  assert.deepEqual(namesOf(metadata, 'queue'), ['shop shop-classic', 'shop shop-quorum', 'shop shop-transient'])
  const queue = metadata.get(metadataKeys.queue('shop', 'shop-classic'))?.value as QueueRecord
  assert.deepEqual(
    queue.arguments.map(([name, type]) => [name, type]),
    [
      ['x-custom', 'table'],
      ['x-dead-letter-exchange', 'longstr'],
      ['x-max-length', 'long'],
      ['x-max-priority', 'long'],
      ['x-message-ttl', 'long'],
      ['x-overflow', 'longstr'],
      ['x-queue-type', 'longstr'],
    ],
  )
  assert.deepEqual(namesOf(metadata, 'operator-policy'), ['shop shop-op'])
  assert.deepEqual(namesOf(metadata, 'policy'), ['shop shop-ttl'])
  assert.deepEqual(namesOf(metadata, 'global-parameter'), ['cluster_name', 'shop-global'])
  assert.deepEqual(metadata.get(metadataKeys.globalParameter('shop-global'))?.value, { x: [1, 2] })
  assert.equal(namesOf(metadata, 'binding').length, 5)
  assert.deepEqual(namesOf(metadata, 'permission'), ['/ guest', 'shop guest', 'shop shop-app'])
  assert.deepEqual(namesOf(metadata, 'topic-permission'), ['shop shop-app amq.topic'])
})

test('a file of 4.x: metadata of vhosts, types beside arguments, old mirror policies, unknown sections', async () => {
  const metadata = await imported(`\uFEFF${RABBITMQ_4_1}`)
  assert.deepEqual(metadata.get(metadataKeys.vhost('billing'))?.value, {
    name: 'billing',
    description: 'Invoices',
    tags: ['pci'],
    defaultQueueType: 'quorum',
    tracing: false,
    protectedFromDeletion: true,
    maxConnections: 50,
    maxQueues: -1,
  })
  const types = [...metadata.list(['queue'])].map(({ value }) => [
    (value as QueueRecord).name,
    (value as QueueRecord).type,
  ])
  assert.deepEqual(types, [
    ['marked', 'quorum'],
    ['plain', 'classic'],
    ['in.invoices', 'quorum'],
  ])
  assert.deepEqual(namesOf(metadata, 'policy'), ['billing retry'])
  assert.deepEqual(namesOf(metadata, 'parameter'), ['billing federation-upstream origin'])
})

test('a second import of the same file changes nothing', async () => {
  for (const text of [RABBITMQ_3_10, RABBITMQ_4_1]) {
    const metadata = await imported(text)
    const { revision } = metadata
    const summary = await importDefinitions(parseDefinitions(text), metadata, context())
    assert.equal(summary.size, 0)
    assert.equal(metadata.revision, revision)
  }
})

test('queues, exchanges and bindings that exist stay; users, vhosts and policies follow the file', async () => {
  const metadata = await imported(RABBITMQ_4_1)
  const file = JSON.parse(RABBITMQ_4_1) as Record<string, JsonObject[]>
  file.queues![1] = { ...file.queues![1], arguments: { 'x-max-length': 5 } }
  file.users![0] = { ...file.users![0], tags: 'monitoring, management' }
  const summary = await importDefinitions(parseDefinitions(JSON.stringify(file)), metadata, context())
  assert.deepEqual([...summary], [['users', 1]])
  assert.deepEqual((metadata.get(metadataKeys.user('guest'))!.value as UserRecord).tags, ['monitoring', 'management'])
})

test('what is exported imports elsewhere and exports the same', async () => {
  for (const text of [RABBITMQ_3_10, RABBITMQ_4_1]) {
    const first = exportDefinitions(await imported(text), ORIGIN)
    const second = exportDefinitions(await imported(JSON.stringify(first)), ORIGIN)
    assert.deepEqual(second, first)
  }
})

test('an export says again what the file said', async () => {
  const file = JSON.parse(RABBITMQ_3_10) as JsonObject
  const exported = exportDefinitions(await imported(RABBITMQ_3_10), ORIGIN)
  const sorted = (json: Json | undefined): string[] => (json as JsonObject[]).map((item) => canonical(item)).sort()
  for (const section of [
    'users',
    'permissions',
    'topic_permissions',
    'policies',
    'parameters',
    'exchanges',
    'bindings',
  ]) {
    assert.deepEqual(sorted(exported[section]), sorted(file[section]), section)
  }
  assert.deepEqual(exported.global_parameters, [
    { name: 'cluster_name', value: 'rabbit@shop' },
    { name: 'shop-global', value: { x: [1, 2] } },
  ])
  assert.equal(exported.rabbitmq_definition_format, 'cluster')
})

function canonical(json: Json): string {
  return JSON.stringify(json, (_name, value: Json) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  )
}

test('exclusive queues and their bindings are not exported', async () => {
  const metadata = await imported(RABBITMQ_4_1)
  const queue = metadata.get(metadataKeys.queue('/', 'plain'))?.value as QueueRecord
  const value = { ...queue, name: 'mine', exclusive: true, owner: '1', durable: false }
  metadata.transactEphemeral([], [{ op: 'put', key: metadataKeys.queue('/', 'mine'), value }], () => undefined)
  assert.ok(!JSON.stringify(exportDefinitions(metadata, ORIGIN)).includes('mine'))
})

test('one vhost: its file imports into another, and its export names no vhost', async () => {
  const metadata = await imported(RABBITMQ_3_10)
  const key = metadataKeys.vhost('copy')
  const value = { ...(metadata.get(metadataKeys.vhost('shop'))!.value as VhostRecord), name: 'copy' }
  metadata.transact([], [{ op: 'put', key, value }], () => undefined)
  await importDefinitions(parseDefinitions(RABBITMQ_3_10_VHOST, 'copy'), metadata, context())
  assert.equal(namesOf(metadata, 'queue', 'copy').length, 3)
  const exported = exportVhostDefinitions(metadata, 'copy', ORIGIN)
  assert.ok(exported !== undefined)
  assert.equal(exported.rabbitmq_definition_format, 'single_virtual_host')
  for (const section of ['queues', 'exchanges', 'bindings', 'policies', 'parameters']) {
    for (const item of exported[section] as JsonObject[]) assert.equal(item.vhost, undefined)
  }
  assert.throws(() => parseDefinitions(JSON.stringify(exported)), /single virtual host: import it into one/)
  assert.throws(() => parseDefinitions(RABBITMQ_3_10_VHOST), /vhost is missing/)
  assert.equal(exportVhostDefinitions(metadata, 'nowhere', ORIGIN), undefined)
})

test('everything wrong is named, with its object, and nothing is imported', async () => {
  const text = JSON.stringify({
    users: [{ name: '' }, { name: 'a', password_hash: 'x!', hashing_algorithm: 'rot13' }, 7],
    vhosts: [{ name: 'v', tracing: 'yes' }],
    permissions: [{ user: 'a', vhost: 'v', configure: '(', write: '.*', read: '.*' }],
    policies: [{ vhost: 'v', name: 'p', pattern: '.*', definition: { nonsense: 1 } }],
    queues: [{ name: 'q', vhost: 'v', durable: 'yes' }, { vhost: 'v' }],
    exchanges: {},
    bindings: [{ source: 's', destination: 'd', destination_type: 'topic', vhost: 'v' }],
  })
  assert.throws(
    () => parseDefinitions(text),
    (error) => {
      assert.ok(error instanceof InvalidDefinitions)
      assert.deepEqual(error.problems, [
        "user '': the name is empty",
        'user number 3 must be an object',
        'vhost \'v\': tracing must be true or false, is "yes"',
        "permission of user 'a' in vhost 'v': configure is not a regular expression: (",
        "policy 'p' in vhost 'v': [{<<\"nonsense\">>,1}] are not recognised policy settings",
        'exchanges must be a list',
        "queue 'q' in vhost 'v': durable must be true or false, is \"yes\"",
        'queue number 2: name is missing',
        'queue number 2: the name is empty',
        "binding from 's' to 'd' in vhost 'v': destination_type must be 'queue' or 'exchange', is 'topic'",
      ])
      return true
    },
  )
  assert.throws(() => parseDefinitions('{"users": ['), /this is not JSON/)
  assert.throws(() => parseDefinitions('[]'), /must be a JSON object/)
})

test('what objects refer to must be there; types judge what is created; nothing is half imported', async () => {
  const metadata = createMemoryMetadata()
  const all = { configure: '', write: '', read: '' }
  const text = JSON.stringify({
    users: [{ name: 'a', password_hash: 'AAAA' }],
    vhosts: [{ name: 'v' }],
    permissions: [{ user: 'b', vhost: 'v', ...all }],
    policies: [{ vhost: 'w', name: 'p', pattern: '.*', definition: { expires: 1 } }],
    queues: [
      { name: 'q', vhost: 'v' },
      { name: 't', vhost: 'v', durable: false, arguments: { 'x-queue-type': 'quorum' } },
      { name: 's', vhost: 'v', arguments: { 'x-queue-type': 'stream' } },
    ],
    exchanges: [{ name: 'x', vhost: 'v', type: 'x-nonsense' }],
    bindings: [
      { source: 'amq.direct', destination: 'gone', vhost: 'v' },
      { source: 'amq.direct', destination: 'q', routing_key: 'never', vhost: 'v' },
      { source: '', destination: 'q', routing_key: 'q', vhost: 'v' },
    ],
  })
  await assert.rejects(importDefinitions(parseDefinitions(text), metadata, context()), (error) => {
    assert.ok(error instanceof InvalidDefinitions)
    assert.deepEqual(error.problems, [
      "user 'a': the password hash has 3 bytes, 36 expected for rabbit_password_hashing_sha256",
      "permission of user 'b' in vhost 'v': there is no user 'b'",
      "policy 'p': there is no vhost 'w'",
      "exchange 'x' in vhost 'v': unknown exchange type 'x-nonsense'",
      "queue 't' in vhost 'v': invalid property 'non-durable'",
      "queue 's' in vhost 'v': unsupported queue type 'stream'",
      "binding from 'amq.direct' to 'gone' in vhost 'v': there is no queue 'gone'",
      "binding from 'amq.direct' to 'q' in vhost 'v': this key is not permitted",
    ])
    return true
  })
  assert.equal(metadata.revision, 0)
})

test('a password in plain text is hashed once, not at every import', async () => {
  const text = JSON.stringify({ users: [{ name: 'a', password: 'secret', tags: [] }] })
  const metadata = await imported(text)
  const { revision } = metadata
  await imported(text, metadata)
  assert.equal(metadata.revision, revision)
  await imported(JSON.stringify({ users: [{ name: 'a', password: 'other', tags: [] }] }), metadata)
  assert.ok(metadata.revision > revision)
})

test('new virtual hosts are given what the configuration says; the file wins', async () => {
  const permissions = { configure: '', write: '', read: '.*' }
  const vhostDefaults = {
    users: [{ name: 'qa', password: 'x', tags: [], vhostPattern: '^v', permissions }],
    limits: [{ vhostPattern: '^v', maxConnections: 3, maxQueues: 4 }],
    operatorPolicies: [{ name: 'cap', vhostPattern: '^v', queuePattern: '.*', definition: { expires: 5 } }],
  }
  const metadata = createMemoryMetadata()
  const text = JSON.stringify({ vhosts: [{ name: 'v', limits: { 'max-queues': 7 } }, { name: 'w' }] })
  const withDefaults = { ...context(), vhostDefaults }
  await importDefinitions(parseDefinitions(text), metadata, withDefaults)
  const { maxConnections, maxQueues } = metadata.get(metadataKeys.vhost('v'))!.value as VhostRecord
  assert.deepEqual([maxConnections, maxQueues], [3, 7])
  assert.deepEqual(namesOf(metadata, 'permission'), ['v qa'])
  assert.deepEqual(namesOf(metadata, 'operator-policy'), ['v cap'])
  assert.equal((await importDefinitions(parseDefinitions(text), metadata, withDefaults)).size, 0)
})

test('a large import of a broker at work lets others have their turn, who see it as one change', async () => {
  const queues = Array.from({ length: 2_500 }, (_, i) => ({ name: `q${i}`, vhost: 'v' }))
  const bindings = queues.map(({ name }) => ({ source: 'amq.direct', destination: name, vhost: 'v' }))
  const definitions = parseDefinitions(JSON.stringify({ vhosts: [{ name: 'v' }], queues, bindings }))
  const metadata = createMemoryMetadata()
  const seen: number[] = []
  metadata.watch((_revision, ops) => seen.push(ops.length))
  let turns = 0
  const counting = setInterval(() => turns++, 0)
  const summary = await importDefinitions(definitions, metadata, context(), { isGradual: true })
  clearInterval(counting)
  assert.deepEqual(
    [...summary],
    [
      ['vhosts', 1],
      ['queues', 2_500],
      ['bindings', 2_500],
    ],
  )
  assert.deepEqual(seen, [0, 5_001])
  assert.ok(turns > 0, 'others had their turn')
  const again = await importDefinitions(definitions, metadata, context(), { isGradual: true })
  assert.equal(again.size, 0)
})

test('a large import that is wrong somewhere changes nothing, nor does one that cannot be stored', async () => {
  const queues = Array.from({ length: 2_500 }, (_, i) => ({ name: `q${i}`, vhost: 'v' }))
  const wrong = [...queues, { name: 's', vhost: 'v', arguments: { 'x-queue-type': 'stream' } }]
  const metadata = createMemoryMetadata()
  const bad = parseDefinitions(JSON.stringify({ vhosts: [{ name: 'v' }], queues: wrong }))
  await assert.rejects(importDefinitions(bad, metadata, context(), { isGradual: true }), InvalidDefinitions)
  assert.equal(metadata.revision, 0)
  const good = parseDefinitions(JSON.stringify({ vhosts: [{ name: 'v' }], queues }))
  const transact = metadata.transact.bind(metadata)
  metadata.transact = (_guards, _ops, done) => {
    done({ ok: false, reason: 'unavailable', error: new Error('the disk is full') })
  }
  await assert.rejects(importDefinitions(good, metadata, context(), { isGradual: true }), /the disk is full/)
  metadata.transact = transact
  assert.equal(namesOf(metadata, 'queue').length, 0)
  const summary = await importDefinitions(good, metadata, context(), { isGradual: true })
  assert.equal(summary.get('queues'), 2_500)
})

test('an import meets changes by others: it is all there, or nothing is', async () => {
  for (let seed = 1; seed <= 10; seed++) {
    const randomness = new SeededRandomness(seed)
    const adversity = { randomness, later: setImmediate, delayRoundsMax: 3, failurePercent: 40, conflictPercent: 50 }
    const metadata = new AdversarialMetadata(adversity)
    try {
      await imported(RABBITMQ_4_1, metadata)
      assert.equal(namesOf(metadata, 'queue').length, 3)
    } catch (error) {
      assert.match(String(error), /injected/)
      assert.equal(namesOf(metadata).length, 0)
    }
  }
})

test('files at boot: a folder is one import in order of names; unchanged ones are passed over when asked', async () => {
  const folder = await mkdtemp(path.join(tmpdir(), 'warren-definitions-'))
  try {
    await writeFile(path.join(folder, '20-queues.json'), '{"queues": [{"name": "q", "vhost": "v"}]}')
    await writeFile(path.join(folder, '10-vhosts.json'), '{"vhosts": [{"name": "v"}]}')
    await writeFile(path.join(folder, 'notes.txt'), 'not definitions')
    const metadata = createMemoryMetadata()
    const load = (skipIfUnchanged: boolean, location = folder): ReturnType<typeof importDefinitionsFiles> =>
      importDefinitionsFiles({ location, skipIfUnchanged, hashAlgorithm: 'sha' }, metadata, context())
    const first = await load(true)
    assert.deepEqual(
      [...(first ?? [])],
      [
        ['vhosts', 1],
        ['queues', 1],
      ],
    )
    assert.equal(await load(true), undefined)
    assert.equal((await load(false))?.size, 0)
    await writeFile(path.join(folder, '10-vhosts.json'), '{"vhosts": [{"name": "v"}, {"name": "w"}]}')
    assert.deepEqual([...((await load(true)) ?? [])], [['vhosts', 1]])
    await writeFile(path.join(folder, '30-bad.json'), '{"queues": [{"vhost": "v", "name": 3}]}')
    await assert.rejects(load(true), /30-bad.json: queue number 1: name must be text, is 3/)
    await assert.rejects(load(false, path.join(folder, 'none')), /ENOENT/)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
