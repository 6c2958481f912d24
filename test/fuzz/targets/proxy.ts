// PROXY protocol headers, versions 1 and 2. Held: the bytes that came so far say `incomplete` or what all of them say.
import type { Randomness } from '../../../src/base/random.ts'
import { PROXY_HEADER_BYTES_MAX, type ProxyHeader, readProxyHeader } from '../../../src/net/proxy-protocol.ts'
import { type FuzzTarget, hashOf, holds, outcomeOf, pick, words } from '../fuzz-target.ts'

const SIGNATURE = Buffer.from('\r\n\r\n\0\r\nQUIT\n', 'latin1')
const CUTS = 4

function check(input: Buffer): string {
  const whole = readProxyHeader(input)
  for (let i = 0; i < CUTS; i++) {
    const part = readProxyHeader(input.subarray(0, hashOf(input, 0, input.length, i) % (input.length + 1)))
    holds(part.kind === 'incomplete' || text(part) === text(whole), `${text(part)}, then ${text(whole)}`)
  }
  if (whole.kind === 'incomplete') {
    holds(input.length < PROXY_HEADER_BYTES_MAX, 'waits for more than the longest header')
    return whole.kind
  }
  if (whole.kind === 'invalid') return outcomeOf(new Error(whole.reason))
  holds(whole.byteCount > 0 && whole.byteCount <= input.length, `${whole.byteCount} bytes`)
  if (whole.source === null) return 'nobody'
  const { peerPort, port, tls } = whole.source
  holds(peerPort >= 0 && peerPort <= 0xffff && port >= 0 && port <= 0xffff, 'a port out of range')
  return `${whole.source.peerHost.includes(':')} ${tls === null}`
}

function text(header: ProxyHeader): string {
  return JSON.stringify(header)
}

function generate(random: Randomness): Buffer {
  if (random.below(2) === 0) {
    const hosts = ['127.0.0.1', '1.2.3.4', '::1', 'fe80::1', '256.1.1.1', '']
    const ports = ['1', '65535', '65536', '0', '00080', '-1', '']
    const family = pick(random, ['TCP4', 'TCP6', 'UNKNOWN', 'UDP4'])
    const hostTexts = `${pick(random, hosts)} ${pick(random, hosts)}`
    return Buffer.from(`PROXY ${family} ${hostTexts} ${pick(random, ports)} ${pick(random, ports)}\r\nAMQP`)
  }
  const addresses = random.bytes(random.below(2) === 0 ? 12 : 36)
  const ssl =
    random.below(2) === 0
      ? Buffer.alloc(0)
      : extension(
          0x20,
          Buffer.concat([
            Buffer.from([1, 0, 0, 0, 0]),
            extension(0x21, Buffer.from('TLSv1.3')),
            extension(0x23, random.bytes(random.below(9))),
          ]),
        )
  const rest = Buffer.concat([addresses, ssl, extension(random.below(64), random.bytes(random.below(16)))])
  const head = Buffer.from([
    0x20 | random.below(3),
    pick(random, [0x11, 0x21, 0x31, 0]),
    rest.length >>> 8,
    rest.length,
  ])
  return Buffer.concat([SIGNATURE, head, rest, Buffer.from('AMQP')])
}

function extension(type: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, value.length >>> 8, value.length]), value])
}

/** The target. */
export function proxyTarget(random: Randomness): FuzzTarget {
  return {
    name: 'proxy',
    seeds: Array.from({ length: 30 }, () => generate(random)),
    dictionary: [SIGNATURE, ...words('PROXY ', 'TCP4 ', 'TCP6 ', 'UNKNOWN', '\r\n', ' ', '\x20', '\x21')],
    generate,
    check,
  }
}
