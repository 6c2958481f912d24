/** The audit log of a broker: where its file lies, and what is recorded that no request asked for. */
import { join } from 'node:path'
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { valuesOf } from '../config/build-settings.ts'
import type { Settings } from '../config/settings.ts'
import { AuditFile } from '../management/audit/audit-file.ts'
import { AuditLog } from '../management/audit/audit-log.ts'
import { NodeDisk } from '../storage/disk-node.ts'

/** The folder of logs in the data folder. */
const LOG_FOLDER = 'log'

/** An audit log; without a folder for logs it is in memory alone. */
export function openAudit(settings: Settings, dataDir: string | null, clock: Clock, logger: Logger): AuditLog {
  const { file, fileBytesMax, fileCountMax } = settings.audit
  const folder = settings.log.folder ?? (dataDir === null ? null : join(dataDir, LOG_FOLDER))
  if (folder === null || file === 'false') return new AuditLog(clock, null)
  const disk = new NodeDisk(folder)
  return new AuditLog(clock, new AuditFile({ disk, name: file, fileBytesMax, fileCountMax, logger }))
}

/** Definitions were imported from a file at the start. */
export function auditImport(audit: AuditLog, location: string, summary: object): void {
  const target = { location }
  audit.record({ ...NOBODY, via: 'boot', action: 'import definitions', target, detail: summary })
}

/** The settings were read again, by SIGHUP. Values may be secret: names alone are recorded. */
export function auditReload(audit: AuditLog, before: Settings, after: Settings): void {
  const [old, next] = [valuesOf(before), valuesOf(after)]
  const changed = [...new Set([...old.keys(), ...next.keys()])].filter((key) => {
    const [one, other] = [old.get(key), next.get(key)]
    return (
      one === undefined || other === undefined || one.row.type.format(one.value) !== other.row.type.format(other.value)
    )
  })
  audit.record({ ...NOBODY, via: 'signal', action: 'reload settings', target: {}, detail: { changed } })
}

const NOBODY = { user: '', address: '', result: 'done', status: 0 } as const
