/**
 * The certificates of all listeners, kept current: their files are looked at now and then, and when somebody asks.
 *
 * New files that cannot be used (a key that does not belong to the certificate, half-written PEM) change nothing: the
 * certificate in use stays, and one line of the log says so. Each group of listeners has one context; files that have
 * not changed since they failed are not tried again.
 */
import { X509Certificate } from 'node:crypto'
import type { Logger } from '../base/log.ts'
import { TimerEntry, type TimerOwner, type TimerWheel } from '../base/timer-wheel.ts'
import type { Settings } from '../config/settings.ts'
import type { CertificateReload, ListedCertificate } from '../management/context.ts'
import { distinguishedName } from '../net/peer-certificate.ts'
import { TlsContext } from '../net/tls-context.ts'
import { exposedKeys, readTlsSettings, signatureOf, TLS_KEYS, type TlsGroup } from './tls.ts'

interface Kept {
  readonly context: TlsContext
  signature: string
}

/** One per broker. */
export class Certificates implements TimerOwner {
  readonly #wheel: TimerWheel
  readonly #logger: Logger
  readonly #timer = new TimerEntry(this)
  readonly #kept = new Map<TlsGroup, Kept>()
  #settings: Settings
  #isStopped = false
  /** Replacements since the start, for metrics. */
  reloadedCount = 0
  failedCount = 0

  constructor(settings: Settings, wheel: TimerWheel, logger: Logger) {
    this.#settings = settings
    this.#wheel = wheel
    this.#logger = logger
  }

  /** The context of a group's listeners. Rejects with a sentence when its files cannot be used. */
  async contextOf(group: TlsGroup): Promise<TlsContext> {
    const kept = this.#kept.get(group)
    if (kept !== undefined) return kept.context
    const signature = await signatureOf(this.#settings, group)
    const context = this.#open(group)
    this.#warn(group, context)
    this.#kept.set(group, { context, signature })
    this.#schedule()
    return context
  }

  /** Certificates in use. */
  list(): ListedCertificate[] {
    return [...this.#kept].flatMap(([group, { context }]) => {
      const { settings } = context
      const own = { names: [], certificate: settings.certificate }
      return [own, ...settings.hosts].map(({ names, certificate }) => {
        const parsed = new X509Certificate(certificate)
        return {
          listeners: TLS_KEYS[group],
          hostNames: names,
          subject: distinguishedName(parsed.subject),
          issuer: distinguishedName(parsed.issuer),
          notAfterMs: Date.parse(parsed.validTo),
        }
      })
    })
  }

  /** Handshakes that came to nothing, and how many of those took too long. */
  handshakes(): { readonly failedCount: number; readonly timedOutCount: number } {
    const contexts = [...this.#kept.values()].map(({ context }) => context)
    return {
      failedCount: contexts.reduce((sum, each) => sum + each.failedCount, 0),
      timedOutCount: contexts.reduce((sum, each) => sum + each.timedOutCount, 0),
    }
  }

  /** When the first certificate of a group ends to be valid; undefined when nobody listens with it. */
  notAfterMs(group: TlsGroup): number | undefined {
    return this.#kept.get(group)?.context.notAfterMs
  }

  /** Reads all files again, changed or not. */
  async reload(settings: Settings = this.#settings): Promise<CertificateReload[]> {
    this.#settings = settings
    const outcomes: CertificateReload[] = []
    for (const [group, kept] of this.#kept) {
      const signature = await signatureOf(settings, group)
      outcomes.push(this.#replace(group, kept, signature))
    }
    return outcomes
  }

  stop(): void {
    this.#isStopped = true
    this.#wheel.cancel(this.#timer)
  }

  onTimer(): void {
    void this.#check().then(() => this.#schedule())
  }

  async #check(): Promise<void> {
    for (const [group, kept] of this.#kept) {
      const signature = await signatureOf(this.#settings, group)
      if (signature !== kept.signature && !this.#isStopped) this.#replace(group, kept, signature)
    }
  }

  #schedule(): void {
    const { checkEveryMs } = this.#settings.tls
    if (this.#isStopped || checkEveryMs === Number.POSITIVE_INFINITY || this.#timer.isScheduled) return
    this.#wheel.schedule(this.#timer, this.#wheel.clock.nowMs() + checkEveryMs)
  }

  #open(group: TlsGroup): TlsContext {
    try {
      return new TlsContext(readTlsSettings(this.#settings, group))
    } catch (error) {
      throw new Error(`${TLS_KEYS[group]}: ${reasonOf(error)}`, { cause: error })
    }
  }

  #replace(group: TlsGroup, kept: Kept, signature: string): CertificateReload {
    const listeners = TLS_KEYS[group]
    kept.signature = signature
    try {
      kept.context.replace(readTlsSettings(this.#settings, group))
    } catch (error) {
      this.failedCount++
      const reason = reasonOf(error)
      this.#logger.error(`the new certificates of ${listeners} cannot be used, the old ones stay: ${reason}`)
      return { listeners, error: reason }
    }
    this.reloadedCount++
    const until = new Date(kept.context.notAfterMs).toISOString()
    this.#logger.notice(`the certificates of ${listeners} were read again; they are valid until ${until}`)
    this.#warn(group, kept.context)
    return { listeners, error: null }
  }

  #warn(group: TlsGroup, context: TlsContext): void {
    const key = TLS_KEYS[group]
    for (const file of exposedKeys(this.#settings, group)) {
      this.#logger.warning(`the private key ${file} can be read by every user of this machine: chmod 600`)
    }
    if (context.notAfterMs < this.#wheel.clock.nowMs()) this.#logger.warning(`a certificate of ${key} has expired`)
    const { verifyPeer, failIfNoPeerCertificate, authorities } = context.settings
    if (verifyPeer && authorities === null) {
      this.#logger.warning(
        `${key}.verify without ${key}.cacertfile: clients with certificates of public authorities pass`,
      )
    }
    if (failIfNoPeerCertificate && !verifyPeer) {
      this.#logger.warning(`${key}.fail_if_no_peer_cert has no effect without ${key}.verify = verify_peer`)
    }
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
