/**
 * All MQTT sessions of a broker, by vhost and client id: takes over, keeps, expires, finds again after a restart.
 *
 * A client id is one session at a time; opening and ending one take several steps, so those who want the same client id
 * wait for each other in a line. Lasting sessions are kept in the keeper once they have something worth keeping.
 */
import type { Logger } from '../../base/log.ts'
import { Keeper } from '../../model/records/keeper.ts'
import type { Actor } from '../../model/verbs/requests.ts'
import { MqttSession, type SessionHost, type SessionPeer, type SessionRecord } from './session.ts'
import { deleteQueue, isSharedQueue, sharedQueueName } from './session-queues.ts'
import { isShared, parseShared } from './topics.ts'
import type { MqttWorld } from './world.ts'

const AREA = 'mqtt-session'
/** Who acts for a session that has no connection. */
const SERVICE: Actor = { user: 'mqtt', connectionId: null }

/** The sessions of a broker. */
export class MqttSessions implements SessionHost {
  readonly world: MqttWorld
  readonly #keeper: Keeper
  readonly #logger: Logger
  /** By vhost and client id. */
  readonly #sessions = new Map<string, Map<string, MqttSession>>()
  #count = 0
  /** Client ids being opened or ended, and who waits for them. */
  readonly #busy = new Map<string, (() => void)[]>()
  /** Sessions that have a shared filter, by vhost and filter. */
  readonly #members = new Map<string, Set<MqttSession>>()
  #isStopped = false

  constructor(world: MqttWorld) {
    this.world = world
    this.#logger = world.logger
    this.#keeper = new Keeper(world.broker.world.metadata, AREA)
  }

  get count(): number {
    return this.#count
  }

