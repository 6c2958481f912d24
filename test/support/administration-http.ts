// Administration through RabbitMQ's HTTP API. [management HTTP API reference]
import {
  type Administration,
  AdministrationError,
  type PermissionSpec,
  type PolicySpec,
  type TopicPermissionSpec,
} from './administration.ts'

/** Talks to `base` (http://host:port) with basic authentication. */
export function httpAdministration(base: string, user: string, password: string): Administration {
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`

  async function request(method: string, path: readonly string[], body?: unknown): Promise<void> {
    const response = await fetch(`${base}/api/${path.map(encodeURIComponent).join('/')}`, {
      method,
      headers: { authorization, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    if (response.ok || (method === 'DELETE' && response.status === 404)) return
    throw new AdministrationError(`${method} /${path.join('/')} was answered ${response.status}: ${text}`)
  }

  function policyBody(spec: PolicySpec): unknown {
    return {
      pattern: spec.pattern,
      definition: spec.definition,
      priority: spec.priority ?? 0,
      'apply-to': spec.applyTo ?? 'all',
    }
  }

  return {
    declareVhost: (vhost) => request('PUT', ['vhosts', vhost]),
    deleteVhost: (vhost) => request('DELETE', ['vhosts', vhost]),
    declareUser: (name, secret, tags = []) =>
      request('PUT', ['users', name], { password: secret, tags: tags.join(',') }),
    deleteUser: (name) => request('DELETE', ['users', name]),
    setPermissions: (vhost, name, spec: PermissionSpec) => request('PUT', ['permissions', vhost, name], spec),
    clearPermissions: (vhost, name) => request('DELETE', ['permissions', vhost, name]),
    setTopicPermissions: (vhost, name, spec: TopicPermissionSpec) =>
      request('PUT', ['topic-permissions', vhost, name], spec),
    setPolicy: (vhost, name, spec) => request('PUT', ['policies', vhost, name], policyBody(spec)),
    deletePolicy: (vhost, name) => request('DELETE', ['policies', vhost, name]),
    setOperatorPolicy: (vhost, name, spec) => request('PUT', ['operator-policies', vhost, name], policyBody(spec)),
    deleteOperatorPolicy: (vhost, name) => request('DELETE', ['operator-policies', vhost, name]),
    setVhostLimit: (vhost, limit, value) => request('PUT', ['vhost-limits', vhost, limit], { value }),
    setUserLimit: (name, limit, value) => request('PUT', ['user-limits', name, limit], { value }),
  }
}
