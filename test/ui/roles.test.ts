// Who sees which page and who may do what: for each kind of user, what the console offers works, and what it does not
// offer the HTTP API refuses, too.
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { EmbeddedBroker } from '../../src/library.ts'
import { callApi, startConsole, Visitor } from './browser.ts'

/** Users are called after their tag; the password is the name. The monitoring user may enter no virtual host. */
const ROLES = ['none', 'monitoring', 'policymaker', 'management', 'administrator'] as const
type Role = (typeof ROLES)[number]
type Call = readonly [verb: string, path: string, body?: unknown]

const ADMIN: readonly Role[] = ['administrator']
const MONITORS: readonly Role[] = ['monitoring', 'administrator']
const MAKERS: readonly Role[] = ['policymaker', 'administrator']
const ENTERING: readonly Role[] = ['policymaker', 'management', 'administrator']
const SIGNED_IN: readonly Role[] = ['monitoring', ...ENTERING]

interface PageRow {
  readonly title: string
  readonly address: string
  readonly roles: readonly Role[]
  /** What the page asks for. */
  readonly api: Call
}

const PAGES: readonly PageRow[] = [
  { title: 'Overview', address: '/', roles: SIGNED_IN, api: ['GET', 'overview'] },
  { title: 'Connections', address: '/connections', roles: SIGNED_IN, api: ['GET', 'connections'] },
  { title: 'Channels', address: '/channels', roles: SIGNED_IN, api: ['GET', 'channels'] },
  { title: 'Exchanges', address: '/exchanges', roles: SIGNED_IN, api: ['GET', 'exchanges'] },
  { title: 'Queues', address: '/queues', roles: SIGNED_IN, api: ['GET', 'queues'] },
  { title: 'Topology', address: '/topology', roles: SIGNED_IN, api: ['GET', 'bindings/%2F'] },
  {
    title: 'Route tester',
    address: '/route',
    roles: ENTERING,
    api: ['POST', 'warren/route/%2F/amq.topic', { routing_key: 'a' }],
  },
  {
    title: 'Dead letters',
    address: '/dead-letters',
    roles: ENTERING,
    api: ['POST', 'warren/queues/%2F/role.stays/deaths', {}],
  },
  { title: 'Node', address: '/nodes', roles: MONITORS, api: ['GET', 'nodes'] },
  { title: 'Log', address: '/log', roles: MONITORS, api: ['GET', 'warren/log'] },
  { title: 'Tracing', address: '/traces', roles: ADMIN, api: ['GET', 'traces'] },
  { title: 'Virtual hosts', address: '/vhosts', roles: SIGNED_IN, api: ['GET', 'vhosts'] },
  { title: 'Users', address: '/users', roles: ADMIN, api: ['GET', 'users'] },
  // Everybody who manages may read them; who may set none has no page for it.
  { title: 'Policies', address: '/policies', roles: MAKERS, api: ['PUT', 'policies/%2F/p', policy()] },
  { title: 'Limits', address: '/limits', roles: ADMIN, api: ['PUT', 'vhost-limits/%2F/max-queues', { value: 900 }] },
  { title: 'Definitions', address: '/definitions', roles: ADMIN, api: ['POST', 'definitions', {}] },
  { title: 'Feature flags', address: '/feature-flags', roles: ADMIN, api: ['GET', 'feature-flags'] },
  { title: 'Settings', address: '/settings', roles: ADMIN, api: ['GET', 'config/effective'] },
]

interface ActionRow {
  readonly what: string
  readonly address: string
  /** The button that begins it. */
  readonly button: string | RegExp
  readonly roles: readonly Role[]
  /** What is done after the button. */
  readonly finish: (visitor: Visitor) => Promise<void>
  /** The same without the console. */
  readonly api: Call
  /** What the console says then. */
  readonly says: string | RegExp
  /** Brings about what the action needs. */
  readonly prepare?: readonly Call[]
}

