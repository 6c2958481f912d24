import assert from 'node:assert/strict'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { after, before, test } from 'node:test'
import { SILENT_LOGGER } from '../../base/log.ts'
import { startBroker } from '../../boot.ts'
import { settingsWith } from '../../config/build-settings.ts'
import { readDefinitionsUrl } from './definitions-url.ts'

let server: Server
let base: string
before(async () => {
  server = createServer((request, response) => {
    if (request.url?.startsWith('/login') === true) {
      const expected = `Basic ${Buffer.from('ü ser:p@ss').toString('base64')}`
      response.statusCode = request.headers.authorization === expected ? 200 : 401
    }
    if (request.url?.startsWith('/missing') === true) response.statusCode = 404
    response.end(JSON.stringify({ vhosts: [{ name: 'from afar' }] }))
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
after(() => server.close())

test('definitions are read from an address, with the login that it names', async () => {
  assert.match((await readDefinitionsUrl(`${base}/all?token=x`)).text, /from afar/)
  const secret = base.replace('//', '//%C3%BC%20ser:p%40ss@')
  const file = await readDefinitionsUrl(`${secret}/login?token=x`)
  assert.match(file.text, /from afar/)
  assert.equal(file.path, `${base}/login`, 'secrets are not shown')
})

test('what cannot be read is a sentence without secrets', async () => {
  await assert.rejects(readDefinitionsUrl(`${base}/missing?token=x`), {
    message: `definitions at ${base}/missing cannot be read: the server answered with status 404`,
  })
  await assert.rejects(readDefinitionsUrl('http://127.0.0.1:1/x'), /^Error: definitions at .* cannot be read: /)
})

test('a broker imports them when it starts', async () => {
  const settings = settingsWith({ 'definitions.import_backend': 'https', 'definitions.https.url': `${base}/all` })
  const broker = await startBroker({ settings, dataDir: null, logger: SILENT_LOGGER, listen: false })
  assert.ok(broker.parts.broker.vhost('from afar') !== undefined)
  await broker.stop()
})
