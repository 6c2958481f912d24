import assert from 'node:assert/strict'
import { test } from 'node:test'
import { queueKinds } from '../registry.ts'
import { Roster, type SharingMode } from './roster.ts'
import { Subscription, type SubscriptionHome } from './subscription.ts'
import { NotingSink, QueueBed } from './test-bed.ts'

const HOME = new QueueBed(queueKinds.get('classic')!).queue as SubscriptionHome

function rosterWith(mode: SharingMode, ...priorities: number[]) {
  const roster = new Roster(mode)
  const subscriptions = priorities.map((priority, index) => {
    const spec = {
      tag: `${index}`,
      noAck: false,
      exclusive: false,
      priority,
      prefetchCount: 0,
      args: new Map(),
      sessionName: '',
      user: '',
    }
    const subscription = new Subscription(HOME, spec, new NotingSink(0, false), roster.nextId())
    roster.add(subscription)
    return subscription
  })
  /** The tags of the next ones served. */
  const serve = (count: number): string => {
    let tags = ''
    for (let i = 0; i < count; i++) {
      const next = roster.next()
      tags += next === null ? '-' : next.spec.tag
      if (next !== null) roster.served(next)
    }
    return tags
  }
  return { roster, subscriptions, serve }
}

test('those of one priority are served in turn', () => {
  assert.equal(rosterWith('shared', 0, 0, 0).serve(7), '0120120')
})

test('who has no credit loses the turn, and gets it back when woken', () => {
  const { roster, subscriptions, serve } = rosterWith('shared', 0, 0)
  subscriptions[0]!.sink.hasCredit = false
  assert.equal(serve(3), '111')
  subscriptions[0]!.sink.hasCredit = true
  assert.equal(serve(1), '1')
  roster.wake(subscriptions[0]!)
  assert.equal(serve(2), '10')
})

test('a higher priority comes first, whenever it came', () => {
  const { subscriptions, serve } = rosterWith('shared', 1, 5, 3)
  assert.equal(serve(2), '11')
  subscriptions[1]!.sink.hasCredit = false
  assert.equal(serve(2), '22')
  subscriptions[2]!.sink.hasCredit = false
  assert.equal(serve(2), '00')
  subscriptions[0]!.sink.hasCredit = false
  assert.equal(serve(1), '-')
})

test('one that left is not served, and leaving twice is harmless', () => {
  const { roster, subscriptions, serve } = rosterWith('shared', 0, 0, 0)
  roster.remove(subscriptions[1]!)
  roster.remove(subscriptions[1]!)
  assert.equal(serve(4), '0202')
  assert.equal(roster.count, 2)
})

test('single: the first registered, then the next', () => {
  const { roster, subscriptions, serve } = rosterWith('single', 0, 9)
  assert.equal(serve(2), '00')
  subscriptions[0]!.sink.hasCredit = false
  assert.equal(serve(1), '-')
  roster.remove(subscriptions[0]!)
  assert.equal(serve(1), '1')
})

test('single by priority: an outranked one gets nothing more and hands over when it holds nothing', () => {
  const { roster, subscriptions, serve } = rosterWith('single-by-priority', 0)
  subscriptions[0]!.unackedCount = 1
  const higher = new Subscription(
    HOME,
    { ...subscriptions[0]!.spec, tag: 'h', priority: 1 },
    new NotingSink(0, false),
    9,
  )
  roster.add(higher)
  assert.equal(serve(1), '-')
  assert.equal(roster.active, subscriptions[0])
  assert.equal(roster.elect(), false)
  subscriptions[0]!.unackedCount = 0
  assert.equal(roster.elect(), true)
  assert.equal(serve(2), 'hh')
})

test('clear forgets everybody', () => {
  const { roster, serve } = rosterWith('shared', 0, 1)
  assert.equal(roster.clear().length, 2)
  assert.equal(serve(1), '-')
  assert.equal(roster.count, 0)
})
