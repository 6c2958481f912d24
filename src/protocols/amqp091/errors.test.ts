import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ChannelError, ConnectionError, cannotDecodeText, frameText, REPLIES } from './errors.ts'

test('a reply reads as its name and the explanation', () => {
  const error = ChannelError.notFound("no queue 'q' in vhost '/'")
  assert.equal(error.replyCode, 404)
  assert.equal(error.replyText, "NOT_FOUND - no queue 'q' in vhost '/'")
  assert.equal(error.failedMethod, 0)
  assert.ok(error instanceof Error)
})

test('every factory builds the reply of its own row', () => {
  for (const [name, row] of Object.entries(REPLIES)) {
    if (row.scope === 'return' || name === 'invalidPath') continue
    const factories: object = row.scope === 'channel' ? ChannelError : ConnectionError
    const factory = Reflect.get(factories, name) as (explanation: string) => ChannelError // Both have these fields.
    const error = factory.call(factories, 'why')
    assert.equal(error.replyCode, row.code)
    assert.equal(error.replyText, `${row.name} - why`)
  }
})

test('a login that is refused closes the connection with 403', () => {
  assert.equal(ConnectionError.accessRefused('x').replyCode, 403)
})

test('an internal error may say nothing', () => {
  assert.equal(ConnectionError.internalError().replyText, 'INTERNAL_ERROR')
})

test('a text of 255 bytes stays, a longer one is cut to 252 and dots', () => {
  const fits = ChannelError.notFound('x'.repeat(255 - 'NOT_FOUND - '.length))
  assert.equal(fits.replyText.length, 255)
  assert.ok(!fits.replyText.endsWith('...'))
  const long = ChannelError.notFound('x'.repeat(256 - 'NOT_FOUND - '.length))
  assert.equal(long.replyText, `NOT_FOUND - ${'x'.repeat(240)}...`)
})

test('a cut text is whole characters', () => {
  for (let pad = 0; pad < 4; pad++) {
    const { replyText } = ChannelError.notFound('x'.repeat(pad) + '😀'.repeat(100))
    assert.ok(Buffer.byteLength(replyText) <= 255)
    assert.match(replyText, /^NOT_FOUND - x*😀+\.\.\.$/u)
  }
})

test('an error of a channel can be promoted to its connection', () => {
  const error = ChannelError.preconditionFailed('a - b')
  error.failedMethod = 5
  const promoted = ConnectionError.promoted(error)
  assert.deepEqual([promoted.replyCode, promoted.replyText, promoted.failedMethod], [406, error.replyText, 5])
})

test('a bad frame is shown as RabbitMQ shows it', () => {
  const shown = (type: number, bytes: Buffer) => frameText(type, bytes, 0, bytes.length)
  assert.equal(shown(1, Buffer.alloc(0)), 'type 1, all octets = <<>>')
  assert.equal(shown(5, Buffer.from('hello')), 'type 5, all octets = <<"hello">>')
  assert.equal(shown(5, Buffer.from('a"b\\c\n\t\x1b')), 'type 5, all octets = <<"a\\"b\\\\c\\n\\t\\e">>')
  assert.equal(shown(1, Buffer.from([0, 20, 0, 10, 0])), 'type 1, all octets = <<0,20,0,10,0>>')
  assert.equal(shown(5, Buffer.from('€uro')), 'type 5, all octets = <<226,130,172,117,114,111>>')
  assert.equal(shown(5, Buffer.from('hello world hello')), 'type 5, first 16 octets = <<"hello world hell">>')
})

test('arguments that do not decode are listed, as far as a reply text goes', () => {
  assert.equal(cannotDecodeText(Buffer.from([9, 0, 0, 5, 65]), 1, 5), 'cannot decode <<0,0,5,65>>')
  const error = ConnectionError.frameError(cannotDecodeText(Buffer.alloc(1000), 0, 1000))
  assert.equal(Buffer.byteLength(error.replyText), 255)
})
