/**
 * One connection of AMQP 0-9-1: its states from protocol header to close, and the one place where errors become closes.
 *
 *   header → starting → securing → tuning → opening → running → closing → closed
 *
 * The socket hands chunks in; the reader cuts frames; frames of channels go to their channel. Whatever is thrown on the
 * way is caught here: a ChannelError closes the channel, a ConnectionError the connection, anything else is a bug of ours
 * and closes the connection with 541 and a stack in the log. [AMQP 0-9-1 §2.2.4, §4.10]
 *
 * Invariant: when the socket is gone, or close was said by either side, nothing of the connection is left in the model.
 */
import { type Identity, isRefusal, type LoginRefusal, type LoginSource } from '../../auth/identity.ts'
import { TimerEntry, type TimerOwner } from '../../base/timer-wheel.ts'
import type { AlarmListener } from '../../model/alarms.ts'
import { stringArgument } from '../../model/arguments.ts'
import type { CloseReason, ConnectionStatus } from '../../model/connections.ts'
import { Heartbeat, type HeartbeatOwner } from '../../net/heartbeat.ts'
import type { InboundBudget } from '../../net/inbound-budget.ts'
import { PAUSE_BLOCKED, PAUSE_WAITING, Socket, type SocketHandler } from '../../net/socket.ts'
import type { Transport } from '../../net/transport.ts'
import { Channels } from './channels.ts'
import { decodeMethod, encodeMethod, HEARTBEAT, type MethodArguments, readMethodId } from './codec.ts'
import { connectionName, type ListedConnection, ListedHandle } from './connection-listing.ts'
import { ChannelError, ConnectionError, frameText, REPLY_SUCCESS } from './errors.ts'
import { type FieldTable, NO_FIELDS } from './fields.ts'
import { FrameReader, type FrameSink } from './frame-reader.ts'
import {
  agreedTuning,
  type ClientCapabilities,
  capabilitiesOf,
  HEADER_BYTES,
  login,
  loginError,
  loginSource,
  refusesHeader,
  startFrame,
  type Tuning,
  tuneFrame,
} from './handshake.ts'
import { InputGate } from './input-gate.ts'
import type { PublishScratch } from './publisher.ts'
import { refuse } from './refused.ts'
import { afterRemoval } from './removal-wait.ts'
import type { Session, SessionHost, SessionWorld } from './session.ts'
import * as spec from './spec.ts'

type State = 'header' | 'starting' | 'securing' | 'tuning' | 'opening' | 'running' | 'closing' | 'closed'

/** How long a client whose login failed waits for the end of its socket: guessing passwords takes time. */
const SILENT_CLOSE_MS = 3_000
/** How long a client may take to answer connection.close, or to close its socket after close-ok. */
const CLOSE_OK_MS_MAX = 30_000
const NO_CAPABILITIES: ClientCapabilities = { blocked: false, cancelNotify: false, authenticationFailureClose: false }

/** What all connections of a broker use in turns. */
export interface SharedParts {
  readonly scratch: PublishScratch
  readonly inbound: InboundBudget
}

