/** The management beside the protocols: what it is told of the node, and where its files lie. */
import { join } from 'node:path'
import type { LogControl } from '../config/broker-options.ts'
import { logOutputs } from '../config/log-output.ts'
import { SERVER_VERSION } from '../config/version.ts'
import type { CertificateFact, LogFigures, NodeControls, NodeFacts } from '../management/context.ts'
import type { Management } from '../management/management.ts'
import type { ArchiveStore } from '../management/stats/archive.ts'
import { exchangeTypes } from '../model/routing/exchange-types.ts'
import { queueKinds } from '../queues/registry.ts'
import type { Disk } from '../storage/disk.ts'
import { NodeDisk } from '../storage/disk-node.ts'
import { BATCH_BYTES_BOUNDS, SYNC_MS_BOUNDS } from '../storage/log-meter.ts'
import type { Certificates } from './certificates.ts'
import { importContext } from './contents.ts'
import type { OpenListeners } from './listeners.ts'
import type { BrokerParts } from './parts.ts'
import { Service } from './service.ts'
import { consoleSignIn } from './sign-in.ts'
import type { TlsGroup } from './tls.ts'

/** Name of the local socket in the data folder, by which `warren ctl` comes in without credentials. */
export const LOCAL_SOCKET = 'ctl.sock'
const TRACES_FOLDER = 'traces'
const STATISTICS_FOLDER = 'statistics'
const ARCHIVE_FILE = 'history.json'
/** Longest name of a local socket that every system takes. */
const SOCKET_PATH_BYTES_MAX = 103

/** What the process lends the management. */
export interface ProcessControls {
  readonly log: LogControl | undefined
  /** Stops the broker. */
  shutdown(): void
}

/** Starts the management. */
export async function openManagement(
  parts: BrokerParts,
  listeners: OpenListeners,
  certificates: Certificates,
  lent: ProcessControls,
): Promise<Management> {
  const { settings, dataDir, foundation, logger, broker } = parts
  const { startManagement } = await import('../management/management.ts')
  const { Traces } = await import('../management/traces/traces.ts')
  const traces =
    dataDir === null ? null : new Traces(broker, new NodeDisk(join(dataDir, TRACES_FOLDER)), logger.child('management'))
  const { QueueHistory } = await import('../management/stats/history/queue-history.ts')
  const history = dataDir === null ? null : new NodeDisk(join(dataDir, STATISTICS_FOLDER))
  const management = await startManagement({
    broker,
    metadata: foundation.metadata,
    store: foundation.store,
    formats: parts.formats,
    queueKinds,
    users: parts.users,
    login: parts.httpLogin,
    signIn: consoleSignIn(settings, parts.backends, foundation),
    authBackends: () => parts.backends.questions.counters,
    attempts: parts.login.attempts,
    alarms: parts.alarms,
    settings,
    importContext: importContext(foundation, settings),
    randomness: foundation.randomness,
    clock: foundation.clock,
    turn: foundation.turn,
    timers: foundation.wheel,
    logger: logger.child('management'),
    node: nodeFacts(parts, listeners, certificates),
    controls: controls(parts, listeners, certificates, lent),
    audit: parts.audit,
    traces,
    archive: history === null ? null : archiveStore(history),
    queueHistory: history === null ? null : new QueueHistory(history, logger.child('management')),
    socketPath: dataDir === null ? null : await freeSocketPath(dataDir),
    tls: settings.management.sslPort === null ? null : await certificates.contextOf('management'),
    metricsTls: settings.prometheus.sslPort === null ? null : await certificates.contextOf('prometheus'),
  })
  const stop = async (): Promise<void> => {
    await management.stop()
    await traces?.stop()
  }
  return { ...management, stop }
}

