import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  ALICE,
  answerOf,
  BOB,
  binding,
  queueDeclaration,
  refusalOf,
  TestWorld,
  texts,
  value,
} from '../../../test/support/model-world.ts'
import { SeededRandomness } from '../../base/random.ts'
import { AdversarialMetadata } from '../../storage/metadata-adversarial.ts'
import { argumentsFromJson, argumentsToJson, restoreArguments } from '../values/arguments-json.ts'
import type { ExchangeDeclaration, QueueDeclaration } from './requests.ts'

const NO_CONDITIONS = { ifUnused: false, ifEmpty: false }

function declareRefusal(
  world: TestWorld,
  name: string,
  changes: Partial<QueueDeclaration> = {},
  actor = ALICE,
): string {
  const declaration = { ...queueDeclaration(name), ...changes }
  return refusalOf((answered) => world.vhost.declareQueue(declaration, actor, answered))
}

function exchangeDeclaration(name: string, changes: Partial<ExchangeDeclaration> = {}): ExchangeDeclaration {
  const rest = { type: 'direct', durable: true, autoDelete: false, internal: false, arguments: texts({}) }
  return { name, ...rest, ...changes }
}

function exchangeRefusal(world: TestWorld, name: string, changes: Partial<ExchangeDeclaration> = {}): string {
  return refusalOf((answered) => world.vhost.declareExchange(exchangeDeclaration(name, changes), answered))
}

function deleteQueue(world: TestWorld, name: string, actor = ALICE): number {
  return value((answered) => world.vhost.deleteQueue(name, NO_CONDITIONS, actor, answered))
}

// Queues

test('declaring makes a queue once; the type that applies is written into its arguments', () => {
  const world = new TestWorld()
  const declare = (): boolean =>
    value<{ readonly created: boolean }>((answered) => world.vhost.declareQueue(queueDeclaration('q'), ALICE, answered))
      .created
  assert.deepEqual([declare(), declare()], [true, false])
  const queue = world.queue('q')
  assert.deepEqual(argumentsToJson(restoreArguments(queue.record.arguments)), { 'x-queue-type': 'classic' })
  assert.equal(queue.record.declaredBy, 'alice')
  assert.equal(queue.touches, 2)
})

test('the default type of the vhost applies where the properties fit it', () => {
  const world = new TestWorld()
  value((answered) => world.broker.putVhost({ ...world.vhost.record, defaultQueueType: 'quorum' }, answered))
  assert.equal(world.queue('a').kind, 'quorum')
  assert.equal(world.queue('b', { exclusive: true }).kind, 'classic')
  assert.equal(world.queue('', { durable: true }).kind, 'classic')
  assert.equal(world.queue('c', { arguments: texts({ 'x-queue-type': 'classic' }) }).kind, 'classic')
})

test('a redeclaration has to be equivalent', () => {
  const world = new TestWorld()
  world.queue('q', { arguments: argumentsFromJson({ 'x-max-length': 10, 'x-note': 'kept' }) })
  const object = "for queue 'q' in vhost '/'"
  const same = argumentsFromJson({ 'x-max-length': 10 })
  assert.equal(
    declareRefusal(world, 'q', { durable: false, arguments: same }),
    `precondition-failed: inequivalent arg 'durable' ${object}: received 'false' but current is 'true'`,
  )
  assert.equal(
    declareRefusal(world, 'q', { autoDelete: true, arguments: same }),
    `precondition-failed: inequivalent arg 'auto_delete' ${object}: received 'true' but current is 'false'`,
  )
  assert.equal(
    declareRefusal(world, 'q', { arguments: argumentsFromJson({ 'x-max-length': 11 }) }),
    `precondition-failed: inequivalent arg 'x-max-length' ${object}: received '11' but current is '10'`,
  )
  assert.equal(
    declareRefusal(world, 'q'),
    `precondition-failed: inequivalent arg 'x-max-length' ${object}: received none but current is the value '10' of type 'long'`,
  )
  assert.equal(
    declareRefusal(world, 'q', { arguments: argumentsFromJson({ 'x-max-length': 10, 'x-overflow': 'drop-head' }) }),
    `precondition-failed: inequivalent arg 'x-overflow' ${object}: received the value 'drop-head' of type 'longstr' but current is none`,
  )
  assert.equal(
    declareRefusal(world, 'q', { arguments: texts({ 'x-queue-type': 'quorum' }) }),
    `precondition-failed: inequivalent arg 'x-queue-type' ${object}: received 'quorum' but current is 'classic'`,
  )
  const short = new Map([['x-max-length', { type: 'byte', value: 10 } as const]])
  assert.equal(world.queue('q', { arguments: short }).name, 'q')
})

