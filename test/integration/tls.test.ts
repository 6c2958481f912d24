// TLS of the listeners: versions, client certificates, host names, certificates that change while the broker runs.
import assert from 'node:assert/strict'
import { chmodSync, renameSync, symlinkSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { after, describe, test } from 'node:test'
import tls from 'node:tls'
import { ManualClock } from '../../src/base/clock.ts'
import { TestAuthority } from '../support/certificates.ts'
import { TlsBroker, until } from '../support/tls-broker.ts'

const ours = new TestAuthority()
const theirs = new TestAuthority('Another CA')
const ca = ours.authority.certificate
after(() => {
  ours.remove()
  theirs.remove()
})

async function withBroker(
  settings: Readonly<Record<string, string>>,
  run: (broker: TlsBroker) => Promise<void>,
): Promise<void> {
  const broker = await TlsBroker.start({ ...ours.settings(ours.server()), ...settings })
  try {
    await run(broker)
  } finally {
    await broker.stop()
  }
}

describe('versions', () => {
  test('1.2 and 1.3 unless told otherwise, nothing older', async () => {
    await withBroker({}, async (broker) => {
      for (const version of ['TLSv1.2', 'TLSv1.3'] as const) {
        const socket = await broker.greet({ ca, minVersion: version, maxVersion: version })
        assert.equal(socket.getProtocol(), version)
        socket.destroy()
      }
      await assert.rejects(broker.greet({ ca, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL@SECLEVEL=0' }))
    })
  })

  test('ssl_options.versions and .ciphers restrict them', async () => {
    const settings = { 'ssl_options.versions.1': 'tlsv1.2', 'ssl_options.ciphers.1': 'ECDHE-ECDSA-AES256-GCM-SHA384' }
    await withBroker(settings, async (broker) => {
      await assert.rejects(broker.greet({ ca, minVersion: 'TLSv1.3' }))
      await assert.rejects(broker.greet({ ca, ciphers: 'ECDHE-ECDSA-AES128-GCM-SHA256' }))
      const socket = await broker.greet({ ca })
      assert.equal(socket.getCipher().name, 'ECDHE-ECDSA-AES256-GCM-SHA384')
      socket.destroy()
    })
  })

  test('ciphers that OpenSSL does not know are told at the start', async () => {
    const start = TlsBroker.start({ ...ours.settings(ours.server()), 'ssl_options.ciphers.1': 'NONSENSE' })
    await assert.rejects(start, /^Error: ssl_options: .*no cipher match/i)
  })
})

describe('client certificates', () => {
  const verify = { 'ssl_options.verify': 'verify_peer' }
  const good = ours.client('good')
  const foreign = theirs.client('foreign')

  test('verify_peer takes none or a good one, and refuses a bad one', async () => {
    await withBroker(verify, async (broker) => {
      for (const options of [{ ca }, { ca, cert: good.certificate, key: good.key }]) {
        const socket = await broker.greet(options)
        socket.destroy()
      }
      await assert.rejects(broker.greet({ ca, cert: foreign.certificate, key: foreign.key }))
      assert.ok(broker.lines.some((line) => /^amqps: certificate of .*127.0.0.1 refused: /.test(line)))
    })
  })

  test('fail_if_no_peer_cert refuses those without, in TLS 1.2 and 1.3', async () => {
    await withBroker({ ...verify, 'ssl_options.fail_if_no_peer_cert': 'true' }, async (broker) => {
      for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
        await assert.rejects(broker.greet({ ca, maxVersion }))
        await assert.rejects(broker.greet({ ca, maxVersion, cert: foreign.certificate, key: foreign.key }))
        const socket = await broker.greet({ ca, maxVersion, cert: good.certificate, key: good.key })
        socket.destroy()
      }
    })
  })

  test('a certificate of a server is no certificate of a client', async () => {
    const server = ours.server('other-server')
    await withBroker(verify, async (broker) => {
      await assert.rejects(broker.greet({ ca, cert: server.certificate, key: server.key }))
    })
  })

  test('depth bounds the certificates between', async () => {
    const between = ours.make('between', { subject: [['CN', 'Between']], purpose: 'authority' }, ours.authority.issued)
    const deep = ours.make(
      'deep',
      { subject: [['CN', 'deep']], purpose: 'client' },
      between.issued,
      30,
      between.certificate,
    )
    for (const depth of [0, 1]) {
      await withBroker({ ...verify, 'ssl_options.depth': String(depth) }, async (broker) => {
        const socket = await broker.greet({ ca, cert: good.certificate, key: good.key })
        socket.destroy()
        const greeted = broker.greet({ ca, cert: deep.certificate, key: deep.key })
        if (depth === 0) await assert.rejects(greeted)
        else (await greeted).destroy()
      })
    }
  })

  test('with client certificates no session is resumed: every connection shows its chain', async () => {
    await withBroker(verify, async (broker) => {
      const socket = await broker.greet({ ca, cert: good.certificate, key: good.key, maxVersion: 'TLSv1.2' })
      const session = socket.getSession()
      socket.destroy()
      assert.ok(session !== undefined)
      const again = await broker.greet({ ca, cert: good.certificate, key: good.key, maxVersion: 'TLSv1.2', session })
      assert.equal(again.isSessionReused(), false)
      again.destroy()
    })
  })
})

describe('host names (SNI)', () => {
  test('each asks for its own certificate; a wildcard covers one label; all others get the common one', async () => {
    const east = ours.server('east', [{ type: 'dns', value: 'east.example' }])
    const west = ours.server('west')
    const settings = {
      'warren.tls.hosts.east.certfile': east.certificateFile,
      'warren.tls.hosts.east.keyfile': east.keyFile,
      'warren.tls.hosts.west.certfile': west.certificateFile,
      'warren.tls.hosts.west.keyfile': west.keyFile,
      'warren.tls.hosts.west.hostnames': '*.west.example, west.example',
    }
    const wanted = [
      ['east.example', 'east'],
      ['EAST.example', 'east'],
      ['a.west.example', 'west'],
      ['west.example', 'west'],
      ['a.b.west.example', 'server'],
      ['localhost', 'server'],
    ] as const
    await withBroker({ ...settings, 'ssl_options.verify': 'verify_peer' }, async (broker) => {
      const good = ours.client('sni')
      for (const [servername, commonName] of wanted) {
        const credentials = { ca, cert: good.certificate, key: good.key, checkServerIdentity: () => undefined }
        const socket = await broker.greet({ ...credentials, servername })
        assert.equal(socket.getPeerCertificate().subject.CN, commonName, servername)
        socket.destroy()
      }
      const foreign = theirs.client('sni')
      const bad = { ca, cert: foreign.certificate, key: foreign.key, checkServerIdentity: () => undefined }
      await assert.rejects(broker.greet({ ...bad, servername: 'east.example' }), 'clients are verified there, too')
    })
  })
})

describe('certificates that change', () => {
  test('new files are used by new connections; old ones go on', async () => {
    const server = ours.server('changing')
    await withBroker({ ...ours.settings(server), 'warren.tls.check_interval': '1s' }, async (broker) => {
      const before = await broker.greet({ ca })
      const serial = before.getPeerCertificate().serialNumber
      ours.server('changing')
      broker.clock.advance(1_000)
      await until(() => broker.lines.some((line) => line.includes('were read again')), 'the reload')
      const after = await broker.greet({ ca })
      assert.notEqual(after.getPeerCertificate().serialNumber, serial)
      assert.equal(before.destroyed, false)
      before.destroy()
      after.destroy()
    })
  })

  test('a key that does not belong to the certificate changes nothing, and is said once; the right one is then taken', async () => {
    const server = ours.server('broken')
    await withBroker(ours.settings(server), async (broker) => {
      const other = ours.server('broken-other')
      writeFileSync(server.keyFile, other.key)
      const complaints = () => broker.lines.filter((line) => line.includes('cannot be used, the old ones stay'))
      broker.clock.advance(10_000)
      await until(() => complaints().length === 1, 'the complaint')
      for (let i = 0; i < 3; i++) {
        broker.clock.advance(10_000)
        await new Promise((resolve) => setTimeout(resolve, 10))
      }
      assert.equal(complaints().length, 1)
      const socket = await broker.greet({ ca })
      assert.equal(socket.getPeerCertificate().subject.CN, 'broken')
      socket.destroy()
      writeFileSync(server.certificateFile, other.certificate)
      broker.clock.advance(10_000)
      await until(() => broker.lines.some((line) => line.includes('were read again')), 'the reload')
      const fixed = await broker.greet({ ca })
      assert.equal(fixed.getPeerCertificate().subject.CN, 'broken-other')
      fixed.destroy()
      assert.deepEqual(await reload(broker), [{ listeners: 'ssl_options', error: null }])
    })
  })

  test('a link that points elsewhere is a change, as secrets are mounted', async () => {
    const first = ours.server('linked-1')
    const second = ours.server('linked-2')
    const [certificateLink, keyLink] = [join(ours.folder, 'link.pem'), join(ours.folder, 'link-key.pem')]
    symlinkSync(first.certificateFile, certificateLink)
    symlinkSync(first.keyFile, keyLink)
    const settings = { 'ssl_options.certfile': certificateLink, 'ssl_options.keyfile': keyLink }
    await withBroker(settings, async (broker) => {
      for (const [file, link] of [
        [second.keyFile, keyLink],
        [second.certificateFile, certificateLink],
      ] as const) {
        symlinkSync(file, `${link}.new`)
        renameSync(`${link}.new`, link)
      }
      broker.clock.advance(10_000)
      await until(() => broker.lines.some((line) => line.includes('were read again')), 'the reload')
      const socket = await broker.greet({ ca })
      assert.equal(socket.getPeerCertificate().subject.CN, 'linked-2')
      socket.destroy()
    })
  })

  test('an operator may ask for it, and is told what is wrong', async () => {
    const server = ours.server('asked')
    await withBroker(ours.settings(server), async (broker) => {
      writeFileSync(server.certificateFile, 'nonsense')
      const [outcome] = await reload(broker)
      assert.match(String(outcome?.error), /PEM/i)
      const { certificates, reloadedCount, failedCount } = await listed(broker)
      assert.deepEqual([certificates.length, reloadedCount, failedCount], [1, 0, 1])
    })
  })
})

describe('slow clients', () => {
  test('who never begins, stops in the middle, or sends a byte now and then is dropped in time, and counted', async () => {
    await withBroker({ ssl_handshake_timeout: '1s' }, async (broker) => {
      const hello = await clientHello()
      const port = broker.port('amqps')
      const ends = [
        ended(port, () => undefined),
        ended(port, (socket) => socket.write(hello.subarray(0, 40))),
        ended(port, (socket) => {
          let at = 0
          const dripping = setInterval(() => socket.write(hello.subarray(at, ++at)), 50)
          socket.on('close', () => clearInterval(dripping))
        }),
      ]
      await Promise.all(ends)
      await until(() => broker.lines.filter((line) => line.includes('TLS handshake with')).length === 3, 'the lines')
      const metrics = await (await fetch(`http://127.0.0.1:${broker.port('prometheus')}/metrics`)).text()
      assert.match(metrics, /^warrenmq_tls_handshake_timeouts_total 3$/m)
      assert.match(metrics, /^warrenmq_tls_handshake_failures_total 3$/m)
    })
  })

  test('who has a handshake behind it and says nothing is dropped by the time for logins', async () => {
    await withBroker({ handshake_timeout: '2s' }, async (broker) => {
      const socket = await new Promise<tls.TLSSocket>((resolve) => {
        const opened = tls.connect({ host: '127.0.0.1', port: broker.port('amqps'), ca, servername: 'localhost' }, () =>
          resolve(opened),
        )
      })
      socket.resume()
      const closed = new Promise((resolve) => socket.on('close', resolve))
      // The broker may see the end of the handshake after the client.
      const passing = setInterval(() => broker.clock.advance(500), 20)
      await closed
      clearInterval(passing)
      assert.ok(broker.lines.some((line) => line.includes('handshake timeout in state header')))
    })
  })
})

/** The first bytes of a TLS client. */
async function clientHello(): Promise<Buffer> {
  const server = net.createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  const bytes = new Promise<Buffer>((resolve) => {
    server.on('connection', (socket) => {
      socket.on('error', () => undefined)
      socket.once('data', (chunk) => {
        socket.destroy()
        server.close()
        resolve(chunk)
      })
    })
  })
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const client = tls.connect({ host: '127.0.0.1', port })
  client.on('error', () => undefined)
  return await bytes
}

/** Resolves when the broker has closed the connection. */
function ended(port: number, begin: (socket: net.Socket) => void): Promise<void> {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => begin(socket))
    socket.on('error', () => undefined)
    socket.resume()
    socket.on('close', () => resolve())
  })
}

