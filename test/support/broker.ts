// The broker under test: ours, started inside the test's process, or the one that WARREN_TEST_TARGET names
// (amqp://user:password@host:port, with WARREN_TEST_MANAGEMENT=http://host:port for its HTTP API).
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { SILENT_LOGGER } from '../../src/base/log.ts'
import type { BrokerOptions, RunningBroker } from '../../src/config/broker-options.ts'
import { settingsWith } from '../../src/config/build-settings.ts'
import { FREE_PORTS } from '../../src/config/free-ports.ts'
import type { Administration } from './administration.ts'
import { httpAdministration } from './administration-http.ts'
import { inProcessAdministration } from './administration-in-process.ts'
import { WireClient } from './wire-client.ts'

/** Where a broker listens and how to administer it. */
export interface BrokerUnderTest {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  /** The virtual host of this test file: nobody else uses it. */
  readonly vhost: string
  /** Undefined for our own broker, else the RabbitMQ version it reports, such as 3.10.8. */
  readonly referenceVersion: string | undefined
  readonly admin: Administration
  stop(): Promise<void>
}

type StartBroker = (options: BrokerOptions) => Promise<RunningBroker>

/** Starts our broker, or takes the one the environment names and gives this file a virtual host in it. */
export async function brokerUnderTest(
  prefix: string,
  settings: Readonly<Record<string, string>> = {},
): Promise<BrokerUnderTest> {
  const target = process.env.WARREN_TEST_TARGET
  return target === undefined ? startOurs(settings) : attach(new URL(target), prefix)
}

async function startOurs(settings: Readonly<Record<string, string>>): Promise<BrokerUnderTest> {
  // Loaded when needed: a run against another broker starts none of ours.
  const boot: { startBroker: StartBroker } = await import(new URL('../../src/boot.js', import.meta.url).href)
  const dataDir = await mkdtemp(path.join(tmpdir(), 'warren-test-'))
  const started: RunningBroker = await boot.startBroker({
    settings: settingsWith({ ...FREE_PORTS, ...settings }),
    dataDir,
    logger: SILENT_LOGGER,
  })
  const port = started.listeners.amqp
  if (port === undefined) throw new Error('the broker reports no listener called amqp')
  const httpPort = started.listeners.http
  const admin =
    httpPort === undefined
      ? inProcessAdministration(started)
      : httpAdministration(`http://127.0.0.1:${httpPort}`, 'guest', 'guest')
  return {
    host: '127.0.0.1',
    port,
    user: 'guest',
    password: 'guest',
    vhost: '/',
    referenceVersion: undefined,
    admin,
    stop: async () => {
      await started.stop()
      await rm(dataDir, { recursive: true, force: true })
    },
  }
}

async function attach(target: URL, prefix: string): Promise<BrokerUnderTest> {
  const management = process.env.WARREN_TEST_MANAGEMENT
  if (management === undefined) throw new Error('WARREN_TEST_TARGET needs WARREN_TEST_MANAGEMENT=http://host:port')
  const user = decodeURIComponent(target.username) || 'guest'
  const password = decodeURIComponent(target.password) || 'guest'
  const admin = httpAdministration(management, user, password)
  const host = target.hostname
  const port = Number(target.port || 5672)
  const client = await WireClient.connect(host, port)
  const start = await client.greet()
  client.destroy()
  const properties = start.args.serverProperties as { version: string }
  const vhost = `conformance-${prefix}-${process.pid}`
  await admin.declareVhost(vhost)
  await admin.setPermissions(vhost, user, { configure: '.*', write: '.*', read: '.*' })
  return {
    host,
    port,
    user,
    password,
    vhost,
    referenceVersion: properties.version,
    admin,
    stop: () => admin.deleteVhost(vhost),
  }
}
