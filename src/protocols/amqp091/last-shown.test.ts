import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageDraft, MessageView, writeMessage } from '../../model/message/message.ts'
import { LastShown } from './last-shown.ts'

const SHOWN = Buffer.from('shown')

/** A message whose stored annotations, address and properties have some length, at an offset that is not the block's first. */
function stored(key: string, properties: string): { readonly view: MessageView; readonly bytes: Buffer } {
  const draft = new MessageDraft()
  draft.address('letters', key)
  draft.annotations = Buffer.from('{"deaths":[]}')
  draft.properties = Buffer.from(properties)
  draft.propertiesEnd = draft.properties.length
  draft.setBody(Buffer.from('body'))
  const at = 20
  const words = new Uint32Array((at + draft.payloadBytes() + 3) >>> 2)
  const bytes = Buffer.from(words.buffer)
  writeMessage(draft, bytes, words, at)
  const view = new MessageView()
  view.at(bytes, words, at)
  return { view, bytes }
}

test('equal bytes of any length are known again, and a difference in any one of them is seen', () => {
  for (let length = 0; length < 8; length++) {
    const properties = 'x'.repeat(length)
    const last = new LastShown()
    last.keep(stored('key', properties).view, 0, 0, SHOWN)
    const { view, bytes } = stored('key', properties)
    assert.equal(last.of(view, 0, 0), SHOWN)
    for (let i = view.annotationsStart; i < view.propertiesEnd; i++) {
      bytes[i]! ^= 1
      assert.equal(last.of(view, 0, 0), null, `byte ${i - view.annotationsStart} of ${length} more`)
      bytes[i]! ^= 1
    }
    bytes[view.bodyStart]! ^= 1
    assert.equal(last.of(view, 0, 0), SHOWN, 'the body does not matter')
    assert.equal(last.of(stored('key', `${properties}x`).view, 0, 0), null)
  }
})

test('counts of deliveries are shown anew', () => {
  const { view } = stored('key', '')
  const last = new LastShown()
  last.keep(view, 0, 0, SHOWN)
  assert.equal(last.of(view, 1, 0), null)
  last.keep(view, 1, 0, SHOWN)
  assert.equal(last.of(view, 1, 0), null)
})
