/** The end of connections at shutdown: everybody is told, gets a bounded time to answer, and is dropped after it. */
import { TimerEntry, type TimerWheel } from '../base/timer-wheel.ts'

/** How long clients may take to answer. */
const GOODBYE_MS_MAX = 3_000

/** A protocol with connections. */
export interface ProtocolService {
  /** Says goodbye to every connection; resolves when all are gone. */
  stop(): Promise<void>
  /** Drops what is still there. */
  destroyAll(): void
}

/** Ends the connections of all protocols. */
export async function endConnections(services: readonly ProtocolService[], wheel: TimerWheel): Promise<void> {
  const owner = {
    onTimer: () => {
      for (const service of services) service.destroyAll()
    },
  }
  const timer = new TimerEntry(owner)
  wheel.schedule(timer, wheel.clock.nowMs() + GOODBYE_MS_MAX)
  await Promise.all(services.map((service) => service.stop()))
  wheel.cancel(timer)
}
