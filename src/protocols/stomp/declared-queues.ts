/**
 * The queues that a connection declared for its `/queue/` destinations: each once, with the headers of the frame that
 * named it first. [RabbitMQ: STOMP destinations]
 */
import type { Permission, ResourceKind } from '../../model/access/authorization.ts'
import type { Arguments } from '../../model/values/arguments.ts'
import { stringArgument } from '../../model/values/arguments.ts'
import { exchangeText, queueText } from '../../model/verbs/refusals.ts'
import type { QueueDeclaration } from '../../model/verbs/requests.ts'
import { refusalError } from './errors.ts'
import { booleanHeader, queueArguments } from './queue-arguments.ts'
import type { Session } from './world.ts'

/** Names remembered; more, and they are declared again, which changes nothing. */
const NAMES_MAX = 16_384

/** Called once: with what went wrong, or undefined. */
export type Done = (error: Error | undefined) => void

/** Declares a queue with the checks of permission that RabbitMQ makes. */
export function declareQueue(session: Session, declaration: QueueDeclaration, done: Done): void {
  const { vhost, actor } = session
  const { name } = declaration
  if (name !== '') check(session, 'configure', 'queue', name)
  checkDeadLetters(session, name, declaration.arguments)
  vhost.declareQueue(declaration, actor, ({ refusal }) => done(refusal === null ? undefined : refusalError(refusal)))
}

/** A queue with dead letters reads from itself and writes to their exchange. */
function checkDeadLetters(session: Session, name: string, args: Arguments): void {
  const exchange = stringArgument(args, 'x-dead-letter-exchange')
  if (exchange === undefined) return
  if (name !== '') check(session, 'read', 'queue', name)
  check(session, 'write', 'exchange', exchange)
}

/** Throws unless the user has a permission. */
export function check(session: Session, kind: Permission, resource: ResourceKind, name: string): void {
  const { permissions, identity, vhost } = session
  const may =
    kind === 'configure'
      ? permissions.canConfigure(resource, name)
      : kind === 'write'
        ? permissions.canWrite(resource, name)
        : permissions.canRead(resource, name)
  if (may) return
  const object = resource === 'queue' ? queueText(vhost.name, name) : exchangeText(vhost.name, name)
  throw refusalError({
    code: 'access-refused',
    text: `${kind} access to ${object} refused for user '${identity.user}'`,
  })
}

/** One per connection. */
export class DeclaredQueues {
  readonly #session: Session
  readonly #names = new Set<string>()

  constructor(session: Session) {
    this.#session = session
  }

  has(name: string): boolean {
    return this.#names.has(name)
  }

  /** Declares a durable queue, unless the headers ask for another. May throw, before it returns, what `done` would get. */
  declare(name: string, headers: ReadonlyMap<string, string>, done: Done, byAlias = false): void {
    const durable = booleanHeader(headers, 'durable', !byAlias || booleanHeader(headers, 'persistent', true))
    const declaration = {
      name,
      durable,
      exclusive: booleanHeader(headers, 'exclusive', false),
      autoDelete: booleanHeader(headers, 'auto-delete', false),
      arguments: queueArguments(headers),
    }
    declareQueue(this.#session, declaration, (error) => {
      if (error === undefined) this.#remember(name)
      done(error)
    })
  }

  #remember(name: string): void {
    if (this.#names.size >= NAMES_MAX) this.#names.clear()
    this.#names.add(name)
  }
}
