/**
 * The names in a certificate of a peer, as logins and listings use them.
 *
 * Node.js hands out the subject as lines of escaped text, one for each part, and the alternative names as one line; this
 * file turns both into RabbitMQ's forms. [RFC 4514, RFC 5280 §4.2.1.6; RabbitMQ: rabbit_cert_info]
 */
import type { X509Certificate } from 'node:crypto'
import type { AlternativeName, PeerCertificate } from './transport.ts'

/** Attribute types that RabbitMQ writes differently from OpenSSL. */
const TYPE_NAMES: Readonly<Record<string, string>> = {
  SN: 'SN',
  GN: 'GIVENNAME',
  initials: 'INITIALS',
  generationQualifier: 'GENERATIONQUALIFIER',
  title: 'TITLE',
  serialNumber: 'SERIALNUMBER',
  pseudonym: 'PSEUDONYM',
  emailAddress: 'EMAILADDRESS',
  street: 'STREET',
}

const NAME_TYPES: Readonly<Record<string, AlternativeName['type']>> = {
  DNS: 'dns',
  'IP Address': 'ip',
  email: 'email',
  URI: 'uri',
  othername: 'other_name',
}

/** The names of a certificate that was verified. */
export function peerCertificate(certificate: X509Certificate): PeerCertificate {
  const subject = certificate.subject ?? ''
  return {
    distinguishedName: distinguishedName(subject),
    commonName: commonName(subject),
    alternativeNames: alternativeNames(certificate.subjectAltName ?? ''),
    issuer: distinguishedName(certificate.issuer ?? ''),
    notBefore: isoTime(certificate.validFrom),
    notAfter: isoTime(certificate.validTo),
  }
}

/** `C=DE\nCN=alice` is `CN=alice,C=DE`: the most specific part first, bytes beyond ASCII as `\C3`. */
export function distinguishedName(subject: string): string {
  return parts(subject)
    .map((part) => part.map(([type, value]) => `${TYPE_NAMES[type] ?? type}=${escapeBytes(value)}`).join('+'))
    .reverse()
    .join(',')
}

/** The plain text of all common names, with commas between them as RabbitMQ has it. */
function commonName(subject: string): string {
  const values = parts(subject).flatMap((part) => part.filter(([type]) => type === 'CN'))
  return values.map(([, value]) => unescaped(value)).join(',')
}

/** Parts of a subject; one part may have several attributes. Values stay escaped. */
function parts(subject: string): (readonly [type: string, value: string])[][] {
  if (subject === '') return []
  // A `+` of a value is escaped, and so are line feeds.
  return subject.split('\n').map((line) =>
    line.split(/(?<!\\) \+ /).map((attribute) => {
      const equals = attribute.indexOf('=')
      return [attribute.slice(0, equals), attribute.slice(equals + 1)] as const
    }),
  )
}

function escapeBytes(value: string): string {
  return value.replaceAll(/[^\x20-\x7e]+/gu, (text) =>
    [...Buffer.from(text)].map((byte) => `\\${byte.toString(16).padStart(2, '0').toUpperCase()}`).join(''),
  )
}

function unescaped(value: string): string {
  return value.replaceAll(/\\([0-9A-F]{2}|.)/g, (_all, what: string) =>
    what.length === 2 ? String.fromCharCode(Number.parseInt(what, 16)) : what,
  )
}

/** `DNS:a, URI:"x\u002cy"`: values with special characters are JSON text. */
export function alternativeNames(line: string): AlternativeName[] {
  const names: AlternativeName[] = []
  for (const [, kind, quoted, bare] of line.matchAll(/([A-Za-z ]+?):(?:("(?:[^"\\]|\\.)*")|([^,]*))(?:, |$)/g)) {
    const type = NAME_TYPES[kind!]
    const value = quoted === undefined ? bare! : String(JSON.parse(quoted))
    if (type === undefined || value === '<unsupported>') continue
    names.push({ type, value: type === 'other_name' ? value.replace(/^[A-Za-z]+:/, '') : value })
  }
  return names
}

/** `Jan  1 00:00:00 2030 GMT` as ISO 8601. */
function isoTime(text: string): string {
  const ms = Date.parse(text)
  return Number.isNaN(ms) ? text : new Date(ms).toISOString().replace('.000Z', 'Z')
}
