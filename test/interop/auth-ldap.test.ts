// Logins and permissions by a real directory (Debian's slapd), in the ways that RabbitMQ's settings know.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import net from 'node:net'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, afterEach, before, test } from 'node:test'
import { SystemClock } from '../../src/base/clock.ts'
import { createLogger, LogLevels, type LogRecord } from '../../src/base/log.ts'
import { type BootedBroker, startBroker } from '../../src/boot.ts'
import { settingsWith } from '../../src/config/build-settings.ts'
import { FREE_PORTS } from '../../src/config/free-ports.ts'
import { DirectoryServer, HAS_SLAPD, READER } from '../support/directory-server.ts'
import { WireClient } from '../support/wire-client.ts'

assert.ok(HAS_SLAPD, 'slapd is missing: bash test/interop/setup.sh installs it')

const ENTRIES = `
dn: dc=example,dc=com
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,dc=example,dc=com
objectClass: organizationalUnit
ou: people

dn: cn=Alice A,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
cn: Alice A
sn: A
uid: alice
mail: alice@example.com
userPassword: alice-secret

dn: cn=Bob\\, Jr,ou=people,dc=example,dc=com
objectClass: inetOrgPerson
cn: Bob, Jr
sn: B
uid: bob
employeeType: queues-
userPassword: bob-secret

dn: ou=groups,dc=example,dc=com
objectClass: organizationalUnit
ou: groups

dn: cn=admins,ou=groups,dc=example,dc=com
objectClass: groupOfNames
cn: admins
member: cn=Alice A,ou=people,dc=example,dc=com

dn: cn=staff,ou=groups,dc=example,dc=com
objectClass: groupOfNames
cn: staff
member: cn=admins,ou=groups,dc=example,dc=com
member: cn=company,ou=groups,dc=example,dc=com

dn: cn=company,ou=groups,dc=example,dc=com
objectClass: groupOfNames
cn: company
member: cn=staff,ou=groups,dc=example,dc=com
`

const ALICE = { user: 'alice', password: 'alice-secret' }
const BOB = { user: 'bob', password: 'bob-secret' }
const LOOKUP = {
  'auth_ldap.dn_lookup_attribute': 'uid',
  'auth_ldap.dn_lookup_base': 'ou=people,dc=example,dc=com',
  'auth_ldap.dn_lookup_bind.user_dn': READER.dn,
  'auth_ldap.dn_lookup_bind.password': READER.password,
  'auth_ldap.other_bind.user_dn': READER.dn,
  'auth_ldap.other_bind.password': READER.password,
}

const lines: LogRecord[] = []
const running: BootedBroker[] = []
const clients: { destroy(): void }[] = []
let folder: string
let directory: DirectoryServer

async function boot(settings: Readonly<Record<string, string>>): Promise<BootedBroker> {
  const sink = { write: (record: LogRecord) => lines.push(record) }
  const started = await startBroker({
    settings: settingsWith({
      ...FREE_PORTS,
      'auth_backends.1': 'ldap',
      'auth_ldap.servers.1': '127.0.0.1',
      'auth_ldap.port': String(directory.port),
      ...settings,
    }),
    dataDir: null,
    logger: createLogger({ sink, levels: new LogLevels('debug'), clock: new SystemClock() }),
  })
  running.push(started)
  return started
}

async function connect(broker: BootedBroker, who: { user: string; password: string }): Promise<WireClient> {
  const client = await WireClient.connect('127.0.0.1', broker.listeners.amqp!)
  clients.push(client)
  return await client.open(who)
}

async function isRefused(broker: BootedBroker, who: { user: string; password: string }): Promise<void> {
  const client = await WireClient.connect('127.0.0.1', broker.listeners.amqp!)
  clients.push(client)
  await client.greet()
  client.startOk(who)
  await client.refused(403, /^ACCESS_REFUSED - Login was refused/)
}