test('names: reserved, made by the broker, without line breaks', () => {
  const world = new TestWorld()
  assert.equal(
    declareRefusal(world, 'amq.mine'),
    "access-refused: queue name 'amq.mine' contains reserved prefix 'amq.*'",
  )
  const made = world.queue('', { exclusive: true })
  assert.match(made.name, /^amq\.gen-[\w-]{22}$/)
  assert.match(declareRefusal(world, made.name, { exclusive: true }), /^access-refused/)
  assert.equal(world.queue('a\r\nb').name, 'ab')
  assert.equal(
    declareRefusal(world, '', { arguments: texts({ 'x-queue-type': 'quorum' }) }),
    'precondition-failed: Cannot declare a server-named queue for type rabbit_quorum_queue',
  )
})

test('unknown types, and what a kind refuses', () => {
  const world = new TestWorld()
  assert.equal(
    declareRefusal(world, 'q', { arguments: texts({ 'x-queue-type': 'nope' }) }),
    "precondition-failed: invalid arg 'x-queue-type' for queue 'q' in vhost '/': \"unsupported queue type 'nope'\"",
  )
  assert.equal(
    declareRefusal(world, 'q', { arguments: argumentsFromJson({ 'x-queue-type': 5 }) }),
    "precondition-failed: invalid arg 'x-queue-type' for queue 'q' in vhost '/': {unacceptable_type,long}",
  )
  assert.equal(
    declareRefusal(world, 'q', { durable: false, arguments: texts({ 'x-queue-type': 'quorum' }) }),
    "precondition-failed: invalid property 'non-durable' for queue 'q' in vhost '/'",
  )
})

test('transient queues that are not exclusive can be denied', () => {
  const world = new TestWorld({ settings: { permitsTransientQueues: false } })
  assert.match(
    declareRefusal(world, 'q', { durable: false }),
    /^internal-error: Feature `transient_nonexcl_queues` is deprecated/,
  )
  assert.equal(world.queue('e', { durable: false, exclusive: true }).record.durable, false)
})

test('exclusive queues belong to one connection, for every verb', () => {
  const world = new TestWorld()
  world.queue('e', { exclusive: true })
  world.queue('q')
  const locked =
    "resource-locked: cannot obtain exclusive access to locked queue 'e' in vhost '/'. It could be originally declared " +
    'on another connection or the exclusive property value does not match that of the original declaration.'
  assert.equal(declareRefusal(world, 'e', { exclusive: true }, BOB), locked)
  assert.equal(declareRefusal(world, 'e'), locked)
  assert.equal(declareRefusal(world, 'q', { exclusive: true }), locked.replace("'e'", "'q'"))
  assert.equal(
    refusalOf((answered) => world.vhost.deleteQueue('e', NO_CONDITIONS, BOB, answered)),
    locked,
  )
  assert.equal(
    refusalOf((answered) => world.vhost.bind(binding('amq.direct', 'e'), BOB, answered)),
    locked,
  )
  assert.equal(
    refusalOf((answered) => answered(world.vhost.purgeQueue('e', BOB))),
    locked,
  )
  assert.equal(
    refusalOf((answered) => answered(world.vhost.findQueue('e', BOB))),
    locked,
  )
  assert.equal(world.queue('e', { exclusive: true }).record.durable, false)
})

test('the exclusive queues of a connection go with it, and their bindings', () => {
  const world = new TestWorld()
  world.queue('e1', { exclusive: true })
  world.queue('e2', { exclusive: true })
  world.queue('other', { exclusive: true }, BOB)
  world.bind('amq.direct', 'e1', 'k')
  let released = 0
  world.vhost.releaseOwner('c1', () => released++)
  world.vhost.releaseOwner('nobody', () => released++)
  assert.equal(released, 2)
  assert.deepEqual(
    [...world.vhost.queues()].map((queue) => queue.name),
    ['other'],
  )
  assert.deepEqual([...world.metadata.list(['binding'])], [])
})

