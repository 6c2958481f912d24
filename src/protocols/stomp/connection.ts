/**
 * One STOMP connection: from the transport to its session, through the frames of the client.
 *
 * It owns the socket, the login, heart-beats and the goodbye; what frames mean is the session's business. Everything that
 * a frame throws is caught in one place, which sends ERROR and closes this connection only. [STOMP 1.2 "Connecting", "ERROR"]
 *
 * Invariant: until CONNECTED nothing but CONNECT or STOMP is handled, and afterwards neither.
 */
import { CredentialExpiry } from '../../auth/credential-expiry.ts'
import { uniqueName } from '../../base/random.ts'
import { TimerEntry, type TimerOwner } from '../../base/timer-wheel.ts'
import { AccessPending } from '../../model/access/access-pending.ts'
import type { ChannelStatus, CloseReason } from '../../model/connections.ts'
import { SessionTallies } from '../../model/message/session-tallies.ts'
import type { AlarmListener, Alarms } from '../../model/observe/alarms.ts'
import { ReaderGates } from '../../net/reader-gates.ts'
import { PAUSE_BLOCKED, PAUSE_WAITING, Socket, type SocketHandler } from '../../net/socket.ts'
import type { Transport } from '../../net/transport.ts'
import type { Frame } from './codec.ts'
import { StompError } from './errors.ts'
import { FrameReader, type FrameSink } from './frame-reader.ts'
import { encodeFrame } from './frame-writer.ts'
import { type HeartbeatOwner, type HeartbeatPlan, Heartbeats, planHeartbeats } from './heartbeats.ts'
import { ListedConnection, type ListedSource } from './listed-connection.ts'
import { checkEntry, type LoggedIn, logIn, negotiateVersion } from './login.ts'
import { Receipts } from './receipts.ts'
import { StompSession } from './session.ts'
import * as spec from './spec.ts'
import type { SessionHost, StompWorld } from './world.ts'

type State = 'greeting' | 'logging-in' | 'open' | 'closing' | 'closed'
type Headers = readonly (readonly [string, string])[]

/** How long a client may take to close after our goodbye. */
const GOODBYE_MS_MAX = 5_000
const LINE_FEED = Buffer.from('\n')
const NO_HEADERS: ReadonlyMap<string, string> = new Map()

