import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { destinationOf, parseDestination, plainReplyTo, shownReplyTo } from './destinations.ts'
import { StompError } from './errors.ts'

test('every form of destination', () => {
  assert.deepEqual(parseDestination('/queue/a%2Fb%20'), { kind: 'queue', name: 'a/b%20' })
  assert.deepEqual(parseDestination('bare'), { kind: 'queue', name: 'bare' })
  assert.deepEqual(parseDestination('/amq/queue/q'), { kind: 'existing', name: 'q' })
  assert.deepEqual(parseDestination('/reply-queue/a/b%2F'), { kind: 'existing', name: 'a/b%2F' })
  assert.deepEqual(parseDestination('/temp-queue/t'), { kind: 'temporary', name: 't' })
  assert.deepEqual(parseDestination('/topic/a.*.#'), { kind: 'topic', key: 'a.*.#' })
  assert.deepEqual(parseDestination('/exchange/x'), { kind: 'exchange', exchange: 'x', key: '' })
  assert.deepEqual(parseDestination('/exchange/x%2Fy/k'), { kind: 'exchange', exchange: 'x/y', key: 'k' })
})

test("RabbitMQ's words for what is none", () => {
  const refused = (text: string): string => {
    try {
      parseDestination(text)
      return 'accepted'
    } catch (error) {
      assert.ok(error instanceof StompError)
      return `${error.message}: ${error.detail}`
    }
  }
  assert.equal(refused('/queue/a/b/c'), "Invalid destination: '/a/b/c' is not a valid queue destination\n")
  assert.equal(refused('/queue/'), "Invalid destination: '/' is not a valid queue destination\n")
  assert.equal(refused('/exchange'), "Invalid destination: '' is not a valid exchange destination\n")
  assert.equal(refused('/exchange/a/b/c'), "Invalid destination: '/a/b/c' is not a valid exchange destination\n")
  assert.equal(refused('/topic/'), "Invalid destination: '/' is not a valid topic destination\n")
  const types = '/temp-queue, /exchange, /topic, /queue, /amq/queue, /reply-queue/'
  assert.equal(
    refused('/foo/x'),
    `Unknown destination: '/foo/x' is not a valid destination.\nValid destination types are: ${types}.\n`,
  )
})

test('any text is a destination or a StompError', () => {
  const part = fc.constantFrom('/', 'queue', 'exchange', 'topic', 'amq', 'temp-queue', 'reply-queue', '%2F', 'x', '')
  fc.assert(
    fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
      try {
        parseDestination(parts.join(''))
      } catch (error) {
        assert.ok(error instanceof StompError)
      }
    }),
  )
})

test('the destination that a message shows', () => {
  assert.equal(destinationOf('', 'a/b', 'amq.topic'), '/queue/a%2Fb')
  assert.equal(destinationOf('amq.topic', 'é%', 'amq.topic'), '/topic/%C3%A9%25')
  assert.equal(destinationOf('x/y', 'k', 'amq.topic'), '/exchange/x%2Fy/k')
  assert.equal(destinationOf('amq.fanout', '', 'amq.topic'), '/exchange/amq.fanout')
})

test('reply-to: an address for STOMP, a bare name for others', () => {
  assert.equal(shownReplyTo('q'), '/reply-queue/q')
  assert.equal(shownReplyTo('/queue/q'), '/queue/q')
  assert.equal(plainReplyTo('/reply-queue/a/b'), 'a/b')
  assert.equal(plainReplyTo('/topic/t'), '/topic/t')
})
