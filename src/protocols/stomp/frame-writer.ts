/**
 * Encodes the frames that are rare: CONNECTED, RECEIPT, ERROR. Messages have a writer of their own.
 */
import { headerLine } from './escapes.ts'
import type { Version } from './spec.ts'

/** How frames of a connection are written. */
export interface FrameStyle {
  readonly version: Version
  /** A line feed follows the NUL. */
  readonly trailingLineFeed: boolean
}

/** A whole frame. One with a body says its length. */
export function encodeFrame(
  command: string,
  headers: readonly (readonly [string, string])[],
  body: string,
  { version, trailingLineFeed }: FrameStyle,
): Buffer {
  let head = `${command}\n`
  for (const [name, value] of headers) head += headerLine(name, value, version)
  if (body !== '') head += `content-length:${Buffer.byteLength(body)}\n`
  return Buffer.from(`${head}\n${body}\u0000${trailingLineFeed ? '\n' : ''}`)
}
