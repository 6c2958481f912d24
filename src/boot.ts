/**
 * The composition root: with its folder the only place that knows every module. It makes them, wires them, and ends them
 * in reverse order; what it wires is not its business.
 */
import type { Clock } from './base/clock.ts'
import { amqp091 } from './boot/amqp091.ts'
import { auditReload, openAudit } from './boot/audit.ts'
import { Backends } from './boot/backends.ts'
import { Certificates } from './boot/certificates.ts'
import { fillMetadata } from './boot/contents.ts'
import { Ending } from './boot/ending.ts'
import { type Foundation, layFoundation } from './boot/foundation.ts'
import { endConnections } from './boot/goodbye.ts'
import { OpenListeners } from './boot/listeners.ts'
import { announceLogins, logins, users } from './boot/login.ts'
import { openManagement } from './boot/management.ts'
import { modelSettings } from './boot/model-settings.ts'
import { mqttService, openMqtt } from './boot/mqtt.ts'
import type { BrokerParts } from './boot/parts.ts'
import { descriptorWatch, diskLimit, memoryLimit, resourceMonitor } from './boot/resources.ts'
import { openStomp, stompService } from './boot/stomp.ts'
import type { BrokerOptions, RunningBroker } from './config/broker-options.ts'
import { formatJsonLine, formatLine } from './config/log-text.ts'
import type { Settings } from './config/settings.ts'
import { SERVER_VERSION } from './config/version.ts'
import type { AuditLog } from './management/audit/audit-log.ts'
import { Broker } from './model/broker.ts'
import { Alarms } from './model/observe/alarms.ts'
import { AlarmEvents } from './model/observe/event-exchange.ts'
import { LogExchange } from './model/observe/log-exchange.ts'
import { exchangeTypes } from './model/routing/exchange-types.ts'
import { ChunkPool } from './net/chunk-pool.ts'
import type { TransportAcceptor } from './net/listener.ts'
import type { Transport } from './net/transport.ts'
import { AMQP091_ENCODER, AMQP091_FORMAT } from './protocols/amqp091/convert.ts'
import { MQTT_FORMAT } from './protocols/mqtt/convert.ts'
import { STOMP_FORMAT } from './protocols/stomp/convert.ts'
import { queueKinds } from './queues/registry.ts'

/** What a program that embeds the broker may hand in beyond `BrokerOptions`. */
export interface BootOptions extends BrokerOptions {
  /** Time for TTLs, delays and heartbeats; the machine's unless a test moves its own. */
  readonly clock?: Clock
  /** False: nothing listens; clients come by `acceptAmqp`. */
  readonly listen?: boolean
}

/** A running broker with what only this process can reach. */
export interface BootedBroker extends RunningBroker {
  readonly parts: BrokerParts
  /** Takes a transport that needs no port. */
  readonly acceptAmqp: TransportAcceptor
}

/** Starts a broker. Resolves when it listens on everything; rejects with a sentence, and leaves nothing behind. */
export async function startBroker(options: BootOptions): Promise<BootedBroker> {
  const ending = new Ending()
  try {
    return await start(options, ending)
  } catch (error) {
    await ending.run()
    throw error
  }
}

async function start(options: BootOptions, ending: Ending): Promise<BootedBroker> {
  const { settings, dataDir, logger, clock } = options
  const alarms = new Alarms()
  const foundation = await layFoundation({ settings, dataDir, logger, clock, alarms })
  ending.add(() => foundation.close())
  const audit = openAudit(settings, dataDir, foundation.clock, logger.child('management'))
  ending.add(() => audit.close())
  await fillMetadata(foundation, settings, audit, logger)
  const parts = makeParts(options, foundation, alarms, audit)
  const { broker, monitor, descriptors } = parts
  ending.add(() => parts.backends.close())
  // Before the broker starts: kept sessions claim their part of the message store.
  const mqtt = mqttService(parts)
  ending.add(() => broker.stop())
  broker.start()
  publishLog(options, broker, ending)
  await followMessages(parts)
  mqtt.start()
  ending.add(() => monitor.stop())
  await monitor.start()
  ending.add(() => descriptors.stop())
  await descriptors.start()
  const amqp = amqp091(parts)
  const stomp = stompService(parts)
  ending.add(() => endConnections([amqp, mqtt, stomp], foundation.wheel))
  const certificates = new Certificates(settings, foundation.wheel, logger.child('connection'))
  ending.add(() => certificates.stop())
  let askToStop = (): void => void ending.run()
  const booted = {
    parts,
    onShutdownAsked: (call: () => void): void => {
      askToStop = call
    },
    acceptAmqp: (transport: Transport) => amqp.accept(transport),
    stop: () => ending.run(),
    reload: (changed: Settings) => {
      auditReload(audit, parts.inForce.settings, changed)
      parts.inForce.settings = changed
      void certificates.reload(changed)
      return reload(parts, changed)
    },
  }
  if (options.listen === false) return { ...booted, listeners: {} }
  const listeners = new OpenListeners(
    settings,
    { admits: () => descriptors.admits(), timers: foundation.wheel, limits: broker.counters.limits },
    logger.child('connection'),
  )
  ending.add(() => listeners.close())
  await openAll(listeners, settings, certificates, booted.acceptAmqp)
  await openMqtt(listeners, settings, certificates, mqtt)
  await openStomp(listeners, settings, certificates, stomp)
  const management = await openManagement(parts, listeners, certificates, {
    log: options.logControl,
    shutdown: () => askToStop(),
  })
  ending.add(() => management.stop())
  return { ...booted, listeners: { ...listeners.ports, ...management.listeners } }
}

