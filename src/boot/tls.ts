/** TLS settings of listeners: the files that the configuration names, read and looked at. */
import { X509Certificate } from 'node:crypto'
import { readFileSync, statSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import type { SecureVersion } from 'node:tls'
import type { Settings } from '../config/settings.ts'
import type { TlsHost, TlsSettings } from '../net/tls.ts'

/** Listeners with TLS options of their own; `clients` are all the others. */
export type TlsGroup = 'clients' | 'management' | 'prometheus' | 'webMqtt' | 'webStomp'

/** Beginning of the keys of each group. */
export const TLS_KEYS: Readonly<Record<TlsGroup, string>> = {
  clients: 'ssl_options',
  management: 'management.ssl',
  prometheus: 'prometheus.ssl',
  webMqtt: 'web_mqtt.ssl',
  webStomp: 'web_stomp.ssl',
}

const VERSIONS: Readonly<Record<string, SecureVersion>> = { 'tlsv1.2': 'TLSv1.2', 'tlsv1.3': 'TLSv1.3' }
/** Everybody on the machine may read. */
const OTHERS_READ = 0o004

/** The options of one group, what is unset taken from `ssl_options`. */
function optionsOf(settings: Settings, group: TlsGroup) {
  const { tls: shared } = settings
  const own = group === 'clients' ? shared : settings[`${group}Tls` as const]
  return {
    // A key goes with its certificate.
    ...(own.certificateFile === null ? pairOf(shared) : pairOf(own)),
    authoritiesFile: own.caCertificateFile ?? shared.caCertificateFile,
    verify: own.verify ?? shared.verify,
    failIfNoPeerCertificate: own.failIfNoPeerCertificate ?? shared.failIfNoPeerCertificate,
    depthMax: own.depthMax ?? shared.depthMax,
    versions: own.versions.length === 0 ? shared.versions : own.versions,
    ciphers: own.ciphers.length === 0 ? shared.ciphers : own.ciphers,
    honorCipherOrder: own.honorCipherOrder ?? shared.honorCipherOrder,
    hosts: Object.entries(shared.hosts),
  }
}

interface Pair {
  readonly certificateFile: string | null
  readonly keyFile: string | null
  readonly keyPassword: string | null
}

function pairOf({ certificateFile, keyFile, keyPassword }: Pair): Pair {
  return { certificateFile, keyFile, keyPassword }
}

/** Reads the files of a group. Throws a sentence when one is missing. */
export function readTlsSettings(settings: Settings, group: TlsGroup): TlsSettings {
  const { certificateFile, keyFile, ...options } = optionsOf(settings, group)
  const prefix = TLS_KEYS[group]
  if (certificateFile === null || keyFile === null) {
    throw new Error(`a TLS listener needs ${prefix}.certfile and ${prefix}.keyfile`)
  }
  const versions = options.versions.map((name) => VERSIONS[name]).filter((version) => version !== undefined)
  versions.sort()
  return {
    certificate: readFileSync(certificateFile),
    key: readFileSync(keyFile),
    keyPassword: options.keyPassword,
    hosts: options.hosts.map(([name, host]) => readHost(name, host)),
    authorities: options.authoritiesFile === null ? null : readFileSync(options.authoritiesFile),
    verifyPeer: options.verify === 'verify_peer',
    failIfNoPeerCertificate: options.failIfNoPeerCertificate,
    depthMax: options.depthMax,
    versionMin: versions[0] ?? null,
    versionMax: versions.at(-1) ?? null,
    ciphers: options.ciphers.length === 0 ? null : options.ciphers.join(':'),
    honorCipherOrder: options.honorCipherOrder,
    handshakeTimeoutMs: settings.listeners.sslHandshakeTimeoutMs,
  }
}

function readHost(name: string, { hostNames, ...pair }: Settings['tls']['hosts'][string]): TlsHost {
  const { certificateFile, keyFile, keyPassword } = pair
  const key = `warren.tls.hosts.${name}`
  if (certificateFile === null || keyFile === null) throw new Error(`${key} needs ${key}.certfile and ${key}.keyfile`)
  const certificate = readFileSync(certificateFile)
  const names = hostNames ?? namesIn(certificate)
  if (names.length === 0) throw new Error(`${key} needs ${key}.hostnames: the certificate names no host`)
  return { names: names.map((each) => each.toLowerCase()), certificate, key: readFileSync(keyFile), keyPassword }
}

function namesIn(certificate: Buffer): string[] {
  const names = new X509Certificate(certificate).subjectAltName ?? ''
  return [...names.matchAll(/(?:^|, )DNS:([^,]+)/g)].map(([, name]) => name!)
}

/** All files of a group; those of keys first. */
function filesOf(settings: Settings, group: TlsGroup): { readonly keys: string[]; readonly others: string[] } {
  const { certificateFile, keyFile, authoritiesFile, hosts } = optionsOf(settings, group)
  const keys = [keyFile, ...hosts.map(([, host]) => host.keyFile)]
  const others = [certificateFile, authoritiesFile, ...hosts.map(([, host]) => host.certificateFile)]
  const named = (files: readonly (string | null)[]): string[] => files.filter((file) => file !== null)
  return { keys: named(keys), others: named(others) }
}

/** A text that changes when a file of the group does, links that point to another file included. */
export async function signatureOf(settings: Settings, group: TlsGroup): Promise<string> {
  const { keys, others } = filesOf(settings, group)
  const signs = await Promise.all(
    [...keys, ...others].map(async (file) => {
      const found = await stat(file).catch((error: NodeJS.ErrnoException) => error)
      return found instanceof Error ? `${file} ${found.code}` : `${file} ${found.ino} ${found.size} ${found.mtimeMs}`
    }),
  )
  return signs.join('\n')
}

/** Key files that every user of the machine may read. */
export function exposedKeys(settings: Settings, group: TlsGroup): string[] {
  return filesOf(settings, group).keys.filter((file) => (statSync(file).mode & OTHERS_READ) !== 0)
}
