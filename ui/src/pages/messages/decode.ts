/** Bodies of messages for people: JSON, text, hex, and binary formats whose decoders are loaded when they are wanted. */
import type { GotMessage } from '../../base/types.ts'
import { indentJson } from './indent-json.ts'

/** Ways to show a body. */
export type Decoding = 'json' | 'text' | 'hex' | 'base64' | 'msgpack' | 'cbor' | 'unpacked'

/** What the ways are called. */
export const DECODING_LABELS: Readonly<Record<Decoding, string>> = {
  json: 'JSON',
  text: 'Text',
  hex: 'Hex',
  base64: 'Base64',
  msgpack: 'MessagePack',
  cbor: 'CBOR',
  unpacked: 'Unpacked',
}

/** Encodings that the browser can undo. */
type Packing = 'gzip' | 'deflate'
const PACKINGS: readonly string[] = ['gzip', 'deflate'] satisfies Packing[]

const PREVIEW_CHARACTERS = 120
const HEX_BYTES_MAX = 16_384
const HEX_ROW = 16

/** The bytes of the body. */
export function bytesOf({ payload, payload_encoding: encoding }: GotMessage): Uint8Array<ArrayBuffer> {
  if (encoding !== 'base64') return new TextEncoder().encode(payload)
  return Uint8Array.from(atob(payload), (character) => character.charCodeAt(0))
}

function jsonOf(text: string): string | undefined {
  if (!/^\s*[[{"]/.test(text)) return undefined
  try {
    JSON.parse(text)
    return indentJson(text)
  } catch (error) {
    console.debug('not JSON', error)
    return undefined
  }
}

/** The ways that make sense, the best first. */
export function decodings(message: GotMessage): Decoding[] {
  const type = String(message.properties.content_type ?? '')
  const isPacked = /msgpack|messagepack/i.test(type)
  const isCbor = /cbor/i.test(type)
  if (message.payload_encoding === 'base64') {
    const first: Decoding[] = isPacked
      ? ['msgpack', 'hex', 'cbor']
      : isCbor
        ? ['cbor', 'hex', 'msgpack']
        : ['hex', 'msgpack', 'cbor']
    const unpacked: Decoding[] = packingOf(message) === undefined ? [] : ['unpacked']
    return [...unpacked, ...first, 'base64', 'text']
  }
  // Small numbers and short texts of these formats are text by chance.
  const rest: Decoding[] = isPacked ? ['msgpack', 'text', 'hex'] : isCbor ? ['cbor', 'text', 'hex'] : ['text', 'hex']
  return jsonOf(message.payload) === undefined || isPacked || isCbor ? rest : ['json', ...rest]
}

/** The body; says so when it is not what the decoding takes it for. */
export async function decode(message: GotMessage, decoding: Decoding): Promise<string> {
  switch (decoding) {
    case 'json':
      return jsonOf(message.payload) ?? message.payload
    case 'base64':
      return message.payload
    case 'text':
      return new TextDecoder().decode(bytesOf(message))
    case 'hex':
      return hexDump(bytesOf(message))
    case 'msgpack':
    case 'cbor':
      return await decodeBinary(message, decoding)
    case 'unpacked':
      return await unpack(message)
  }
}

function packingOf({ properties }: GotMessage): Packing | undefined {
  const name = String(properties.content_encoding ?? '').toLowerCase()
  // Checked against the list.
  return PACKINGS.includes(name) ? (name as Packing) : undefined
}

/** The text that the publisher packed. */
async function unpack(message: GotMessage): Promise<string> {
  const packing = packingOf(message)
  if (packing === undefined) return message.payload
  try {
    const unpacked = new Blob([bytesOf(message)]).stream().pipeThrough(new DecompressionStream(packing))
    const text = await new Response(unpacked).text()
    return jsonOf(text) ?? text
  } catch (error) {
    return `This is not ${packing}: ${error instanceof Error ? error.message : String(error)}`
  }
}

async function decodeBinary(message: GotMessage, format: 'msgpack' | 'cbor'): Promise<string> {
  const { binaryText } = await import('./binary.ts')
  try {
    return binaryText(bytesOf(message), format)
  } catch (error) {
    return `This is not ${DECODING_LABELS[format]}: ${error instanceof Error ? error.message : String(error)}`
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
