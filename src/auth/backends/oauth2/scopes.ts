/**
 * Scopes of a token: what they grant. Pure. [RabbitMQ: rabbitmq_auth_backend_oauth2]
 *
 *   configure:<vhost>/<name>    write:<vhost>/<name>[/<routing key>]    read:…    tag:<tag>
 *
 * Each part is a pattern: `*` stands for anything, everything else is percent-encoded (`%2F` is the virtual host `/`,
 * `%2A` a star). With the syntax `regexpr` each part is a regular expression instead. `{vhost}`, `{username}`,
 * `{client_id}` and string claims of the token stand for their values.
 */
import type { AccessQuestion, Permission } from '../../../model/access/authorization.ts'
import { compilePattern, escapePattern } from '../../../model/values/pattern.ts'

/** Scopes of one token at most; more are ignored. */
const GRANTS_MAX = 1024
const PERMISSIONS: readonly string[] = ['configure', 'write', 'read']

/** How parts of scopes are matched. */
export type PatternSyntax = 'wildcard' | 'regexpr'

/** Values of variables in scopes. */
export type ScopeVariables = Readonly<Record<string, string>>

interface Grant {
  readonly permission: Permission
  readonly vhost: string
  readonly name: string
  readonly routingKey: string
}

/** What all scopes of a token grant together. */
export class ScopeGrants {
  readonly tags: readonly string[]
  readonly #grants: readonly Grant[]
  readonly #syntax: PatternSyntax
  readonly #variables: ScopeVariables

  /** `scopes` have lost their prefix. What is no scope of this form is ignored. */
  constructor(scopes: readonly string[], syntax: PatternSyntax, variables: ScopeVariables) {
    const grants: Grant[] = []
    const tags = new Set<string>()
    for (const scope of scopes.slice(0, GRANTS_MAX)) {
      if (scope.startsWith('tag:')) tags.add(scope.slice('tag:'.length))
      else {
        const grant = parseGrant(scope)
        if (grant !== undefined) grants.push(grant)
      }
    }
    this.tags = [...tags]
    this.#grants = grants
    this.#syntax = syntax
    this.#variables = variables
  }

  /** Whether any scope grants what is asked. */
  allows(question: AccessQuestion): boolean {
    const { vhost, clientId } = question
    const variables = { ...this.#variables, vhost, ...(clientId !== undefined && { client_id: clientId }) }
    const matches = (subject: string, pattern: string): boolean => this.#matches(subject, pattern, variables)
    return this.#grants.some((grant) => {
      if (question.on === 'vhost') return matches(vhost, grant.vhost)
      if (grant.permission !== question.permission) return false
      if (!matches(vhost, grant.vhost) || !matches(question.name, grant.name)) return false
      return question.on !== 'topic' || matches(question.routingKey, grant.routingKey)
    })
  }

  #matches(subject: string, pattern: string, variables: ScopeVariables): boolean {
    if (this.#syntax === 'wildcard') return matchesWildcard(subject, expand(pattern, variables, encode))
    const expression = compilePattern(`^(?:${expand(decode(pattern), variables, escapePattern)})$`)
    return expression?.test(subject) ?? false
  }
}

/** Whether a pattern with stars matches a name. Takes time in proportion to both, whatever the pattern. */
export function matchesWildcard(subject: string, pattern: string): boolean {
  const pieces = pattern.split('*').map(decode)
  const first = pieces[0]!
  if (pieces.length === 1) return subject === first
  const last = pieces.at(-1)!
  if (subject.length < first.length + last.length || !subject.startsWith(first) || !subject.endsWith(last)) return false
  const end = subject.length - last.length
  let at = first.length
  for (const piece of pieces.slice(1, -1)) {
    const found = subject.indexOf(piece, at)
    if (found < 0 || found + piece.length > end) return false
    at = found + piece.length
  }
  return true
}

function parseGrant(scope: string): Grant | undefined {
  const colon = scope.indexOf(':')
  const permission = scope.slice(0, colon)
  const [vhost, name, routingKey = '*', ...rest] = scope.slice(colon + 1).split('/')
  if (colon < 0 || !PERMISSIONS.includes(permission)) return undefined
  if (vhost === undefined || name === undefined || rest.length > 0) return undefined
  // Checked above.
  return { permission: permission as Permission, vhost, name, routingKey }
}

function expand(pattern: string, variables: ScopeVariables, quote: (value: string) => string): string {
  if (!pattern.includes('{')) return pattern
  return pattern.replaceAll(/\{(\w+)\}/g, (whole, name: string) =>
    Object.hasOwn(variables, name) ? quote(variables[name]!) : whole,
  )
}

/** Percent-encoded; half a character, which cannot be, becomes the sign for that. */
function encode(text: string): string {
  return encodeURIComponent(text.replaceAll(/\p{Surrogate}/gu, '\ufffd'))
}

/** Percent-decoded; what is not well encoded stands for itself. */
function decode(text: string): string {
  if (!text.includes('%')) return text
  try {
    return decodeURIComponent(text)
  } catch {
    // Not an encoding after all: a name with a percent sign.
    return text
  }
}
