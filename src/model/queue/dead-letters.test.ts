import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ManualClock } from '../../base/clock.ts'
import { SILENT_LOGGER } from '../../base/log.ts'
import { type Annotations, readAnnotations, writeAnnotations } from '../message/annotations.ts'
import {
  MessageDraft,
  MessageView,
  NO_EXPIRATION,
  NO_FACTS,
  PROTOCOL_AMQP091,
  writeMessage,
} from '../message/message.ts'
import type { ExtraKeys, MessageFormat } from '../message/message-format.ts'
import { DEAD_LETTER_TAKEN, type DeadLetterRouter, type DeadLetterTarget, type RouteFilter } from './dead-letter.ts'
import { DeadLetters } from './dead-letters.ts'
import type { MessageTarget } from './queue.ts'

const DLX: DeadLetterTarget = { exchange: 'dlx', routingKey: null }

function viewOf(draft: MessageDraft): MessageView {
  const words = new Uint32Array((draft.payloadBytes() + 3) >>> 2)
  const bytes = Buffer.from(words.buffer)
  writeMessage(draft, bytes, words, 0)
  const view = new MessageView()
  view.at(bytes, words, 0)
  return view
}

function message(options: { expirationMs?: number; annotations?: Annotations; properties?: string } = {}): MessageView {
  const draft = new MessageDraft()
  draft.address('orders', 'new')
  draft.setBody(Buffer.from('body'))
  draft.properties = Buffer.from(options.properties ?? 'props')
  draft.propertiesEnd = draft.properties.length
  draft.persistent = true
  draft.hasPriority = true
  draft.priority = 7
  draft.expirationMs = options.expirationMs ?? NO_EXPIRATION
  draft.annotations = writeAnnotations(options.annotations ?? {})
  return viewOf(draft)
}

function target(name: string): MessageTarget {
  return { name, keeps: () => true, admit: () => 0, enter: () => undefined }
}

/** A router that keeps the letters; they are read as they would be stored. */
class NotingRouter implements DeadLetterRouter {
  readonly letters: MessageView[] = []
  readonly routedKeys: string[][] = []
  readonly filters: (RouteFilter | null)[] = []
  /** What a headers exchange would have routed by. */
  readonly facts: (string | undefined)[] = []
  vhost = ''

  publishDeadLetter(vhost: string, draft: MessageDraft, filter: RouteFilter | null): typeof DEAD_LETTER_TAKEN {
    this.vhost = vhost
    this.letters.push(viewOf(draft))
    this.routedKeys.push([draft.routingKey, ...(draft.extraKeys ?? [])])
    this.filters.push(filter)
    this.facts.push(draft.facts.property('message_id'))
    return DEAD_LETTER_TAKEN
  }

  get last(): MessageView {
    return this.letters.at(-1)!
  }
}

function bed(keys: ExtraKeys = { cc: [], bcc: [] }) {
  const clock = new ManualClock(5_000)
  const router = new NotingRouter()
  const format: MessageFormat = {
    protocol: PROTOCOL_AMQP091,
    facts: (view) => ({ ...NO_FACTS, property: () => propertiesOf(view) }),
    extraKeys: () => keys,
    withoutExpiration: () => Buffer.from('clean'),
    neutral: () => {
      throw new Error('not asked')
    },
  }
  const lines: string[] = []
  const log = { ...SILENT_LOGGER, warning: (text: string) => void lines.push(text) }
  const letters = new DeadLetters({ router, formats: new Map([[PROTOCOL_AMQP091, format]]), log })
  const die = (view: MessageView, queue: string, reason: 'rejected' | 'expired' | 'maxlen', to = DLX): MessageView => {
    assert.equal(
      letters.deadLetter({ name: queue, vhost: 'v' }, view, reason, to, 0, 0, clock.nowMs()),
      DEAD_LETTER_TAKEN,
    )
    return router.last
  }
  return { clock, router, letters, lines, die }
}

function propertiesOf(view: MessageView): string {
  return view.bytes.toString('utf8', view.propertiesStart, view.propertiesEnd)
}

test('a dead letter carries the message on, with its death', () => {
  const { router, die } = bed()
  const letter = die(message(), 'q', 'rejected')
  assert.equal(router.vhost, 'v')
  assert.deepEqual([letter.exchange(), letter.routingKey()], ['dlx', 'new'])
  assert.equal(letter.bytes.toString('utf8', letter.bodyStart, letter.bodyEnd), 'body')
  assert.equal(propertiesOf(letter), 'props')
  assert.deepEqual([letter.persistent, letter.hasPriority, letter.priority], [true, true, 7])
  assert.equal(letter.publishedAtMs, 5_000)
  const place = { reason: 'rejected', queue: 'q', exchange: 'orders' }
  assert.deepEqual(readAnnotations(letter), {
    deaths: [
      {
        queue: 'q',
        reason: 'rejected',
        count: 1,
        firstAtMs: 5_000,
        lastAtMs: 5_000,
        exchange: 'orders',
        routingKeys: ['new'],
      },
    ],
    firstDeath: place,
    lastDeath: place,
  })
})