test('deleting answers with the ready messages; a missing queue is no error', () => {
  const world = new TestWorld()
  const queue = world.queue('q')
  world.publish({ key: 'q' })
  assert.match(
    refusalOf((answered) => world.vhost.deleteQueue('q', { ifUnused: false, ifEmpty: true }, ALICE, answered)),
    /^precondition-failed: queue 'q' in vhost '\/' not empty$/,
  )
  assert.equal(deleteQueue(world, 'q'), 1)
  assert.equal(queue.closedFor, 'deleted')
  assert.equal(deleteQueue(world, 'q'), 0)
  assert.equal(
    refusalOf((answered) => answered(world.vhost.purgeQueue('q', ALICE))),
    "not-found: no queue 'q' in vhost '/'",
  )
})

test('purging answers with what it removed', () => {
  const world = new TestWorld()
  world.queue('q')
  world.publish({ key: 'q' })
  assert.equal(
    value((answered) => answered(world.vhost.purgeQueue('q', ALICE))),
    1,
  )
})

test('a queue that asks to go is deleted', () => {
  const world = new TestWorld()
  const queue = world.queue('q')
  world.bind('amq.direct', 'q', 'k')
  queue.host.requestDelete(queue, 'expired')
  assert.equal(world.vhost.queue('q'), undefined)
  assert.deepEqual([...world.metadata.list(['binding'])], [])
  const again = world.queue('q')
  queue.host.requestDelete(queue, 'expired')
  assert.equal(world.vhost.queue('q'), again)
})

test('a vhost has no more queues than its limit, the node no more than its own', () => {
  const world = new TestWorld({ settings: { queueCountMax: 2 } })
  world.queue('a')
  value((answered) => world.broker.parameters.setVhostLimits('/', { 'max-queues': 1 }, answered))
  assert.equal(
    declareRefusal(world, 'b'),
    "precondition-failed: cannot declare queue 'b': queue limit in vhost '/' (1) is reached",
  )
  assert.equal(world.queue('a').name, 'a')
  value((answered) => world.broker.parameters.setVhostLimits('/', { 'max-queues': null }, answered))
  world.queue('b')
  assert.equal(
    declareRefusal(world, 'c'),
    "precondition-failed: cannot declare queue 'c': queue limit in cluster (2) is reached",
  )
})

// Exchanges

test('exchanges: made once, equivalent when declared again', () => {
  const world = new TestWorld()
  world.exchange('x', 'direct', { 'alternate-exchange': 'ae' })
  const object = "for exchange 'x' in vhost '/'"
  const ae = { arguments: texts({ 'alternate-exchange': 'ae' }) }
  for (const [changes, difference] of [
    [{ type: 'fanout' }, "'type' %: received 'fanout' but current is 'direct'"],
    [{ durable: false }, "'durable' %: received 'false' but current is 'true'"],
    [{ autoDelete: true }, "'auto_delete' %: received 'true' but current is 'false'"],
    [{ internal: true }, "'internal' %: received 'true' but current is 'false'"],
    [{ arguments: texts({ 'alternate-exchange': 'b' }) }, "'alternate-exchange' %: received 'b' but current is 'ae'"],
    [{ arguments: texts({}) }, "'alternate-exchange' %: received none but current is the value 'ae' of type 'longstr'"],
  ] as const) {
    const wanted = `precondition-failed: inequivalent arg ${difference.replace('%', object)}`
    assert.equal(exchangeRefusal(world, 'x', { ...ae, ...changes }), wanted)
  }
  world.exchange('x', 'direct', { 'alternate-exchange': 'ae', other: 1 })
  world.exchange('amq.direct', 'direct')
})