/** Nothing is loaded without an SDK of OpenTelemetry. */
async function followMessages({ broker, formats, logger, settings }: BrokerParts): Promise<void> {
  const { openTelemetry } = await import('./management/telemetry/telemetry.ts')
  const sdk = settings.warren.telemetrySdk
  await openTelemetry({ broker, formats, logger: logger.child('startup'), version: SERVER_VERSION, sdk })
}

/** Lines go to the log exchange as long as the broker runs. */
function publishLog({ logControl, settings }: BootOptions, broker: Broker, ending: Ending): void {
  if (logControl === undefined || !settings.log.exchange) return
  const exchange = new LogExchange({
    turn: broker.world.turn,
    encoder: AMQP091_ENCODER,
    nodeName: settings.node.name,
    format: settings.log.exchangeFormat === 'json' ? formatJsonLine : formatLine,
    vhost: (name) => broker.vhost(name),
  })
  logControl.attach(exchange)
  ending.add(() => Promise.resolve(logControl.attach(null)))
}

function makeParts(options: BootOptions, foundation: Foundation, alarms: Alarms, audit: AuditLog): BrokerParts {
  const { settings, dataDir, logger } = options
  const backends = new Backends(foundation, settings, logger)
  const { login, httpLogin } = logins(foundation, settings, logger, backends)
  const inForce = { settings }
  const formats = new Map([AMQP091_FORMAT, MQTT_FORMAT, STOMP_FORMAT].map((format) => [format.protocol, format]))
  const broker = new Broker({
    metadata: foundation.metadata,
    store: foundation.store,
    turn: foundation.turn,
    timers: foundation.wheel,
    clock: foundation.clock,
    randomness: foundation.randomness,
    logger,
    exchangeTypes: exchangeTypes(),
    queueKinds,
    formats,
    encoder: AMQP091_ENCODER,
    settings: modelSettings(inForce),
  })
  audit.announceTo(broker.events)
  announceLogins(login, broker.events)
  new AlarmEvents(broker.events, alarms, settings.node.name)
  return {
    settings,
    inForce,
    dataDir,
    configFiles: options.configFiles ?? [],
    logger,
    foundation,
    broker,
    alarms,
    monitor: resourceMonitor(foundation, settings, alarms, logger),
    descriptors: descriptorWatch(foundation, settings, alarms, broker, logger),
    backends,
    login,
    httpLogin,
    users: users(foundation, settings),
    formats,
    chunks: new ChunkPool(),
    audit,
  }
}

async function openAll(
  listeners: OpenListeners,
  settings: Settings,
  certificates: Certificates,
  amqp: TransportAcceptor,
): Promise<void> {
  await listeners.open('amqp', settings.listeners.tcp, null, amqp)
  if (settings.listeners.ssl.length === 0) return
  await listeners.open('amqps', settings.listeners.ssl, await certificates.contextOf('clients'), amqp)
}

function reload({ monitor, descriptors }: BrokerParts, settings: Settings): readonly string[] {
  descriptors.setWatermark(settings.alarms.descriptorWatermark)
  monitor.setMemoryLimit(memoryLimit(settings))
  void monitor.setDiskLimit(diskLimit(settings))
  return []
}