/** A connection. */
export class StompConnection
  implements SocketHandler, FrameSink, SessionHost, ListedSource, HeartbeatOwner, AlarmListener, TimerOwner
{
  readonly id: string
  readonly connectedAtMs: number
  readonly tallies: SessionTallies
  readonly socket: Socket
  version: spec.Version = spec.VERSION_10
  readonly #world: StompWorld
  readonly #reader: FrameReader
  readonly #whenGone: (connection: StompConnection) => void
  /** Ends the login, and the goodbye, that take too long. */
  readonly #deadline = new TimerEntry(this)
  #expiry: CredentialExpiry | null = null
  #heartbeats: Heartbeats | null = null
  #plan: HeartbeatPlan = { sendMs: 0, receiveMs: 0 }
  #state: State = 'greeting'
  #session: StompSession | null = null
  #listed: ListedConnection | null = null
  #isPublisher = false
  /** Frames with a receipt that is not answered yet: of the one at hand. */
  #receiptId: string | undefined
  #lastFrameMs: number

  /** `gone` is told once, when the socket is gone. */
  constructor(transport: Transport, world: StompWorld, gone: (connection: StompConnection) => void) {
    this.#whenGone = gone
    this.#world = world
    this.tallies = new SessionTallies(world.traffic)
    this.id = world.broker.connections.newId()
    const { turn, clock } = world.broker.world
    this.connectedAtMs = clock.nowMs()
    this.#lastFrameMs = this.connectedAtMs
    this.socket = new Socket(transport, { turn, chunks: world.chunks, inbound: world.inbound }, this)
    this.#reader = new FrameReader(this, world.frame, world.settings.frameBytesUnauthenticatedMax)
  }

  /** Starts to read; CONNECT has to come in time. */
  open(): void {
    this.#closeWithin(this.#world.settings.loginTimeoutMs)
    this.socket.open()
  }

  // What the socket tells

  onBytes(chunk: Buffer): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    this.#lastFrameMs = this.#world.broker.world.clock.nowMs()
    this.#guarded(() => this.#reader.feed(chunk))
  }

  onEnd(): void {
    this.socket.end()
  }

  onPressure(): void {
    this.#session?.onPressure()
  }

  onClosed(error: Error | null): void {
    if (error !== null) this.#world.logger.debug(`${this.name}: ${error.message}`, { error })
    this.#gone()
  }

  // Frames

  onFrame(frame: Frame): void {
    const session = this.#session
    if (session !== null) {
      try {
        session.onFrame(frame)
      } catch (error) {
        if (error instanceof AccessPending) return this.#handleAgain(error)
        this.#receiptId = receiptOf(frame)
        throw error
      }
      return
    }
    if (this.#state !== 'greeting') return
    const { command } = frame
    if (command === spec.CONNECT || command === spec.STOMP) return this.#connect(frame.headers())
    if (!this.#world.settings.implicitConnect) {
      throw new StompError('Illegal command', 'You must log in using CONNECT first')
    }
    this.suspend(true)
    this.#logIn(NO_HEADERS, false)
  }

  /** The frame at hand asked for a permission that is not known yet: it comes once more when it is. */
  #handleAgain(pending: AccessPending): void {
    this.suspend(true)
    void pending.answered.then(() => this.resume())
  }

  #connect(headers: Map<string, string>): void {
    this.version = negotiateVersion(headers.get('accept-version'))
    if (this.version === spec.VERSION_10) {
      for (const [name, value] of headers) headers.set(name, value.trimStart())
    }
    this.#plan = planHeartbeats(headers.get('heart-beat'))
    this.suspend(false)
    this.#logIn(headers, true)
  }

  #logIn(headers: ReadonlyMap<string, string>, isExplicit: boolean): void {
    this.#state = 'logging-in'
    logIn(this.#world, this.socket.ends, headers).then(
      (login) => this.#guarded(() => this.#loggedIn(login, isExplicit)),
      (error: unknown) => this.fail(error),
    )
  }

  #newReceipts(): Receipts {
    const { broker, settings, traffic } = this.#world
    const { store, clock } = broker.world
    const { trailingLineFeed } = settings
    return new Receipts({ store, clock, traffic, outbox: this.socket.outbox, version: this.version, trailingLineFeed })
  }

  #loggedIn(login: LoggedIn, isExplicit: boolean): void {
    if (this.#state !== 'logging-in') return
    const { broker, settings } = this.#world
    const { identity, mechanism, permissions } = login
    // Much may have changed while the login was checked.
    checkEntry(this.#world, permissions)
    const vhost = broker.vhost(permissions.vhost)! // `checkEntry` knows it.
    const sessionId = uniqueName(broker.world.randomness, 'session-')
    const { outbox } = this.socket
    this.#session = new StompSession({
      world: this.#world,
      host: this,
      outbox,
      receipts: this.#newReceipts(),
      tallies: this.tallies,
      version: this.version,
      sessionId,
      connectionName: this.name,
      vhost,
      permissions,
      rates: broker.rates.open(
        identity.user,
        vhost.name,
        new ReaderGates(this.socket, this.#reader, (error) => this.fail(error)),
      ),
      identity,
      actor: { user: identity.user, connectionId: this.id },
    })
    this.#state = 'open'
    broker.world.timers.cancel(this.#deadline)
    this.#list({ user: identity.user, vhost: vhost.name, mechanism, frameBytesMax: settings.frameBytesMax })
    this.#expiry = CredentialExpiry.at(broker.world.timers, identity.expiresAtMs, () => {
      this.fail(new StompError('Access refused', 'credential expired\n'))
    })
    if (isExplicit) this.#sayConnected(sessionId)
    this.#reader.version = this.version
    this.#reader.trims = this.version === spec.VERSION_10
    this.#reader.frameBytesMax = settings.frameBytesMax
    this.resume()
  }

  #sayConnected(sessionId: string): void {
    const { settings, broker } = this.#world
    const { sendMs, receiveMs } = this.#plan
    const headers: [string, string][] = [
      ['session', sessionId],
      ['heart-beat', `${sendMs},${receiveMs}`],
      ['version', spec.VERSION_NAMES[this.version]],
    ]
    if (!settings.hidesServer) headers.unshift(['server', settings.serverName])
    // CONNECTED is not escaped, as CONNECT is not: for clients of 1.0.
    const style = { version: spec.VERSION_10, trailingLineFeed: settings.trailingLineFeed } as const
    this.socket.outbox.write(encodeFrame('CONNECTED', headers, '', style))
    if (sendMs + receiveMs > 0) this.#heartbeats = new Heartbeats(broker.world.timers, this, this.#plan)
  }

  #list(login: ConstructorParameters<typeof ListedConnection>[1]): void {
    const { connections, counters } = this.#world.broker
    this.#listed = new ListedConnection(this, login)
    connections.add(this.#listed)
    counters.connectionsOpened++
    counters.channelsOpened++
  }

  #unlist(): void {
    const listed = this.#listed
    if (listed === null) return
    this.#listed = null
    const { connections, counters } = this.#world.broker
    connections.remove(listed)
    counters.connectionsClosed++
    counters.channelsClosed++
  }

  // Waiting

  suspend(again: boolean): void {
    this.#reader.hold(again)
    this.socket.pause(PAUSE_WAITING)
  }

  resume(): void {
    if (this.#state !== 'open') return
    this.socket.resume(PAUSE_WAITING)
    this.#guarded(() => this.#reader.release())
  }

  onPublish(): void {
    if (this.#isPublisher) return
    this.#isPublisher = true
    const { alarms } = this.#world
    alarms.listen(this)
    if (alarms.isBlocking) this.onAlarms(alarms, true)
  }

  onAlarms(_alarms: Alarms, blocking: boolean): void {
    if (blocking) this.socket.pause(PAUSE_BLOCKED)
    else this.socket.resume(PAUSE_BLOCKED)
  }

  // Heart-beats and deadlines

  get receivedBytes(): number {
    return this.socket.receivedBytes
  }

  get sentBytes(): number {
    return this.socket.sentBytes
  }

  get isDeaf(): boolean {
    return this.socket.isPaused
  }

  sendHeartbeat(): void {
    this.socket.outbox.write(LINE_FEED)
  }

  onSilence(): void {
    this.#world.logger.notice(`${this.name}: no heart-beat from the client`)
    this.destroy()
  }

  onTimer(): void {
    if (this.#state !== 'closing') {
      this.#world.broker.counters.limits.hit('handshake_time')
      this.#world.logger.notice(`${this.name}: no login within ${this.#world.settings.loginTimeoutMs} ms`)
    }
    this.destroy()
  }

  #closeWithin(ms: number): void {
    const { timers, clock } = this.#world.broker.world
    timers.schedule(this.#deadline, clock.nowMs() + ms)
  }

  // Ending

  close(reason: CloseReason, text: string): void {
    const message = reason === 'shutdown' ? 'Server shutdown' : 'Connection closed'
    this.fail(new StompError(message, `${text}\n`))
  }

  /** Without a goodbye. */
  destroy(): void {
    this.socket.destroy()
  }

  end(): void {
    this.#close()
  }

  complain(error: StompError, headers: Headers): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    this.#world.logger.notice(`${this.name}: ${error.message}: ${error.detail.trim()}`)
    this.#sendError(error, headers)
  }

  /** The one place that says goodbye because of an error. */
  fail(error: unknown): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    let shown: StompError
    if (error instanceof StompError) {
      shown = error
      if (error.limit !== null) this.#world.broker.counters.limits.hit(error.limit)
      this.#world.logger.notice(`${this.name}: closed: ${error.message}: ${error.detail.trim()}`)
    } else {
      shown = new StompError('Processing error', 'Processing error')
      this.#world.logger.error(`${this.name}: a bug closes this connection`, { error })
    }
    this.#sendError(shown, this.#receiptId === undefined ? [] : [['receipt-id', this.#receiptId]])
    this.#close()
  }

  #sendError(error: StompError, more: Headers): void {
    const headers: Headers = [
      ['message', error.message],
      ['content-type', 'text/plain'],
      ['version', spec.SUPPORTED_VERSIONS],
      ...more,
    ]
    const { trailingLineFeed } = this.#world.settings
    const style = { version: this.version, trailingLineFeed }
    this.socket.outbox.write(encodeFrame('ERROR', headers, error.detail, style))
  }

  #guarded(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.fail(error)
    }
  }

  /** Sends what is written, then ends; the session gives everything back first. */
  #close(): void {
    this.#state = 'closing'
    this.#reader.close()
    this.#unlist()
    this.#closeWithin(GOODBYE_MS_MAX)
    // What still comes is ignored, but a WebSocket must be read to see its end.
    this.socket.resume(PAUSE_WAITING | PAUSE_BLOCKED)
    // What was exclusive is gone when the client sees the end.
    this.#leave(() => this.socket.end())
  }

  #leave(done: () => void): void {
    this.#heartbeats?.stop()
    this.#heartbeats = null
    this.#expiry?.stop()
    const session = this.#session
    this.#session = null
    if (session === null) done()
    else session.close(done)
  }

  /** The socket is gone. */
  #gone(): void {
    if (this.#state === 'closed') return
    this.#state = 'closed'
    this.#reader.close()
    this.#leave(() => undefined)
    this.#unlist()
    this.#world.broker.world.timers.cancel(this.#deadline)
    this.#world.alarms.unlisten(this)
    this.#whenGone(this)
  }

  // Listings

  get name(): string {
    const { peerHost, peerPort, host, port } = this.socket.ends
    return `${peerHost}:${peerPort} -> ${host}:${port}`
  }

  get heartbeatSeconds(): number {
    return Math.round(this.#plan.receiveMs / 1000)
  }

  get isBlocked(): boolean {
    return this.#isPublisher && this.#world.alarms.isBlocking
  }

  get isOver(): boolean {
    return this.#state === 'closing' || this.#state === 'closed'
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }

  channelStatus(): ChannelStatus | null {
    return this.#session?.status(this.#lastFrameMs) ?? null
  }
}

/** The receipt that a frame asks for, as far as it can be read. */
function receiptOf(frame: Frame): string | undefined {
  try {
    return frame.text(spec.RECEIPT)
  } catch {
    return undefined
  }
}
