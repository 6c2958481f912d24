/**
 * The connections to a directory: a bounded pool over `ldapts`, which is loaded when the first one is opened.
 *
 * A connection is bound as whoever it serves, and bound anew for somebody else. One that failed, or whose question was given
 * up, is closed, never used again: an answer may still be under way. Servers are tried in order, beginning with the one
 * that worked last.
 */
import type { ConnectionOptions, connect, TLSSocket } from 'node:tls'
import type { Client } from 'ldapts'
import type { Clock } from '../../../base/clock.ts'
import type { DirectoryLink, FoundEntry, SearchFilter, SearchScope } from './queries.ts'

/** Entries of one answer. */
const ENTRIES_MAX = 1000
/** Who waits for a connection, at most; more are refused. */
const WAITING_MAX = 1024

/** An IP address: no name to ask for in a TLS handshake. */
const IS_ADDRESS = /^[\d.]+$|:/
/** How much longer a connection waits than whoever asks. */
const SPARE_MS = 1_000

/** As whom to ask; null is nobody in particular. */
export interface Bind {
  readonly dn: string
  readonly password: string
}

/** Settings of the connections. */
export interface DirectorySettings {
  readonly servers: readonly string[]
  readonly port: number
  /** TLS from the first byte. */
  readonly usesTls: boolean
  readonly usesStartTls: boolean
  readonly tls: ConnectionOptions
  /** Node's own `tls.connect`. */
  readonly connectTls: typeof connect
  readonly timeoutMs: number
  readonly idleTimeoutMs: number
  readonly poolCount: number
}

interface Pooled {
  readonly client: Client
  readonly fate: Fate
  boundAs: Bind | null
  freeSinceMs: number
}

/** What becomes of a connection: the client does not notice the end of one that StartTLS has encrypted. */
interface Fate {
  isOver: boolean
}

/** The credentials are wrong. */
export class BindRefused extends Error {}

/** One directory. */
export class Directory {
  readonly #settings: DirectorySettings
  readonly #clock: Clock
  readonly #free: Pooled[] = []
  readonly #waiting: (() => void)[] = []
  #openCount = 0
  #server = 0
  #isClosed = false

  constructor(settings: DirectorySettings, clock: Clock) {
    this.#settings = settings
    this.#clock = clock
  }

  /** Connections that are open. */
  get openCount(): number {
    return this.#openCount
  }

  /** Runs with a connection bound as somebody. Rejects with `BindRefused` when the password is wrong. `always`: binds even if it is bound so. */
  async as<T>(
    bind: Bind | null,
    signal: AbortSignal,
    run: (link: DirectoryLink) => Promise<T>,
    always = false,
  ): Promise<T> {
    const pooled = await this.#take(signal)
    let isSound = false
    try {
      await this.#bind(pooled, bind, always)
      const result = await run(new Link(pooled))
      isSound = !signal.aborted
      return result
    } catch (error) {
      isSound = error instanceof BindRefused && !signal.aborted
      throw error
    } finally {
      this.#give(pooled, isSound)
    }
  }

  close(): void {
    this.#isClosed = true
    for (const pooled of this.#free.splice(0)) this.#drop(pooled)
  }

  async #bind(pooled: Pooled, bind: Bind | null, always: boolean): Promise<void> {
    const { boundAs, client } = pooled
    if (!always && boundAs?.dn === bind?.dn && boundAs?.password === bind?.password) return
    pooled.boundAs = null
    const { InvalidCredentialsError, NoSuchObjectError, InvalidDNSyntaxError } = await import('ldapts')
    checkConnected(pooled)
    try {
      await client.bind(bind?.dn ?? '', bind?.password ?? '')
    } catch (error) {
      const isRefusal = [InvalidCredentialsError, NoSuchObjectError, InvalidDNSyntaxError].some(
        (kind) => error instanceof kind,
      )
      throw isRefusal ? new BindRefused('the directory refused the login') : error
    }
    pooled.boundAs = bind
  }

  async #take(signal: AbortSignal): Promise<Pooled> {
    this.#dropIdle()
    for (let free = this.#free.pop(); free !== undefined; free = this.#free.pop()) {
      if (isConnected(free)) return free
      this.#drop(free)
    }
    if (this.#openCount >= this.#settings.poolCount) {
      if (this.#waiting.length >= WAITING_MAX)
        throw new Error('too many questions wait for a connection to the directory')
      await this.#turn(signal)
      return await this.#take(signal)
    }
    this.#openCount++
    try {
      return await this.#open()
    } catch (error) {
      this.#openCount--
      this.#wake()
      throw error
    }
  }

