/**
 * OpenTelemetry: finds out whether an SDK is there, loads the API when it is, and follows messages then.
 *
 * The SDK is the operator's: registered before the broker starts (`node --import …`, or by the program that embeds the broker), or
 * named by the setting `warren.telemetry.sdk`, which is imported here. It reads the `OTEL_…` environment itself.
 *
 * Invariant: without an SDK nothing is loaded and nothing follows messages: their path asks what it asks anyway, whether
 * the vhost is traced.
 */
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Logger } from '../../base/log.ts'
import type { Broker } from '../../model/broker.ts'
import type { MessageFormats } from '../../model/message/message-format.ts'

/** Where API and SDK meet, whatever copies of the packages they use. */
const REGISTRY = Symbol.for('opentelemetry.js.api.1')
const INSTRUMENTATION = 'warrenmq'

/** What telemetry needs. */
export interface TelemetryOptions {
  readonly broker: Broker
  readonly formats: MessageFormats
  readonly logger: Logger
  readonly version: string
  /** A package or file that registers an SDK; null: somebody else did, or nobody. */
  readonly sdk: string | null
}

/** Follows messages when there is an SDK. Rejects when the one that is named cannot be loaded. */
export async function openTelemetry(options: TelemetryOptions): Promise<void> {
  const { broker, formats, logger, version, sdk } = options
  if (sdk !== null) await import(locationOf(sdk))
  if (!isRegistered()) {
    if (sdk !== null) logger.warning(`'${sdk}' registered no OpenTelemetry SDK: messages are not followed`)
    return
  }
  const api = await import('@opentelemetry/api')
  const { MessageSpans } = await import('./message-spans.ts')
  const tracer = api.trace.getTracer(INSTRUMENTATION, version)
  const { clock } = broker.world
  broker.observeMessages(new MessageSpans(api, tracer, formats, () => clock.nowMs()))
  logger.info('messages with a trace context are followed by OpenTelemetry')
}

/** Whether a provider of traces is registered in this process. */
function isRegistered(): boolean {
  const registry: unknown = Reflect.get(globalThis, REGISTRY)
  return typeof registry === 'object' && registry !== null && 'trace' in registry
}

/** A package is looked for where the broker was started, as `node --import` does. */
function locationOf(sdk: string): string {
  const require = createRequire(pathToFileURL(join(process.cwd(), 'package.json')))
  return pathToFileURL(require.resolve(sdk)).href
}
