/**
 * Unmodified third-party clients over TLS, with what `warren tls init` makes: pika, amqplib, mqtt.js, Java's client, and
 * OpenSSL for the versions that are spoken.
 */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { promisify } from 'node:util'
import { type BrokerProcess, projectRoot, startBrokerProcess } from '../support/broker-process.ts'

const CLIENT_MS_MAX = 120_000
const run = promisify(execFile)
const clients = join(projectRoot, 'test/interop/clients')
const installed = join(projectRoot, 'var/interop')
const python = join(installed, 'venv/bin/python')
const scratch = mkdtempSync(join(tmpdir(), 'warren-interop-tls-'))
const folder = join(scratch, 'certificates')

let broker: BrokerProcess

before(async () => {
  await run(process.execPath, ['bin/warren.js', 'tls', 'init', folder, '--user', 'app'], { cwd: projectRoot })
  broker = await startBrokerProcess({
    set: [
      'listeners.ssl.default=0',
      'mqtt.listeners.ssl.default=0',
      'web_mqtt.ssl.port=0',
      `ssl_options.cacertfile=${folder}/ca.pem`,
      `ssl_options.certfile=${folder}/server.pem`,
      `ssl_options.keyfile=${folder}/server-key.pem`,
      'ssl_options.verify=verify_peer',
      'ssl_options.fail_if_no_peer_cert=true',
      'auth_mechanisms.1=EXTERNAL',
      'auth_mechanisms.2=PLAIN',
      'ssl_cert_login_from=common_name',
      'mqtt.ssl_cert_login=true',
    ],
  })
  const headers = { authorization: `Basic ${btoa('guest:guest')}`, 'content-type': 'application/json' }
  for (const [path, body] of [
    ['users/app', { password_hash: '', tags: '' }],
    ['permissions/%2F/app', { configure: '.*', write: '.*', read: '.*' }],
  ] as const) {
    const url = `http://127.0.0.1:${broker.listeners.http}/api/${path}`
    const response = await fetch(url, { method: 'PUT', headers, body: JSON.stringify(body) })
    assert.equal(response.status, 201)
  }
})

after(async () => {
  assert.equal(await broker.stop(), 0, 'the broker stops cleanly')
  rmSync(scratch, { recursive: true })
})

async function checks(command: string, args: readonly string[]): Promise<number> {
  const env = {
    ...process.env,
    TLS_FOLDER: folder,
    AMQPS_PORT: String(broker.listeners.amqps),
    MQTTS_PORT: String(broker.listeners.mqtts),
    WSS_PORT: String(broker.listeners['web-mqtts']),
  }
  const { stdout } = await run(command, args, { cwd: projectRoot, env, timeout: CLIENT_MS_MAX })
  return stdout.split('\n').filter((line) => line.startsWith('ok ')).length
}

test('pika: EXTERNAL over TLS 1.2 and 1.3, refusals', async () => {
  assert.equal(await checks(python, [join(clients, 'python/tls_run.py')]), 5)
})

test('amqplib and mqtt.js: certificate logins', async () => {
  assert.equal(await checks(process.execPath, [join(clients, 'node/tls.mjs')]), 4)
})

test("Java's amqp-client: EXTERNAL over TLS 1.2 and 1.3, refusals", async () => {
  assert.equal(await checks('java', ['-cp', `${installed}/java/classes:${installed}/java/lib/*`, 'TlsInterop']), 4)
})

test('OpenSSL: TLS 1.2 and 1.3 are spoken, 1.0 and 1.1 are not', async () => {
  const speaks = async (version: string): Promise<string> => {
    const own = ['-cert', `${folder}/client.pem`, '-key', `${folder}/client-key.pem`]
    const where = ['-connect', `localhost:${broker.listeners.amqps}`, '-CAfile', `${folder}/ca.pem`]
    // As old and weak as OpenSSL would go: what refuses is the broker.
    const weak = ['-cipher', 'ALL:@SECLEVEL=0']
    const child = run('openssl', ['s_client', version, ...where, ...own, ...weak, '-verify_return_error'], {
      timeout: CLIENT_MS_MAX,
    })
    child.child.stdin?.end()
    const { stdout, stderr } = await child.catch((error: { stdout: string; stderr: string }) => error)
    return stdout + stderr
  }
  assert.match(await speaks('-tls1_3'), /New, TLSv1\.3, Cipher is TLS_AES_256_GCM_SHA384/)
  assert.match(await speaks('-tls1_2'), /New, TLSv1\.2, Cipher is ECDHE-ECDSA/)
  for (const version of ['-tls1_1', '-tls1']) assert.match(await speaks(version), /alert protocol version|no protocols/)
})
