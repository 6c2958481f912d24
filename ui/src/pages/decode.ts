/** Bodies of messages for people: JSON, text, hex. */
import type { GotMessage } from '../base/types.ts'

/** Ways to show a body. */
export type Decoding = 'json' | 'text' | 'hex' | 'base64'

const PREVIEW_CHARACTERS = 120
const HEX_BYTES_MAX = 16_384
const HEX_ROW = 16

function bytesOf({ payload, payload_encoding: encoding }: GotMessage): Uint8Array {
  if (encoding !== 'base64') return new TextEncoder().encode(payload)
  return Uint8Array.from(atob(payload), (character) => character.charCodeAt(0))
}

function jsonOf(text: string): string | undefined {
  if (!/^\s*[[{"]/.test(text)) return undefined
  try {
    return JSON.stringify(JSON.parse(text), null, 2)
  } catch (error) {
    console.debug('not JSON', error)
    return undefined
  }
}

/** The ways that make sense, the best first. */
export function decodings(message: GotMessage): Decoding[] {
  if (message.payload_encoding === 'base64') return ['hex', 'base64', 'text']
  return jsonOf(message.payload) === undefined ? ['text', 'hex'] : ['json', 'text', 'hex']
}

/** The body. */
export function decode(message: GotMessage, decoding: Decoding): string {
  switch (decoding) {
    case 'json':
      return jsonOf(message.payload) ?? message.payload
    case 'base64':
      return message.payload
    case 'text':
      return new TextDecoder().decode(bytesOf(message))
    case 'hex':
      return hexDump(bytesOf(message))
  }
}

/** The beginning of the body, on one line. */
export function preview(message: GotMessage): string {
  const text = message.payload_encoding === 'base64' ? `base64 ${message.payload}` : message.payload
  return text.slice(0, PREVIEW_CHARACTERS).replaceAll(/\s+/g, ' ')
}

function hexDump(bytes: Uint8Array): string {
  const rows: string[] = []
  for (let at = 0; at < Math.min(bytes.length, HEX_BYTES_MAX); at += HEX_ROW) {
    const row = [...bytes.subarray(at, at + HEX_ROW)]
    const hex = row.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
    const text = row.map((byte) => (byte >= 32 && byte < 127 ? String.fromCharCode(byte) : '.')).join('')
    rows.push(`${at.toString(16).padStart(6, '0')}  ${hex.padEnd(HEX_ROW * 3)} ${text}`)
  }
  if (bytes.length > HEX_BYTES_MAX) rows.push(`… ${bytes.length - HEX_BYTES_MAX} more bytes`)
  return rows.join('\n')
}