test('exchanges: what may not be declared or deleted', () => {
  const world = new TestWorld()
  const onDefault = 'access-refused: operation not permitted on the default exchange'
  assert.equal(exchangeRefusal(world, ''), onDefault)
  assert.equal(
    exchangeRefusal(world, 'amq.x'),
    "access-refused: exchange name 'amq.x' contains reserved prefix 'amq.*'",
  )
  assert.equal(exchangeRefusal(world, 'x', { type: 'nope' }), "precondition-failed: unknown exchange type 'nope'")
  assert.equal(
    exchangeRefusal(world, 'x', { arguments: argumentsFromJson({ 'alternate-exchange': 1 }) }),
    "precondition-failed: invalid type 'long' for arg 'alternate-exchange' in exchange 'x' in vhost '/'",
  )
  const deletion = (name: string, ifUnused = false): string =>
    refusalOf((answered) => world.vhost.deleteExchange(name, ifUnused, answered))
  assert.equal(deletion(''), onDefault)
  assert.equal(
    deletion('amq.topic'),
    "access-refused: deletion of system exchange 'amq.topic' in vhost '/' not allowed",
  )
  world.exchange('x', 'direct')
  world.queue('q')
  world.bind('x', 'q')
  assert.equal(deletion('x', true), "precondition-failed: exchange 'x' in vhost '/' in use")
  assert.equal(
    value((answered) => world.vhost.deleteExchange('x', false, answered)),
    null,
  )
  assert.equal(
    value((answered) => world.vhost.deleteExchange('x', false, answered)),
    null,
  )
  assert.deepEqual([...world.metadata.list(['binding'])], [])
  assert.equal(
    refusalOf((answered) => answered(world.vhost.findExchange('x'))),
    "not-found: no exchange 'x' in vhost '/'",
  )
})

test('an auto-delete exchange goes with its last binding, and takes the chain before it along', () => {
  const world = new TestWorld()
  world.exchange('first', 'fanout', {}, true)
  world.exchange('second', 'fanout', {}, true)
  for (const name of ['a', 'b']) world.queue(name)
  world.bindExchange('first', 'second')
  world.bind('second', 'a')
  world.bind('second', 'b')
  deleteQueue(world, 'a')
  assert.notEqual(world.vhost.exchange('second'), undefined)
  value((answered) => world.vhost.unbind(binding('second', 'b'), ALICE, answered))
  assert.equal(world.vhost.exchange('second'), undefined)
  assert.equal(world.vhost.exchange('first'), undefined)
  assert.deepEqual([...world.metadata.list(['binding'])], [])
})

test('an auto-delete exchange goes when two changes take its last bindings at once', () => {
  const rounds: (() => void)[] = []
  const metadata = new AdversarialMetadata({
    randomness: new SeededRandomness(1),
    later: (run) => rounds.push(run),
    delayRoundsMax: 0,
    failurePercent: 0,
    conflictPercent: 0,
  })
  metadata.transactEphemeral([], [{ op: 'put', key: ['vhost', '/'], value: VHOST_RECORD }], () => undefined)
  const world = new TestWorld({ metadata })
  const drain = (): void => {
    do {
      for (let run = rounds.shift(); run !== undefined; run = rounds.shift()) run()
      world.settle()
    } while (rounds.length > 0)
  }
  world.vhost.declareExchange(exchangeDeclaration('x', { autoDelete: true }), () => undefined)
  for (const name of ['a', 'b']) world.vhost.declareQueue(queueDeclaration(name), ALICE, () => undefined)
  drain()
  for (const name of ['a', 'b']) world.vhost.bind(binding('x', name), ALICE, () => undefined)
  drain()
  for (const name of ['a', 'b']) world.vhost.unbind(binding('x', name), ALICE, () => undefined)
  drain()
  assert.equal(world.vhost.exchange('x'), undefined)
})

test('an auto-delete exchange that never had a binding stays', () => {
  const world = new TestWorld()
  world.exchange('x', 'fanout', {}, true)
  world.queue('q')
  deleteQueue(world, 'q')
  assert.notEqual(world.vhost.exchange('x'), undefined)
})

// Bindings

