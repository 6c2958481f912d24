/**
 * Classic and quorum queues equal a naive model under random operations: what is delivered, in which order, what dies and why, what
 * is left. The model keeps lists of objects and looks at all of them every time.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ADMIT_STORED } from '../model/queue/queue.ts'
import { argumentsOf, bodyOf, type NotingSink, QueueBed } from './common/test-bed.ts'
import { queueKinds } from './registry.ts'

interface Config {
  readonly kind: 'classic' | 'quorum'
  readonly maxPriority: number
  readonly ttlMs: number | null
  readonly maxLength: number | null
  readonly maxBytes: number | null
  readonly refuses: boolean
}

/** Of quorum queues. */
const DELIVERY_LIMIT = 2

type SettleOutcome = 'accepted' | 'rejected' | 'returned' | 'returned-failed'

type Operation =
  | { readonly do: 'publish'; readonly priority: number; readonly expirationMs: number | null; readonly bytes: number }
  | { readonly do: 'subscribe'; readonly prefetch: number }
  | { readonly do: 'settle'; readonly pick: number; readonly outcome: SettleOutcome }
  | { readonly do: 'advance'; readonly ms: number }
  | { readonly do: 'take' | 'purge' | 'cancel' | 'unload' }

interface Entry {
  readonly body: string
  readonly level: number
  readonly deadlineMs: number
  readonly ttlMs: number
  readonly ordinal: number
  /** Order of its last return; 0 when it never came back. */
  returned: number
  failures: number
}

/** The queue as one would write it on a napkin. */
class Model {
  readonly #config: Config
  #ready: Entry[] = []
  readonly unacked = new Map<string, Entry>()
  readonly delivered: string[] = []
  readonly dead: string[] = []
  credit = 0
  isSubscribed = false
  #ordinal = 0
  #returns = 0
  nowMs = 0

  constructor(config: Config) {
    this.#config = config
  }

  get readyCount(): number {
    return this.#ready.length
  }

  get readyBytes(): number {
    return this.#ready.reduce((sum, entry) => sum + entry.body.length, 0)
  }

  publish(body: string, priority: number, expirationMs: number | null): boolean {
    const ttlMs = Math.min(expirationMs ?? Number.POSITIVE_INFINITY, this.#config.ttlMs ?? Number.POSITIVE_INFINITY)
    const { kind, maxPriority } = this.#config
    const level = Math.min(priority, kind === 'quorum' ? 31 : maxPriority)
    if (this.#config.refuses && this.#isTooMuch(1, body.length)) return false
    this.#ready.push({
      body,
      level,
      ttlMs,
      deadlineMs: this.nowMs + ttlMs,
      ordinal: this.#ordinal++,
      returned: 0,
      failures: 0,
    })
    this.work(true)
    return true
  }

  giveBack(entry: Entry, isFailed: boolean): void {
    if (isFailed) entry.failures++
    if (this.#config.kind === 'quorum' && entry.failures > DELIVERY_LIMIT) {
      this.dead.push(`${entry.body}:delivery_limit`)
      return
    }
    entry.returned = ++this.#returns
    this.#ready.push(entry)
    this.work()
  }

  /** What happens at the end of a turn. `isNew`: an entry with a TTL of 0 has its one chance. */
  work(isNew = false): void {
    this.#ready.sort((a, b) => this.#compare(a, b))
    this.#expire((entry) => (entry.ttlMs > 0 || !isNew) && entry.deadlineMs <= this.nowMs)
    while (this.isSubscribed && this.credit > 0 && this.#ready.length > 0) {
      const entry = this.#ready.shift()!
      this.credit--
      this.delivered.push(entry.body)
      this.unacked.set(entry.body, entry)
    }
    while (!this.#config.refuses && this.#isTooMuch(0, 0)) {
      const surplus = this.#surplus()
      this.#ready.splice(this.#ready.indexOf(surplus), 1)
      this.dead.push(`${surplus.body}:maxlen`)
    }
    this.#expire((entry) => entry.deadlineMs <= this.nowMs)
  }