const QUEUE = '/queues/%2F/role.queue'
const EXCHANGE = '/exchanges/%2F/role.exchange'
const MAKE_QUEUE: readonly Call[] = [['PUT', 'queues/%2F/role.queue', { durable: true }]]
const MAKE_EXCHANGE: readonly Call[] = [['PUT', 'exchanges/%2F/role.exchange', { type: 'topic' }]]
const MAKE_VHOST: readonly Call[] = [['PUT', 'vhosts/role-host', {}]]
const MAKE_USER: readonly Call[] = [['PUT', 'users/role-user', { password: 'x', tags: '' }]]
const FILL: readonly Call[] = [
  ...MAKE_QUEUE,
  [
    'POST',
    'exchanges/%2F/amq.default/publish',
    { routing_key: 'role.queue', payload: 'x', payload_encoding: 'string', properties: {} },
  ],
]
const BINDING = 'bindings/%2F/e/amq.topic/q/role.queue'

function policy(): object {
  return { pattern: '^nothing$', definition: { 'max-length': 5 } }
}

const confirmed = (action: string) => (visitor: Visitor) => visitor.confirm(action)

function filled(action: string, fields: Readonly<Record<string, string>>) {
  return async (visitor: Visitor): Promise<void> => {
    const dialog = visitor.page.getByRole('dialog')
    for (const [label, value] of Object.entries(fields)) await dialog.getByLabel(label, { exact: true }).fill(value)
    await visitor.confirm(action)
  }
}

const at = (address: string, button: string | RegExp, roles: readonly Role[]) => ({ address, button, roles })

