// Every operation of the OpenAPI document, with names of every odd character. An operation without a step here fails.
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, test } from 'node:test'
import { SystemClock } from '../../src/base/clock.ts'
import {
  changing,
  connectTo,
  creation,
  deletion,
  namesOf,
  reading,
  type Step,
  send,
  type Target,
  tracing,
} from './contract.ts'
import { ManagedBroker } from './managed-broker.ts'

const ODD = ['/', '%', '%2F', 'ü €😀', `'"`, '?#&=', '..', 'a b', '~', '\\{}[]', '.'] as const
/** They answer with pages and documents, or end the broker: tested elsewhere. */
const ELSEWHERE = new Set(['POST /api/warren/shutdown', 'POST /api/warren/reset'])

const seen = new Set<string>()
let documented: readonly string[] = []
let folder: string
let broker: ManagedBroker
let target: Target
before(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'warren-contract-'))
  // Syncs of a real disk need real time.
  broker = await ManagedBroker.start({}, path.join(folder, 'data'), new SystemClock() as never)
  const { amqp } = broker.booted.listeners
  const { paths } = (await broker.get('openapi.json')).json as { readonly paths: Readonly<Record<string, object>> }
  documented = Object.entries(paths).flatMap(([at, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${at}`),
  )
  target = { base: broker.base, amqpPort: Number(amqp), node: (await broker.get('overview')).json.node }
})
after(async () => {
  await broker.stop()
  await rm(folder, { recursive: true, force: true })
})

async function run(steps: readonly Step[]): Promise<void> {
  for (const step of steps) {
    // Operations of RabbitMQ's API have to be there; our own are as the document says.
    if (step.since === 0 && !documented.includes(step.operation)) continue
    const method = step.operation.split(' ')[0]!
    const { status, text } = await send(target, method, step)
    assert.equal(status, step.status, `${step.operation} ${step.path.join(' | ')}: ${text}`)
    if (status >= 400 && status !== 401) assert.match(text, /"(error|status)":/, 'a refusal says why')
    seen.add(step.operation)
  }
}

for (const odd of ODD) {
  test(`every endpoint with ${odd} in names`, async () => {
    const names = namesOf(odd)
    await run(creation(names))
    const client = await connectTo(target, names)
    const [connection] = (await broker.get(`vhosts/${encodeURIComponent(names.vhost)}/connections`)).json
    const bindings = await send(target, 'GET', {
      path: ['bindings', names.vhost, 'e', names.exchange, 'q', names.queue],
    })
    const [{ properties_key: key }] = bindings.json as [{ properties_key: string }]
    await run(reading(names, target, connection.name, key))
    client.socket.destroy()
    await run(changing(names, target))
    await run(tracing(names, target))
    const again = await connectTo(target, names)
    const [open] = (await broker.get(`vhosts/${encodeURIComponent(names.vhost)}/connections`)).json
    await run(deletion(names, open.name, key))
    again.socket.destroy()
  })
}

test('every operation of the OpenAPI document was exercised', () => {
  assert.ok(documented.length > 100)
  const missed = documented.filter((operation) => !seen.has(operation) && !ELSEWHERE.has(operation))
  assert.deepEqual(missed, [], 'each operation needs a step in test/management/contract.ts')
  assert.deepEqual(
    [...seen].filter((operation) => !documented.includes(operation)),
    [],
  )
})
