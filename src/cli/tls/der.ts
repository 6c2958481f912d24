/** Writes the distinguished encoding of ASN.1: as much of it as certificates need. [X.690] */

const LONG_LENGTH = 0x80

/** One value: tag, length, contents. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const bytes = Buffer.concat(contents)
  return Buffer.concat([Buffer.from([tag, ...lengthOctets(bytes.length)]), bytes])
}

function lengthOctets(length: number): number[] {
  if (length < LONG_LENGTH) return [length]
  const octets: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256)
  return [LONG_LENGTH | octets.length, ...octets]
}

export function sequence(...members: readonly Uint8Array[]): Buffer {
  return der(0x30, ...members)
}

export function set(...members: readonly Uint8Array[]): Buffer {
  return der(0x31, ...members)
}

/** Not negative: `bytes` are those of the number, the highest first. */
export function integer(bytes: Uint8Array): Buffer {
  const isNegative = (bytes[0] ?? 0) >= 0x80
  return der(0x02, isNegative ? Buffer.from([0, ...bytes]) : bytes)
}

export function boolean(value: boolean): Buffer {
  return der(0x01, Buffer.from([value ? 0xff : 0]))
}

export function octetString(bytes: Uint8Array): Buffer {
  return der(0x04, bytes)
}

/** `unusedBits` of the last octet do not count. */
export function bitString(bytes: Uint8Array, unusedBits = 0): Buffer {
  return der(0x03, Buffer.from([unusedBits]), bytes)
}

export function utf8String(text: string): Buffer {
  return der(0x0c, Buffer.from(text))
}

/** `1.2.840.10045.4.3.2` */
export function objectIdentifier(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return der(0x06, Buffer.from([40 * first + second, ...rest.flatMap(base128)]))
}

function base128(value: number): number[] {
  const octets = [value % 128]
  for (let rest = Math.floor(value / 128); rest > 0; rest = Math.floor(rest / 128)) octets.unshift((rest % 128) | 0x80)
  return octets
}

/** A time with seconds: two-digit years until 2049, as certificates want it. [RFC 5280 §4.1.2.5] */
export function time(ms: number): Buffer {
  const text = new Date(ms).toISOString().replaceAll(/[-:T]|\.\d+/g, '')
  return Number(text.slice(0, 4)) < 2050 ? der(0x17, Buffer.from(text.slice(2))) : der(0x18, Buffer.from(text))
}

/** A context-specific tag around values (`constructed`) or instead of a value's own. */
export function context(number: number, contents: Uint8Array, constructed: boolean): Buffer {
  return der((constructed ? 0xa0 : 0x80) | number, contents)
}
