// The settings in force over the HTTP API: what was set, what is at its default, what a reload changed; never a secret.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settingsWith } from '../../src/config/build-settings.ts'
import { ManagedBroker } from './managed-broker.ts'

interface Listed {
  readonly key: string
  readonly value: string
  readonly default: string
  readonly origin: string
}

test('the settings in force are listed with their origin, and without secrets', async () => {
  const broker = await ManagedBroker.start({
    heartbeat: '17',
    default_pass: 'hush-hush',
    'default_users.eve.password': 'hush-hush',
  })
  try {
    const credentials = ['guest', 'hush-hush'] as const
    const reply = await broker.get('config/effective', credentials)
    assert.equal(reply.status, 200)
    const list = async (): Promise<ReadonlyMap<string, Listed>> => {
      const { json } = await broker.get('config/effective', credentials)
      return new Map((json as Listed[]).map((each) => [each.key, each]))
    }
    const listed = await list()
    assert.deepEqual(
      [listed.get('heartbeat')?.value, listed.get('heartbeat')?.default, listed.get('heartbeat')?.origin],
      ['17', '60', 'settings'],
    )
    assert.deepEqual([listed.get('frame_max')?.value, listed.get('frame_max')?.origin], ['131072', 'default'])
    assert.equal(listed.get('default_users.eve.password')?.value, '********')
    assert.equal(reply.text.includes('hush-hush'), false)
    broker.booted.reload?.(settingsWith({ heartbeat: '18' }))
    assert.equal((await list()).get('heartbeat')?.value, '18')
  } finally {
    await broker.stop()
  }
})
