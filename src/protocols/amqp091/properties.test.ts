import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { anyBytes, anyProperties } from '../../../test/support/amqp091-arbitraries.ts'
import { ConnectionError } from './errors.ts'
import { decodeTable, NO_FIELDS } from './fields.ts'
import { ABSENT, type BasicProperties, decodeProperties, encodeProperties, PropertyScan } from './properties.ts'

const decode = (bytes: Buffer): BasicProperties => decodeProperties(bytes, 0, bytes.length)

/** What a scan sees, as decoding would give it. */
function scanned(scan: PropertyScan, bytes: Buffer): BasicProperties {
  const found: [string, unknown][] = [
    ['contentType', scan.text(scan.contentTypeAt)],
    ['contentEncoding', scan.text(scan.contentEncodingAt)],
    ['headers', (scan.flags & 0x2000) === 0 ? undefined : decodeTable(bytes, scan.headersStart, scan.headersEnd)],
    ['deliveryMode', (scan.flags & 0x1000) === 0 ? undefined : scan.deliveryMode],
    ['priority', scan.priority === ABSENT ? undefined : scan.priority],
    ['correlationId', scan.text(scan.correlationIdAt)],
    ['replyTo', scan.text(scan.replyToAt)],
    ['expiration', scan.text(scan.expirationAt)],
    ['messageId', scan.text(scan.messageIdAt)],
    ['timestamp', scan.timestamp()],
    ['type', scan.text(scan.typeAt)],
    ['userId', scan.text(scan.userIdAt)],
    ['appId', scan.text(scan.appIdAt)],
    ['clusterId', scan.text(scan.clusterIdAt)],
  ]
  return Object.fromEntries(found.filter(([, value]) => value !== undefined))
}

test('decode(encode(properties)) are the properties', () => {
  fc.assert(
    fc.property(anyProperties, (properties) => {
      const bytes = encodeProperties(properties)
      assert.deepEqual(decode(bytes), properties)
      assert.deepEqual(encodeProperties(decode(bytes)), bytes)
    }),
  )
})

test('a scan finds what decoding finds, though it was used before', () => {
  const scan = new PropertyScan()
  fc.assert(
    fc.property(anyProperties, fc.nat(9), (properties, pad) => {
      const encoded = encodeProperties(properties)
      const bytes = Buffer.concat([Buffer.alloc(pad, 0xff), encoded, Buffer.alloc(3, 0xff)])
      scan.scan(bytes, pad, pad + encoded.length)
      assert.deepEqual(scanned(scan, bytes), properties)
      assert.equal(scan.persistent, properties.deliveryMode === 2)
    }),
  )
})

test('each property has its place among the flags', () => {
  const names: (keyof BasicProperties)[] = [
    'contentType',
    'contentEncoding',
    'headers',
    'deliveryMode',
    'priority',
    'correlationId',
    'replyTo',
    'expiration',
    'messageId',
    'timestamp',
    'type',
    'userId',
    'appId',
    'clusterId',
  ]
  const values: BasicProperties = { headers: NO_FIELDS, deliveryMode: 1, priority: 1, timestamp: 1 }
  for (const [i, name] of names.entries())
    assert.equal(encodeProperties({ [name]: values[name] ?? 'x' }).readUInt16BE(0), 0x8000 >>> i, name)
})

test('a timestamp beyond 2^53 comes out rounded', () => {
  const bytes = Buffer.from([0, 0x40, 255, 255, 255, 255, 255, 255, 255, 255])
  assert.equal(decode(bytes).timestamp, 2 ** 64)
})

test('what is malformed is refused with 502, by scanning and by decoding', () => {
  const cases: [number[], RegExp][] = [
    [[], /property list is truncated/],
    [[0x80], /property list is truncated/],
    [[0x80, 0], /property list is truncated/],
    [[0x80, 0, 5, 65], /property list is truncated/],
    [[0x20, 0, 0, 0, 0], /property list is truncated/],
    [[0x20, 0, 0, 0, 0, 9, 1], /property list is truncated/],
    [[0x10, 0], /property list is truncated/],
    [[0x08, 0], /property list is truncated/],
    [[0, 0x40, 0, 0, 0, 0, 0, 0, 0], /property list is truncated/],
    [[0x20, 0, 0, 0, 0, 3, 1, 97, 90], /unknown type 'Z' in field table/],
    [[0, 0, 1, 2, 3], /3 bytes after the property list/],
    [[0, 1, 0, 0], /unknown property flags/],
  ]
  for (const [octets, text] of cases) {
    const bytes = Buffer.from([...octets, 0, 0, 0, 0, 0, 0, 0, 0])
    for (const read of [decodeProperties, (b: Buffer, s: number, e: number) => new PropertyScan().scan(b, s, e)])
      assert.throws(
        () => read(bytes, 0, octets.length),
        (error) => error instanceof ConnectionError && error.replyCode === 502 && text.test(error.replyText),
        `${octets}`,
      )
  }
})

test('the flag that no property has is ignored, as RabbitMQ does', () => {
  assert.deepEqual(decode(Buffer.from([0, 2])), {})
})

test('noise is scanned and decoded alike, or refused with ConnectionError alike', () => {
  const outcome = (read: () => BasicProperties): BasicProperties | 'refused' => {
    try {
      return read()
    } catch (error) {
      assert.ok(error instanceof ConnectionError, String(error))
      return 'refused'
    }
  }
  const spoiled = fc.tuple(anyProperties, fc.nat(), fc.nat(255)).map(([properties, at, octet]) => {
    const bytes = encodeProperties(properties)
    bytes[at % bytes.length] = octet
    return bytes
  })
  const scan = new PropertyScan()
  fc.assert(
    fc.property(fc.oneof(anyBytes, spoiled), (noise) => {
      const bytes = Buffer.concat([noise, Buffer.alloc(300, 0x56)])
      const end = noise.length
      const bySlow = outcome(() => decodeProperties(bytes, 0, end))
      const byScan = outcome(() => {
        scan.scan(bytes, 0, end)
        return scanned(scan, bytes)
      })
      assert.deepEqual(byScan, bySlow)
    }),
    { numRuns: 500 },
  )
})

test('a value that its type cannot hold is not written', () => {
  assert.throws(() => encodeProperties({ priority: 256 }), RangeError)
  assert.throws(() => encodeProperties({ deliveryMode: 1.5 }), RangeError)
  assert.throws(() => encodeProperties({ timestamp: -1 }), RangeError)
  assert.throws(() => encodeProperties({ replyTo: 'x'.repeat(256) }), RangeError)
})