test('an expiration is removed and remembered', () => {
  const { die } = bed()
  const letter = die(message({ expirationMs: 60 }), 'q', 'expired')
  assert.equal(letter.expirationMs, NO_EXPIRATION)
  assert.equal(propertiesOf(letter), 'clean')
  assert.equal(readAnnotations(letter).deaths![0]!.originalExpirationMs, 60)
})

test('the same death again counts, moves to the front and keeps its first time', () => {
  const { clock, die } = bed()
  let letter = die(message(), 'a', 'rejected')
  clock.advance(1_000)
  letter = die(letter, 'b', 'expired')
  clock.advance(1_000)
  letter = die(letter, 'a', 'rejected')
  const { deaths, firstDeath, lastDeath } = readAnnotations(letter)
  assert.deepEqual(
    deaths!.map((death) => [death.queue, death.count, death.firstAtMs, death.lastAtMs, death.exchange]),
    [
      ['a', 2, 5_000, 7_000, 'orders'],
      ['b', 1, 6_000, 6_000, 'dlx'],
    ],
  )
  assert.deepEqual(firstDeath, { reason: 'rejected', queue: 'a', exchange: 'orders' })
  assert.deepEqual(lastDeath, { reason: 'rejected', queue: 'a', exchange: 'dlx' })
})

test('another reason in the same queue is another death', () => {
  const { die } = bed()
  const letter = die(die(message(), 'q', 'rejected'), 'q', 'maxlen')
  assert.deepEqual(
    readAnnotations(letter).deaths!.map((death) => death.reason),
    ['maxlen', 'rejected'],
  )
})

test('without a key of the queue a letter is routed by all its keys; BCC is not shown', () => {
  const { router, die } = bed({ cc: ['copy'], bcc: ['hidden'] })
  let letter = die(message(), 'q', 'rejected')
  assert.deepEqual(router.routedKeys, [['new', 'copy', 'hidden']])
  assert.equal(propertiesOf(letter), 'clean')
  assert.deepEqual(readAnnotations(letter).deaths![0]!.routingKeys, ['new', 'copy'])
  letter = die(letter, 'other', 'rejected')
  assert.deepEqual(router.routedKeys[1], ['new', 'copy', 'hidden'])
})

test('with a key of the queue it alone routes, then and later', () => {
  const { router, die } = bed({ cc: ['copy'], bcc: [] })
  let letter = die(message(), 'q', 'rejected', { exchange: 'dlx', routingKey: 'dead' })
  assert.deepEqual(router.routedKeys, [['dead']])
  assert.deepEqual(readAnnotations(letter).deaths![0]!.routingKeys, ['new', 'copy'])
  letter = die(letter, 'other', 'rejected')
  assert.deepEqual(router.routedKeys[1], ['dead'])
  assert.deepEqual(readAnnotations(letter).deaths![0]!.routingKeys, ['dead'])
})

test('a letter routes by the facts of its own message, also within a run of equal letters', () => {
  const { router, die } = bed()
  die(message({ properties: 'one' }), 'q', 'maxlen')
  die(message({ properties: 'two' }), 'q', 'maxlen')
  assert.deepEqual(router.facts, ['one', 'two'])
})

test('counts of the queue go with the letter, those of before do not', () => {
  const { clock, router, letters } = bed()
  const before = message({ annotations: { deliveryCount: 9, acquiredCount: 9 } })
  letters.deadLetter({ name: 'q', vhost: 'v' }, before, 'rejected', DLX, 3, 0, clock.nowMs())
  const annotations = readAnnotations(router.last)
  assert.deepEqual([annotations.deliveryCount, annotations.acquiredCount], [3, undefined])
})

test('a queue that the message died in is skipped, unless it was rejected since', () => {
  const { router, die, lines } = bed()
  const once = die(message(), 'a', 'expired')
  assert.equal(router.filters[0]!.accepts(target('a')), false)
  assert.equal(router.filters[0]!.accepts(target('b')), true)
  const rejected = die(once, 'b', 'rejected')
  assert.equal(router.filters[1], null)
  die(rejected, 'c', 'maxlen')
  assert.equal(router.filters[2]!.accepts(target('a')), true)
  assert.equal(router.filters[2]!.accepts(target('c')), false)
  assert.deepEqual(lines, [])
})

test('a cycle is logged once', () => {
  const { router, die, lines } = bed()
  router.publishDeadLetter = (_vhost, _draft, filter) => {
    filter!.accepts(target('a'))
    return DEAD_LETTER_TAKEN
  }
  router.letters.push(message())
  die(message(), 'a', 'expired')
  die(message(), 'a', 'expired')
  assert.equal(lines.length, 1)
  assert.match(lines[0]!, /dead letter cycle without reason 'rejected'.*: a, a$/)
})