  /** What a full queue gives up: its head, or of a quorum queue the oldest of the lowest level. */
  #surplus(): Entry {
    if (this.#config.kind === 'classic') return this.#ready[0]!
    const lowest = Math.min(...this.#ready.map((entry) => entry.level))
    return this.#ready.filter((entry) => entry.level === lowest).sort((a, b) => a.ordinal - b.ordinal)[0]!
  }

  take(): string | null {
    return this.#ready.shift()?.body ?? null
  }

  purge(): number {
    return this.#ready.splice(0).length
  }

  #compare(a: Entry, b: Entry): number {
    if (this.#config.kind === 'quorum' && (a.returned > 0 || b.returned > 0)) {
      return (a.returned || Number.MAX_SAFE_INTEGER) - (b.returned || Number.MAX_SAFE_INTEGER)
    }
    return b.level - a.level || a.ordinal - b.ordinal
  }

  #isTooMuch(moreCount: number, moreBytes: number): boolean {
    const { maxLength, maxBytes } = this.#config
    return (
      this.readyCount + moreCount > (maxLength ?? Number.POSITIVE_INFINITY) ||
      this.readyBytes + moreBytes > (maxBytes ?? Number.POSITIVE_INFINITY)
    )
  }

  #expire(isDue: (entry: Entry) => boolean): void {
    for (const entry of this.#ready.filter(isDue)) this.dead.push(`${entry.body}:expired`)
    this.#ready = this.#ready.filter((entry) => !isDue(entry))
  }
}

/** Drives the queue and the model alike, and compares them. */
class Pair {
  readonly #bed: QueueBed
  readonly #model: Model
  #sink: NotingSink | null = null
  readonly #sinks: NotingSink[] = []
  readonly #delivered: string[] = []
  #count = 0
  #wasUnloaded = false

