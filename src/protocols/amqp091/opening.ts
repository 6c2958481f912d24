/**
 * The states of a connection before it runs: it logs in, agrees on limits and names its vhost.
 *
 *   header → starting → securing → tuning → opening → opened
 *
 * The connection hands it the header's bytes and the methods of channel 0 and is told of the result. What is wrong is
 * thrown; the connection says so to the client. [AMQP 0-9-1 §2.2.4]
 */
import { type Identity, isRefusal, type LoginRefusal, type LoginSource } from '../../auth/identity.ts'
import type { Outbox } from '../../net/outbox.ts'
import { decodeMethod, type MethodArguments } from './codec.ts'
import { ConnectionError } from './errors.ts'
import { type FieldTable, NO_FIELDS } from './fields.ts'
import {
  agreedTuning,
  type ClientCapabilities,
  capabilitiesOf,
  HEADER_BYTES,
  login,
  loginError,
  refusesHeader,
  startFrame,
  type Tuning,
  tuneFrame,
} from './handshake.ts'
import type { SessionWorld } from './session.ts'
import { CONNECTION_OPEN, CONNECTION_START_OK, CONNECTION_TUNE_OK } from './spec.ts'

/** Where the handshake is. */
export type OpeningState = 'header' | 'starting' | 'securing' | 'tuning' | 'opening' | 'opened'

/** The connection's side. */
export interface OpeningListener {
  /** The header is none of ours: this is answered, and nothing else. */
  onHeaderRefused(answer: Buffer): void
  /** No frame is handled until the login is decided. */
  onLoginStarted(): void
  /** The login is decided; `error` says what the client is told. Null with a refusal: nothing. */
  onLoginDecided(refusal: LoginRefusal | null, error: ConnectionError | null): void
  onTuned(tuning: Tuning): void
  onOpen(vhost: string): void
}

const NO_CAPABILITIES: ClientCapabilities = { blocked: false, cancelNotify: false, authenticationFailureClose: false }
const NO_BYTES: Buffer = Buffer.alloc(0)

/** One per connection. Its fields are what the client said and agreed to. */
export class Opening {
  readonly #world: SessionWorld
  readonly #source: LoginSource
  readonly #outbox: Outbox
  readonly #listener: OpeningListener
  #header = NO_BYTES
  state: OpeningState = 'header'
  clientProperties: FieldTable = NO_FIELDS
  capabilities = NO_CAPABILITIES
  mechanism = ''
  identity: Identity | null = null
  tuning: Tuning = { channelCountMax: 0, frameBytesMax: 0, heartbeatSeconds: 0 }

  constructor(world: SessionWorld, source: LoginSource, outbox: Outbox, listener: OpeningListener) {
    this.#world = world
    this.#source = source
    this.#outbox = outbox
    this.#listener = listener
  }

  /** Bytes of the protocol header; returns what followed it, empty while there is nothing to cut into frames. */
  onHeaderBytes(chunk: Buffer): Buffer {
    const known = this.#header.length === 0 ? chunk : Buffer.concat([this.#header, chunk])
    if (known.length < HEADER_BYTES) {
      this.#header = Buffer.from(known)
      return NO_BYTES
    }
    this.#header = NO_BYTES
    const answer = refusesHeader(known)
    if (answer !== null) {
      this.#listener.onHeaderRefused(answer)
      return NO_BYTES
    }
    this.state = 'starting'
    this.#outbox.write(startFrame(this.#world, this.#source))
    return known.subarray(HEADER_BYTES)
  }

  /** A method of channel 0. Throws 504 for one that does not belong here. */
  onMethod(id: number, bytes: Buffer, start: number, end: number): void {
    if (id === CONNECTION_START_OK && this.state === 'starting') this.#onStartOk(decodeMethod(id, bytes, start, end))
    else if (id === CONNECTION_TUNE_OK && this.state === 'tuning') this.#onTuneOk(decodeMethod(id, bytes, start, end))
    else if (id === CONNECTION_OPEN && this.state === 'opening') {
      this.#listener.onOpen(decodeMethod(id, bytes, start, end).virtualHost)
      this.state = 'opened'
    } else throw ConnectionError.channelError(`unexpected method in connection state ${this.state}`)
  }

  #onStartOk(args: MethodArguments<typeof CONNECTION_START_OK>): void {
    this.clientProperties = args.clientProperties
    this.capabilities = capabilitiesOf(args.clientProperties)
    this.mechanism = args.mechanism
    this.state = 'securing'
    this.#listener.onLoginStarted()
    void login(this.#world, args, this.#source).then((result) => this.#onLogin(result))
  }

  #onLogin(result: Identity | LoginRefusal): void {
    if (isRefusal(result)) {
      this.#listener.onLoginDecided(result, loginError(result, this.mechanism, this.capabilities))
      return
    }
    this.identity = result
    this.state = 'tuning'
    this.#outbox.write(tuneFrame(this.#world.settings))
    this.#listener.onLoginDecided(null, null)
  }

  #onTuneOk(args: MethodArguments<typeof CONNECTION_TUNE_OK>): void {
    this.tuning = agreedTuning(args, this.#world.settings)
    this.state = 'opening'
    this.#listener.onTuned(this.tuning)
  }
}
