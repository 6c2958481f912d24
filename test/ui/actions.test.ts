// What people do in the console, end to end against a running broker: each action is looked up in the HTTP API afterwards.
import assert from 'node:assert/strict'
import { after, before, beforeEach, test } from 'node:test'
import amqp from 'amqplib'
import type { EmbeddedBroker } from '../../src/library.ts'
import { callApi, startConsole, Visitor } from './browser.ts'

interface Depth {
  readonly messages: number
}

let broker: EmbeddedBroker
let base: string
let visitor: Visitor

before(async () => {
  const started = await startConsole()
  broker = started.broker
  base = started.base
  visitor = await Visitor.arrive(base)
  await visitor.signIn()
  await visitor.settle()
})

beforeEach(() => {
  visitor.complaints.length = 0
})

after(async () => {
  await visitor.leave()
  await broker.stop()
})

async function names(list: string): Promise<readonly string[]> {
  const rows = (await callApi(base, 'GET', list)) as readonly { readonly name: string }[]
  return rows.map(({ name }) => name)
}

/** Waits until the API says so. */
async function until(question: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 10_000
  while (!(await question())) assert.ok(performance.now() < endMs, 'it did not happen within 10 s')
}

test('a queue is declared, bound, filled, looked into, purged and deleted', async () => {
  const { page } = visitor
  await visitor.go('/queues')
  await visitor.click('Declare')
  await page.getByLabel('Name', { exact: true }).fill('ui.letters')
  await visitor.click('+ x-max-length')
  await page.getByLabel('value of x-max-length').fill('100')
  await visitor.confirm('Declare')
  await page.getByRole('heading', { name: 'ui.letters' }).waitFor()
  const declared = (await callApi(base, 'GET', 'queues/%2F/ui.letters')) as { arguments: Record<string, unknown> }
  assert.deepEqual(declared.arguments, { 'x-queue-type': 'classic', 'x-max-length': 100 })

  await page.getByRole('link', { name: 'Bindings' }).click()
  await visitor.click('Bind')
  await page.getByLabel('Exchange', { exact: true }).fill('amq.topic')
  await page.getByLabel('Binding key').fill('letter.#')
  await visitor.confirm('Bind')
  await page.getByRole('cell', { name: 'letter.#', exact: true }).waitFor()

  await visitor.click('Publish')
  await page.getByLabel('Body', { exact: true }).fill('{"text":"<b>not HTML</b>"}')
  await visitor.confirm('Publish')
  await until(async () => ((await callApi(base, 'GET', 'queues/%2F/ui.letters')) as Depth).messages === 1)

  await page.getByRole('link', { name: 'Messages' }).click()
  await visitor.click('Get')
  await visitor.click(/^1: /)
  await page.getByRole('dialog').getByText('"text": "<b>not HTML</b>"').waitFor()
  assert.equal(await page.getByRole('dialog').locator('b').count(), 0)
  await page.getByRole('dialog').getByRole('button', { name: 'Dismiss' }).click()

  await visitor.click('Purge')
  await visitor.confirm('Purge')
  await until(async () => ((await callApi(base, 'GET', 'queues/%2F/ui.letters')) as Depth).messages === 0)
  await visitor.click('Delete')
  await visitor.confirm('Delete')
  await until(async () => !(await names('queues')).includes('ui.letters'))
  assert.deepEqual(visitor.complaints, [])
})

test('an exchange is declared and deleted', async () => {
  const { page } = visitor
  await visitor.go('/exchanges')
  await visitor.click('Declare')
  await page.getByLabel('Name', { exact: true }).fill('ui.events')
  await visitor.confirm('Declare')
  await page.getByRole('heading', { name: 'ui.events' }).waitFor()
  await visitor.click('Delete')
  await visitor.confirm('Delete')
  await until(async () => !(await names('exchanges')).includes('ui.events'))
})

test('a user is added, given permissions and deleted', async () => {
  const { page } = visitor
  await visitor.go('/users')
  await visitor.click('Add')
  await page.getByLabel('Name', { exact: true }).fill('ui-user')
  await page.getByLabel('Password', { exact: true }).fill('secret')
  await visitor.click('monitoring')
  await visitor.confirm('Add')
  await page.getByRole('heading', { name: 'ui-user' }).waitFor()
  await visitor.click('Set')
  await visitor.confirm('Set')
  await page.getByRole('cell', { name: 'everything' }).first().waitFor()
  await visitor.click('Delete')
  await visitor.confirm('Delete')
  await until(async () => !(await names('users')).includes('ui-user'))
})