  constructor(config: Config) {
    this.#model = new Model(config)
    this.#bed = new QueueBed(queueKinds.get(config.kind)!, {
      args: argumentsOf({
        'x-dead-letter-exchange': 'dlx',
        ...(config.kind === 'quorum' && { 'x-delivery-limit': DELIVERY_LIMIT }),
        ...(config.maxPriority > 0 && { 'x-max-priority': config.maxPriority }),
        ...(config.ttlMs !== null && { 'x-message-ttl': config.ttlMs }),
        ...(config.maxLength !== null && { 'x-max-length': config.maxLength }),
        ...(config.maxBytes !== null && { 'x-max-length-bytes': config.maxBytes }),
        ...(config.refuses && { 'x-overflow': 'reject-publish' }),
      }),
    })
  }

  run(operation: Operation): void {
    switch (operation.do) {
      case 'publish':
        this.#publish(operation.priority, operation.expirationMs, operation.bytes)
        break
      case 'subscribe':
        this.#subscribe(operation.prefetch)
        break
      case 'settle':
        this.#settle(operation.pick, operation.outcome)
        break
      case 'advance':
        this.#bed.advance(operation.ms)
        this.#model.nowMs += operation.ms
        this.#model.work()
        break
      case 'take': {
        const taken = this.#bed.take(true)
        assert.equal(taken === null ? null : bodyOf(taken.view), this.#model.take())
        break
      }
      case 'purge':
        assert.equal(this.#bed.queue.purge(), this.#model.purge())
        break
      case 'cancel':
        this.#sink?.consumer?.cancel()
        this.#sink = null
        this.#model.isSubscribed = false
        break
      case 'unload':
        this.#bed.store.unload()
        this.#wasUnloaded = true
    }
    this.#bed.endTurns()
    this.#compare()
  }

  #publish(priority: number, expirationMs: number | null, bytes: number): void {
    const body = `${this.#count++}`.padEnd(bytes, '.')
    const message = { priority, ...(expirationMs !== null && { expirationMs }) }
    const isTaken = this.#bed.publish(body, message) === ADMIT_STORED
    this.#bed.endTurns()
    assert.equal(isTaken, this.#model.publish(body, priority, expirationMs))
  }

  #subscribe(prefetch: number): void {
    if (this.#sink !== null) return
    this.#sink = this.#bed.subscribe({ prefetchCount: prefetch })
    this.#sinks.push(this.#sink)
    const deliver = this.#sink.deliver.bind(this.#sink)
    this.#sink.deliver = (...args) => {
      this.#delivered.push(bodyOf(args[0]))
      deliver(...args)
    }
    this.#model.isSubscribed = true
    this.#model.credit = prefetch
    this.#model.work()
  }

  #settle(pick: number, outcome: SettleOutcome): void {
    const held = this.#sinks.flatMap((sink) => sink.unacked.map((sequence) => ({ sink, sequence })))
    if (held.length === 0) return
    const { sink, sequence } = held[pick % held.length]!
    const { body } = sink.deliveries.find((delivery) => delivery.sequence === sequence)!
    const entry = this.#model.unacked.get(body)!
    this.#model.unacked.delete(body)
    if (sink === this.#sink) this.#model.credit++
    sink.settle(outcome, sequence)
    if (outcome === 'returned' || outcome === 'returned-failed')
      this.#model.giveBack(entry, outcome === 'returned-failed')
    else if (outcome === 'rejected') this.#model.dead.push(`${body}:rejected`)
    this.#model.work()
  }

  /** An entry that is over its deadline and too much dies of either while its deadline has yet to be read. */
  #reasonsMatter(dead: readonly string[]): string[] {
    return dead.map((each) => (this.#wasUnloaded ? each.split(':')[0]! : each)).sort()
  }

  #compare(): void {
    const status = this.#bed.queue.status()
    assert.deepEqual(this.#delivered, this.#model.delivered)
    assert.deepEqual(this.#reasonsMatter(this.#bed.deadLetters.summary), this.#reasonsMatter(this.#model.dead))
    assert.equal(status.readyCount, this.#model.readyCount)
    assert.equal(status.readyBytes, this.#model.readyBytes)
    assert.equal(status.unackedCount, this.#model.unacked.size)
    assert.equal(status.unackedBytes + status.readyBytes, this.#bed.store.ledger(1).liveBytes)
  }
}

const operations = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant('publish' as const),
        priority: fc.nat(4),
        expirationMs: fc.option(fc.constantFrom(0, 10, 30, 100)),
        bytes: fc.integer({ min: 4, max: 9 }),
      }),
    },
    {
      weight: 2,
      arbitrary: fc.record({ do: fc.constant('subscribe' as const), prefetch: fc.integer({ min: 1, max: 4 }) }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        do: fc.constant('settle' as const),
        pick: fc.nat(8),
        outcome: fc.constantFrom<SettleOutcome>('accepted', 'rejected', 'returned', 'returned-failed'),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 40 }) }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constantFrom('take' as const, 'purge' as const, 'cancel' as const, 'unload' as const),
      }),
    },
  ),
  { maxLength: 60 },
)

const shared = {
  ttlMs: fc.constantFrom(null, 0, 50),
  maxLength: fc.constantFrom(null, null, 0, 3),
  maxBytes: fc.constantFrom(null, null, 20),
}

const classicConfigs = fc.record({
  kind: fc.constant('classic' as const),
  maxPriority: fc.constantFrom(0, 3),
  refuses: fc.boolean(),
  ...shared,
})

/** Refusing is soft there, and has tests of its own. */
const quorumConfigs = fc.record({
  kind: fc.constant('quorum' as const),
  maxPriority: fc.constant(0),
  refuses: fc.constant(false),
  ...shared,
})

for (const [kind, configs] of [
  ['classic', classicConfigs],
  ['quorum', quorumConfigs],
] as const) {
  test(`a ${kind} queue equals the naive model`, () => {
    fc.assert(
      fc.property(configs, operations, (config, steps) => {
        const pair = new Pair(config)
        for (const step of steps) pair.run(step)
      }),
      { numRuns: 1_000 },
    )
  })
}