const ACTIONS: readonly ActionRow[] = [
  {
    what: 'declare a queue',
    ...at('/queues', 'Declare', ENTERING),
    finish: filled('Declare', { Name: 'role.made' }),
    api: ['PUT', 'queues/%2F/role.made', {}],
    says: 'Queue role.made is there.',
  },
  {
    what: 'publish to a queue',
    ...at(QUEUE, 'Publish', ENTERING),
    finish: filled('Publish', { Body: 'x' }),
    api: [
      'POST',
      'exchanges/%2F/amq.default/publish',
      { routing_key: 'role.queue', payload: 'x', payload_encoding: 'string', properties: {} },
    ],
    says: 'Published and routed.',
    prepare: MAKE_QUEUE,
  },
  {
    what: 'purge a queue',
    ...at(QUEUE, 'Purge', ENTERING),
    finish: confirmed('Purge'),
    api: ['DELETE', 'queues/%2F/role.queue/contents'],
    says: 'role.queue is empty.',
    prepare: MAKE_QUEUE,
  },
  {
    what: 'pause a queue',
    ...at(QUEUE, 'Pause', ENTERING),
    finish: confirmed('Pause'),
    api: ['PUT', 'warren/queues/%2F/role.queue/pause'],
    says: 'role.queue is paused.',
    prepare: [...MAKE_QUEUE, ['DELETE', 'warren/queues/%2F/role.queue/pause']],
  },
  {
    what: 'delete a queue',
    ...at(QUEUE, 'Delete', ENTERING),
    finish: confirmed('Delete'),
    api: ['DELETE', 'queues/%2F/role.queue'],
    says: 'Queue role.queue is deleted.',
    prepare: MAKE_QUEUE,
  },
  {
    what: 'bind a queue',
    ...at(`${QUEUE}?tab=bindings`, 'Bind', ENTERING),
    finish: filled('Bind', { Exchange: 'amq.topic', 'Binding key': 'k' }),
    api: ['POST', BINDING, { routing_key: 'k', arguments: {} }],
    says: 'amq.topic is bound to role.queue.',
    prepare: MAKE_QUEUE,
  },
  {
    what: 'unbind a queue',
    ...at(`${QUEUE}?tab=bindings`, /^Unbind amq\.topic/, ENTERING),
    finish: confirmed('Unbind'),
    api: ['DELETE', `${BINDING}/k`],
    says: 'The binding is removed.',
    prepare: [...MAKE_QUEUE, ['POST', BINDING, { routing_key: 'k' }]],
  },
  {
    what: 'look into a queue',
    ...at(`${QUEUE}?tab=messages`, 'Look', ENTERING),
    finish: async ({ page }) => page.getByRole('region', { name: 'Messages', exact: true }).waitFor(),
    api: ['POST', 'warren/queues/%2F/role.queue/browse', {}],
    says: /looked at/,
    prepare: FILL,
  },
  {
    what: 'get messages',
    ...at(`${QUEUE}?tab=messages`, 'Get', ENTERING),
    finish: async () => undefined,
    api: ['POST', 'queues/%2F/role.queue/get', { count: 1, ackmode: 'ack_requeue_true', encoding: 'auto' }],
    says: '1',
    prepare: FILL,
  },
  {
    what: 'copy messages',
    ...at(`${QUEUE}?tab=messages`, 'Copy', ENTERING),
    finish: async ({ page }) => {
      await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click()
    },
    api: ['POST', 'warren/queues/%2F/role.queue/copy', { queue: 'role.stays', filter: {}, dry_run: true }],
    says: /looked at/,
    prepare: [...MAKE_QUEUE, ['DELETE', 'queues/%2F/role.queue/contents'], ...FILL],
  },
  {
    what: 'send dead letters back',
    ...at(`${QUEUE}?tab=messages`, 'Send back', ADMIN),
    finish: async ({ page }) => {
      await page.getByRole('dialog').getByRole('button', { name: 'Try without doing it' }).click()
    },
    api: ['POST', 'warren/queues/%2F/role.queue/redrive', { filter: {}, dry_run: true }],
    says: /would|no message/i,
    prepare: FILL,
  },
  {
    what: 'declare an exchange',
    ...at('/exchanges', 'Declare', ENTERING),
    finish: filled('Declare', { Name: 'role.source' }),
    api: ['PUT', 'exchanges/%2F/role.source', { type: 'topic' }],
    says: 'Exchange role.source is there.',
  },
  {
    what: 'publish to an exchange',
    ...at(EXCHANGE, 'Publish', ENTERING),
    finish: filled('Publish', { 'Routing key': 'k' }),
    api: [
      'POST',
      'exchanges/%2F/role.exchange/publish',
      { routing_key: 'k', payload: '', payload_encoding: 'string', properties: {} },
    ],
    says: 'Published and routed.',
    prepare: [
      ...MAKE_QUEUE,
      ...MAKE_EXCHANGE,
      ['POST', 'bindings/%2F/e/role.exchange/q/role.queue', { routing_key: 'k' }],
    ],
  },
  {
    what: 'delete an exchange',
    ...at(EXCHANGE, 'Delete', ENTERING),
    finish: confirmed('Delete'),
    api: ['DELETE', 'exchanges/%2F/role.exchange'],
    says: 'Exchange role.exchange is deleted.',
    prepare: MAKE_EXCHANGE,
  },
  {
    what: 'set a policy',
    ...at('/policies', 'Add', MAKERS),
    finish: async (visitor) => {
      await visitor.click('+ max-length')
      await filled('Save', { Name: 'role-policy', Pattern: '^none$', 'Definition: value of max-length': '7' })(visitor)
    },
    api: ['PUT', 'policies/%2F/role-policy', policy()],
    says: 'Policy role-policy is set.',
  },
  {
    what: 'add a virtual host',
    ...at('/vhosts', 'Add', ADMIN),
    finish: filled('Add', { Name: 'role-host' }),
    api: ['PUT', 'vhosts/role-host', {}],
    says: 'Virtual host role-host is there.',
  },
  {
    what: 'change a virtual host',
    ...at('/vhosts/%2F', 'Change', ADMIN),
    finish: filled('Save', { Description: 'changed' }),
    api: ['PUT', 'vhosts/%2F', { description: 'x' }],
    says: 'Virtual host / is there.',
  },
  {
    what: 'protect a virtual host',
    ...at('/vhosts/role-host', 'Protect', ADMIN),
    finish: async () => undefined,
    api: ['POST', 'vhosts/role-host/deletion/protection'],
    says: 'role-host cannot be deleted.',
    prepare: [...MAKE_VHOST, ['DELETE', 'vhosts/role-host/deletion/protection']],
  },
  {
    what: 'delete a virtual host',
    ...at('/vhosts/role-host', 'Delete', ADMIN),
    finish: confirmed('Delete'),
    api: ['DELETE', 'vhosts/role-host'],
    says: 'Virtual host role-host is deleted.',
    prepare: [...MAKE_VHOST, ['DELETE', 'vhosts/role-host/deletion/protection']],
  },
  {
    what: 'add a user',
    ...at('/users', 'Add', ADMIN),
    finish: filled('Add', { Name: 'role-user', Password: 'x' }),
    api: ['PUT', 'users/role-user', { password: 'x', tags: '' }],
    says: 'User role-user is there.',
  },
  {
    what: 'delete a user',
    ...at('/users/role-user', 'Delete', ADMIN),
    finish: confirmed('Delete'),
    api: ['DELETE', 'users/role-user'],
    says: /role-user is deleted/,
    prepare: MAKE_USER,
  },
  {
    what: 'set permissions',
    ...at('/users/role-user', 'Set', ADMIN),
    finish: confirmed('Set'),
    api: ['PUT', 'permissions/%2F/role-user', { configure: '', write: '', read: '' }],
    says: /permissions/i,
    prepare: MAKE_USER,
  },
  {
    what: 'set a limit',
    ...at('/limits', 'Set', ADMIN),
    finish: async (visitor) => {
      await visitor.page.getByRole('dialog').getByLabel('Virtual host', { exact: true }).selectOption('/')
      await filled('Set', { 'At most': '900' })(visitor)
    },
    api: ['PUT', 'vhost-limits/%2F/max-connections', { value: 900 }],
    says: /limit/i,
  },
  {
    what: 'set the level of the log',
    ...at('/log', 'Set level', ADMIN),
    finish: confirmed('Set'),
    api: ['PUT', 'warren/log-level', { level: 'info' }],
    says: /level/i,
  },
  {
    what: 'start a trace',
    ...at('/traces', 'Start a trace', ADMIN),
    finish: filled('Start', { Name: 'role-trace' }),
    api: ['PUT', 'traces/%2F/role-trace', { format: 'text', pattern: '#' }],
    says: /role-trace/,
  },
]

