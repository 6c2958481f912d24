/**
 * One connection of AMQP 0-9-1, from accepted socket to closed one, and the one place where errors become closes.
 *
 *   opening (see `Opening`) → running → closing: we said close → closed
 *
 * The socket hands chunks in; the reader cuts frames; frames of channels go to their channel. Whatever is thrown on the
 * way is caught here: a ChannelError closes the channel, a ConnectionError the connection, anything else is a bug of ours
 * and closes the connection with 541 and a stack in the log. [AMQP 0-9-1 §2.2.4, §4.10]
 *
 * Invariant: when the socket is gone, or close was said by either side, nothing of the connection is left in the model.
 */
import { CredentialExpiry } from '../../auth/credential-expiry.ts'
import { type Identity, isRefusal, type LoginRefusal, type LoginSource } from '../../auth/identity.ts'
import { TimerEntry, type TimerOwner } from '../../base/timer-wheel.ts'
import { AccessPending } from '../../model/access/access-pending.ts'
import type { CloseReason, ConnectionStatus } from '../../model/connections.ts'
import type { SessionPermissions } from '../../model/permissions.ts'
import { Heartbeat, type HeartbeatOwner } from '../../net/heartbeat.ts'
import type { InboundBudget } from '../../net/inbound-budget.ts'
import { PAUSE_BLOCKED, PAUSE_PARKED, PAUSE_WAITING, Socket, type SocketHandler } from '../../net/socket.ts'
import type { Transport } from '../../net/transport.ts'
import { AlarmGate, type BlockableInput } from './alarm-gate.ts'
import { ChannelFrames, type ChannelFramesHost } from './channel-frames.ts'
import { decodeMethod, encodeMethod, HEARTBEAT, readMethodId } from './codec.ts'
import { connectionName, type ListedConnection, ListedHandle } from './connection-listing.ts'
import { ConnectionLog } from './connection-log.ts'
import { ChannelError, ConnectionError, closeArguments, FRAME_ERROR_CODE, frameText } from './errors.ts'
import { FrameReader, type FrameSink, type RunTaker } from './frame-reader.ts'
import { loginSource, type Tuning } from './handshake.ts'
import { InputGate } from './input-gate.ts'
import { Opening, type OpeningListener } from './opening.ts'
import type { PublishScratch } from './publisher.ts'
import { refuse } from './refused.ts'
import { afterRemoval } from './removal-wait.ts'
import type { Session, SessionHost, SessionWorld } from './session.ts'
import * as spec from './spec.ts'

type State = 'opening' | 'running' | 'closing' | 'closed'

/** How long a client whose login failed waits for the end of its socket: guessing passwords takes time. */
const SILENT_CLOSE_MS = 3_000
/** How long a client may take to answer connection.close, or to close its socket after close-ok. */
const CLOSE_OK_MS_MAX = 30_000

/** What all connections of a broker use in turns. */
export interface SharedParts {
  readonly scratch: PublishScratch
  readonly inbound: InboundBudget
}

