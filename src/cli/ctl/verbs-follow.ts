/** Verbs of `warren ctl` that go on showing what happens: the log, and events. Without --duration until they are interrupted. */
import { pause } from './await.ts'
import { CtlError, type Row } from './ctl-client.ts'
import { type CtlCall, SILENT, type Verb } from './verb.ts'

const ASK_EVERY_MS = 250
const LINES_MAX = 1_000
const EVENT_EXCHANGE = 'amq.rabbitmq.event'
/** The queue of a follower that was interrupted goes after this time. */
const QUEUE_EXPIRES_MS = 60_000

/** The verbs of this file. */
export const FOLLOW_VERBS: readonly Verb[] = [
  {
    name: 'log_tail',
    usage: '[count]',
    summary: 'Shows the newest lines of the log (--number).',
    run: async ({ client, args, options }) => {
      const count = String(args[0] ?? options.count ?? 50)
      const lines = (await client.get(['warren', 'log'], { count })) as readonly string[]
      return { kind: 'raw', text: lines.map(asLine).join('') }
    },
  },
  {
    name: 'log_tail_stream',
    usage: '',
    summary: 'Shows what is written to the log from now on (--duration).',
    banner: () => 'Streaming logs ...',
    run: async (call) => {
      let seen = await linesOf(call)
      await following(call, async () => {
        const lines = await linesOf(call)
        for (const line of newLines(seen, lines)) call.print(asLine(line))
        seen = lines
      })
      return SILENT
    },
  },
  {
    name: 'consume_event_stream',
    usage: '',
    summary: 'Shows events of the node as lines of JSON (--duration, --pattern of their names).',
    run: showEvents,
  },
]

async function following({ options }: CtlCall, step: () => Promise<void>): Promise<void> {
  const untilMs = options.duration === undefined ? Number.POSITIVE_INFINITY : options.duration * 1_000
  for (let passedMs = 0; passedMs < untilMs; passedMs += ASK_EVERY_MS) {
    await pause(ASK_EVERY_MS)
    await step()
  }
}

async function linesOf({ client }: CtlCall): Promise<readonly string[]> {
  return (await client.get(['warren', 'log'], { count: String(LINES_MAX) })) as readonly string[]
}

/** The end of `lines` that `seen` does not have: both are windows on one log, the latter a later one. */
export function newLines(seen: readonly string[], lines: readonly string[]): readonly string[] {
  for (let from = 0; from <= seen.length; from++) {
    const overlap = seen.length - from
    if (overlap <= lines.length && isBeginning(seen, from, lines)) return lines.slice(overlap)
  }
  return lines
}

function isBeginning(seen: readonly string[], from: number, lines: readonly string[]): boolean {
  for (let i = from; i < seen.length; i++) if (seen[i] !== lines[i - from]) return false
  return true
}

function asLine(text: string): string {
  return `${text.trimEnd()}\n`
}

async function showEvents(call: CtlCall): Promise<typeof SILENT> {
  const { client, options } = call
  const pattern = patternOf(options.pattern)
  const queue = `warren.events-${process.pid}`
  const body = { durable: false, auto_delete: false, arguments: { 'x-expires': QUEUE_EXPIRES_MS } }
  await client.put(['queues', options.vhost, queue], body)
  try {
    await client.post(['bindings', options.vhost, 'e', EVENT_EXCHANGE, 'q', queue], { routing_key: '#' })
    await following(call, async () => {
      const request = { count: LINES_MAX, ackmode: 'ack_requeue_false', encoding: 'auto' }
      const events = (await client.post(['queues', options.vhost, queue, 'get'], request)) as readonly Row[]
      for (const event of events) {
        const name = String(event.routing_key)
        if (pattern.test(name)) call.print(`${JSON.stringify({ event: name, ...headersOf(event) })}\n`)
      }
    })
  } finally {
    await client.delete(['queues', options.vhost, queue])
  }
  return SILENT
}

function headersOf(event: Row): object {
  const { headers } = event.properties as { readonly headers?: object } // As the HTTP API shows messages.
  return headers ?? {}
}

function patternOf(text = ''): RegExp {
  try {
    return new RegExp(text, 'u')
  } catch (error) {
    if (error instanceof SyntaxError) throw new CtlError(`--pattern: ${error.message}`)
    throw error
  }
}
