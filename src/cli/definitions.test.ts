import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, test } from 'node:test'
import { Command } from 'commander'
import { SILENT_LOGGER } from '../base/log.ts'
import { SeededRandomness } from '../base/random.ts'
import { topologyBuilders } from '../management/definitions/topology-builders.ts'
import { NodeDisk } from '../storage/disk-node.ts'
import { openMetadata } from '../storage/open-metadata.ts'
import { addDefinitionsCommand } from './definitions.ts'

const root = await mkdtemp(path.join(tmpdir(), 'warren-cli-definitions-'))
after(() => rm(root, { recursive: true, force: true }))

interface Outcome {
  output: string
  complaints: string
  code: number
}

async function run(...args: string[]): Promise<Outcome> {
  const outcome: Outcome = { output: '', complaints: '', code: 0 }
  const program = new Command()
  const builders = topologyBuilders({
    queueKinds: new Map(),
    exchangeTypes: new Map(),
    defaultQueueType: 'classic',
    newLedgerId: () => 1,
  })
  const hashing = { algorithm: 'rabbit_password_hashing_sha256', randomness: new SeededRandomness(1) } as const
  addDefinitionsCommand(program, {
    defaultDataDir: path.join(root, 'data'),
    metadataFolder: 'metadata',
    origin: { product: 'RabbitMQ', version: '4.1.0', clusterName: 'warren@here' },
    openDataFolder: async (dataDir) => {
      const dir = path.join(dataDir, 'metadata')
      const { metadata } = await openMetadata({ disk: new NodeDisk(dir), logger: SILENT_LOGGER })
      return { metadata, context: { builders, hashing, actingUser: 'cli' }, close: () => metadata.close() }
    },
    print: (text) => {
      outcome.output += text
    },
    complain: (text) => {
      outcome.complaints += text
    },
    exit: (code) => {
      outcome.code = code
    },
  })
  await program.parseAsync(['node', 'warren', 'definitions', ...args])
  return outcome
}

test('import, then export, gives the same users and vhosts', async () => {
  const file = path.join(root, 'in.json')
  await writeFile(file, JSON.stringify({ vhosts: [{ name: 'v' }], users: [{ name: 'a', tags: ['monitoring'] }] }))
  const imported = await run('import', file)
  assert.deepEqual(imported, { output: 'created or changed: 1 vhosts, 1 users\n', complaints: '', code: 0 })
  assert.equal((await run('import', file)).output, 'nothing to change\n')
  const exported = JSON.parse((await run('export')).output) as Record<string, { name: string }[]>
  assert.deepEqual(
    exported.users?.map(({ name }) => name),
    ['a'],
  )
  const out = path.join(root, 'out.json')
  await run('export', '--vhost', 'v', '--file', out)
  assert.equal((JSON.parse(await readFile(out, 'utf8')) as Record<string, unknown>).original_vhost_name, 'v')
})

test('check counts what is good and names what is not, with exit code 1', async () => {
  const file = path.join(root, 'checked.json')
  await writeFile(file, JSON.stringify({ vhosts: [{ name: 'v' }], queues: [{ name: 'q', vhost: 'v' }] }))
  assert.equal((await run('check', file)).output, `${file} is good: 1 vhosts, 1 queues\n`)
  await writeFile(file, JSON.stringify({ vhosts: [{}], queues: [{ name: 'q' }] }))
  const bad = await run('check', file)
  assert.equal(bad.code, 1)
  assert.match(bad.complaints, /^vhost number 1: name is missing\n(?:.|\n)*queue 'q': vhost is missing/)
})

test('a folder without data, a missing vhost and a missing file are said in one sentence', async () => {
  const empty = path.join(root, 'empty')
  await mkdir(empty)
  const results = [
    await run('export', '--data-dir', empty),
    await run('export', '--vhost', 'nowhere'),
    await run('check', path.join(root, 'nothing.json')),
  ]
  for (const { code, complaints } of results) {
    assert.equal(code, 1)
    assert.equal(complaints.split('\n').length, 2)
  }
  assert.match(results[0]!.complaints, /there is no data of a broker in/)
  assert.match(results[1]!.complaints, /there is no virtual host 'nowhere'/)
})