describe('warnings', () => {
  test('a key that everybody may read', async () => {
    const server = ours.server('exposed')
    chmodSync(server.keyFile, 0o644)
    await withBroker(ours.settings(server), (broker) => {
      assert.ok(broker.lines.some((line) => /private key .*exposed-key.pem can be read by every user/.test(line)))
      return Promise.resolve()
    })
  })

  test('a certificate that has expired, and options without effect', async () => {
    // As the broker's clock sees it, which stands in the past.
    const daysLeft = Math.floor((new ManualClock().nowMs() - Date.now()) / 86_400_000) - 1
    const server = ours.server('expired', [], daysLeft)
    const settings = { ...ours.settings(server), 'ssl_options.fail_if_no_peer_cert': 'true' }
    await withBroker(settings, (broker) => {
      assert.ok(broker.lines.some((line) => line.includes('fail_if_no_peer_cert has no effect without')))
      assert.ok(broker.lines.includes('a certificate of ssl_options has expired'))
      return Promise.resolve()
    })
  })
})

const guest = { authorization: `Basic ${btoa('guest:guest')}` }

async function reload(broker: TlsBroker): Promise<{ listeners: string; error: string | null }[]> {
  const url = `http://127.0.0.1:${broker.port('http')}/api/warren/certificates/reload`
  const response = await fetch(url, { method: 'POST', headers: guest })
  assert.equal(response.status, 200)
  return (await response.json()) as { listeners: string; error: string | null }[]
}

async function listed(broker: TlsBroker): Promise<{
  certificates: unknown[]
  reloadedCount: number
  failedCount: number
}> {
  const base = `http://127.0.0.1:${broker.port('http')}/api`
  const certificates = (await (await fetch(`${base}/warren/certificates`, { headers: guest })).json()) as unknown[]
  const metrics = await (await fetch(`http://127.0.0.1:${broker.port('prometheus')}/metrics`)).text()
  const figure = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(metrics)?.[1])
  return {
    certificates,
    reloadedCount: figure('warrenmq_tls_certificate_reloads_total'),
    failedCount: figure('warrenmq_tls_certificate_reload_failures_total'),
  }
}