  /**
   * Finds the kept sessions. Before the broker starts: their ledgers have to be claimed before the store drops what
   * nobody wants.
   */
  recover(): void {
    for (const { vhost, name, value } of this.#keeper.entries()) {
      // The store keeps only records of this shape in this area.
      const record = value as SessionRecord
      const identity = { vhostName: vhost, clientId: name, user: record.user, ledgers: record.ledgers }
      const session = new MqttSession(this, identity)
      session.expirySeconds = record.expirySeconds
      session.isKept = true
      for (const options of record.subscriptions) {
        const parts = isShared(options.filter) ? parseShared(options.filter) : undefined
        if (parts === undefined) session.note(options)
        else {
          session.noteShared(options, parts.filter)
          this.join(session, options.filter)
        }
      }
      session.recover()
      if (record.will !== null) session.recoverWill(record.will)
      this.#add(session)
    }
    this.#keeper.watch((vhost, name, value) => {
      if (value === undefined) this.#onDropped(vhost, name)
    })
  }

  /** After the broker started: lives without a connection begin, and queues of groups without members go. */
  start(): void {
    for (const session of this.all()) session.start()
    for (const vhost of this.world.broker.vhosts()) {
      for (const { name } of [...vhost.queues()]) {
        if (isSharedQueue(name) && !this.#hasMembers(vhost.name, name))
          deleteQueue(vhost, name, SERVICE, () => undefined)
      }
    }
  }

  stop(): void {
    this.#isStopped = true
    for (const session of this.all()) session.stop()
  }

  get(vhost: string, clientId: string): MqttSession | undefined {
    return this.#sessions.get(vhost)?.get(clientId)
  }

  /** Sessions with and without a connection. */
  *all(): Iterable<MqttSession> {
    for (const sessions of this.#sessions.values()) yield* sessions.values()
  }

  #add(session: MqttSession): void {
    const { vhostName, clientId } = session
    const sessions = this.#sessions.get(vhostName)
    if (sessions === undefined) this.#sessions.set(vhostName, new Map([[clientId, session]]))
    else sessions.set(clientId, session)
    this.#count++
  }

  /** How long the session outlives its connection. */
  setExpiry(session: MqttSession, seconds: number): void {
    if (session.expirySeconds === seconds) return
    session.expirySeconds = seconds
    if (session.isKept && seconds > 0) this.store(session, () => undefined)
  }

  /** Harmless when another one has its place. */
  #remove(session: MqttSession): void {
    const { vhostName, clientId } = session
    const sessions = this.#sessions.get(vhostName)
    if (sessions === undefined || sessions.get(clientId) !== session) return
    sessions.delete(clientId)
    if (sessions.size === 0) this.#sessions.delete(vhostName)
    this.#count--
  }

  // One at a time

  /** Calls `run` when nobody else is busy with the client id; `free` must follow. */
  claim(vhost: string, clientId: string, run: () => void): void {
    const key = keyOf(vhost, clientId)
    const waiting = this.#busy.get(key)
    if (waiting !== undefined) {
      waiting.push(run)
      return
    }
    this.#busy.set(key, [])
    run()
  }

  free(vhost: string, clientId: string): void {
    const key = keyOf(vhost, clientId)
    const next = this.#busy.get(key)?.shift()
    if (next === undefined) this.#busy.delete(key)
    else next()
  }

  // Opening and ending. The client id is claimed.

  /** A new session; undefined when there are too many. */
  create(vhost: string, clientId: string, user: string, lasts: boolean): MqttSession | undefined {
    const { broker } = this.world
    if (this.#count >= this.world.settings.sessionCountMax) {
      broker.counters.limits.hit('mqtt_sessions')
      return undefined
    }
    const { store } = broker.world
    const ledgers = lasts ? { received: store.newLedgerId(), released: store.newLedgerId() } : null
    const session = new MqttSession(this, { vhostName: vhost, clientId, user, ledgers })
    this.#add(session)
    return session
  }

  /** Takes the session from its connection, which is told. `done` when the connection's own queues are gone. */
  takeOver(session: MqttSession, isResumed: boolean, done: () => void): void {
    const { peer, vhost } = session
    if (peer === null) return done()
    session.detach()
    peer.onTakenOver(isResumed)
    if (vhost === undefined) done()
    else vhost.releaseOwner(peer.connectionId, done)
  }

  /** Ends a session: queues, record and all. */
  end(session: MqttSession, done: () => void): void {
    this.#remove(session)
    if (session.isEnded) return done()
    for (const filter of [...session.shared.keys()]) this.leave(session, filter)
    session.end()
    const { vhost } = session
    const dropRecord = (): void => {
      if (!session.isKept) return done()
      this.#keeper.drop(session.vhostName, session.clientId, (error) => {
        if (error !== null) this.#logger.error(`session of '${session.clientId}' is not forgotten: ${error.message}`)
        done()
      })
    }
    if (vhost === undefined || !session.lasts) return done()
    deleteQueue(vhost, session.queueName, SERVICE, dropRecord)
  }

  /** The connection is gone: the session stays for a while, or ends. */
  release(session: MqttSession, peer: SessionPeer, done: () => void): void {
    if (session.peer !== peer) return done()
    session.detach()
    const { vhost } = session
    const next = (): void => {
      if (session.expirySeconds === 0) return this.end(session, done)
      session.startExpiry()
      done()
    }
    if (vhost === undefined) next()
    else vhost.releaseOwner(peer.connectionId, next)
  }

  onExpired(session: MqttSession): void {
    const { vhostName, clientId } = session
    this.claim(vhostName, clientId, () => {
      const free = (): void => this.free(vhostName, clientId)
      if (session.peer !== null || session.isEnded || this.#isStopped) free()
      else this.end(session, free)
    })
  }

  store(session: MqttSession, done: (error: Error | null) => void): void {
    session.isKept = true
    this.#keeper.put(session.vhostName, session.clientId, session.record(), (error) => {
      if (error !== null) this.#logger.error(`session of '${session.clientId}' is not kept: ${error.message}`)
      done(error)
    })
  }

  /** Its vhost was deleted, and the record with it. */
  #onDropped(vhost: string, clientId: string): void {
    const session = this.get(vhost, clientId)
    if (session === undefined || session.isEnded || session.peer !== null) return
    if (this.world.broker.vhost(vhost) !== undefined && this.#busy.has(keyOf(vhost, clientId))) return
    this.#remove(session)
    session.end()
  }

  // Groups

  /** The session has a shared filter. */
  join(session: MqttSession, filter: string): void {
    const key = keyOf(session.vhostName, filter)
    const members = this.#members.get(key)
    if (members === undefined) this.#members.set(key, new Set([session]))
    else members.add(session)
  }

  /** The session has a shared filter no more; the last one takes the queue along. */
  leave(session: MqttSession, filter: string): void {
    const shared = session.shared.get(filter)
    session.shared.delete(filter)
    if (shared !== undefined && shared.sink !== null) session.deliveries.retire(shared.sink)
    const key = keyOf(session.vhostName, filter)
    const members = this.#members.get(key)
    members?.delete(session)
    if (members !== undefined && members.size > 0) return
    this.#members.delete(key)
    const { vhost } = session
    if (vhost !== undefined) deleteQueue(vhost, sharedQueueName(filter), SERVICE, () => undefined)
  }

  #hasMembers(vhost: string, queueName: string): boolean {
    for (const key of this.#members.keys()) {
      const [ofVhost, filter] = key.split('\u0000')
      if (ofVhost === vhost && sharedQueueName(filter!) === queueName) return true
    }
    return false
  }
}

/** Names contain no U+0000 in any protocol's text, so the pair is unique. */
function keyOf(vhost: string, clientId: string): string {
  return `${vhost}\u0000${clientId}`
}
