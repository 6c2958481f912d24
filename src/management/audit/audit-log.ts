/**
 * The audit log: who changed what, when, from where, and what came of it. One entry per administrative action, as a line
 * of JSON in a file, in memory for the HTTP API, and as the event `warren.audit`.
 *
 * The API server records requests that change something, the composition root what happens without one. Entries hold no
 * secrets: bodies pass `redacted`. [docs/audit.md]
 */
import type { Clock } from '../../base/clock.ts'
import type { Events } from '../../model/observe/events.ts'
import type { AuditFile } from './audit-file.ts'
import { redacted } from './redacted.ts'

/** Entries kept for the HTTP API. */
export const AUDIT_TAIL_MAX = 1_000

/** One action. */
export interface AuditAction {
  /** Empty when nobody logged in. */
  readonly user: string
  /** `http`, `local` (the command line's socket), `boot`, `signal`. */
  readonly via: 'http' | 'local' | 'boot' | 'signal'
  /** Address of the peer; empty for what has none. */
  readonly address: string
  /** `PUT /api/users/:user`, `import definitions`, … */
  readonly action: string
  /** What it is done to: parts of the path, a file, … */
  readonly target: Readonly<Record<string, unknown>>
  /** What was sent; recorded without secrets. */
  readonly detail?: unknown
  readonly result: 'done' | 'refused' | 'failed'
  /** Of HTTP; 0 for what has none. */
  readonly status: number
  /** Why it was refused or failed. */
  readonly reason?: string
}

/** What an entry looks like in the file and in the API. */
export type AuditEntry = Readonly<Record<string, unknown>> & { readonly time: string }

/** One per broker. */
export class AuditLog {
  readonly #clock: Clock
  readonly #file: AuditFile | null
  readonly #entries: AuditEntry[] = []
  #events: Events | null = null
  #sequence = 0

  /** `file` is null when nothing is written. */
  constructor(clock: Clock, file: AuditFile | null) {
    this.#clock = clock
    this.#file = file
  }

  /** From now on entries are events, too. */
  announceTo(events: Events): void {
    this.#events = events
  }

  record({ user, via, address, action, target, detail, result, status, reason }: AuditAction): void {
    const entry: AuditEntry = {
      time: new Date(this.#clock.nowMs()).toISOString(),
      number: ++this.#sequence,
      ...{ user, via, address, action },
      target: redacted(target),
      ...(detail === undefined ? {} : { detail: redacted(detail) }),
      ...{ result, status },
      ...(reason === undefined || reason === '' ? {} : { reason: redacted(reason) }),
    }
    this.#entries.push(entry)
    if (this.#entries.length > AUDIT_TAIL_MAX) this.#entries.shift()
    this.#file?.append(JSON.stringify(entry))
    if (this.#events?.isObserved !== true) return
    this.#events.announce('warren.audit', null, {
      ...{ user, via, address, action, result, status, target: JSON.stringify(entry.target) },
      user_who_performed_action: user,
    })
  }

  /** The newest entries, oldest first. */
  tail(countMax: number): readonly AuditEntry[] {
    return this.#entries.slice(-countMax)
  }

  /** Writes what waits. */
  async close(): Promise<void> {
    await this.#file?.close()
  }
}
