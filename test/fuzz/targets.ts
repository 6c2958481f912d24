// The codecs that are fuzzed, by name. Loaded when asked for: some start a broker.
import { SeededRandomness } from '../../src/base/random.ts'
import type { FuzzTarget } from './fuzz-target.ts'

/** What the seeds of every run are made of: the same each time. */
const seeds = () => new SeededRandomness(1)

/** Makes a target. */
export type MakeTarget = () => Promise<FuzzTarget>

/** All of them. */
export const CODECS: Readonly<Record<string, MakeTarget>> = {
  amqp091: async () => (await import('./targets/amqp091.ts')).amqp091Target(seeds()),
  'amqp091-table': async () => (await import('./targets/amqp091-table.ts')).amqp091TableTarget(seeds()),
  mqtt: async () => (await import('./targets/mqtt.ts')).mqttTarget(seeds()),
  stomp: async () => (await import('./targets/stomp.ts')).stompTarget(seeds()),
  http: async () => (await import('./targets/http.ts')).httpTarget(seeds()),
  definitions: async () => (await import('./targets/definitions.ts')).definitionsTarget(seeds()),
  conf: async () => (await import('./targets/conf.ts')).confTarget(seeds()),
  jwt: async () => (await import('./targets/jwt.ts')).jwtTarget(seeds()),
  proxy: async () => (await import('./targets/proxy.ts')).proxyTarget(seeds()),
}
