/**
 * From CONNECT to a session: one login, and what comes before the client has its session. Made by a connection for its
 * CONNECT, gone after it.
 *
 * Invariant: while one admission has claimed a client id, no other is busy with it; whoever is given the session frees it.
 * A client that goes meanwhile leaves nothing behind. [MQTT 5.0 §3.1]
 */
import type { TransportEnds } from '../../net/transport.ts'
import type { ConnectPacket } from './codec.ts'
import { MqttError } from './errors.ts'
import { acceptedWill, isResumed, requestedExpiry } from './handshake.ts'
import { checkLimits, logIn } from './login.ts'
import { checkSubscriptions } from './renewal.ts'
import type { MqttSession } from './session.ts'
import type { MqttSessions } from './sessions.ts'
import { QUOTA_EXCEEDED } from './spec.ts'
import type { Will } from './will.ts'
import type { Member } from './world.ts'

/** Who is let in, and with what. */
export interface Admitted {
  readonly member: Member
  readonly session: MqttSession
  /** The session was there before. */
  readonly isResumed: boolean
  readonly expirySeconds: number
  readonly will: Will | null
  /** Lets others claim the client id: called when the session is ready. */
  free(): void
}

/** The connection. Exactly one of the two calls comes, or none when it stopped connecting. */
export interface Connecting {
  readonly isConnecting: boolean
  onAdmitted(packet: ConnectPacket, admitted: Admitted): void
  onRefused(error: unknown): void
}

/** Of one CONNECT. */
export class Admission {
  readonly #sessions: MqttSessions
  readonly #connecting: Connecting
  readonly #packet: ConnectPacket

  constructor(sessions: MqttSessions, connecting: Connecting, packet: ConnectPacket) {
    this.#sessions = sessions
    this.#connecting = connecting
    this.#packet = packet
  }

  /** Never rejects: the connection is told. */
  async run(ends: TransportEnds): Promise<void> {
    try {
      await this.#logIn(ends)
    } catch (error) {
      this.#connecting.onRefused(error)
    }
  }

  async #logIn(ends: TransportEnds): Promise<void> {
    const packet = this.#packet
    const { world } = this.#sessions
    const member = await logIn(world, ends, packet)
    const known = this.#sessions.get(member.vhost.name, member.clientId)
    if (known !== undefined && isResumed(packet, known, member)) await checkSubscriptions(world, member, known)
    if (!this.#connecting.isConnecting) return
    const will = packet.will === null ? null : acceptedWill(packet.will)
    this.#sessions.claim(member.vhost.name, member.clientId, () => {
      try {
        if (this.#connecting.isConnecting) this.#claimed(member, will)
        else this.#free(member)
      } catch (error) {
        this.#free(member)
        this.#connecting.onRefused(error)
      }
    })
  }

  #claimed(member: Member, will: Will | null): void {
    checkLimits(this.#sessions.world, member.permissions)
    const existing = this.#sessions.get(member.vhost.name, member.clientId)
    const proceed = (session: MqttSession | undefined): void => this.#enter(member, will, session)
    if (existing === undefined) return proceed(undefined)
    const resumes = isResumed(this.#packet, existing, member)
    this.#sessions.takeOver(existing, resumes, () => {
      if (resumes) proceed(existing)
      else this.#sessions.end(existing, () => proceed(undefined))
    })
  }

  #enter(member: Member, will: Will | null, resumed: MqttSession | undefined): void {
    if (!this.#connecting.isConnecting) return this.#abandon(member, resumed)
    const { vhost, clientId, identity } = member
    const expirySeconds = requestedExpiry(this.#sessions.world.settings, this.#packet)
    const session = resumed ?? this.#sessions.create(vhost.name, clientId, identity.user, expirySeconds > 0)
    if (session === undefined) {
      this.#free(member)
      return this.#connecting.onRefused(new MqttError(QUOTA_EXCEEDED, 'limit of sessions is reached'))
    }
    this.#sessions.setExpiry(session, expirySeconds)
    const free = (): void => this.#free(member)
    const admitted = { member, session, isResumed: resumed !== undefined, expirySeconds, will, free }
    this.#connecting.onAdmitted(this.#packet, admitted)
  }

  /** The client went while its session was prepared. */
  #abandon(member: Member, session: MqttSession | undefined): void {
    if (session === undefined) return this.#free(member)
    if (session.expirySeconds === 0) return this.#sessions.end(session, () => this.#free(member))
    session.startExpiry()
    this.#free(member)
  }

  #free({ vhost, clientId }: Member): void {
    this.#sessions.free(vhost.name, clientId)
  }
}
