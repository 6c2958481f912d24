/** What the TLS library of this process can do, for those who ask a running node. */
import tls from 'node:tls'

/** Protocol versions as Erlang writes them, the newest first. */
export function tlsVersions(): readonly string[] {
  const all = ['TLSv1.3', 'TLSv1.2', 'TLSv1.1', 'TLSv1']
  const [from, to] = [all.indexOf('TLSv1'), all.indexOf(tls.DEFAULT_MAX_VERSION)]
  return all.slice(to, from + 1).map((version) => version.toLowerCase())
}

/** Cipher suites by OpenSSL's names: those that listeners offer unless configured otherwise, and all. */
export function cipherSuites(): { readonly enabled: readonly string[]; readonly all: readonly string[] } {
  const all = tls.getCiphers().map((name) => name.toUpperCase())
  const known = new Set(all)
  return { enabled: tls.DEFAULT_CIPHERS.split(':').filter((name) => known.has(name)), all }
}
