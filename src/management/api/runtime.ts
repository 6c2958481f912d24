/**
 * `/api/warren/runtime` and `/api/warren/resolve`: what the process is made of and how it sees its machine, for the facts that
 * rabbitmq-diagnostics tells. Values that may be secrets are hidden.
 */
import { getCiphers, getHashes } from 'node:crypto'
import dns from 'node:dns'
import os from 'node:os'
import { performance } from 'node:perf_hooks'
import { processEnvironment } from '../../config/environment.ts'
import { cipherSuites, tlsVersions } from '../../net/tls-support.ts'
import { badRequest } from '../http/api-error.ts'
import { type Endpoint, ok, plain } from '../http/endpoint.ts'

const TAG = 'WarrenMQ'
const HIDDEN = '[hidden]'
const SECRET = /pass|secret|token|cookie|credential|private|(^|[._-])key$/i
const OURS = /^(WARREN|RABBITMQ)_/

/** The endpoints of this file. */
export function runtimeEndpoints(): Endpoint[] {
  return [
    plain({
      method: 'GET',
      path: '/api/warren/runtime',
      access: 'administrator',
      tag: TAG,
      summary: 'The process and its machine: arguments, environment, network interfaces, ciphers, load.',
      handle: () =>
        ok({
          command_line_arguments: [process.execPath, ...process.execArgv, ...process.argv.slice(1)].map(withoutSecret),
          environment: environment(),
          network_interfaces: networkInterfaces(),
          resolver: { servers: dns.getServers(), order: dns.getDefaultResultOrder() },
          tls_versions: tlsVersions(),
          cipher_suites: cipherSuites(),
          ciphers: getCiphers(),
          hashes: getHashes(),
          load: load(),
        }),
    }),
    plain({
      method: 'GET',
      path: '/api/warren/resolve/:host',
      access: 'administrator',
      tag: TAG,
      query: { family: '`ipv4` or `ipv6`; ipv4 unless given.' },
      summary: 'The addresses that a host name has for the node.',
      handle: async (request) => {
        const family = request.query.get('family') ?? 'ipv4'
        if (family !== 'ipv4' && family !== 'ipv6') throw badRequest('family is ipv4 or ipv6')
        return ok(await addressesOf(request.param('host'), family === 'ipv4' ? 4 : 6))
      },
    }),
  ]
}

async function addressesOf(host: string, family: 4 | 6): Promise<string[]> {
  try {
    const found = await dns.promises.lookup(host, { family, all: true })
    return [...new Set(found.map(({ address }) => address))]
  } catch (error) {
    throw badRequest(`${host} cannot be resolved: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** `--set default_pass=x` keeps its key alone. */
function withoutSecret(argument: string): string {
  const [name = ''] = argument.split('=', 1)
  return argument.includes('=') && SECRET.test(name) ? `${name}=${HIDDEN}` : withoutLogin(argument)
}

/** `https://user:password@host` keeps its host. */
function withoutLogin(text: string): string {
  return text.replaceAll(/:\/\/[^/@\s]*@/g, `://${HIDDEN}@`)
}

function environment(): Record<string, string> {
  const shown: Record<string, string> = {}
  for (const [name, value] of Object.entries(processEnvironment())) {
    if (OURS.test(name) && value !== undefined) shown[name] = SECRET.test(name) ? HIDDEN : withoutLogin(value)
  }
  return shown
}

function networkInterfaces(): object[] {
  return Object.entries(os.networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.map(({ address, netmask, mac, internal }) => ({ name, address, netmask, mac, internal })),
  )
}

/** Since the start, in ms; two readings give the share of a time. */
function load(): object {
  const { idle, active } = performance.eventLoopUtilization()
  const { user, system } = process.cpuUsage()
  return { event_loop_idle_ms: idle, event_loop_active_ms: active, user_ms: user / 1e3, system_ms: system / 1e3 }
}