test('a binding is its ends, its key and its arguments in any order', () => {
  const world = new TestWorld()
  world.queue('q')
  world.bind('amq.headers', 'q', 'k', { a: 1, b: 2 })
  world.bind('amq.headers', 'q', 'k', { b: 2, a: 1 })
  world.bind('amq.headers', 'q', 'k', { a: 1, b: 3 })
  world.bind('amq.headers', 'q', 'k')
  const own = [...world.vhost.bindings()].filter((record) => record.source !== '')
  assert.equal(own.length, 3)
  value((answered) => world.vhost.unbind(binding('amq.headers', 'q', 'k', { b: 2, a: 1 }), ALICE, answered))
  value((answered) => world.vhost.unbind(binding('amq.headers', 'q', 'never'), ALICE, answered))
  value((answered) => world.vhost.unbind(binding('nowhere', 'nothing'), ALICE, answered))
  assert.equal([...world.vhost.bindingsOf(world.queue('q'))].length, 3)
})

test('bindings: what may not be bound', () => {
  const world = new TestWorld()
  world.queue('q')
  const refusal = (source: string, destination: string): string =>
    refusalOf((answered) => world.vhost.bind(binding(source, destination), ALICE, answered))
  assert.equal(refusal('', 'q'), 'access-refused: operation not permitted on the default exchange')
  assert.equal(refusal('nox', 'noq'), "not-found: no exchange 'nox' in vhost '/'")
  assert.equal(refusal('amq.direct', 'noq'), "not-found: no queue 'noq' in vhost '/'")
  assert.equal(
    refusal('amq.direct', 'amq.rabbitmq.reply-to'),
    'access-refused: cannot bind or unbind to a volatile (direct reply-to) queue',
  )
  const toDefault = { ...binding('amq.direct', ''), destinationKind: 'exchange' as const }
  assert.match(
    refusalOf((answered) => world.vhost.bind(toDefault, ALICE, answered)),
    /default exchange/,
  )
})

test('what is durable is there after a restart, and nothing else', () => {
  const world = new TestWorld()
  world.queue('d')
  world.queue('t', { durable: false })
  world.exchange('x', 'topic')
  world.bind('x', 'd', 'a.#', { some: 'argument' })
  world.bind('x', 't', 'a.#')
  world.bindExchange('x', 'amq.fanout')
  const keys = [...world.metadata.list([])].filter(({ key }) => key.includes('t')).map(({ key }) => key)
  for (const key of keys) world.metadata.transactEphemeral([], [{ op: 'drop', key }], () => undefined)
  const again = new TestWorld({ metadata: world.metadata, store: world.store })
  assert.equal(keys.length, 2)
  assert.deepEqual(again.targets({ exchange: 'x', key: 'a.b' }), ['d'])
  assert.equal([...again.vhost.bindings()].length, 3)
})

test('verbs reach the same end over a store that conflicts and answers late', async () => {
  for (let seed = 1; seed <= 20; seed++) {
    const rounds: (() => void)[] = []
    const metadata = new AdversarialMetadata({
      randomness: new SeededRandomness(seed),
      later: (run) => rounds.push(run),
      delayRoundsMax: 3,
      failurePercent: 0,
      conflictPercent: 30,
    })
    let world: TestWorld | null = null
    const drain = (): void => {
      do {
        for (let run = rounds.shift(); run !== undefined; run = rounds.shift()) run()
        world?.settle()
      } while (rounds.length > 0)
    }
    metadata.transact([], [{ op: 'put', key: ['vhost', '/'], value: VHOST_RECORD }], () => undefined)
    drain()
    world = new TestWorld({ metadata })
    const texts: string[] = []
    const note = (name: string) => (answer: { readonly refusal: { readonly text: string } | null }) =>
      texts.push(`${name} ${answer.refusal?.text ?? 'ok'}`)
    for (let i = 0; i < 5; i++) {
      world.vhost.declareQueue(queueDeclaration('q'), ALICE, note('declare'))
      world.vhost.declareExchange(exchangeDeclaration('x', { autoDelete: true }), note('exchange'))
    }
    drain()
    world.vhost.bind(binding('x', 'q', 'k'), ALICE, note('bind'))
    world.vhost.bind(binding('x', 'q', 'k'), BOB, note('bind'))
    world.vhost.deleteQueue('q', NO_CONDITIONS, BOB, note('delete'))
    drain()
    assert.equal(texts.length, 13)
    assert.deepEqual(
      texts.filter((text) => !text.endsWith(' ok')),
      [],
    )
    assert.equal(world.vhost.queue('q'), undefined)
    assert.deepEqual([...metadata.list(['queue'])], [])
    assert.deepEqual([...metadata.list(['binding'])], [], 'no binding is left without its queue')
  }
})

