/**
 * Unmodified STOMP clients against a broker started as an operator starts it: stomp.py, @stomp/stompjs in Node.js, and
 * the same in a real browser over WebSocket. `test/interop/setup.sh` installs what they need.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type BrokerProcess, projectRoot, startBrokerProcess } from '../support/broker-process.ts'
import { inBrowser } from './local-page.ts'

const CLIENT_MS_MAX = 120_000
const clients = join(projectRoot, 'test/interop/clients')
const python = join(projectRoot, 'var/interop/venv/bin/python')

let broker: BrokerProcess

before(async () => {
  broker = await startBrokerProcess()
})

after(async () => {
  assert.equal(await broker.stop(), 0, 'the broker stops cleanly')
})

function webSocketUrl(): string {
  return `ws://127.0.0.1:${broker.listeners['web-stomp']}/ws`
}

/** Runs a client program; resolves with its "ok" lines, rejects with all it printed. */
function run(command: string, args: readonly string[]): Promise<string[]> {
  const env = {
    ...process.env,
    AMQP_URL: broker.amqpUrl,
    MQTT_URL: `mqtt://127.0.0.1:${broker.listeners.mqtt}`,
    STOMP_PORT: String(broker.listeners.stomp),
    STOMP_WS_URL: webSocketUrl(),
  }
  return new Promise((done, fail) => {
    execFile(command, args, { cwd: projectRoot, env, timeout: CLIENT_MS_MAX }, (error, stdout, stderr) => {
      if (error !== null) fail(new Error(`${error.message}\n${stdout}\n${stderr}`))
      else done(stdout.split('\n').filter((line) => line.startsWith('ok ')))
    })
  })
}

const programs: readonly (readonly [name: string, command: string, args: readonly string[], checks: number])[] = [
  ['stomp.py', python, [join(clients, 'python/stomp_run.py')], 8],
  ['@stomp/stompjs', process.execPath, [join(clients, 'node/stomp.mjs')], 7],
]

for (const [name, command, args, checks] of programs) {
  test(name, async () => {
    assert.equal((await run(command, args)).length, checks, 'every check ran')
  })
}

/** In the page: connects, sends to itself, and resolves with what came. */
const PAGE_SCRIPT = `(url) => new Promise((resolve, reject) => {
  const client = new StompJs.Client({
    brokerURL: url,
    connectHeaders: { login: 'guest', passcode: 'guest' },
    reconnectDelay: 0,
    heartbeatIncoming: 1000,
    heartbeatOutgoing: 1000,
  })
  client.onStompError = ({ headers }) => reject(new Error(headers.message))
  client.onWebSocketError = () => reject(new Error('the WebSocket failed'))
  client.onConnect = () => {
    client.subscribe('/topic/browser', ({ body }) => {
      client.deactivate().then(() => resolve([client.connectedVersion ?? '1.2', body]))
    })
    client.publish({ destination: '/topic/browser', body: 'größer 🐇' })
  }
  client.activate()
})`

test('@stomp/stompjs in a browser', async () => {
  const library = createRequire(import.meta.url).resolve('@stomp/stompjs')
  const seen = await inBrowser(library, `(${PAGE_SCRIPT})(${JSON.stringify(webSocketUrl())})`)
  assert.deepEqual(seen, ['1.2', 'größer 🐇'])
})
