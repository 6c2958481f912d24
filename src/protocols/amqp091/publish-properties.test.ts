import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageDraft, NO_EXPIRATION } from '../../model/message/message.ts'
import { ChannelError } from './errors.ts'
import type { FieldValue } from './fields.ts'
import { type BasicProperties, decodeProperties, encodeProperties, PropertyScan } from './properties.ts'
import { PropertyFacts } from './property-facts.ts'
import { expirationOf, takeExtraKeys, wantsDirectReply, withReplyTo } from './publish-properties.ts'

function scanned(properties: BasicProperties): { facts: PropertyFacts; draft: MessageDraft } {
  const bytes = encodeProperties(properties)
  const scan = new PropertyScan()
  scan.scan(bytes, 0, bytes.length)
  const draft = new MessageDraft()
  draft.properties = bytes
  draft.propertiesEnd = bytes.length
  return { facts: new PropertyFacts(scan, bytes), draft }
}

function keys(...names: string[]): FieldValue {
  return { type: 'array', value: names.map((value) => ({ type: 'longstr', value })) }
}

function refusal(run: () => unknown): string {
  try {
    run()
  } catch (error) {
    assert.ok(error instanceof ChannelError)
    return error.replyText
  }
  throw new Error('nothing was refused')
}

test('an expiration is a whole number of ms', () => {
  const of = (expiration: string) => expirationOf(scanned({ expiration }).facts.scan)
  assert.equal(of('0'), 0)
  assert.equal(of('60000'), 60_000)
  assert.equal(of('+5'), 5)
  assert.equal(of('315360000000'), 315_360_000_000)
  assert.equal(expirationOf(scanned({}).facts.scan), NO_EXPIRATION)
})

test('anything else is refused in RabbitMQ’s words', () => {
  const of = (expiration: string) => refusal(() => expirationOf(scanned({ expiration }).facts.scan))
  const text = (expiration: string, reason: string) =>
    `PRECONDITION_FAILED - invalid expiration '${expiration}': ${reason}`
  assert.equal(of('x'), text('x', 'no_integer'))
  assert.equal(of(''), text('', 'no_integer'))
  assert.equal(of('1x'), text('1x', '{leftover_string,"x"}'))
  assert.equal(of('-1'), text('-1', '{value_negative,-1}'))
  assert.equal(of('315360000001'), text('315360000001', '{value_too_large,315360000001}'))
})

test('CC stays in the headers, BCC goes and is remembered beside the message', () => {
  const headers = new Map([
    ['a', { type: 'longstr', value: '1' } as FieldValue],
    ['BCC', keys('hidden')],
    ['CC', keys('shown', 'too')],
  ])
  const { facts, draft } = scanned({ headers, contentType: 'text/plain' })
  takeExtraKeys(draft, facts)
  assert.deepEqual(draft.extraKeys, ['shown', 'too', 'hidden'])
  const kept = decodeProperties(draft.properties, draft.propertiesStart, draft.propertiesEnd)
  assert.deepEqual([...(kept.headers ?? new Map()).keys()], ['a', 'CC'])
  assert.equal(kept.contentType, 'text/plain')
  assert.deepEqual(JSON.parse(String(draft.annotations)), { cc: ['shown', 'too'], bcc: ['hidden'] })
})

test('without BCC the publisher’s bytes stay as they are', () => {
  const { facts, draft } = scanned({ headers: new Map([['CC', keys('k')]]) })
  const before = draft.properties
  takeExtraKeys(draft, facts)
  assert.equal(draft.properties, before)
  assert.equal(draft.annotations, null)
  assert.deepEqual(draft.extraKeys, ['k'])
})

test('CC must be an array', () => {
  const { facts, draft } = scanned({ headers: new Map([['CC', { type: 'longstr', value: 'k' }]]) })
  assert.equal(
    refusal(() => takeExtraKeys(draft, facts)),
    'PRECONDITION_FAILED - invalid message: {unacceptable_type_in_header,"CC",longstr}',
  )
})

test('only the very name asks for a direct reply, and it alone is replaced', () => {
  const properties = { replyTo: 'amq.rabbitmq.reply-to', correlationId: 'c' }
  const { facts, draft } = scanned(properties)
  assert.equal(wantsDirectReply(facts.scan), true)
  assert.equal(wantsDirectReply(scanned({ replyTo: 'amq.rabbitmq.reply-to.x' }).facts.scan), false)
  assert.equal(wantsDirectReply(scanned({}).facts.scan), false)
  const replaced = withReplyTo(draft.properties, draft.propertiesStart, draft.propertiesEnd, 'here')
  assert.deepEqual(decodeProperties(replaced, 0, replaced.length), { ...properties, replyTo: 'here' })
})