let broker: EmbeddedBroker
let base: string
/** Traces are files. */
let folder: string

before(async () => {
  folder = mkdtempSync(join(tmpdir(), 'warren-roles-'))
  const started = await startConsole(0, folder)
  broker = started.broker
  base = started.base
  await callApi(base, 'PUT', 'queues/%2F/role.stays', {})
  for (const role of ROLES) {
    await callApi(base, 'PUT', `users/${role}`, { password: role, tags: role === 'none' ? '' : role })
    if (role === 'monitoring') continue
    await callApi(base, 'PUT', `permissions/%2F/${role}`, { configure: '.*', write: '.*', read: '.*' })
  }
})

after(async () => {
  await broker.stop()
  rmSync(folder, { recursive: true })
})

/** Calls the API as somebody. */
async function statusFor(role: Role, [verb, path, body]: Call): Promise<number> {
  const reply = await fetch(`${base}api/${path}`, {
    method: verb,
    headers: { authorization: `Basic ${btoa(`${role}:${role}`)}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  await reply.arrayBuffer()
  return reply.status
}

async function assertRefused(role: Role, api: Call, what: string): Promise<void> {
  const status = await statusFor(role, api)
  assert.ok(status === 401 || status === 403, `${role}, ${what}: the API answers ${status}`)
}

async function prepare({ prepare: calls = [] }: ActionRow): Promise<void> {
  for (const [verb, path, body] of calls) {
    try {
      await callApi(base, verb, path, body)
    } catch (error) {
      // What is to be taken away need not be there.
      if (!(error instanceof Error && verb === 'DELETE' && error.message.includes(': 404'))) throw error
    }
  }
}

async function arriveAs(role: Role): Promise<Visitor> {
  const visitor = await Visitor.arrive(base)
  await visitor.signIn(role, role)
  await visitor.settle()
  return visitor
}

test('a user without a tag is not let in, and the API refuses everything', async () => {
  const visitor = await Visitor.arrive(base)
  try {
    await visitor.signIn('none', 'none')
    await visitor.sees('This user has no management tag, so the console shows nothing to it.')
  } finally {
    await visitor.leave()
  }
  for (const { title, api } of PAGES) await assertRefused('none', api, title)
  for (const row of ACTIONS) {
    await prepare(row)
    await assertRefused('none', row.api, row.what)
  }
})

for (const role of SIGNED_IN) {
  test(`the pages of ${role}`, async () => {
    const visitor = await arriveAs(role)
    const { page } = visitor
    try {
      const navigation = page.getByRole('navigation', { name: 'Pages' })
      for (const { title, address, roles, api } of PAGES) {
        // A number of objects may stand behind the name.
        const link = navigation.getByRole('link', { name: new RegExp(`^${title}\\s*[\\d,]*$`) })
        await visitor.go(address)
        if (roles.includes(role)) {
          await link.waitFor()
          await page.locator('h1').waitFor()
          assert.equal(await page.getByText('There is no such page').count(), 0, title)
          assert.equal(await page.locator('.notice.danger').count(), 0, title)
          continue
        }
        await page.getByText('There is no such page').waitFor()
        assert.equal(await link.count(), 0, title)
        await assertRefused(role, api, title)
      }
      assert.deepEqual(visitor.complaints, [])
    } finally {
      await visitor.leave()
    }
  })

  test(`the actions of ${role}`, async () => {
    const visitor = await arriveAs(role)
    const { page } = visitor
    try {
      for (const row of ACTIONS) {
        await prepare(row)
        await visitor.go('/')
        await visitor.go(row.address)
        const button = page.getByRole('button', { name: row.button, exact: typeof row.button === 'string' }).first()
        if (!row.roles.includes(role)) {
          assert.equal(await button.count(), 0, `${role} is offered to ${row.what}`)
          await assertRefused(role, row.api, row.what)
          continue
        }
        await button.click()
        await row.finish(visitor)
        await visitor.sees(row.says)
      }
      assert.deepEqual(visitor.complaints, [])
    } finally {
      await visitor.leave()
    }
  })
}

test('permissions count for each name: who may only read a queue is offered no more', async () => {
  await callApi(base, 'PUT', 'users/reader', { password: 'reader', tags: 'management' })
  await callApi(base, 'PUT', 'permissions/%2F/reader', { configure: '', write: '', read: '^role' })
  await callApi(base, 'PUT', 'queues/%2F/closed.queue', {})
  const visitor = await Visitor.arrive(base)
  const { page } = visitor
  const actions = page.locator('.page-head').getByRole('button')
  try {
    await visitor.signIn('reader', 'reader')
    await visitor.settle()
    await visitor.go('/queues/%2F/role.stays?tab=messages')
    await page.getByRole('button', { name: 'Look' }).waitFor()
    assert.deepEqual(await actions.allInnerTexts(), ['Purge'])
    await visitor.go('/queues/%2F/closed.queue?tab=messages')
    await visitor.sees('Your user may not read this queue')
    assert.deepEqual(await actions.allInnerTexts(), [])
    assert.deepEqual(visitor.complaints, [])
  } finally {
    await visitor.leave()
  }
})