/** One client. */
export class Connection
  implements
    SocketHandler,
    FrameSink,
    RunTaker,
    OpeningListener,
    SessionHost,
    BlockableInput,
    TimerOwner,
    HeartbeatOwner,
    ListedConnection,
    ChannelFramesHost
{
  readonly id: string
  readonly name: string
  readonly #world: SessionWorld
  readonly #shared: SharedParts
  readonly #socket: Socket
  readonly #reader: FrameReader
  readonly #gate: InputGate
  readonly #source: LoginSource
  readonly #log: ConnectionLog
  readonly #opening: Opening
  readonly #deadline = new TimerEntry(this)
  readonly #forget: (connection: Connection) => void
  readonly #connectedAtMs: number
  #state: State = 'opening'
  #session: Session | null = null
  /** Set from connection.open on. */
  #frames: ChannelFrames | null = null
  #alarmGate: AlarmGate | null = null
  #handle: ListedHandle | null = null
  #heartbeat: Heartbeat | null = null
  #expiry: CredentialExpiry | null = null
  #permissions: SessionPermissions | null = null
  #receivedCount = 0

  /** Starts to read. `forget` is called when the socket is gone. */
  constructor(transport: Transport, world: SessionWorld, shared: SharedParts, forget: (it: Connection) => void) {
    const { turn, clock, timers } = world.broker.world
    this.#world = world
    this.#shared = shared
    this.#forget = forget
    this.id = world.broker.connections.newId()
    this.name = connectionName(transport.ends, this.id)
    this.#connectedAtMs = clock.nowMs()
    this.#source = loginSource(transport.ends, world.settings)
    this.#socket = new Socket(transport, { turn, chunks: world.chunks, inbound: shared.inbound }, this)
    this.#reader = new FrameReader(this, world.settings.initialFrameBytesMax, this)
    this.#gate = new InputGate(this.#reader, this.#socket)
    this.#log = new ConnectionLog(world.logger, this.name)
    this.#opening = new Opening(world, this.#source, this.#socket.outbox, this)
    timers.schedule(this.#deadline, this.#connectedAtMs + world.settings.handshakeTimeoutMs)
    this.#socket.open()
  }

  // What the socket tells

  onBytes(chunk: Buffer): void {
    this.#receivedCount++
    this.#shared.scratch.stamp(this.#world.broker.world.clock.nowMs(), this.#world.settings.messageBytesMax)
    if (this.#state === 'closed') return
    const rest = this.#opening.state === 'header' ? this.#opening.onHeaderBytes(chunk) : chunk
    if (rest.length > 0) this.#guarded(() => this.#gate.feed(rest))
  }

  onEnd(): void {
    this.#terminate(() => undefined)
    this.#becomeClosed()
    this.#socket.end()
    this.#closeWithin(CLOSE_OK_MS_MAX)
  }

  onPressure(isHigh: boolean): void {
    for (const channel of this.#frames?.channels.all() ?? []) channel.onPressure(isHigh)
  }

  onClosed(error: Error | null): void {
    const wasRunning = this.#state === 'running'
    this.#state = 'closed'
    this.#reader.stop()
    this.#terminate(() => undefined)
    this.#unlist()
    this.#world.broker.world.timers.cancel(this.#deadline)
    this.#forget(this)
    if (wasRunning) this.#log.lost(error)
  }

  // Frames

  onFrame(type: number, channelNumber: number, bytes: Buffer, start: number, end: number): void {
    const methodId = type === spec.FRAME_METHOD ? readMethodId(bytes, start) : 0
    if (channelNumber === 0 || this.#state !== 'running') {
      try {
        this.#onConnectionFrame(type, channelNumber, methodId, bytes, start, end)
      } catch (error) {
        if (error instanceof AccessPending)
          this.#handleAgain(channelNumber, Buffer.from(bytes.subarray(start, end)), error)
        else this.failed(channelNumber, methodId, error)
      }
      return
    }
    this.#frames!.onFrame(type, channelNumber, methodId, bytes, start, end) // Set since the state is running.
  }

  takeRun(bytes: Buffer, at: number, payloadBytesMax: number): number {
    return this.#state === 'running' ? this.#frames!.takeRun(bytes, at, payloadBytesMax) : at
  }

  // What waits for a permission

  /** connection.open waits for the answer whether the user may enter. */
  #handleAgain(channelNumber: number, bytes: Buffer, pending: AccessPending): void {
    this.suspendInput()
    void pending.answered.then(() => {
      if (this.#state === 'opening') this.onFrame(spec.FRAME_METHOD, channelNumber, bytes, 0, bytes.length)
      this.resumeInput()
    })
  }

  get isRunning(): boolean {
    return this.#state === 'running'
  }

  get mayHandle(): boolean {
    return this.#state === 'running' && !this.#gate.isHeldBy(PAUSE_WAITING) && !this.#gate.isHeldBy(PAUSE_BLOCKED)
  }

  onParkedPressure(isHigh: boolean): void {
    if (isHigh) this.#gate.shut(PAUSE_PARKED)
    else this.#guarded(() => this.#gate.open(PAUSE_PARKED))
  }

  #onConnectionFrame(type: number, channel: number, methodId: number, bytes: Buffer, start: number, end: number): void {
    if (type === spec.FRAME_HEARTBEAT || this.#state === 'closed') return
    if (this.#state === 'closing') return this.#onFrameWhileClosing(channel, methodId)
    if (type !== spec.FRAME_METHOD || channel !== 0) {
      throw ConnectionError.unexpectedFrame(frameText(type, bytes, start, end))
    }
    if (!spec.isMethodId(methodId)) throw ConnectionError.commandInvalid('unimplemented method')
    if (methodId === spec.CONNECTION_CLOSE) return this.#onCloseAsked()
    if (this.#state === 'opening') return this.#opening.onMethod(methodId, bytes, start, end)
    if (methodId !== spec.CONNECTION_UPDATE_SECRET) {
      throw ConnectionError.channelError('unexpected method in connection state running')
    }
    this.#onUpdateSecret(decodeMethod(methodId, bytes, start, end).newSecret)
  }

  #onFrameWhileClosing(channel: number, methodId: number): void {
    if (channel !== 0) return
    if (methodId === spec.CONNECTION_CLOSE) this.#write(encodeMethod(spec.CONNECTION_CLOSE_OK, 0))
    else if (methodId !== spec.CONNECTION_CLOSE_OK) return
    this.#becomeClosed()
    this.#socket.end()
  }

  // Opening

  onHeaderRefused(answer: Buffer): void {
    this.#log.badHeader()
    this.#becomeClosed()
    this.#write(answer)
    this.#socket.end()
    this.#closeWithin(SILENT_CLOSE_MS)
  }

  onLoginStarted(): void {
    this.#log.accepting()
    this.suspendInput()
  }

  onLoginDecided(refusal: LoginRefusal | null, error: ConnectionError | null): void {
    if (this.#state !== 'opening') return
    if (refusal !== null) {
      this.#log.loginRefused(refusal.text, refusal.user)
      // Nothing is said, and what the client still sends is not read.
      if (error === null) return this.#closeWithin(SILENT_CLOSE_MS)
      this.#closeWith(error)
    }
    this.resumeInput()
  }

  onTuned({ frameBytesMax, heartbeatSeconds }: Tuning): void {
    this.#reader.frameBytesMax = frameBytesMax
    if (heartbeatSeconds === 0) return
    this.#heartbeat = new Heartbeat(this.#world.broker.world.timers, this, heartbeatSeconds * 1000)
  }

  onOpen(vhostName: string): void {
    const { broker, alarms } = this.#world
    const { capabilities, clientProperties, tuning } = this.#opening
    const { outbox } = this.#socket
    const identity = this.#opening.identity! // Set: tuning follows the login.
    const permissions = this.#permissionsFor(identity, vhostName)
    refuse(broker.refusesConnection(permissions))
    const gates = this.#gate.rateGates((error) => this.failed(0, 0, error))
    const session: Session = {
      world: this.#world,
      host: this,
      outbox,
      vhost: broker.vhost(vhostName)!, // `refusesConnection` knows it.
      permissions,
      rates: broker.rates.open(identity.user, vhostName, gates),
      identity,
      actor: { user: identity.user, connectionId: this.id },
      connectionName: this.name,
      frameBytesMax: tuning.frameBytesMax,
      canCancelNotify: capabilities.cancelNotify,
    }
    this.#session = session
    this.#frames = new ChannelFrames(session, this.#shared.scratch, tuning.channelCountMax, this)
    this.#alarmGate = new AlarmGate(alarms, outbox, this, capabilities.blocked)
    this.#list(session)
    broker.world.timers.cancel(this.#deadline)
    this.#expireAt(identity.expiresAtMs)
    this.#state = 'running'
    this.#write(encodeMethod(spec.CONNECTION_OPEN_OK, 0))
    this.#log.opened(identity.user, vhostName, clientProperties)
  }

  /** The same while the answer to connection.open waits for them. */
  #permissionsFor(identity: Identity, vhostName: string): SessionPermissions {
    this.#permissions ??= this.#world.broker.sessionPermissions(identity, vhostName)
    return this.#permissions
  }

  // What channels ask

  suspendInput(): void {
    this.#gate.shut(PAUSE_WAITING)
  }

  resumeInput(): void {
    this.#guarded(() => this.#gate.open(PAUSE_WAITING))
    this.#frames?.drain()
  }

  complete(channelNumber: number, methodId: number, rest: () => void): void {
    if (this.#state === 'running') this.#frames?.complete(channelNumber, methodId, rest)
  }

  onPublish(): void {
    this.#alarmGate?.onPublish()
  }

  // Alarms

  block(): void {
    this.#gate.shut(PAUSE_BLOCKED)
  }

  unblock(): void {
    this.#guarded(() => this.#gate.open(PAUSE_BLOCKED))
    this.#frames?.drain()
  }

  // Listing

  closeFromOutside(reason: CloseReason, text: string): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    this.#log.closedFromOutside(reason, text)
    if (this.#state === 'running') this.#closeWith(ConnectionError.connectionForced(text))
    else this.destroy()
  }

  /** Drops the socket now. */
  destroy(): void {
    this.#becomeClosed()
    this.#socket.destroy()
  }

  get channelCount(): number {
    return this.#frames?.channels.count ?? 0
  }

  status(): ConnectionStatus {
    const { tuning } = this.#opening
    const channels = [...(this.#frames?.channels.all() ?? [])].map((channel) => channel.status())
    return {
      state: this.#listedState(),
      channels,
      publisherCount: channels.filter(({ counters }) => (counters?.published ?? 0) > 0).length,
      consumerCount: channels.reduce((sum, { consumerCount }) => sum + consumerCount, 0),
      receivedBytes: this.#socket.receivedBytes,
      sentBytes: this.#socket.sentBytes,
      receivedCount: this.#receivedCount,
      sentCount: this.#socket.outbox.sentCount,
      heartbeatSeconds: tuning.heartbeatSeconds,
      frameBytesMax: tuning.frameBytesMax,
      channelCountMax: tuning.channelCountMax,
    }
  }

  #listedState(): ConnectionStatus['state'] {
    if (this.#state !== 'running') return 'closing'
    if (this.#alarmGate?.isBlocked === true) return 'blocked'
    if (this.#session?.rates.isHeld('in') === true) return 'flow'
    return this.#world.alarms.isBlocking ? 'blocking' : 'running'
  }

  #list({ identity, vhost }: Session): void {
    const { connections, counters } = this.#world.broker
    const { mechanism, clientProperties } = this.#opening
    const facts = { id: this.id, name: this.name, user: identity.user, vhost: vhost.name }
    this.#handle = new ListedHandle(
      { ...facts, connectedAtMs: this.#connectedAtMs, mechanism, clientProperties },
      this.#socket.ends,
      this,
    )
    connections.add(this.#handle)
    counters.connectionsOpened++
  }

  /** The connection counts no more, for limits and listings. */
  #unlist(): void {
    const handle = this.#handle
    if (handle === null) return
    this.#handle = null
    const { connections, counters } = this.#world.broker
    connections.remove(handle)
    counters.connectionsClosed++
  }

  // Heartbeats and deadlines

  get receivedBytes(): number {
    return this.#socket.receivedBytes
  }

  get sentBytes(): number {
    return this.#socket.sentBytes
  }

  get isDeaf(): boolean {
    return this.#socket.isPaused
  }

  sendHeartbeat(): void {
    this.#write(HEARTBEAT)
  }

  onSilence(): void {
    this.#log.missedHeartbeats(this.#opening.tuning.heartbeatSeconds)
    this.destroy()
  }

  onTimer(): void {
    if (this.#state === 'opening') {
      this.#world.broker.counters.limits.hit('handshake_time')
      this.#log.handshakeTimeout(this.#opening.state)
    }
    this.destroy()
  }

  #expireAt(expiresAtMs: number | null): void {
    this.#expiry?.stop()
    this.#expiry = CredentialExpiry.at(this.#world.broker.world.timers, expiresAtMs, () => {
      if (this.#state === 'running') this.#closeWith(ConnectionError.connectionForced('credential expired'))
    })
  }

  #closeWithin(ms: number): void {
    const { timers, clock } = this.#world.broker.world
    timers.schedule(this.#deadline, clock.nowMs() + ms)
  }

  // A new secret

  #onUpdateSecret(secret: Buffer): void {
    const { user, expiresAtMs } = this.#opening.identity!
    // Users without an expiry have no secret to renew. RabbitMQ: accepted as it is.
    if (expiresAtMs === null) return this.#secretUpdated()
    this.suspendInput()
    const attempt = { username: user, password: secret.toString(), source: this.#source }
    void this.#world.login.authenticate(attempt).then((result) => {
      if (this.#state !== 'running') return
      if (isRefusal(result) || result.user !== user) {
        this.#closeWith(ConnectionError.notAllowed('New secret was refused by one of the backends'))
      } else {
        this.#expireAt(result.expiresAtMs)
        this.#session?.permissions.renew(result.authorization)
        // A new token may have other tags, such as that of an impersonator.
        if (this.#session !== null) this.#session.identity = result
        this.#secretUpdated()
      }
      this.resumeInput()
    })
  }

  #secretUpdated(): void {
    this.#write(encodeMethod(spec.CONNECTION_UPDATE_SECRET_OK, 0))
    for (const channel of this.#frames?.channels.all() ?? []) channel.revalidate()
  }

  // Errors and the end

  /** Runs what may throw a frame error of no channel. */
  #guarded(run: () => void): void {
    try {
      run()
    } catch (error) {
      this.failed(0, 0, error)
    }
  }

  /** The one place where an error turns into a close. */
  failed(channelNumber: number, methodId: number, error: unknown): void {
    if (!(error instanceof ChannelError || error instanceof ConnectionError)) {
      this.#log.bug(error)
      return this.#closeWith(ConnectionError.internalError())
    }
    if (error.failedMethod === 0) error.failedMethod = methodId
    if (error.replyCode === FRAME_ERROR_CODE) this.#world.broker.counters.limits.hit('frames')
    if (error instanceof ConnectionError) {
      if (error.limit !== null) this.#world.broker.counters.limits.hit(error.limit)
      return this.#closeWith(error)
    }
    if (channelNumber !== 0 && this.#frames?.refuse(channelNumber, error) === true) {
      this.#log.channelError(channelNumber, error)
    } else this.#closeWith(ConnectionError.promoted(error))
  }

  #closeWith(error: ConnectionError): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    this.#log.connectionError(this.#state === 'opening' ? this.#opening.state : this.#state, error)
    this.#state = 'closing'
    this.#terminate(() => undefined)
    this.#write(encodeMethod(spec.CONNECTION_CLOSE, 0, closeArguments(error)))
    const { heartbeatSeconds } = this.#opening.tuning
    this.#closeWithin(heartbeatSeconds === 0 ? CLOSE_OK_MS_MAX : Math.min(heartbeatSeconds * 1000, CLOSE_OK_MS_MAX))
    // A frame that cannot be cut leaves the reader without a place to go on from: the answer cannot be read.
    if (this.#reader.stopped) this.#socket.end()
  }

  /** What came before is handled before: publishes that wait for their permission, too. */
  #onCloseAsked(): void {
    if (this.#frames?.isParked !== true) return this.#onClose()
    this.#gate.shut(PAUSE_PARKED)
    this.#frames.whenDrained(() => this.#onClose())
  }

  #onClose(): void {
    this.#log.closedByClient(this.#opening.identity?.user ?? '')
    const queues = [...(this.#frames?.channels.all() ?? [])].flatMap((channel) => channel.autoDeleteQueues())
    const reply = () => {
      this.#write(encodeMethod(spec.CONNECTION_CLOSE_OK, 0))
      this.#socket.end()
      this.#closeWithin(CLOSE_OK_MS_MAX)
    }
    this.#becomeClosed()
    this.#unlist()
    // RabbitMQ: exclusive queues are gone when close-ok arrives.
    this.#terminate(() => afterRemoval(this.#world, queues, reply))
  }

  #becomeClosed(): void {
    this.#state = 'closed'
    this.#reader.stop()
  }

  /** Gives everything back to the model; what was given back before is not there again. `done`: the exclusive queues are gone. */
  #terminate(done: () => void): void {
    this.#heartbeat?.stop()
    this.#heartbeat = null
    this.#expiry?.stop()
    this.#alarmGate?.close()
    this.#frames?.end()
    const session = this.#session
    this.#session = null
    session?.rates.close()
    if (session === null) done()
    else session.vhost.releaseOwner(this.id, done)
  }

  #write(frame: Buffer): void {
    this.#socket.outbox.write(frame)
  }
}
