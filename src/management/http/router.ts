/**
 * Finds the endpoint for a path. Segments are cut before they are percent-decoded, so that names may contain `/`.
 *
 * A tree with one level per segment; a literal wins over a parameter. Built once, at start.
 */
import { badRequest } from './api-error.ts'

/** Verbs of the API. HEAD is answered as GET without its body, OPTIONS from the table. */
export type Method = 'GET' | 'PUT' | 'POST' | 'DELETE'

/** What is looked up. */
export interface Routable {
  readonly method: Method
  /** `/api/queues/:vhost/:name`. */
  readonly path: string
}

class Node<R> {
  readonly literals = new Map<string, Node<R>>()
  parameter: Node<R> | null = null
  readonly routes = new Map<Method, { readonly route: R; readonly names: readonly string[] }>()
}

/** A path that is known. */
export interface Found<R> {
  readonly methods: readonly Method[]
  readonly route: R | undefined
  readonly params: Readonly<Record<string, string>>
}

/** The endpoints by their paths. */
export class Router<R extends Routable> {
  readonly #root = new Node<R>()

  constructor(routes: Iterable<R>) {
    for (const route of routes) this.#add(route)
  }

  #add(route: R): void {
    let node = this.#root
    const names: string[] = []
    for (const segment of segmentsOf(route.path)) {
      if (segment.startsWith(':')) {
        names.push(segment.slice(1))
        node.parameter ??= new Node()
        node = node.parameter
      } else {
        const next: Node<R> = node.literals.get(segment) ?? new Node()
        node.literals.set(segment, next)
        node = next
      }
    }
    if (node.routes.has(route.method)) throw new Error(`${route.method} ${route.path} is there twice`)
    node.routes.set(route.method, { route, names })
  }

  /** Undefined when nothing has this path; a 400 when it is not well encoded. */
  find(method: string, path: string): Found<R> | undefined {
    const segments = segmentsOf(path)
    const values: string[] = []
    const node = this.#walk(this.#root, segments, 0, values)
    if (node === undefined) return undefined
    const methods = [...node.routes.keys()]
    const found = node.routes.get(method as Method) // Another method is simply not in the map.
    const params: Record<string, string> = {}
    found?.names.forEach((name, i) => {
      params[name] = decode(values[i]!)
    })
    return { methods, route: found?.route, params }
  }

  #walk(node: Node<R>, segments: readonly string[], at: number, values: string[]): Node<R> | undefined {
    if (at === segments.length) return node.routes.size > 0 ? node : undefined
    const segment = segments[at]!
    const literal = node.literals.get(segment)
    if (literal !== undefined) {
      const depth = values.length
      const found = this.#walk(literal, segments, at + 1, values)
      if (found !== undefined) return found
      values.length = depth
    }
    if (node.parameter === null) return undefined
    values.push(segment)
    const found = this.#walk(node.parameter, segments, at + 1, values)
    if (found === undefined) values.pop()
    return found
  }
}

/** A slash at the end makes no difference. */
function segmentsOf(path: string): string[] {
  const segments = path.split('/').slice(1)
  if (segments.length > 1 && segments.at(-1) === '') segments.pop()
  return segments
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment)
  } catch (error) {
    if (error instanceof URIError) throw badRequest(`'${segment}' is not percent-encoded UTF-8`)
    throw error
  }
}
