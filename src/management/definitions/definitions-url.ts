/**
 * Definitions from an address, at boot. One answer, bounded in time and size; certificates are checked against those that
 * Node.js trusts (`NODE_EXTRA_CA_CERTS` adds to them). [RabbitMQ: definitions.import_backend = https]
 */
import type { DefinitionsFile } from './definitions-files.ts'

const ANSWER_MS_MAX = 60_000
const BYTES_MAX = 256 * 2 ** 20

/** Reads the definitions at an address. Rejects with a sentence when there are none. */
export async function readDefinitionsUrl(address: string): Promise<DefinitionsFile> {
  const where = `definitions at ${withoutSecrets(address)}`
  let response: Response
  try {
    response = await fetch(plain(address), {
      headers: { accept: 'application/json', ...loginOf(address) },
      signal: AbortSignal.timeout(ANSWER_MS_MAX),
    })
  } catch (error) {
    throw new Error(`${where} cannot be read: ${reasonOf(error)}`, { cause: error })
  }
  if (!response.ok) throw new Error(`${where} cannot be read: the server answered with status ${response.status}`)
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of response.body ?? []) {
    bytes += part.byteLength
    if (bytes > BYTES_MAX) throw new Error(`${where} are larger than ${BYTES_MAX} bytes`)
    parts.push(part)
  }
  return { path: withoutSecrets(address), text: Buffer.concat(parts, bytes).toString('utf8') }
}

/** Connection errors are in the cause of what `fetch` throws. */
function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? error.cause.message : error.message
}

/** The address as it is asked: user and password go into a header. */
function plain(address: string): URL {
  const url = new URL(address)
  url.username = ''
  url.password = ''
  return url
}

function loginOf(address: string): Record<string, string> {
  const { username, password } = new URL(address)
  if (username === '') return {}
  const text = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`
  return { authorization: `Basic ${Buffer.from(text).toString('base64')}` }
}

/** For messages: a query may have a token in it. */
function withoutSecrets(address: string): string {
  const url = plain(address)
  url.search = ''
  return url.href
}