const VHOST_RECORD = {
  name: '/',
  description: '',
  tags: [],
  defaultQueueType: '',
  tracing: false,
  protectedFromDeletion: false,
  maxConnections: -1,
  maxQueues: -1,
}

test('over a store that takes its time: exclusive queues come and go at once, and a binding that is too late is refused', () => {
  const rounds: (() => void)[] = []
  const metadata = new AdversarialMetadata({
    randomness: new SeededRandomness(1),
    later: (run) => rounds.push(run),
    delayRoundsMax: 0,
    failurePercent: 0,
    conflictPercent: 0,
  })
  metadata.transactEphemeral([], [{ op: 'put', key: ['vhost', '/'], value: VHOST_RECORD }], () => undefined)
  const world = new TestWorld({ metadata })
  assert.equal(world.queue('e', { exclusive: true }).name, 'e')
  world.bind('amq.direct', 'e', 'k')
  let released = false
  world.vhost.releaseOwner('c1', () => {
    released = true
  })
  assert.deepEqual([released, rounds.length], [true, 0])
  world.vhost.declareQueue(queueDeclaration('q'), ALICE, () => undefined)
  for (let run = rounds.shift(); run !== undefined; run = rounds.shift()) run()
  const refusal = refusalOf((answered) => {
    world.vhost.deleteQueue('q', NO_CONDITIONS, ALICE, () => undefined)
    world.vhost.bind(binding('amq.direct', 'q', 'k'), ALICE, answered)
    for (let run = rounds.shift(); run !== undefined; run = rounds.shift()) run()
  })
  assert.equal(refusal, "not-found: no queue 'q' in vhost '/'")
})

test('declarations under way count against the limit', () => {
  const rounds: (() => void)[] = []
  const metadata = new AdversarialMetadata({
    randomness: new SeededRandomness(1),
    later: (run) => rounds.push(run),
    delayRoundsMax: 0,
    failurePercent: 0,
    conflictPercent: 0,
  })
  metadata.transactEphemeral([], [{ op: 'put', key: ['vhost', '/'], value: VHOST_RECORD }], () => undefined)
  const world = new TestWorld({ metadata })
  metadata.transactEphemeral(
    [],
    [{ op: 'put', key: ['vhost', '/'], value: { ...VHOST_RECORD, maxQueues: 1 } }],
    () => undefined,
  )
  world.vhost.declareQueue(queueDeclaration('a'), ALICE, () => undefined)
  assert.match(declareRefusal(world, 'b'), /queue limit in vhost '\/' \(1\) is reached$/)
  for (let run = rounds.shift(); run !== undefined; run = rounds.shift()) run()
  assert.deepEqual(
    [...world.vhost.queues()].map((queue) => queue.name),
    ['a'],
  )
})

test('a change that cannot be stored is refused and changes nothing', () => {
  const rounds: (() => void)[] = []
  const metadata = new AdversarialMetadata({
    randomness: new SeededRandomness(1),
    later: (run) => rounds.push(run),
    delayRoundsMax: 0,
    failurePercent: 100,
    conflictPercent: 0,
  })
  metadata.transactEphemeral([], [{ op: 'put', key: ['vhost', '/'], value: VHOST_RECORD }], () => undefined)
  const world = new TestWorld({ metadata })
  const refusal = refusalOf((answered) => {
    world.vhost.declareQueue(queueDeclaration('q'), ALICE, answered)
    for (let run = rounds.shift(); run !== undefined; run = rounds.shift()) run()
  })
  assert.match(refusal, /^unavailable: the change could not be stored: no space left/)
  assert.equal(world.vhost.queue('q'), undefined)
  assert.equal(answerOf((answered) => answered(world.vhost.findQueue('q', ALICE))).refusal?.code, 'not-found')
})