function nodeFacts(parts: BrokerParts, listeners: OpenListeners, certificates: Certificates): NodeFacts {
  const { settings, dataDir, foundation, monitor, descriptors, broker } = parts
  return {
    name: settings.node.name,
    version: SERVER_VERSION,
    startedAtMs: foundation.clock.nowMs(),
    dataDir: dataDir ?? '',
    configFiles: parts.configFiles,
    logFiles: logOutputs(settings.log, dataDir),
    exchangeTypes: [...exchangeTypes().values()].map(({ name, description }) => ({ name, description })),
    authMechanisms: settings.auth.mechanisms,
    listeners: () => listeners.facts(),
    certificates: () => certificateFacts(certificates, listeners),
    tls: () => ({
      certificates: certificates.list(),
      reloadedCount: certificates.reloadedCount,
      handshakes: certificates.handshakes(),
      failedCount: certificates.failedCount,
    }),
    resources: () => monitor.status(),
    openFiles: () => descriptors.status() ?? { used: broker.connections.count + listeners.count, max: FILES_MAX },
    settingsInForce: () => parts.inForce.settings,
    log: () => (dataDir === null ? undefined : logFigures(parts)),
  }
}

/** What systems usually allow a service, where the system does not tell. */
const FILES_MAX = 1_048_576

function logFigures({ foundation }: BrokerParts): LogFigures {
  const { log, loadCount, loadedBytes } = foundation.store.stats()
  return {
    ...log,
    syncMsBounds: SYNC_MS_BOUNDS,
    batchBytesBounds: BATCH_BYTES_BOUNDS,
    readCount: loadCount,
    readBytes: loadedBytes,
    damageCount: foundation.damage.log,
    metadataDamageCount: foundation.damage.metadata,
  }
}

/** Listeners by the group of their certificates; the management adds its own. */
const TLS_GROUPS: Readonly<Record<string, TlsGroup>> = { 'https/web-mqtt': 'webMqtt', 'https/web-stomp': 'webStomp' }

function certificateFacts(certificates: Certificates, listeners: OpenListeners): CertificateFact[] {
  return listeners.facts().flatMap((listener) => {
    const { protocol } = listener
    const group = TLS_GROUPS[protocol] ?? (protocol.endsWith('/ssl') ? 'clients' : undefined)
    const notAfterMs = group === undefined ? undefined : certificates.notAfterMs(group)
    return notAfterMs === undefined ? [] : [{ listener, notAfterMs }]
  })
}

function controls(
  parts: BrokerParts,
  listeners: OpenListeners,
  certificates: Certificates,
  { log, shutdown }: ProcessControls,
): NodeControls {
  const { monitor, descriptors, backends } = parts
  return {
    service: new Service(parts, listeners),
    setLogLevel: (category, level) => log?.setLevel(category, level),
    setMemoryLimit: (limit) => monitor.setMemoryLimit(limit),
    setDiskLimit: (limit) => monitor.setDiskLimit(limit),
    setDescriptorWatermark: (watermark) => descriptors.setWatermark(watermark),
    logTail: (count) => log?.tail(count) ?? [],
    reloadCertificates: () => certificates.reload(),
    clearAuthCache: () => backends.clearCache(),
    shutdown,
  }
}

/** Where the socket can be made; what an earlier run left there is removed. Null when the name would be too long. */
async function freeSocketPath(dataDir: string): Promise<string | null> {
  const path = join(dataDir, LOCAL_SOCKET)
  if (Buffer.byteLength(path) > SOCKET_PATH_BYTES_MAX) return null
  await new NodeDisk(dataDir).remove(LOCAL_SOCKET)
  return path
}

function archiveStore(disk: Disk): ArchiveStore {
  return {
    async read() {
      const entry = (await disk.list()).find(({ name }) => name === ARCHIVE_FILE)
      if (entry === undefined) return undefined
      const file = await disk.open(ARCHIVE_FILE, false)
      const bytes = Buffer.alloc(entry.bytes)
      const readBytes = await file.read(bytes, 0, bytes.length, 0)
      await file.close()
      return bytes.toString('utf8', 0, readBytes)
    },
    async write(text) {
      const bytes = Buffer.from(text)
      const unfinished = `${ARCHIVE_FILE}.new`
      const file = await disk.open(unfinished, true)
      await file.truncate(0)
      await file.write(bytes, 0, bytes.length, 0)
      await file.sync()
      await file.close()
      await disk.rename(unfinished, ARCHIVE_FILE)
    },
  }
}
