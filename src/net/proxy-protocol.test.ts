import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type ProxyHeader, readProxyHeader } from './proxy-protocol.ts'

const V2 = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')

function v2(command: number, family: number, address: readonly number[]): Buffer {
  const head = Buffer.from([0x20 | command, family, address.length >>> 8, address.length & 0xff])
  return Buffer.concat([V2, head, Buffer.from(address)])
}

function header(bytes: Buffer): Extract<ProxyHeader, { kind: 'header' }> {
  const read = readProxyHeader(bytes)
  assert.equal(read.kind, 'header')
  return read as Extract<ProxyHeader, { kind: 'header' }>
}

test('version 1 names both ends', () => {
  const line = 'PROXY TCP4 192.0.2.1 198.51.100.7 56324 5672\r\n'
  assert.deepEqual(header(Buffer.from(`${line}AMQP`)), {
    kind: 'header',
    byteCount: line.length,
    source: { peerHost: '192.0.2.1', peerPort: 56324, host: '198.51.100.7', port: 5672, tls: null },
  })
})

test('version 1 may not know the source', () => {
  assert.equal(header(Buffer.from('PROXY UNKNOWN ffff::1 ::1 1 2\r\n')).source, null)
})

test('version 2 names both ends, IPv4 and IPv6', () => {
  const four = header(v2(1, 0x11, [192, 0, 2, 1, 198, 51, 100, 7, 0xdc, 0x04, 0x16, 0x28]))
  assert.deepEqual(four.source, { peerHost: '192.0.2.1', peerPort: 56324, host: '198.51.100.7', port: 5672, tls: null })
  const one = [...new Array<number>(15).fill(0), 1]
  const six = header(v2(1, 0x21, [...one, ...one, 0, 1, 0, 2]))
  assert.deepEqual(six.source, {
    peerHost: '::1',
    peerPort: 1,
    host: '::1',
    port: 2,
    tls: null,
  })
})

test('addresses are written as the system writes those of sockets: short, and IPv4 as such', () => {
  const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1]
  const long = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 7]
  const two = header(v2(1, 0x21, [...mapped, ...long, 0, 1, 0, 2])).source
  assert.deepEqual([two?.peerHost, two?.host], ['192.0.2.1', '2001:db8::7'])
  const one = header(Buffer.from('PROXY TCP6 ::FFFF:192.0.2.1 2001:DB8:0:0::7 1 2\r\n')).source
  assert.deepEqual([one?.peerHost, one?.host], ['192.0.2.1', '2001:db8::7'])
  assert.equal(readProxyHeader(Buffer.from('PROXY TCP6 fe80::1%eth0 ::1 1 2\r\n')).kind, 'invalid')
})

test('version 2: the proxy may speak for itself, extensions are skipped', () => {
  const bytes = v2(0, 0x00, [1, 2, 3])
  assert.deepEqual(header(bytes), { kind: 'header', byteCount: bytes.length, source: null })
})

test('any prefix of a header is incomplete', () => {
  const whole = [Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1 2\r\n'), v2(1, 0x11, [1, 2, 3, 4, 5, 6, 7, 8, 0, 1, 0, 2])]
  for (const bytes of whole) {
    for (let end = 0; end < bytes.length; end++)
      assert.equal(readProxyHeader(bytes.subarray(0, end)).kind, 'incomplete')
  }
})

test('what is no header is refused', () => {
  const bad = [
    Buffer.from('AMQP\0\0\x09\x01'),
    Buffer.from('PROXY TCP4 1.2.3.4 5.6.7.8 1 99999\r\n'),
    Buffer.from('PROXY TCP9 a b 1 2\r\n'),
    Buffer.from(`PROXY ${'x'.repeat(200)}`),
    v2(1, 0x11, [1, 2, 3]),
    v2(3, 0x11, []),
  ]
  for (const bytes of bad) assert.equal(readProxyHeader(bytes).kind, 'invalid', bytes.toString('latin1'))
})

test('version 1 with what is no address is refused', () => {
  assert.equal(readProxyHeader(Buffer.from('PROXY TCP4 nonsense 198.51.100.7 1 2\r\n')).kind, 'invalid')
  assert.equal(readProxyHeader(Buffer.from('PROXY TCP4 ::1 198.51.100.7 1 2\r\n')).kind, 'invalid')
})

test("version 2 may say what the client's TLS agreed on", () => {
  const addresses = [192, 0, 2, 1, 198, 51, 100, 7, 0xdc, 0x04, 0x16, 0x28]
  const version = [0x21, 0, 7, ...Buffer.from('TLSv1.3')]
  const ssl = (flags: number) => [0x20, 0, 5 + version.length, flags, 0, 0, 0, 0, ...version]
  const skipped = [0x04, 0, 1, 9]
  const secured = header(v2(1, 0x11, [...addresses, ...skipped, ...ssl(1)]))
  assert.deepEqual(secured.source?.tls, { version: 'TLSv1.3', cipher: '', peerCertificate: null })
  assert.equal(header(v2(1, 0x11, [...addresses, ...ssl(0)])).source?.tls, null)
  const cut = ssl(1).slice(0, -3)
  assert.equal(header(v2(1, 0x11, [...addresses, ...cut])).source?.tls, null, 'an extension that is cut short')
})
