// Administration by direct calls on a broker started in this process, for one that was started without its HTTP listener.
import type { Administration } from './administration.ts'

/** The broker offers its administration itself; tests only pass it on. */
export function inProcessAdministration(started: object): Administration {
  const offered = (started as { administration?: Administration }).administration
  if (offered !== undefined) return offered
  throw new Error('the broker has neither an HTTP listener nor an administration of its own')
}
