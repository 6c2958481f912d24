/**
 * Runs the interoperability suites of eclipse-paho/paho.mqtt.testing for MQTT 3.1.1 and 5.0, unmodified, against a broker of
 * its own: `node dist/test/interop/eclipse-suites.js FOLDER`, where FOLDER is a checkout. A local check.
 *
 * The suites expect one filter to be refused with 0x80, which the broker does by a topic permission, and a keep alive of at
 * most a minute.
 */
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { startBrokerProcess } from '../support/broker-process.ts'

/** Runs a suite as if it had been started, on another port: its own arguments end in those of unittest. */
const RUNNER = `
import runpy, sys, unittest
main = unittest.main
unittest.main = lambda: main(argv=[sys.argv[0], "-v"])
sys.argv = [sys.argv[1], "-p", sys.argv[2]]
sys.path.insert(0, ".")
runpy.run_path(sys.argv[0], run_name="__main__")
`
const SUITES = ['client_test.py', 'client_test5.py']
const SETTINGS = [
  'mqtt.disconnect_on_unauthorized=false',
  'warren.mqtt.hide_refusals=true',
  'warren.mqtt.keep_alive_max=60',
]
const READABLE = '^(?!test[.]nosubscribe$)'

const [checkout] = process.argv.slice(2)
if (checkout === undefined) throw new Error('which folder is the checkout of paho.mqtt.testing in?')
const broker = await startBrokerProcess({ set: SETTINGS })
try {
  await forbidFilter(broker.listeners.http!)
  for (const suite of SUITES) await runSuite(suite, broker.listeners.mqtt!)
} finally {
  await broker.stop()
}

async function forbidFilter(port: number): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/api/topic-permissions/%2f/guest`, {
    method: 'PUT',
    headers: { authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}` },
    body: JSON.stringify({ exchange: 'amq.topic', write: '.*', read: READABLE }),
  })
  if (!response.ok) throw new Error(`topic permission: ${response.status} ${await response.text()}`)
}

function runSuite(suite: string, port: number): Promise<void> {
  const cwd = join(checkout!, 'interoperability')
  const child = spawn('python3', ['-c', RUNNER, suite, String(port)], { cwd, stdio: 'inherit' })
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`${suite}: exit code ${code}`))))
  })
}
