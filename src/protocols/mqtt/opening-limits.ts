/** What limits do when a connection opens: its rates, and the word when it does not open in time. */
import type { RateMeter } from '../../model/limits/rate-meter.ts'
import { ReaderGates } from '../../net/reader-gates.ts'
import type { Socket } from '../../net/socket.ts'
import type { PacketReader } from './packet-reader.ts'
import type { Member, MqttWorld } from './world.ts'

/** The meter of a connection that has logged in. `fail` is its one place that says goodbye. */
export function openRates(
  { broker }: MqttWorld,
  { identity, vhost }: Member,
  socket: Socket,
  reader: PacketReader,
  fail: (error: unknown) => void,
): RateMeter {
  return broker.rates.open(identity.user, vhost.name, new ReaderGates(socket, reader, fail))
}

/** A connection did not log in within its time. */
export function noLogin({ broker, logger, settings }: MqttWorld, name: string): void {
  broker.counters.limits.hit('handshake_time')
  logger.notice(`${name}: no login within ${settings.loginTimeoutMs} ms`)
}