/** One client. */
export class Connection
  implements SocketHandler, FrameSink, SessionHost, TimerOwner, HeartbeatOwner, AlarmListener, ListedConnection
{
  readonly id: string
  readonly name: string
  readonly #world: SessionWorld
  readonly #scratch: PublishScratch
  readonly #socket: Socket
  readonly #reader: FrameReader
  readonly #gate: InputGate
  readonly #source: LoginSource
  readonly #deadline = new TimerEntry(this)
  readonly #forget: (connection: Connection) => void
  readonly #connectedAtMs: number
  #state: State = 'header'
  #header: Buffer = Buffer.alloc(0)
  #clientProperties: FieldTable = NO_FIELDS
  #capabilities = NO_CAPABILITIES
  #mechanism = ''
  #identity: Identity | null = null
  #tuning: Tuning = { channelCountMax: 0, frameBytesMax: 0, heartbeatSeconds: 0 }
  #session: Session | null = null
  #channels: Channels | null = null
  #handle: ListedHandle | null = null
  #heartbeat: Heartbeat | null = null
  #expiry: TimerEntry | null = null
  #isBlocked = false
  #receivedCount = 0

  constructor(transport: Transport, world: SessionWorld, shared: SharedParts, forget: (it: Connection) => void) {
    const { turn, clock, timers } = world.broker.world
    this.#world = world
    this.#scratch = shared.scratch
    this.#forget = forget
    this.id = world.broker.connections.newId()
    this.name = connectionName(transport.ends, this.id)
    this.#connectedAtMs = clock.nowMs()
    this.#source = loginSource(transport.ends)
    this.#socket = new Socket(transport, { turn, chunks: world.chunks, inbound: shared.inbound }, this)
    this.#reader = new FrameReader(this, world.settings.initialFrameBytesMax)
    this.#gate = new InputGate(this.#reader, this.#socket)
    timers.schedule(this.#deadline, this.#connectedAtMs + world.settings.handshakeTimeoutMs)
    this.#socket.open()
  }

  // What the socket tells

  onBytes(chunk: Buffer): void {
    this.#receivedCount++
    this.#scratch.nowMs = this.#world.broker.world.clock.nowMs()
    if (this.#state === 'header') this.#onHeaderBytes(chunk)
    else this.#feed(chunk)
  }

  onEnd(): void {
    this.#terminate(() => undefined)
    this.#state = 'closed'
    this.#socket.end()
    this.#closeWithin(CLOSE_OK_MS_MAX)
  }

  onPressure(isHigh: boolean): void {
    for (const channel of this.#channels?.all() ?? []) channel.onPressure(isHigh)
  }

  onClosed(error: Error | null): void {
    const wasRunning = this.#state === 'running'
    this.#state = 'closed'
    this.#reader.stop()
    this.#terminate(() => undefined)
    this.#unlist()
    this.#world.broker.world.timers.cancel(this.#deadline)
    this.#forget(this)
    if (wasRunning) {
      const why = error === null ? 'client unexpectedly closed TCP connection' : error.message
      this.#world.logger.warning(`closing AMQP connection (${this.name}): ${why}`)
    }
  }

  // Frames

  onFrame(type: number, channelNumber: number, bytes: Buffer, start: number, end: number): void {
    const methodId = type === spec.FRAME_METHOD ? readMethodId(bytes, start) : 0
    if (channelNumber === 0 || this.#state !== 'running') {
      try {
        this.#onConnectionFrame(type, channelNumber, methodId, bytes, start, end)
      } catch (error) {
        this.#failed(channelNumber, methodId, error)
      }
      return
    }
    const channel = this.#channels!.get(channelNumber) // Set since the state is running.
    if (channel === null) return this.#onFrameOfNoChannel(channelNumber, methodId, bytes, start, end)
    const wasMidContent = channel.isMidContent
    try {
      if (methodId === spec.CHANNEL_CLOSE || methodId === spec.CHANNEL_CLOSE_OK)
        this.#closeChannel(channelNumber, methodId)
      else channel.onFrame(type, methodId, bytes, start, end)
    } catch (error) {
      this.#failed(channelNumber, wasMidContent ? spec.BASIC_PUBLISH : methodId, error)
    }
  }

  // What channels ask

  suspendInput(): void {
    this.#gate.shut(PAUSE_WAITING)
  }

  resumeInput(): void {
    this.#openGate(PAUSE_WAITING)
  }

  complete(channelNumber: number, methodId: number, rest: () => void): void {
    if (this.#state !== 'running' || this.#channels?.get(channelNumber) === null) return
    try {
      rest()
    } catch (error) {
      this.#failed(channelNumber, methodId, error)
    }
  }

  /** RabbitMQ: it is the first publish after an alarm that stops a connection, so that consumers are never stopped. */
  onPublish(): void {
    const { alarms } = this.#world
    if (!alarms.isBlocking || this.#isBlocked) return
    this.#isBlocked = true
    if (this.#capabilities.blocked) {
      this.#socket.outbox.write(encodeMethod(spec.CONNECTION_BLOCKED, 0, { reason: alarms.reason }))
    }
    this.#gate.shut(PAUSE_BLOCKED)
  }

  // What the broker tells

  onAlarms(_alarms: unknown, blocking: boolean): void {
    if (blocking || !this.#isBlocked) return
    this.#isBlocked = false
    if (this.#capabilities.blocked) this.#socket.outbox.write(encodeMethod(spec.CONNECTION_UNBLOCKED, 0))
    this.#openGate(PAUSE_BLOCKED)
  }

  closeFromOutside(reason: CloseReason, text: string): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    this.#world.logger.notice(`closing AMQP connection (${this.name}): ${reason}: ${text}`)
    if (this.#state === 'running') this.#closeWith(ConnectionError.connectionForced(text))
    else this.#socket.destroy()
  }

  /** Drops the socket now. */
  destroy(): void {
    this.#state = 'closed'
    this.#socket.destroy()
  }

  get channelCount(): number {
    return this.#channels?.count ?? 0
  }

  status(): ConnectionStatus {
    const isBlocking = this.#world.alarms.isBlocking
    const state = this.#state === 'running' ? (this.#isBlocked ? 'blocked' : 'running') : 'closing'
    return {
      state: state === 'running' && isBlocking ? 'blocking' : state,
      channels: [...(this.#channels?.all() ?? [])].map((channel) => channel.status()),
      receivedBytes: this.#socket.receivedBytes,
      sentBytes: this.#socket.sentBytes,
      receivedCount: this.#receivedCount,
      sentCount: this.#socket.outbox.sentCount,
      heartbeatSeconds: this.#tuning.heartbeatSeconds,
      frameBytesMax: this.#tuning.frameBytesMax,
      channelCountMax: this.#tuning.channelCountMax,
    }
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
    this.#socket.outbox.write(HEARTBEAT)
  }

  onSilence(): void {
    const timeout = this.#tuning.heartbeatSeconds
    this.#world.logger.warning(
      `closing AMQP connection (${this.name}): missed heartbeats from client, timeout: ${timeout}s`,
    )
    this.#state = 'closed'
    this.#socket.destroy()
  }

  onTimer(_nowMs: number, entry: TimerEntry): void {
    if (entry === this.#expiry) {
      if (this.#state === 'running') this.#closeWith(ConnectionError.connectionForced('credential expired'))
      return
    }
    if (this.#state !== 'closing' && this.#state !== 'closed' && this.#state !== 'securing') {
      this.#world.logger.warning(`closing AMQP connection (${this.name}): handshake timeout in state ${this.#state}`)
    }
    this.#socket.destroy()
  }

  // The handshake

  #onHeaderBytes(chunk: Buffer): void {
    const known = this.#header.length === 0 ? chunk : Buffer.concat([this.#header, chunk])
    if (known.length < HEADER_BYTES) {
      this.#header = known
      return
    }
    this.#world.logger.debug(`accepting AMQP connection ${this.name}`)
    const answer = refusesHeader(known)
    if (answer !== null) {
      this.#world.logger.warning(`closing AMQP connection (${this.name}): bad header`)
      this.#state = 'closed'
      this.#socket.outbox.write(answer)
      this.#socket.end()
      return this.#closeWithin(SILENT_CLOSE_MS)
    }
    this.#header = Buffer.alloc(0)
    this.#state = 'starting'
    this.#socket.outbox.write(startFrame(this.#world, this.#source))
    if (known.length > HEADER_BYTES) this.#feed(known.subarray(HEADER_BYTES))
  }

  #onStartOk(args: MethodArguments<typeof spec.CONNECTION_START_OK>): void {
    this.#clientProperties = args.clientProperties
    this.#capabilities = capabilitiesOf(args.clientProperties)
    this.#mechanism = args.mechanism
    this.#state = 'securing'
    this.#gate.shut(PAUSE_WAITING)
    void login(this.#world, args, this.#source).then((result) => this.#onLogin(result))
  }

  #onLogin(result: Identity | LoginRefusal): void {
    if (this.#state !== 'securing') return
    if (isRefusal(result)) {
      const error = loginError(result, this.#mechanism, this.#capabilities)
      this.#world.logger.notice(`login of ${this.name} refused: ${result.text}`, { user: result.user })
      // Nothing is said, and what the client still sends is not read.
      if (error === null) return this.#closeWithin(SILENT_CLOSE_MS)
      this.#closeWith(error)
    } else {
      this.#identity = result
      this.#state = 'tuning'
      this.#socket.outbox.write(tuneFrame(this.#world.settings))
    }
    this.#openGate(PAUSE_WAITING)
  }

  #onTuneOk(args: MethodArguments<typeof spec.CONNECTION_TUNE_OK>): void {
    this.#tuning = agreedTuning(args, this.#world.settings)
    this.#reader.frameBytesMax = this.#tuning.frameBytesMax
    this.#state = 'opening'
    const { heartbeatSeconds } = this.#tuning
    if (heartbeatSeconds > 0) {
      this.#heartbeat = new Heartbeat(this.#world.broker.world.timers, this, heartbeatSeconds * 1000)
    }
  }

  #onOpen(vhostName: string): void {
    const { broker, alarms, logger } = this.#world
    const identity = this.#identity! // Set since the state is opening.
    refuse(broker.refusesConnection(identity.user, vhostName))
    const vhost = broker.vhost(vhostName)!
    const session: Session = {
      world: this.#world,
      host: this,
      outbox: this.#socket.outbox,
      vhost,
      permissions: broker.sessionPermissions(identity.user, vhostName),
      identity,
      actor: { user: identity.user, connectionId: this.id },
      connectionName: this.name,
      frameBytesMax: this.#tuning.frameBytesMax,
      canCancelNotify: this.#capabilities.cancelNotify,
    }
    this.#session = session
    this.#channels = new Channels(session, this.#scratch, this.#tuning.channelCountMax)
    this.#register(vhostName, identity)
    alarms.listen(this)
    broker.world.timers.cancel(this.#deadline)
    this.#expireAt(identity.expiresAtMs)
    this.#state = 'running'
    this.#socket.outbox.write(encodeMethod(spec.CONNECTION_OPEN_OK, 0))
    const given = stringArgument(this.#clientProperties, 'connection_name')
    const shown = given === undefined ? this.name : `${this.name} - ${given}`
    logger.info(`connection ${shown}: user '${identity.user}' authenticated and granted access to vhost '${vhostName}'`)
  }

  #register(vhost: string, identity: Identity): void {
    const { broker } = this.#world
    const facts = {
      id: this.id,
      name: this.name,
      user: identity.user,
      vhost,
      connectedAtMs: this.#connectedAtMs,
      mechanism: this.#mechanism,
      clientProperties: this.#clientProperties,
    }
    this.#handle = new ListedHandle(facts, this.#socket.ends, this)
    broker.connections.add(this.#handle)
    broker.counters.connectionsOpened++
    if (broker.events.isObserved) {
      broker.events.announce('connection.created', vhost, { name: this.name, user: identity.user, vhost })
    }
  }

  // Methods of the connection

  #onConnectionFrame(type: number, channel: number, methodId: number, bytes: Buffer, start: number, end: number): void {
    if (type === spec.FRAME_HEARTBEAT || this.#state === 'closed') return
    if (this.#state === 'closing') return this.#onFrameWhileClosing(channel, methodId)
    if (type !== spec.FRAME_METHOD || channel !== 0) {
      throw ConnectionError.unexpectedFrame(frameText(type, bytes, start, end))
    }
    if (methodId === spec.CONNECTION_START_OK && this.#state === 'starting') {
      return this.#onStartOk(decodeMethod(methodId, bytes, start, end))
    }
    if (methodId === spec.CONNECTION_TUNE_OK && this.#state === 'tuning') {
      return this.#onTuneOk(decodeMethod(methodId, bytes, start, end))
    }
    if (methodId === spec.CONNECTION_OPEN && this.#state === 'opening') {
      return this.#onOpen(decodeMethod(methodId, bytes, start, end).virtualHost)
    }
    if (methodId === spec.CONNECTION_CLOSE) return this.#onClose()
    if (methodId === spec.CONNECTION_UPDATE_SECRET && this.#state === 'running') {
      return this.#onUpdateSecret(decodeMethod(methodId, bytes, start, end).newSecret)
    }
    if (!spec.isMethodId(methodId)) throw ConnectionError.commandInvalid('unimplemented method')
    throw ConnectionError.channelError(`unexpected method in connection state ${this.#state}`)
  }

  #onFrameWhileClosing(channel: number, methodId: number): void {
    if (channel !== 0) return
    if (methodId === spec.CONNECTION_CLOSE) this.#socket.outbox.write(encodeMethod(spec.CONNECTION_CLOSE_OK, 0))
    else if (methodId !== spec.CONNECTION_CLOSE_OK) return
    this.#state = 'closed'
    this.#socket.end()
  }

  #onClose(): void {
    this.#world.logger.info(`closing AMQP connection (${this.name}, user: '${this.#identity?.user ?? ''}')`)
    this.#state = 'closed'
    this.#unlist()
    const queues = [...(this.#channels?.all() ?? [])].flatMap((channel) => channel.autoDeleteQueues())
    const reply = () => {
      this.#socket.outbox.write(encodeMethod(spec.CONNECTION_CLOSE_OK, 0))
      this.#socket.end()
      this.#closeWithin(CLOSE_OK_MS_MAX)
    }
    // RabbitMQ: exclusive queues are gone when close-ok arrives.
    this.#terminate(() => afterRemoval(this.#world, queues, reply))
  }

  #onUpdateSecret(secret: Buffer): void {
    const { user, expiresAtMs } = this.#identity!
    // Users without an expiry have no secret to renew. RabbitMQ: accepted as it is.
    if (expiresAtMs === null) return this.#secretUpdated()
    this.#gate.shut(PAUSE_WAITING)
    const attempt = { username: user, password: secret.toString(), source: this.#source }
    void this.#world.login.authenticate(attempt).then((result) => {
      if (this.#state !== 'running') return
      if (isRefusal(result) || result.user !== user) {
        this.#closeWith(ConnectionError.notAllowed('New secret was refused by one of the backends'))
      } else {
        this.#identity = result
        this.#expireAt(result.expiresAtMs)
        this.#secretUpdated()
      }
      this.#openGate(PAUSE_WAITING)
    })
  }

  #secretUpdated(): void {
    this.#socket.outbox.write(encodeMethod(spec.CONNECTION_UPDATE_SECRET_OK, 0))
    for (const channel of this.#channels?.all() ?? []) channel.revalidate()
  }

  #expireAt(expiresAtMs: number | null): void {
    if (expiresAtMs === null) return
    this.#expiry ??= new TimerEntry(this)
    this.#world.broker.world.timers.schedule(this.#expiry, expiresAtMs)
  }

  // Channels

  #onFrameOfNoChannel(number: number, methodId: number, bytes: Buffer, start: number, end: number): void {
    const channels = this.#channels!
    try {
      if (channels.isClosing(number)) {
        if (methodId === spec.CHANNEL_CLOSE_OK) channels.closed(number)
        // Both sides closed at once: ours is still to be answered.
        else if (methodId === spec.CHANNEL_CLOSE) this.#socket.outbox.write(encodeMethod(spec.CHANNEL_CLOSE_OK, number))
        return
      }
      if (methodId === spec.CHANNEL_OPEN) {
        decodeMethod(methodId, bytes, start, end)
        this.#openChannel(number)
        return
      }
      throw ConnectionError.channelError("expected 'channel.open'")
    } catch (error) {
      this.#failed(number, methodId, error)
    }
  }

  #openChannel(number: number): void {
    try {
      this.#channels?.open(number)
      this.#socket.outbox.write(encodeMethod(spec.CHANNEL_OPEN_OK, number))
    } catch (error) {
      // RabbitMQ names no method when a limit is reached.
      this.#failed(number, 0, error)
    }
  }

  #closeChannel(number: number, methodId: number): void {
    const channel = this.#channels?.get(number)
    if (channel === null || channel === undefined) return
    const queues = channel.autoDeleteQueues()
    this.#channels?.close(channel, false)
    if (methodId !== spec.CHANNEL_CLOSE) return
    let isLater = false
    isLater = !afterRemoval(this.#world, queues, () => {
      if (this.#state === 'running') this.#socket.outbox.write(encodeMethod(spec.CHANNEL_CLOSE_OK, number))
      if (isLater) this.resumeInput()
    })
    if (isLater) this.suspendInput()
  }

  // Errors and the end

  #feed(chunk: Buffer): void {
    try {
      this.#gate.feed(chunk)
    } catch (error) {
      this.#failed(0, 0, error)
    }
  }

  #openGate(reason: number): void {
    try {
      this.#gate.open(reason)
    } catch (error) {
      this.#failed(0, 0, error)
    }
  }

  /** The one place where an error turns into a close. */
  #failed(channelNumber: number, methodId: number, error: unknown): void {
    if (error instanceof ChannelError || error instanceof ConnectionError) {
      if (error.failedMethod === 0) error.failedMethod = methodId
      const channel = channelNumber === 0 ? null : (this.#channels?.get(channelNumber) ?? null)
      if (error instanceof ConnectionError) this.#closeWith(error)
      else if (channel === null) this.#closeWith(ConnectionError.promoted(error))
      else this.#closeChannelWith(channelNumber, error)
      return
    }
    const stack = error instanceof Error ? error.stack : String(error)
    this.#world.logger.error(`internal error in AMQP connection (${this.name}): ${stack}`)
    this.#closeWith(ConnectionError.internalError())
  }

  #closeChannelWith(number: number, error: ChannelError): void {
    const { replyCode, replyText, failedMethod } = error
    this.#world.logger.error(`Channel error on connection ${this.name}, channel ${number}: ${replyCode} ${replyText}`)
    const channel = this.#channels!.get(number)
    if (channel !== null) this.#channels!.close(channel, true)
    this.#socket.outbox.write(
      encodeMethod(spec.CHANNEL_CLOSE, number, {
        replyCode,
        replyText,
        classId: spec.classIdOf(failedMethod),
        methodId: spec.methodIdOf(failedMethod),
      }),
    )
  }

  #closeWith(error: ConnectionError): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    const { replyCode, replyText, failedMethod } = error
    if (replyCode !== REPLY_SUCCESS) {
      this.#world.logger.error(
        `Error on AMQP connection ${this.name} (state: ${this.#state}): ${replyCode} ${replyText}`,
      )
    }
    this.#state = 'closing'
    this.#terminate(() => undefined)
    this.#socket.outbox.write(
      encodeMethod(spec.CONNECTION_CLOSE, 0, {
        replyCode,
        replyText,
        classId: spec.classIdOf(failedMethod),
        methodId: spec.methodIdOf(failedMethod),
      }),
    )
    const { heartbeatSeconds } = this.#tuning
    this.#closeWithin(heartbeatSeconds === 0 ? CLOSE_OK_MS_MAX : Math.min(heartbeatSeconds * 1000, CLOSE_OK_MS_MAX))
    // A frame that cannot be cut leaves the reader without a place to go on from: the answer cannot be read.
    if (this.#reader.stopped) this.#socket.end()
  }

  /** Gives everything back to the model; what was given back before is not there again. `done`: the exclusive queues are gone. */
  #terminate(done: () => void): void {
    this.#heartbeat?.stop()
    this.#heartbeat = null
    const { broker, alarms } = this.#world
    if (this.#expiry !== null) broker.world.timers.cancel(this.#expiry)
    alarms.unlisten(this)
    this.#channels?.closeAll()
    const session = this.#session
    this.#session = null
    if (session === null) done()
    else session.vhost.releaseOwner(this.id, done)
  }

  /** The connection counts no more, for limits and listings. */
  #unlist(): void {
    const handle = this.#handle
    if (handle === null) return
    this.#handle = null
    const { connections, counters, events } = this.#world.broker
    connections.remove(handle)
    counters.connectionsClosed++
    if (events.isObserved) {
      events.announce('connection.closed', handle.vhost, { name: this.name, user: handle.user, vhost: handle.vhost })
    }
  }

  #closeWithin(ms: number): void {
    const { timers, clock } = this.#world.broker.world
    timers.schedule(this.#deadline, clock.nowMs() + ms)
  }
}