async function tagsOf(broker: BootedBroker, { user, password }: { user: string; password: string }): Promise<unknown> {
  const reply = await fetch(`http://127.0.0.1:${broker.listeners.http}/api/whoami`, {
    headers: { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` },
  })
  return ((await reply.json()) as { tags?: unknown }).tags
}

before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'warren-ldap-'))
  const [keyFile, certificateFile] = [path.join(folder, 'key.pem'), path.join(folder, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=IP:127.0.0.1,DNS:localhost', '-days', '2']
  const made = spawnSync('openssl', [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-keyout',
    keyFile,
    '-out',
    certificateFile,
    ...subject,
  ])
  assert.equal(made.status, 0)
  directory = await DirectoryServer.start(ENTRIES, { certificateFile, keyFile })
})

afterEach(() => {
  for (const client of clients.splice(0)) client.destroy()
})

after(async () => {
  for (const started of running) await started.stop()
  await directory.stop()
  await rm(folder, { recursive: true, force: true })
})

test('a login is a bind with the name that the pattern gives; wrong passwords are refused', async () => {
  const broker = await boot({ 'auth_ldap.user_dn_pattern': `cn=\${username},ou=people,dc=example,dc=com` })
  const channel = await (await connect(broker, { user: 'Alice A', password: 'alice-secret' })).channel()
  await channel.call('queue.declare', { queue: 'ldap.q' })
  // A comma in a name is a part of the name, not of the path to it.
  await connect(broker, { user: 'Bob, Jr', password: 'bob-secret' })
  await isRefused(broker, { user: 'Alice A', password: 'wrong' })
  await isRefused(broker, { user: 'Nobody', password: 'alice-secret' })
  await isRefused(broker, { user: 'Alice A', password: '' })
  await isRefused(broker, { user: 'Alice A,ou=people', password: 'alice-secret' })
})

test('users are looked up by an attribute, by an account of the broker’s', async () => {
  const broker = await boot(LOOKUP)
  await connect(broker, ALICE)
  await connect(broker, BOB)
  await isRefused(broker, { user: '*', password: 'alice-secret' })
  await isRefused(broker, { user: 'alice)(uid=*', password: 'alice-secret' })
})

test('users are looked up as themselves', async () => {
  const broker = await boot({
    'auth_ldap.user_bind_pattern': `cn=\${username},ou=people,dc=example,dc=com`,
    'auth_ldap.dn_lookup_attribute': 'cn',
    'auth_ldap.dn_lookup_base': 'dc=example,dc=com',
    'auth_ldap.vhost_access_query': '{in_group, "cn=admins,ou=groups,dc=example,dc=com"}',
  })
  await connect(broker, { user: 'Alice A', password: 'alice-secret' })
})

test('tags, virtual hosts, names and routing keys are queries', async () => {
  const broker = await boot({
    ...LOOKUP,
    'auth_ldap.group_lookup_base': 'ou=groups,dc=example,dc=com',
    'auth_ldap.tag_queries': `[{administrator, {in_group, "cn=admins,ou=groups,dc=example,dc=com"}},
      {management, {in_group_nested, "CN=Company,ou=groups,dc=example,dc=com"}}, {monitoring, {constant, false}}]`,
    'auth_ldap.vhost_access_query': `{'or', [{in_group_nested, "cn=company,ou=groups,dc=example,dc=com"},
      {equals, "$\{username}", {string, "bob"}}]}`,
    'auth_ldap.resource_access_query': `{for, [{permission, configure, {'and', [{'not', {constant, false}},
         {match, {string, "$\{name}"}, {attribute, "$\{user_dn}", "employeeType"}}]}},
       {permission, write, {for, [{resource, exchange, {constant, true}}, {resource, queue, {exists, "$\{user_dn}"}}]}},
       {permission, read, {constant, true}}]}`,
    'auth_ldap.topic_access_query': `{match, {string, "\${routing_key}"}, {string, "^\${username}\\\\."}}`,
  })
  assert.deepEqual(await tagsOf(broker, ALICE), ['administrator', 'management'])
  assert.equal(await tagsOf(broker, BOB), undefined)
  const channel = await (await connect(broker, BOB)).channel()
  await channel.call('queue.declare', { queue: 'queues-1' })
  await channel.call('queue.bind', { queue: 'queues-1', exchange: 'amq.topic', routingKey: 'bob.x' })
  channel.send('queue.bind', { queue: 'queues-1', exchange: 'amq.topic', routingKey: 'bobbx' })
  await channel.refused(403, /^ACCESS_REFUSED - read access to topic 'bobbx' in exchange 'amq.topic'/)
  const other = await (await connect(broker, BOB)).channel()
  other.send('queue.declare', { queue: 'other' })
  await other.refused(403, /^ACCESS_REFUSED - configure access to queue 'other'/)
})

test('the directory only says who somebody is: the broker’s permissions and tags count', async () => {
  const broker = await boot({
    ...LOOKUP,
    'auth_backends.1.authn': 'ldap',
    'auth_backends.1.authz': 'internal',
    default_user: 'alice',
    default_pass: 'not used',
  })
  await (await (await connect(broker, ALICE)).channel()).call('queue.declare', { queue: 'split.ldap' })
  assert.deepEqual(await tagsOf(broker, ALICE), ['administrator'])
  await isRefused(broker, BOB)
})

test('by TLS, the certificate is checked', async () => {
  const certificateFile = path.join(folder, 'cert.pem')
  const trusting = await boot({
    ...LOOKUP,
    'auth_ldap.use_starttls': 'true',
    'auth_ldap.ssl_options.cacertfile': certificateFile,
  })
  await connect(trusting, ALICE)
  const wary = await boot({ ...LOOKUP, 'auth_ldap.use_starttls': 'true' })
  await isRefused(wary, ALICE)
  const careless = await boot({
    ...LOOKUP,
    'auth_ldap.use_starttls': 'true',
    'auth_ldap.ssl_options.verify': 'verify_none',
  })
  await connect(careless, ALICE)
})

test('by TLS from the first byte (LDAPS), too', async () => {
  const ldaps = { ...LOOKUP, 'auth_ldap.use_ssl': 'true', 'auth_ldap.port': String(directory.tlsPort) }
  const trusting = await boot({ ...ldaps, 'auth_ldap.ssl_options.cacertfile': path.join(folder, 'cert.pem') })
  await connect(trusting, ALICE)
  await isRefused(trusting, { ...ALICE, password: 'wrong' })
  const wary = await boot(ldaps)
  await isRefused(wary, ALICE)
  assert.ok(wary.parts.backends.questions.counters.get('ldap')!.failed > 0)
})

test('another server is asked when the first is not there, or accepts connections and says nothing', async () => {
  // At the same port of other loopback addresses: nobody at .2, somebody silent at .3.
  const held: net.Socket[] = []
  const silent = net.createServer((socket) => held.push(socket))
  await new Promise<void>((resolve) => silent.listen(directory.port, '127.0.0.3', resolve))
  try {
    for (const address of ['127.0.0.2', '127.0.0.3']) {
      for (const tls of ['false', 'true']) {
        const broker = await boot({
          ...LOOKUP,
          'auth_ldap.servers.1': address,
          'auth_ldap.servers.2': '127.0.0.1',
          'auth_ldap.timeout': '6s',
          'auth_ldap.use_starttls': tls,
          'auth_ldap.ssl_options.verify': 'verify_none',
        })
        await connect(broker, ALICE)
        // The server that answered is the first to be asked now.
        const heldBefore = held.length
        await connect(broker, BOB)
        assert.equal(held.length, heldBefore)
      }
    }
    assert.ok(held.length > 0)
  } finally {
    for (const socket of held) socket.destroy()
    await new Promise((resolve) => silent.close(resolve))
  }
})

test('a connection that the directory closed is not used again: the next login makes a new one', async () => {
  const broker = await boot({
    ...LOOKUP,
    'auth_ldap.use_starttls': 'true',
    'auth_ldap.ssl_options.verify': 'verify_none',
  })
  await connect(broker, ALICE)
  await directory.halt()
  await directory.run()
  await connect(broker, ALICE)
  await connect(broker, BOB)
})

test('many at once share a few connections', async () => {
  const broker = await boot({ ...LOOKUP, 'auth_ldap.connection_pool_size': '3' })
  await Promise.all(Array.from({ length: 30 }, () => connect(broker, ALICE)))
})

test('a directory that does not answer, or is gone, refuses in time; when it is back, all is well', async () => {
  const broker = await boot({
    ...LOOKUP,
    'auth_ldap.timeout': '2s',
    'auth_ldap.vhost_access_query': `{exists, "\${user_dn}"}`,
    'auth_ldap.resource_access_query': `{exists, "\${user_dn}"}`,
  })
  const client = await connect(broker, ALICE)
  const channel = await client.channel()
  await channel.call('queue.declare', { queue: 'before' })
  await directory.freeze()
  try {
    channel.send('queue.declare', { queue: 'meanwhile' })
    await channel.refused(403, /^ACCESS_REFUSED - configure access to queue 'meanwhile'/)
    await isRefused(broker, ALICE)
  } finally {
    directory.thaw()
  }
  await connect(broker, ALICE)
  await directory.halt()
  await isRefused(broker, ALICE)
  await directory.run()
  await connect(broker, ALICE)
  const counters = broker.parts.backends.questions.counters.get('ldap')!
  assert.ok(counters.timedOut >= 2 && counters.failed > counters.timedOut, JSON.stringify(counters))
  const logged = JSON.stringify(lines, (_key, value) => (value instanceof Error ? `${value.stack}` : value))
  assert.doesNotMatch(logged, /alice-secret|bob-secret|reader-secret/)
})