  /** Waits for a connection to become free. Who gives up passes the turn on. */
  async #turn(signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve)
      const giveUp = (): void => {
        const index = this.#waiting.indexOf(resolve)
        if (index >= 0) this.#waiting.splice(index, 1)
        resolve()
      }
      signal.addEventListener('abort', giveUp, { once: true })
    })
    if (!signal.aborted) return
    this.#wake()
    throw new Error('no connection to the directory became free')
  }

  #give(pooled: Pooled, isSound: boolean): void {
    if (isSound && !this.#isClosed) {
      pooled.freeSinceMs = this.#clock.monotonicMs()
      this.#free.push(pooled)
    } else this.#drop(pooled)
    this.#wake()
  }

  #wake(): void {
    this.#waiting.shift()?.()
  }

  #drop({ client }: Pooled): void {
    this.#openCount--
    // A connection that is gone already cannot say goodbye.
    client.unbind().catch(() => undefined)
  }

  #dropIdle(): void {
    const oldestMs = this.#clock.monotonicMs() - this.#settings.idleTimeoutMs
    while (this.#free[0] !== undefined && this.#free[0].freeSinceMs < oldestMs) this.#drop(this.#free.shift()!)
  }

  async #open(): Promise<Pooled> {
    const { servers } = this.#settings
    let failure: unknown
    for (let tries = 0; tries < servers.length; tries++) {
      const index = (this.#server + tries) % servers.length
      try {
        const pooled = await this.#connect(servers[index]!)
        this.#server = index
        return pooled
      } catch (error) {
        failure = error
      }
    }
    throw failure instanceof Error ? failure : new Error('there are no servers')
  }

  async #connect(server: string): Promise<Pooled> {
    const { servers, port, usesTls, usesStartTls, tls, connectTls, timeoutMs } = this.#settings
    const { Client: LdapClient } = await import('ldapts')
    const host = server.includes(':') ? `[${server}]` : server
    const tlsOptions = { ...(!IS_ADDRESS.test(server) && { servername: server }), host: server, ...tls }
    // Alone, it has as long as whoever asks, who gives up before. Of several, one that is silent leaves time for the next.
    const waitMs = servers.length === 1 ? timeoutMs + SPARE_MS : timeoutMs / (servers.length + 1)
    const fate: Fate = { isOver: false }
    const connectWatched = (...args: Parameters<typeof connect>): TLSSocket =>
      connectTls(...args).once('close', () => {
        fate.isOver = true
      })
    const client = new LdapClient({
      // Both shapes of its arguments are handed on as they are.
      createSecureConnection: connectWatched as typeof connect,
      url: `${usesTls ? 'ldaps' : 'ldap'}://${host}:${port}`,
      timeout: waitMs,
      connectTimeout: waitMs,
      strictDN: false,
      ...(usesTls && { tlsOptions }),
    })
    try {
      if (usesStartTls) await client.startTLS(tlsOptions)
      // Connects, and tells a server that is not there from one that refuses.
      else await client.bind('', '')
      return { client, fate, boundAs: null, freeSinceMs: 0 }
    } catch (error) {
      const { ResultCodeError } = await import('ldapts')
      // A server that lets nobody in without a name is there all the same.
      if (error instanceof ResultCodeError && !usesStartTls) return { client, fate, boundAs: null, freeSinceMs: 0 }
      client.unbind().catch(() => undefined)
      throw error
    }
  }
}

class Link implements DirectoryLink {
  readonly #pooled: Pooled

  constructor(pooled: Pooled) {
    this.#pooled = pooled
  }

  async search(
    base: string,
    scope: SearchScope,
    filter: SearchFilter | null,
    attribute: string | null,
  ): Promise<FoundEntry[]> {
    const { EqualityFilter, PresenceFilter, NoSuchObjectError } = await import('ldapts')
    checkConnected(this.#pooled)
    try {
      const { searchEntries } = await this.#pooled.client.search(base, {
        scope,
        filter: filter === null ? new PresenceFilter({ attribute: 'objectClass' }) : new EqualityFilter({ ...filter }),
        attributes: [attribute ?? '1.1'],
        sizeLimit: ENTRIES_MAX,
      })
      return searchEntries.map((entry) => ({
        dn: entry.dn,
        values: attribute === null ? [] : textsOf(entry, attribute),
      }))
    } catch (error) {
      if (error instanceof NoSuchObjectError) return []
      throw error
    }
  }
}

function isConnected({ client, fate }: Pooled): boolean {
  return client.isConnected && !fate.isOver
}

/** The client would connect anew by itself: without StartTLS, and as nobody. */
function checkConnected(pooled: Pooled): void {
  if (!isConnected(pooled)) throw new Error('the directory closed the connection')
}

/** Values of an attribute, whose name the directory may write in other letters. */
function textsOf(entry: Readonly<Record<string, unknown>>, attribute: string): string[] {
  const name = Object.keys(entry).find((key) => key.toLowerCase() === attribute.toLowerCase())
  const value = name === undefined ? [] : entry[name]
  return (Array.isArray(value) ? value : [value]).map(String)
}
