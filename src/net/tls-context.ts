/**
 * The certificates of one or more TLS servers, replaceable while they listen.
 *
 * Servers are made from `options` and attached; `replace` gives all of them new certificates, which handshakes from then on
 * use. Connections that are there keep what they agreed on. Invariant: what is in use was accepted by OpenSSL as a whole.
 */
import { X509Certificate } from 'node:crypto'
import tls from 'node:tls'
import type { Logger } from '../base/log.ts'
import { contextOptions, refusesPeer, serverOptions, type TlsSettings } from './tls.ts'

/** One per group of settings. */
export class TlsContext {
  readonly #servers = new Set<tls.Server>()
  #settings: TlsSettings
  /** Handshakes that came to nothing, and how many of those took too long. */
  failedCount = 0
  timedOutCount = 0
  /** By host name, for SNI. */
  #byHost: ReadonlyMap<string, tls.SecureContext>

  /** Throws when OpenSSL does not take certificate, key or ciphers. */
  constructor(settings: TlsSettings) {
    tls.createSecureContext(contextOptions(settings, settings))
    this.#byHost = hostContexts(settings)
    this.#settings = settings
  }

  get settings(): TlsSettings {
    return this.#settings
  }

  /** When the first of the certificates ends to be valid, ms. */
  get notAfterMs(): number {
    const { certificate, hosts } = this.#settings
    return Math.min(...[certificate, ...hosts.map((host) => host.certificate)].map(endOf))
  }

  /** For `tls.createServer` and `https.createServer`. The server is to be attached. */
  get options(): tls.TlsOptions {
    return {
      ...serverOptions(this.#settings),
      SNICallback: (name, done) => done(null, this.#contextFor(name)),
    }
  }

  /** Keeps the server's certificates current and refuses bad peers, before anybody else sees their connection. */
  attach(server: tls.Server, name: string, logger: Logger): void {
    this.#servers.add(server)
    server.on('close', () => this.#servers.delete(server))
    server.prependListener('secureConnection', (socket: tls.TLSSocket) => {
      const refusal = refusesPeer(this.#settings, socket)
      if (refusal === undefined) return
      this.failedCount++
      logger.notice(`${name}: certificate of ${socket.remoteAddress} refused: ${refusal}`)
      socket.destroy()
    })
    server.on('tlsClientError', (error: NodeJS.ErrnoException, socket) => {
      this.failedCount++
      if (error.code === 'ERR_TLS_HANDSHAKE_TIMEOUT') this.timedOutCount++
      logger.notice(`${name}: TLS handshake with ${socket.remoteAddress ?? 'a client'} failed: ${error.message}`)
      socket.destroy()
    })
  }

  /** New certificates for all servers. Throws, and changes nothing, when OpenSSL does not take them. */
  replace(settings: TlsSettings): void {
    const options = contextOptions(settings, settings)
    tls.createSecureContext(options)
    this.#byHost = hostContexts(settings)
    this.#settings = settings
    for (const server of this.#servers) server.setSecureContext(options)
  }

  /** Undefined: the certificate for everybody. */
  #contextFor(name: string): tls.SecureContext | undefined {
    const host = name.toLowerCase()
    return this.#byHost.get(host) ?? this.#byHost.get(host.replace(/^[^.]+/, '*'))
  }
}

function hostContexts(settings: TlsSettings): Map<string, tls.SecureContext> {
  const byHost = new Map<string, tls.SecureContext>()
  for (const host of settings.hosts) {
    const context = tls.createSecureContext(contextOptions(settings, host))
    for (const name of host.names) byHost.set(name, context)
  }
  return byHost
}

function endOf(certificate: Buffer): number {
  return Date.parse(new X509Certificate(certificate).validTo)
}