test('a user has a password, its hash, or none; the cluster is named', async () => {
  const { page } = visitor
  const { ok: hash } = (await callApi(base, 'GET', 'auth/hash_password/hidden')) as { ok: string }
  await visitor.go('/users')
  await visitor.click('Add')
  await page.getByLabel('Name', { exact: true }).fill('ui-hashed')
  await page.getByLabel('Signs in by').selectOption('a password, given as its hash')
  await page.getByLabel('Hash', { exact: true }).fill(hash)
  await visitor.confirm('Add')
  await page.getByRole('heading', { name: 'ui-hashed' }).waitFor()
  const passwordHash = async () =>
    ((await callApi(base, 'GET', 'users/ui-hashed')) as { password_hash: string }).password_hash
  assert.equal(await passwordHash(), hash)
  await visitor.click('Change')
  await page.getByLabel('Signs in by').selectOption('no password')
  await visitor.confirm('Save')
  await visitor.sees('Without a password this user signs in by certificate or token, if at all.')
  assert.equal(await passwordHash(), '')
  await callApi(base, 'DELETE', 'users/ui-hashed')

  await visitor.go('/nodes')
  await visitor.click('Name the cluster')
  await page.getByRole('dialog').getByLabel('Name', { exact: true }).fill('ui@cluster')
  await visitor.confirm('Save')
  await page.getByRole('link', { name: 'WarrenMQ ui@cluster' }).waitFor()
  assert.deepEqual(visitor.complaints, [])
})

test('a virtual host, a policy and a limit are made and removed', async () => {
  const { page } = visitor
  await visitor.go('/vhosts')
  await visitor.click('Add')
  await page.getByLabel('Name', { exact: true }).fill('ui-host')
  await visitor.confirm('Add')
  await page.getByRole('heading', { name: 'ui-host' }).waitFor()

  await visitor.go('/policies?vhost=ui-host')
  await visitor.click('Add')
  await page.getByLabel('Name', { exact: true }).fill('short')
  await page.getByLabel('Pattern').fill('^q')
  await visitor.click('+ max-length')
  await page.getByLabel('value of max-length').fill('5')
  await visitor.sees('Matches 0 now.')
  await visitor.confirm('Save')
  await until(async () => (await names('policies')).includes('short'))
  await visitor.click('Delete the policy short')
  await visitor.confirm('Delete')
  await until(async () => !(await names('policies')).includes('short'))

  await visitor.go('/limits')
  await visitor.click('Set')
  await page.getByLabel('Virtual host', { exact: true }).last().selectOption('ui-host')
  await page.getByLabel('At most').fill('3')
  await visitor.confirm('Set')
  await page.getByRole('cell', { name: 'max-connections', exact: true }).waitFor()

  await visitor.go('/vhosts/ui-host')
  await visitor.click('Delete')
  await visitor.confirm('Delete')
  await until(async () => !(await names('vhosts')).includes('ui-host'))
})

test('a connection is closed', async () => {
  const client = await amqp.connect(broker.url!, { clientProperties: { connection_name: 'victim' } })
  client.on('error', () => undefined)
  const closed = new Promise<unknown>((resolve) => client.once('close', resolve))
  await visitor.go('/connections')
  await visitor.page.getByRole('link', { name: 'victim' }).click()
  await visitor.click('Close')
  await visitor.page.getByRole('dialog').getByLabel('Reason').fill('Moving to another broker – soon')
  await visitor.confirm('Close')
  // What a header cannot hold is a question mark.
  assert.match(String(await closed), /Moving to another broker \? soon/)
})

test('definitions are exported, and imported with a preview', async () => {
  const { page } = visitor
  await visitor.go('/definitions')
  const download = page.waitForEvent('download')
  await visitor.click('Download')
  assert.match((await download).suggestedFilename(), /^definitions-.*\.json$/)
  const wanted = { queues: [{ name: 'ui.imported', vhost: '/', durable: true, auto_delete: false, arguments: {} }] }
  await page.getByLabel('File').setInputFiles({
    name: 'wanted.json',
    mimeType: 'application/json',
    buffer: Buffer.from(JSON.stringify(wanted)),
  })
  await visitor.sees('1 new')
  await visitor.click('Import')
  await visitor.confirm('Import')
  await until(async () => (await names('queues')).includes('ui.imported'))
})

test('the palette finds a queue by its name', async () => {
  const { page } = visitor
  await callApi(base, 'PUT', 'queues/%2F/needle.in.hay', {})
  await visitor.go('/')
  await page.keyboard.press('Control+k')
  await page.getByRole('combobox', { name: 'Search and commands' }).waitFor()
  await page.keyboard.type('needle')
  await page.getByRole('option', { name: /needle\.in\.hay/ }).waitFor()
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'needle.in.hay' }).waitFor()
})
