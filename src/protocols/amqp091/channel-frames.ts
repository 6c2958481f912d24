/**
 * Frames of channels: each goes to its channel, opens one, or is kept because its channel waits for a permission. One per
 * connection, from connection.open to its end.
 *
 * Invariant: whatever a frame throws is handed to the host with the method it belongs to, except `AccessPending`, which parks
 * its channel.
 */
import { AccessPending } from '../../model/access/access-pending.ts'
import type { Channel } from './channel.ts'
import { Channels } from './channels.ts'
import { decodeMethod, encodeMethod } from './codec.ts'
import { type ChannelError, ConnectionError, closeArguments } from './errors.ts'
import { type ParkedFrame, Parking, type ParkingHost } from './parking.ts'
import type { PublishRun } from './publish-run.ts'
import type { PublishScratch } from './publisher.ts'
import { afterRemoval } from './removal-wait.ts'
import type { Session } from './session.ts'
import * as spec from './spec.ts'

const NO_BYTES: Buffer = Buffer.alloc(0)

/** The connection's side. */
export interface ChannelFramesHost {
  /** Frames of channels are handled and answered. */
  readonly isRunning: boolean
  /** Kept frames may be handled now. */
  readonly mayHandle: boolean
  /** Too much is kept, or that is over. */
  onParkedPressure(isHigh: boolean): void
  /** Turns an error into a close. */
  failed(channelNumber: number, methodId: number, error: unknown): void
}

/** The channels of one connection, by their frames. */
export class ChannelFrames implements ParkingHost {
  readonly channels: Channels
  readonly #session: Session
  readonly #run: PublishRun
  readonly #host: ChannelFramesHost
  readonly #parking = new Parking(this)

  constructor(session: Session, scratch: PublishScratch, channelCountMax: number, host: ChannelFramesHost) {
    this.#session = session
    this.#run = scratch.run
    this.#host = host
    this.channels = new Channels(session, scratch, channelCountMax)
  }

  /** One frame of a channel; the id of a method is `methodId`, else 0. */
  onFrame(type: number, channelNumber: number, methodId: number, bytes: Buffer, start: number, end: number): void {
    if (this.#parking.count > 0 && this.#parking.has(channelNumber)) {
      return this.#parking.keep(channelNumber, type, methodId, bytes, start, end)
    }
    const channel = this.channels.get(channelNumber)
    if (channel === null) return this.#onFrameOfNoChannel(channelNumber, methodId, bytes, start, end)
    const wasMidContent = channel.isMidContent
    try {
      if (methodId === spec.CHANNEL_CLOSE || methodId === spec.CHANNEL_CLOSE_OK) this.#close(channel, methodId)
      else channel.onFrame(type, methodId, bytes, start, end)
    } catch (error) {
      const failedMethod = wasMidContent ? spec.BASIC_PUBLISH : methodId
      if (!(error instanceof AccessPending)) return this.#host.failed(channelNumber, failedMethod, error)
      const kept = error.again === null ? Buffer.from(bytes.subarray(start, end)) : NO_BYTES
      this.#park(channelNumber, type, failedMethod, kept, error)
    }
  }

  /** Publishes at byte `at` that are like the one before; returns where the next frame begins. */
  takeRun(bytes: Buffer, at: number, payloadBytesMax: number): number {
    const run = this.#run
    try {
      return run.take(bytes, at, payloadBytesMax)
    } catch (error) {
      if (error instanceof AccessPending)
        this.#park(run.channelNumber, spec.FRAME_BODY, spec.BASIC_PUBLISH, NO_BYTES, error)
      else this.#host.failed(run.channelNumber, spec.BASIC_PUBLISH, error)
      return run.end
    }
  }

  /** Runs the rest of a method that was answered later. */
  complete(channelNumber: number, methodId: number, rest: () => void): void {
    if (this.channels.get(channelNumber) === null) return
    try {
      rest()
    } catch (error) {
      this.#host.failed(channelNumber, methodId, error)
    }
  }

  /** We close the channel, if it is still open, and say why. False when it is not: somebody else is to blame. */
  refuse(channelNumber: number, error: ChannelError): boolean {
    const channel = this.channels.get(channelNumber)
    if (channel === null) return false
    this.channels.close(channel, true)
    this.#session.outbox.write(encodeMethod(spec.CHANNEL_CLOSE, channelNumber, closeArguments(error)))
    return true
  }

  /** Gives everything back. */
  end(): void {
    this.#parking.close()
    this.channels.closeAll()
  }

  // What waits for a permission

  #park(channelNumber: number, type: number, methodId: number, bytes: Buffer, pending: AccessPending): void {
    const { again } = pending
    const heldBytes = bytes.length + pending.heldBytes
    this.#parking.park(channelNumber, { type, methodId, bytes, again, heldBytes }, pending)
  }

  /** Whether frames of some channel are kept. */
  get isParked(): boolean {
    return this.#parking.count > 0
  }

  /** Handles kept frames, as far as they are answered. */
  drain(): void {
    this.#parking.drain()
  }

  /** Runs once no frame is kept any more. */
  whenDrained(done: () => void): void {
    this.#parking.whenEmpty(done)
  }

  handleParked(channelNumber: number, frame: ParkedFrame): void {
    const { type, methodId, bytes, again } = frame
    if (again === null) return this.onFrame(type, channelNumber, methodId, bytes, 0, bytes.length)
    if (this.channels.get(channelNumber) === null) return
    try {
      again()
    } catch (error) {
      if (error instanceof AccessPending) this.#parking.park(channelNumber, frame, error)
      else this.#host.failed(channelNumber, methodId, error)
    }
  }

  get mayHandle(): boolean {
    return this.#host.mayHandle
  }

  onParkedPressure(isHigh: boolean): void {
    this.#host.onParkedPressure(isHigh)
  }

  // Opening and closing

  #onFrameOfNoChannel(number: number, methodId: number, bytes: Buffer, start: number, end: number): void {
    const { channels } = this
    if (channels.isClosing(number)) {
      if (methodId === spec.CHANNEL_CLOSE_OK) channels.closed(number)
      // Both sides closed at once: ours is still to be answered.
      else if (methodId === spec.CHANNEL_CLOSE) this.#answer(spec.CHANNEL_CLOSE_OK, number)
      return
    }
    try {
      if (methodId !== spec.CHANNEL_OPEN) throw ConnectionError.channelError("expected 'channel.open'")
      decodeMethod(methodId, bytes, start, end)
    } catch (error) {
      return this.#host.failed(number, methodId, error)
    }
    try {
      channels.open(number)
    } catch (error) {
      // RabbitMQ names no method when a limit is reached.
      return this.#host.failed(number, 0, error)
    }
    this.#answer(spec.CHANNEL_OPEN_OK, number)
  }

  #close(channel: Channel, methodId: number): void {
    const { host, world } = this.#session
    const queues = channel.autoDeleteQueues()
    this.channels.close(channel, false)
    if (methodId !== spec.CHANNEL_CLOSE) return
    let isLater = false
    isLater = !afterRemoval(world, queues, () => {
      if (this.#host.isRunning) this.#answer(spec.CHANNEL_CLOSE_OK, channel.number)
      if (isLater) host.resumeInput()
    })
    if (isLater) host.suspendInput()
  }

  #answer(methodId: typeof spec.CHANNEL_OPEN_OK | typeof spec.CHANNEL_CLOSE_OK, channelNumber: number): void {
    this.#session.outbox.write(encodeMethod(methodId, channelNumber))
  }
}
