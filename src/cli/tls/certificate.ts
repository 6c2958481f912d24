/**
 * Makes X.509 certificates with keys on the curve P-256: what a development set-up and the tests need. [RFC 5280]
 */
import { createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { isIPv4, isIPv6 } from 'node:net'
import type { Randomness } from '../../base/random.ts'
import {
  bitString,
  boolean,
  context,
  integer,
  objectIdentifier,
  octetString,
  sequence,
  set,
  time,
  utf8String,
} from './der.ts'

const ECDSA_WITH_SHA256 = sequence(objectIdentifier('1.2.840.10045.4.3.2'))
const SERIAL_BYTES = 16
const KEY_ID_BYTES = 20
const ATTRIBUTES = { CN: '2.5.4.3', O: '2.5.4.10', OU: '2.5.4.11' } as const
const PURPOSES = { server: '1.3.6.1.5.5.7.3.1', client: '1.3.6.1.5.5.7.3.2' } as const
/** Bits of the key usage, the first one highest: digitalSignature; keyCertSign and cRLSign. */
const SIGNS = Buffer.from([0x80])
const SIGNS_CERTIFICATES = Buffer.from([0x06])

/** Attributes of a subject, in the certificate's order. */
export type Subject = readonly (readonly [type: keyof typeof ATTRIBUTES, value: string])[]

/** An alternative name. */
export interface SubjectName {
  readonly type: 'dns' | 'ip' | 'email' | 'uri'
  readonly value: string
}

/** What a certificate is to say. */
export interface CertificateRequest {
  readonly subject: Subject
  /** `authority` may sign others. */
  readonly purpose: 'authority' | keyof typeof PURPOSES
  readonly names: readonly SubjectName[]
  readonly notBeforeMs: number
  readonly notAfterMs: number
}

/** A certificate and its key. */
export interface Issued {
  readonly subject: Subject
  readonly key: KeyObject
  readonly publicKey: KeyObject
  /** PEM. */
  readonly certificate: string
}

/** Makes a key and a certificate for it, signed by the issuer, or by itself without one. */
export function issue(request: CertificateRequest, issuer: Signer | null, randomness: Randomness): Issued {
  const { privateKey: key, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const signer = issuer ?? { subject: request.subject, key, publicKey }
  const toBeSigned = sequence(
    context(0, integer(Buffer.from([2])), true),
    integer(Buffer.from([0x40, ...randomness.bytes(SERIAL_BYTES)])),
    ECDSA_WITH_SHA256,
    nameOf(signer.subject),
    sequence(time(request.notBeforeMs), time(request.notAfterMs)),
    nameOf(request.subject),
    publicKey.export({ type: 'spki', format: 'der' }),
    context(3, sequence(...extensions(request, publicKey, signer.publicKey)), true),
  )
  const signature = sign('sha256', toBeSigned, signer.key)
  const bytes = sequence(toBeSigned, ECDSA_WITH_SHA256, bitString(signature))
  return { subject: request.subject, key, publicKey, certificate: pem('CERTIFICATE', bytes) }
}

/** Who signs. */
export type Signer = Pick<Issued, 'subject' | 'key' | 'publicKey'>

/** The key as PEM. */
export function keyPem({ key }: Issued): string {
  return key.export({ type: 'pkcs8', format: 'pem' }).toString()
}

function nameOf(subject: Subject): Buffer {
  return sequence(
    ...subject.map(([type, value]) => set(sequence(objectIdentifier(ATTRIBUTES[type]), utf8String(value)))),
  )
}

function extensions(request: CertificateRequest, own: KeyObject, issuer: KeyObject): Buffer[] {
  const { purpose, names } = request
  const isAuthority = purpose === 'authority'
  const list = [
    extension('2.5.29.19', true, isAuthority ? sequence(boolean(true)) : sequence()),
    extension('2.5.29.15', true, isAuthority ? bitString(SIGNS_CERTIFICATES, 1) : bitString(SIGNS, 7)),
    extension('2.5.29.14', false, octetString(keyId(own))),
    extension('2.5.29.35', false, sequence(context(0, keyId(issuer), false))),
  ]
  if (!isAuthority) list.push(extension('2.5.29.37', false, sequence(objectIdentifier(PURPOSES[purpose]))))
  if (names.length > 0) list.push(extension('2.5.29.17', false, sequence(...names.map(generalName))))
  return list
}

function extension(id: string, isCritical: boolean, value: Uint8Array): Buffer {
  return sequence(objectIdentifier(id), ...(isCritical ? [boolean(true)] : []), octetString(value))
}

function generalName({ type, value }: SubjectName): Buffer {
  switch (type) {
    case 'email':
      return context(1, Buffer.from(value), false)
    case 'dns':
      return context(2, Buffer.from(value), false)
    case 'uri':
      return context(6, Buffer.from(value), false)
    case 'ip':
      return context(7, addressBytes(value), false)
  }
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split('.').map(Number))
  if (!isIPv6(address)) throw new Error(`'${address}' is not an IP address`)
  const [head = '', tail] = address.split('::')
  const groups = (text: string): string[] => (text === '' ? [] : text.split(':'))
  const before = groups(head)
  const after = tail === undefined ? [] : groups(tail)
  const zeros = new Array<string>(8 - before.length - after.length).fill('0')
  return Buffer.from([...before, ...zeros, ...after].map((group) => group.padStart(4, '0')).join(''), 'hex')
}

function keyId(key: KeyObject): Buffer {
  return createHash('sha256')
    .update(key.export({ type: 'spki', format: 'der' }))
    .digest()
    .subarray(0, KEY_ID_BYTES)
}

function pem(label: string, bytes: Buffer): string {
  const lines = bytes.toString('base64').match(/.{1,64}/g) ?? []
  return `-----BEGIN ${label}-----\n${lines.join('\n')}\n-----END ${label}-----\n`
}
