/**
 * One MQTT connection: from the transport to its session, through the packets of the client.
 *
 * It owns the socket, keep alive and the goodbye; what packets mean is the business of `Admission`, `Publishing`,
 * `Subscribing` and `Deliveries`. Everything that a packet throws is caught in one place, which says the reason code
 * as the client's level allows and closes this connection only. [MQTT 5.0 §3, §4.8 … §4.13]
 *
 * Invariant: after CONNACK the connection is its session's peer until it is gone or taken over.
 */
import { CredentialExpiry } from '../../auth/credential-expiry.ts'
import { TURN_SESSIONS, type TurnTask } from '../../base/turn.ts'
import { AccessPending } from '../../model/access/access-pending.ts'
import type { CloseReason } from '../../model/connections.ts'
import type { RateMeter } from '../../model/limits/rate-meter.ts'
import { MessageCounters } from '../../model/message/message-counters.ts'
import type { AlarmListener, Alarms } from '../../model/observe/alarms.ts'
import type { Outbox } from '../../net/outbox.ts'
import { PAUSE_BLOCKED, PAUSE_WAITING, Socket, type SocketHandler } from '../../net/socket.ts'
import type { Transport } from '../../net/transport.ts'
import { AckLine, type AckListener } from './ack-line.ts'
import { Admission, type Admitted, type Connecting } from './admission.ts'
import { onAck } from './client-acks.ts'
import {
  type ConnectPacket,
  decodeConnect,
  decodeDisconnect,
  decodeSubscribe,
  decodeUnsubscribe,
  encodeConnack,
  encodeSubscriptionAck,
  refusesHead,
} from './codec.ts'
import { ConnectionTimer, type TimedConnection } from './connection-timer.ts'
import { limitOf, MqttError, malformed, protocolError } from './errors.ts'
import type { ReceivedIds } from './exactly-once.ts'
import { goodbyeOf } from './goodbye.ts'
import { connackProperties, grantedExpiry, grantedKeepAlive } from './handshake.ts'
import { ListedConnection, type ListedSource } from './listed-connection.ts'
import { noLogin, openRates } from './opening-limits.ts'
import { PacketReader, type PacketSink } from './packet-reader.ts'
import { Publishing, type PublishSession } from './publishing.ts'
import { renew, tokenOf } from './renewal.ts'
import { RetainedDelivery } from './retained-delivery.ts'
import type { MqttSession, SessionPeer } from './session.ts'
import type { MqttSessions } from './sessions.ts'
import * as spec from './spec.ts'
import { type SubscribeOutcome, Subscribing } from './subscribing.ts'
import { AliasTable } from './topic-aliases.ts'
import type { Will } from './will.ts'
import type { Member, MqttWorld } from './world.ts'

type State = 'greeting' | 'logging-in' | 'open' | 'closing' | 'closed'

/** How long a client may take to close after our goodbye. */
const GOODBYE_MS_MAX = 5_000
const PINGRESP_PACKET = Buffer.from([spec.PINGRESP << 4, 0])

/** Keeps connections. */
export interface ConnectionOwner {
  /** Told once, when the socket is gone. */
  onGone(connection: MqttConnection): void
}

