/**
 * What an endpoint of the HTTP API is: a path, who may call it, what it takes, what it does. Files in `api/` list them;
 * `api-server.ts` serves them; `openapi.ts` documents them.
 */
import type { IncomingHttpHeaders } from 'node:http'
import type { LoginSource } from '../../auth/identity.ts'
import type { Caller } from './access.ts'
import type { Method } from './router.ts'
import type { Infer, ObjectSchema, Schema } from './schema.ts'

/**
 * Who may call:
 * - `anyone`: no credentials needed
 * - `user`: any user that logs in
 * - `management`: has one of the tags management, policymaker, monitoring, administrator
 * - `vhost-visible`: may see the virtual host of the path (enters it, or sees all as a monitoring user)
 * - `vhost`: may enter the virtual host of the path
 * - `policymaker`: has that tag (or is administrator) and may enter the virtual host of the path
 * - `monitoring`, `administrator`: has that tag, or a stronger one
 */
export type Access =
  | 'anyone'
  | 'user'
  | 'management'
  | 'vhost-visible'
  | 'vhost'
  | 'policymaker'
  | 'monitoring'
  | 'administrator'

/** A request whose path, caller and body have been checked. */
export interface ApiRequest<B = unknown> {
  readonly method: Method
  /** Decoded parts of the path. A part that the path does not have is a bug: `param` throws. */
  param(name: string): string
  readonly query: URLSearchParams
  /** What the body's schema makes of the body; undefined for endpoints without one. */
  readonly body: B
  readonly caller: Caller
  header(name: string): string | undefined
  readonly headers: IncomingHttpHeaders
  /** It came over TLS, to us or to a proxy in front of us. */
  readonly isEncrypted: boolean
  /** Where it comes from, for authenticators. */
  readonly source: LoginSource
}

/** A body of a reply that is written piece by piece. */
export type ReplyStream = AsyncIterable<string>

/** A reply. `json`, `text` and `bytes` exclude each other. */
export interface Reply {
  readonly status: number
  readonly json?: unknown
  readonly text?: string | ReplyStream
  /** The text never ends: each piece leaves as it comes. */
  readonly isLive?: boolean
  /** Sent as they are: a file, whose headers say how to keep it. */
  readonly bytes?: Uint8Array
  readonly contentType?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Done once the reply has been sent. */
  readonly after?: () => void
}

/** An endpoint, whatever its body. */
export interface Endpoint {
  readonly method: Method
  readonly path: string
  readonly access: Access
  /** One sentence for the documentation. */
  readonly summary: string
  readonly tag: string
  /** Query parameters of its own, by name; those of lists are added with `isList`. */
  readonly query?: Readonly<Record<string, string>>
  readonly isList?: boolean
  readonly body?: Schema
  /** The body may be left out: it is an empty object then. */
  readonly bodyOptional?: boolean
  /** The body is not JSON: handed on as text. */
  readonly rawBody?: boolean
  /** False: it changes something, and yet is no matter of administration (publishing, fetching messages). */
  readonly isAudited?: boolean
  readonly handle: (request: ApiRequest<never>) => Reply | Promise<Reply>
}

/** An endpoint without a body of its own. */
export interface PlainEndpoint extends Omit<Endpoint, 'handle' | 'body' | 'rawBody'> {
  readonly handle: (request: ApiRequest<undefined>) => Reply | Promise<Reply>
}

/** An endpoint whose body has a schema. */
export interface BodyEndpoint<S extends Schema> extends Omit<Endpoint, 'handle' | 'body' | 'rawBody'> {
  readonly body: S
  readonly handle: (request: ApiRequest<Infer<S>>) => Reply | Promise<Reply>
}

/** Makes an endpoint without a body. */
export function plain(endpoint: PlainEndpoint): Endpoint {
  return endpoint
}

/** Makes an endpoint with a body; its type comes from the schema. */
export function withBody<const S extends Schema>(endpoint: BodyEndpoint<S>): Endpoint {
  return endpoint
}

/** Makes an endpoint whose body is read as text. */
export function withText(
  endpoint: Omit<Endpoint, 'handle' | 'body' | 'rawBody'> & {
    readonly handle: (request: ApiRequest<string>) => Reply | Promise<Reply>
  },
): Endpoint {
  return { ...endpoint, rawBody: true }
}

/** The schema of an object without declared properties. */
export const ANY_OBJECT = { type: 'object', additionalProperties: true } as const satisfies ObjectSchema

/** 200 with JSON. */
export function ok(json: unknown): Reply {
  return { status: 200, json }
}

/** 204. */
export const NO_CONTENT: Reply = { status: 204 }

/** 201 when something was made, 204 when it was there. */
export function createdOr204(created: boolean): Reply {
  return { status: created ? 201 : 204 }
}
