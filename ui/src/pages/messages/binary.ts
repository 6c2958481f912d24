/** Bodies in MessagePack and CBOR, as JSON for people. Loaded when one is looked at. */
import { decode as decodeMessagePack } from '@msgpack/msgpack'
import { decode as decodeCbor } from 'cborg'

/** Formats of this file. */
export type BinaryFormat = 'msgpack' | 'cbor'

/** The value as indented JSON; throws what is wrong with the bytes. */
export function binaryText(bytes: Uint8Array, format: BinaryFormat): string {
  const value: unknown =
    format === 'msgpack' ? decodeMessagePack(bytes, { useBigInt64: true }) : decodeCbor(bytes, { useMaps: true })
  return JSON.stringify(value, showable, 2) ?? 'undefined'
}

/** JSON has neither bytes, nor large integers, nor maps with keys of any kind. */
function showable(_name: string, value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value.toString()
  if (value instanceof Uint8Array)
    return `bytes ${Array.from(value, (byte) => byte.toString(16).padStart(2, '0')).join('')}`
  if (!(value instanceof Map)) return value
  return Object.fromEntries(
    [...value].map(([key, item]) => [typeof key === 'string' ? key : JSON.stringify(key), item]),
  )
}
