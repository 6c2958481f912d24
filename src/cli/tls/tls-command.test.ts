import assert from 'node:assert/strict'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { runProgram } from '../program.ts'

const scratch = mkdtempSync(join(tmpdir(), 'warren-tls-init-'))
after(() => rmSync(scratch, { recursive: true }))

async function warren(...args: string[]): Promise<{ code: number; out: string; err: string }> {
  const out: string[] = []
  const err: string[] = []
  const code = await runProgram(args, {
    startBroker: () => Promise.reject(new Error('not here')),
    openDataFolder: () => Promise.reject(new Error('not here')),
    environment: {},
    stdout: { write: (text) => void out.push(text) },
    stderr: { write: (text) => void err.push(text) },
  })
  return { code, out: out.join(''), err: err.join('') }
}

const certificate = (name: string): X509Certificate => new X509Certificate(readFileSync(join(scratch, 'made', name)))

test('tls init makes an authority, a server and a client; the keys are for their owner alone', async () => {
  const folder = join(scratch, 'made')
  const { code, out } = await warren(
    'tls',
    'init',
    folder,
    '--host',
    'broker.example',
    '--host',
    '10.1.2.3',
    '--user',
    'app',
  )
  assert.equal(code, 0)
  assert.match(out, new RegExp(`ssl_options.certfile +=.*${folder}/server.pem`))
  const [authority, server, client] = [certificate('ca.pem'), certificate('server.pem'), certificate('client.pem')]
  assert.equal(authority.ca, true)
  assert.equal(server.ca, false)
  for (const issued of [server, client]) assert.ok(issued.verify(authority.publicKey) && issued.checkIssued(authority))
  for (const host of ['localhost', 'broker.example']) assert.equal(server.checkHost(host), host)
  for (const address of ['127.0.0.1', '::1', '10.1.2.3']) assert.ok(server.checkIP(address), address)
  assert.match(client.subject, /CN=app$/)
  for (const name of ['ca', 'server', 'client']) {
    assert.equal(statSync(join(folder, `${name}-key.pem`)).mode & 0o777, 0o600)
    const key = createPrivateKey(readFileSync(join(folder, `${name}-key.pem`)))
    assert.ok(certificate(`${name}.pem`).checkPrivateKey(key))
  }
})

test('what is there is not overwritten, unless it is forced', async () => {
  const folder = join(scratch, 'made')
  const before = certificate('ca.pem').serialNumber
  const again = await warren('tls', 'init', folder)
  assert.notEqual(again.code, 0)
  assert.match(again.err, /--force/)
  assert.equal(certificate('ca.pem').serialNumber, before)
  assert.equal((await warren('tls', 'init', folder, '--force')).code, 0)
  assert.notEqual(certificate('ca.pem').serialNumber, before)
  assert.equal(statSync(join(folder, 'ca-key.pem')).mode & 0o777, 0o600)
})

test('tls client adds a certificate of the same authority', async () => {
  const folder = join(scratch, 'made')
  assert.equal((await warren('tls', 'client', 'carol', folder)).code, 0)
  assert.ok(certificate('client-carol.pem').verify(certificate('ca.pem').publicKey))
  assert.notEqual((await warren('tls', 'client', '../carol', folder)).code, 0)
  assert.notEqual((await warren('tls', 'client', 'carol', join(scratch, 'nowhere'))).code, 0)
})
