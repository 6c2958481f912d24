// Contract of virtual hosts, policies, parameters, limits and definitions. [RabbitMQ: management HTTP API]
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { ManagedBroker } from './managed-broker.ts'

let broker: ManagedBroker
before(async () => {
  broker = await ManagedBroker.start()
})
after(() => broker.stop())

test('virtual hosts are created, changed, protected and deleted', async () => {
  assert.equal((await broker.put('vhosts/v', { description: 'd', tags: 'a,b', tracing: true })).status, 201)
  assert.equal((await broker.put('vhosts/v', { tags: ['x'] })).status, 204)
  const { json } = await broker.get('vhosts/v')
  assert.deepEqual(
    [json.description, json.tags, json.tracing, json.default_queue_type],
    ['d', ['x'], true, 'undefined'],
  )
  assert.deepEqual(json.metadata, { description: 'd', tags: ['x'] })
  assert.deepEqual((await broker.get('vhosts/v/permissions')).json, [
    { user: 'guest', vhost: 'v', configure: '.*', write: '.*', read: '.*' },
  ])
  assert.equal((await broker.post('vhosts/v/deletion/protection')).status, 204)
  const refused = await broker.delete('vhosts/v')
  assert.equal(refused.status, 412)
  assert.match(refused.json.reason, /protected from deletion/)
  assert.equal((await broker.delete('vhosts/v/deletion/protection')).status, 204)
  assert.equal((await broker.delete('vhosts/v')).status, 204)
  assert.equal((await broker.delete('vhosts/v')).status, 404)
})

test('policies are validated, set, in force, and cleared', async () => {
  const policy = { pattern: '^p', definition: { 'max-length': 10 }, priority: 1, 'apply-to': 'queues' }
  assert.equal((await broker.put('policies/%2F/p', policy)).status, 201)
  assert.equal((await broker.put('policies/%2F/p', policy)).status, 204)
  assert.deepEqual((await broker.get('policies/%2F/p')).json, { vhost: '/', name: 'p', ...policy })
  await broker.put('queues/%2F/pq')
  const queue = (await broker.get('queues/%2F/pq')).json
  assert.equal(queue.policy, 'p')
  assert.deepEqual(queue.effective_policy_definition, { 'max-length': 10 })
  const reasons: [object, RegExp][] = [
    [{ ...policy, pattern: '(' }, /pattern should be regular expression/],
    [{ ...policy, definition: {} }, /no policy provided/],
    [{ ...policy, definition: { bogus: 1 } }, /are not recognised policy settings/],
    [{ ...policy, definition: { 'max-length': 'x' } }, /is not a valid maximum length/],
    [{ ...policy, 'apply-to': 'foo' }, /apply-to 'foo' unrecognised/],
    [{ ...policy, priority: 'x' }, /priority should be a number/],
  ]
  for (const [body, reason] of reasons) {
    const refused = await broker.put('policies/%2F/bad', body)
    assert.equal(refused.status, 400)
    assert.match(refused.json.reason, /^Validation failed\n\n/)
    assert.match(refused.json.reason, reason)
  }
  assert.equal((await broker.put('policies/%2F/bad', { pattern: '' })).json.reason, '[{key_missing,definition}]')
  assert.equal(
    (await broker.put('operator-policies/%2F/o', { pattern: '.', definition: { expires: 100_000 } })).status,
    201,
  )
  assert.equal((await broker.get('queues/%2F/pq')).json.operator_policy, 'o')
  assert.equal((await broker.delete('operator-policies/%2F/o')).status, 204)
  assert.equal((await broker.delete('policies/%2F/p')).status, 204)
  assert.equal((await broker.get('queues/%2F/pq')).json.policy, null)
  assert.equal((await broker.delete('policies/%2F/p')).status, 404)
})

test('parameters, global parameters and the cluster name', async () => {
  assert.match((await broker.put('parameters/none/%2F/p', { value: 1 })).json.reason, /component none not found/)
  assert.equal((await broker.put('parameters/none/%2F/p', {})).json.reason, '[{key_missing,value}]')
  assert.deepEqual((await broker.get('parameters/none/%2F')).json, [])
  assert.equal((await broker.put('global-parameters/g', { value: { a: 1 } })).status, 201)
  assert.deepEqual((await broker.get('global-parameters/g')).json, { name: 'g', value: { a: 1 } })
  assert.equal((await broker.delete('global-parameters/g')).status, 204)
  assert.equal((await broker.get('global-parameters/g')).status, 404)
  assert.equal((await broker.put('cluster-name', { name: 'mine' })).status, 204)
  assert.deepEqual((await broker.get('cluster-name')).json, { name: 'mine' })
  assert.equal((await broker.get('overview')).json.cluster_name, 'mine')
})

test('limits of virtual hosts are set, shown, in force and lifted', async () => {
  await broker.put('vhosts/lim')
  assert.equal((await broker.put('vhost-limits/lim/max-queues', { value: 1 })).status, 204)
  assert.deepEqual((await broker.get('vhost-limits/lim')).json, [{ vhost: 'lim', value: { 'max-queues': 1 } }])
  assert.equal((await broker.put('queues/lim/one')).status, 201)
  assert.match((await broker.put('queues/lim/two')).json.reason, /queue limit in vhost 'lim' \(1\) is reached/)
  assert.match((await broker.put('vhost-limits/lim/max-foo', { value: 1 })).json.reason, /Unrecognised terms/)
  assert.match((await broker.put('vhost-limits/lim/max-queues', { value: 'x' })).json.reason, /should be a number/)
  assert.equal((await broker.delete('vhost-limits/lim/max-queues')).status, 204)
  assert.deepEqual((await broker.get('vhost-limits')).json, [])
  await broker.delete('vhosts/lim')
})

test('definitions go out, come in, and change nothing when something is wrong', async () => {
  await broker.put('queues/%2F/kept', { durable: true })
  const exported = await broker.get('definitions?download=file.json')
  assert.match(exported.headers.get('content-disposition')!, /file\.json/)
  assert.equal(exported.json.rabbitmq_definition_format, 'cluster')
  await broker.delete('queues/%2F/kept')
  assert.equal((await broker.post('definitions', exported.text)).status, 204)
  assert.equal((await broker.get('queues/%2F/kept')).status, 200)
  const broken = { vhosts: [{ name: 'new' }], queues: [{ name: 'q', vhost: 'missing', durable: true }] }
  const refused = await broker.post('definitions', broken)
  assert.equal(refused.status, 400)
  assert.equal((await broker.get('vhosts/new')).status, 404)
  assert.equal((await broker.post('definitions', '{')).status, 400)
  const form = new FormData()
  form.set('file', new Blob([JSON.stringify({ vhosts: [{ name: 'formed' }] })]), 'defs.json')
  const headers = { authorization: `Basic ${btoa('guest:guest')}` }
  assert.equal((await fetch(`${broker.base}/api/definitions`, { method: 'POST', headers, body: form })).status, 204)
  assert.equal((await broker.get('vhosts/formed')).status, 200)
  const one = await broker.get('definitions/formed')
  assert.equal(one.json.rabbitmq_definition_format, 'single_virtual_host')
  assert.equal((await broker.get('definitions/none')).status, 404)
})

test('single objects, too, are cut to columns', async () => {
  await broker.put('vhosts/cut')
  for (const path of ['users/guest', 'vhosts/cut', 'whoami']) {
    assert.deepEqual(Object.keys((await broker.get(`${path}?columns=name`)).json), ['name'], path)
  }
  assert.equal((await broker.get('users/nobody?columns=name')).json.error, 'Object Not Found')
  await broker.delete('vhosts/cut')
})