/** A connection. What only some of them need is made when they need it: there are many, and most are idle. */
export class MqttConnection
  implements
    SocketHandler,
    PacketSink,
    ListedSource,
    SessionPeer,
    PublishSession,
    AckListener,
    AlarmListener,
    TimedConnection,
    TurnTask,
    Connecting
{
  readonly id: string
  readonly connectedAtMs: number
  level: spec.ProtocolLevel = spec.LEVEL_311
  clientPacketBytesMax = spec.PACKET_BYTES_UNLIMITED
  windowCount = 0
  aliases: AliasTable | null = null
  rates: RateMeter | null = null
  readonly #world: MqttWorld
  readonly #sessions: MqttSessions
  readonly #socket: Socket
  readonly #reader: PacketReader
  readonly #owner: ConnectionOwner
  #counters: MessageCounters | null = null
  readonly #timer: ConnectionTimer
  #expiry: CredentialExpiry | null = null
  #state: State = 'greeting'
  #member: Member | null = null
  #listed: ListedConnection | null = null
  #session: MqttSession | null = null
  #will: Will | null = null
  #acks: AckLine | null = null
  #publishing: Publishing | null = null
  #subscribing: Subscribing | null = null
  #retainedDelivery: RetainedDelivery | null = null

  constructor(transport: Transport, sessions: MqttSessions, owner: ConnectionOwner) {
    const { world } = sessions
    this.#owner = owner
    this.#world = world
    this.#sessions = sessions
    this.id = world.broker.connections.newId()
    this.connectedAtMs = world.broker.world.clock.nowMs()
    const { turn } = world.broker.world
    this.#socket = new Socket(transport, { turn, chunks: world.chunks, inbound: world.inbound }, this)
    this.#reader = new PacketReader(this, world.settings.packetBytesUnauthenticatedMax)
    this.#timer = new ConnectionTimer(world, this)
    world.connectionCount++
  }

  /** Starts to read; CONNECT has to come in time. */
  open(): void {
    this.#timer.expect(this.#world.settings.loginTimeoutMs)
    this.#socket.open()
  }

  // What the parts ask

  get outbox(): Outbox {
    return this.#socket.outbox
  }

  get counters(): MessageCounters {
    this.#counters ??= new MessageCounters()
    return this.#counters
  }

  get counted(): MessageCounters | null {
    return this.#counters
  }

  get acks(): AckLine {
    this.#acks ??= new AckLine(this.#world.broker.world, this.outbox, this.#world.trafficOf(this.level), this)
    return this.#acks
  }

  get member(): Member {
    return this.#member!
  }

  get connectionId(): string {
    return this.id
  }

  receivedIds(): ReceivedIds {
    return this.#session!.received
  }

  get receivedCount(): number {
    return this.#session!.receivedCount
  }

  get clientIdBytes(): Buffer {
    return this.#session!.clientIdBytes
  }

  keep(): ((stored: () => void) => void) | null {
    return this.#session!.keep()
  }

  onAcked(type: number): void {
    if (type === spec.PUBACK && this.#publishing !== null) this.#publishing.unackedCount--
  }

  // What the socket tells

  onBytes(chunk: Buffer): void {
    if (this.#state === 'closing' || this.#state === 'closed') return
    try {
      // Whoever does not begin with CONNECT speaks something else, and may never complete what looks like a packet.
      const isFirst = this.#socket.receivedBytes === chunk.length
      if (isFirst && chunk[0] !== spec.CONNECT << 4) throw protocolError('first packet is not CONNECT')
      this.#reader.feed(chunk)
      // Or whoever publishes as fast as it is acknowledged outruns those who receive with a window.
      if (this.#publishing !== null && this.#world.broker.world.turn.hasLagged) this.#socket.giveWay()
    } catch (error) {
      this.#fail(error)
    }
  }

  onEnd(): void {
    this.#socket.end()
  }

  onPressure(isHigh: boolean): void {
    this.#session?.onPressure()
    if (!isHigh) this.#retainedDelivery?.resume()
  }

  onClosed(error: Error | null): void {
    if (error !== null) this.#world.logger.debug(`${this.name}: ${error.message}`, { error })
    this.#gone()
  }

  // Packets

  onPacket(head: number, bytes: Buffer, start: number, end: number): void {
    if (this.#state !== 'open') return this.#onFirst(head, bytes, start, end)
    try {
      this.#onSessionPacket(head, bytes, start, end)
    } catch (error) {
      if (!(error instanceof AccessPending)) throw error
      this.#suspend(true)
      void error.answered.then(() => this.#continue())
    }
  }

  #onSessionPacket(head: number, bytes: Buffer, start: number, end: number): void {
    const type = head >>> 4
    const refusal = refusesHead(head, this.level)
    if (refusal !== undefined) throw malformed(refusal)
    switch (type) {
      case spec.PUBLISH:
        return this.#onPublish(head, bytes, start, end)
      case spec.PUBACK:
      case spec.PUBREC:
      case spec.PUBREL:
      case spec.PUBCOMP:
        return onAck(this.#session!, this, type, bytes, start, end)
      case spec.SUBSCRIBE:
        return this.#onSubscribe(bytes, start, end)
      case spec.UNSUBSCRIBE:
        return this.#onUnsubscribe(bytes, start, end)
      case spec.PINGREQ:
        if (end > start) throw malformed('PINGREQ has content')
        return this.outbox.write(PINGRESP_PACKET)
      case spec.DISCONNECT:
        return this.#onDisconnect(bytes, start, end)
      case spec.AUTH:
        return this.#onAuth(bytes, start, end)
      default:
        throw protocolError(type === spec.CONNECT ? 'second CONNECT' : `packet type ${type} is not expected`)
    }
  }

  #onFirst(head: number, bytes: Buffer, start: number, end: number): void {
    if (this.#state !== 'greeting') return
    if (head !== spec.CONNECT << 4) throw protocolError('first packet is not CONNECT')
    const packet = decodeConnect(bytes, start, end)
    this.level = packet.level
    this.#state = 'logging-in'
    this.#suspend()
    void new Admission(this.#sessions, this, packet).run(this.#socket.ends)
  }

  #onPublish(head: number, bytes: Buffer, start: number, end: number): void {
    const { scan } = this.#world
    scan.scan(head, bytes, start, end, this.level)
    let publishing = this.#publishing
    if (publishing === null) {
      publishing = new Publishing(this.#world, this.member, this)
      this.#publishing = publishing
      this.#world.alarms.listen(this)
      this.onAlarms(this.#world.alarms, this.#world.alarms.isBlocking)
    }
    publishing.publish(scan)
    if (!this.#world.fanout.isSpent) return
    // The next packets are handled in the next turn.
    this.#suspend()
    this.#world.broker.world.turn.again(TURN_SESSIONS, this)
  }

  #onSubscribe(bytes: Buffer, start: number, end: number): void {
    const packet = decodeSubscribe(bytes, start, end, this.level)
    this.#later((done) => {
      this.#subscriber().subscribe(packet, (outcome) => {
        this.#answerSubscribe(packet.packetId, outcome)
        done()
      })
    })
  }

  #answerSubscribe(packetId: number, { codes, retained, isUnauthorized }: SubscribeOutcome): void {
    if (this.#state !== 'open') return
    const { hidesRefusals, disconnectsUnauthorized } = this.#world.settings
    const hides = this.level !== spec.LEVEL_5 || hidesRefusals
    const shown = hides ? codes.map((code) => Math.min(code, spec.UNSPECIFIED_ERROR)) : codes
    this.outbox.write(encodeSubscriptionAck(spec.SUBACK, this.level, packetId, shown))
    if (isUnauthorized && disconnectsUnauthorized) {
      return this.#fail(new MqttError(spec.NOT_AUTHORIZED, 'not allowed to subscribe to this topic filter'))
    }
    if (retained.length === 0) return
    this.#retainedDelivery ??= new RetainedDelivery(this.#world, this.#session!)
    for (const request of retained) this.#retainedDelivery.give(request)
  }

  #onUnsubscribe(bytes: Buffer, start: number, end: number): void {
    const { packetId, filters } = decodeUnsubscribe(bytes, start, end, this.level)
    this.#later((done) => {
      this.#subscriber().unsubscribe({ packetId, filters }, (codes) => {
        const shown = this.level === spec.LEVEL_5 ? codes : []
        if (this.#state === 'open') {
          this.outbox.write(encodeSubscriptionAck(spec.UNSUBACK, this.level, packetId, shown))
        }
        done()
      })
    })
  }

  #subscriber(): Subscribing {
    this.#subscribing ??= new Subscribing(this.#sessions, this.#session!, this)
    return this.#subscribing
  }

  #onDisconnect(bytes: Buffer, start: number, end: number): void {
    const { reasonCode, properties } = decodeDisconnect(bytes, start, end, this.level)
    const session = this.#session!
    const { sessionExpiryInterval: asked } = properties
    if (asked !== undefined) {
      if (session.expirySeconds === 0 && asked > 0) throw protocolError('DISCONNECT prolongs a session that was to end')
      this.#sessions.setExpiry(session, grantedExpiry(this.#world.settings, asked))
    }
    if (reasonCode !== spec.DISCONNECT_WITH_WILL && reasonCode < 0x80) this.#will = null
    this.#close()
  }

  /** A new token: the connection lives as long as that one, with what it allows. */
  #onAuth(bytes: Buffer, start: number, end: number): void {
    const token = tokenOf(this.member, this.level, bytes, start, end)
    this.#suspend()
    const renewed = (answer: Buffer): void => {
      if (this.#state !== 'open') return
      this.#expire()
      this.outbox.write(answer)
      this.#continue()
    }
    renew(this.#world, this.#socket.ends, this.member, this.#session!, token).then(renewed, (error) =>
      this.#fail(error),
    )
  }

  // Connecting

  /** The session is this connection's. */
  onAdmitted(packet: ConnectPacket, admitted: Admitted): void {
    const { member, session, isResumed, expirySeconds, will } = admitted
    this.#member = member
    this.#session = session
    this.#will = will
    this.#state = 'open'
    this.#register(packet)
    const properties = connackProperties(this.#world.settings, packet, {
      assignedClientId: member.isIdAssigned ? member.clientId : null,
      keepAliveSeconds: this.#timer.keepAliveSeconds,
      expirySeconds,
    })
    this.outbox.write(encodeConnack(this.level, isResumed, spec.SUCCESS, properties))
    session.attach(this)
    session.setWill(will)
    const settled = (): void => {
      admitted.free()
      this.#continue()
    }
    if (session.subscriptionCount === 0) settled()
    else this.#subscriber().resume(settled)
  }

  onRefused(error: unknown): void {
    this.#fail(error)
  }

  get isConnecting(): boolean {
    return this.#state === 'logging-in'
  }

  #register({ keepAliveSeconds, properties }: ConnectPacket): void {
    const { settings, broker } = this.#world
    this.#reader.packetBytesMax = settings.packetBytesMax
    this.clientPacketBytesMax = properties.maximumPacketSize ?? spec.PACKET_BYTES_UNLIMITED
    this.windowCount = Math.min(settings.prefetchCount, properties.receiveMaximum ?? spec.PACKET_ID_MAX)
    const aliasMax = Math.min(properties.topicAliasMaximum ?? 0, settings.topicAliasMax)
    this.aliases = aliasMax > 0 ? new AliasTable(aliasMax) : null
    this.#timer.watch(grantedKeepAlive(settings, this.level, keepAliveSeconds))
    this.rates = openRates(this.#world, this.member, this.#socket, this.#reader, (error) => this.#fail(error))
    this.#listed = new ListedConnection(this.id, this, this.member, () => this.#session?.subscriptionCount ?? 0)
    broker.connections.add(this.#listed)
    broker.counters.connectionsOpened++
    this.#expire()
  }

  #expire(): void {
    this.#expiry?.stop()
    this.#expiry = CredentialExpiry.at(this.#world.broker.world.timers, this.member.identity.expiresAtMs, () => {
      this.#fail(new MqttError(spec.MAXIMUM_CONNECT_TIME, 'credential expired'))
    })
  }

  // Waiting

  /** Handles no more packets until `#continue`. `again`: the one at hand comes once more. */
  #suspend(again = false): void {
    this.#reader.hold(again)
    this.#socket.pause(PAUSE_WAITING)
  }

  #continue(): void {
    if (this.#state !== 'open') return
    this.#socket.resume(PAUSE_WAITING)
    try {
      this.#reader.release()
    } catch (error) {
      this.#fail(error)
    }
  }

  onTurnEnd(): void {
    this.#continue()
  }

  /** Runs what may be answered later; packets wait until it is. */
  #later(run: (done: () => void) => void): void {
    let isDone = false
    let isWaiting = false
    run(() => {
      isDone = true
      if (isWaiting) this.#continue()
    })
    if (isDone) return
    isWaiting = true
    this.#suspend()
  }

  onAlarms(_alarms: Alarms, blocking: boolean): void {
    if (blocking) this.#socket.pause(PAUSE_BLOCKED)
    else this.#socket.resume(PAUSE_BLOCKED)
  }

  onDeadline(): void {
    if (this.#state !== 'closing') noLogin(this.#world, this.name)
    this.destroy()
  }

  onSilence(): void {
    this.#fail(new MqttError(spec.KEEP_ALIVE_TIMEOUT, 'keep alive timeout'))
  }

  // Ending

  /** Another connection has the client id. [MQTT-3.1.4-3] */
  onTakenOver(isResumed: boolean): void {
    if (this.#state !== 'open') return
    if (this.#will !== null && isResumed && this.#will.delaySeconds > 0) this.#will = null
    this.#leave()
    this.#fail(new MqttError(spec.SESSION_TAKEN_OVER, 'another connection has the client id'))
  }

  onQueueGone(reason: string): void {
    this.close('forced', `a queue of the session is gone: ${reason}`)
  }

  close(reason: CloseReason, text: string): void {
    if (reason === 'shutdown') {
      // A delay outlives the broker.
      if (this.#will?.delaySeconds === 0 || this.#session?.lasts === false) this.#will = null
      return this.#fail(new MqttError(spec.SERVER_SHUTTING_DOWN, text))
    }
    this.#fail(new MqttError(reason === 'user-gone' ? spec.NOT_AUTHORIZED : spec.ADMINISTRATIVE_ACTION, text))
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** The one place that says goodbye. */
  #fail(error: unknown): void {
    const state = this.#state
    if (state === 'closing' || state === 'closed') return
    if (error instanceof MqttError) {
      this.#world.logger.info(`${this.name}: closed: ${error.message}`)
      const limit = limitOf(error)
      if (limit !== null) this.#world.broker.counters.limits.hit(limit)
    } else this.#world.logger.error(`${this.name}: a bug closes this connection`, { error })
    const goodbye = goodbyeOf(error, state, this)
    if (goodbye !== null) this.outbox.write(goodbye)
    this.#close()
  }

  /** Sends what is written, reads on to see the client's end, and ends; the session is left at once. */
  #close(): void {
    this.#state = 'closing'
    this.#reader.close()
    this.#leave()
    this.#timer.expect(GOODBYE_MS_MAX)
    this.#socket.resume(PAUSE_WAITING)
    this.#socket.end()
  }

  /** The socket is gone. */
  #gone(): void {
    if (this.#state === 'closed') return
    this.#leave()
    this.#state = 'closed'
    const { broker, alarms } = this.#world
    this.#reader.close()
    this.#timer.stop()
    alarms.unlisten(this)
    this.#world.connectionCount--
    this.#owner.onGone(this)
    if (this.#listed === null) return
    broker.connections.remove(this.#listed)
    broker.counters.connectionsClosed++
  }

  /** The session goes its own way: once. */
  #leave(): void {
    this.#acks?.close()
    this.#retainedDelivery?.close()
    this.#expiry?.stop()
    this.rates?.close()
    const session = this.#session
    const will = this.#will
    this.#session = null
    this.#will = null
    if (session === null) return
    if (will !== null) {
      if (will.delaySeconds > 0 && session.expirySeconds > 0 && session.peer === this)
        session.delayWill(will, this.member)
      else will.publish(this.#world, this.member)
    } else if (session.peer === this) session.setWill(null)
    if (session.peer !== this) return
    session.stopDelivering()
    const { vhostName, clientId } = session
    const sessions = this.#sessions
    sessions.claim(vhostName, clientId, () => sessions.release(session, this, () => sessions.free(vhostName, clientId)))
  }

  // Listings

  get name(): string {
    const { peerHost, peerPort, host, port } = this.#socket.ends
    return `${peerHost}:${peerPort} -> ${host}:${port}`
  }

  get socket(): Socket {
    return this.#socket
  }

  get keepAliveSeconds(): number {
    return this.#timer.keepAliveSeconds
  }

  get isBlocked(): boolean {
    return this.#publishing !== null && this.#world.alarms.isBlocking
  }

  get isOpen(): boolean {
    return this.#state === 'open'
  }
}
