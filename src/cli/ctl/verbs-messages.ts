/** Verbs of `warren ctl` on the messages of a queue, which RabbitMQ's tool does not have. */
import { CtlError, type Row } from './ctl-client.ts'
import { type CtlCall, type Outcome, SILENT, type Verb } from './verb.ts'

const COLUMNS = ['position', 'exchange', 'routing_key', 'redelivered', 'payload_bytes', 'payload']
const PAYLOAD_BYTES = 200
const BROWSE_COUNT = 50
const BROWSE_PAGE = 1_000

/** The verbs of this file. */
export const MESSAGE_VERBS: readonly Verb[] = [
  {
    name: 'browse_queue',
    usage: '<queue> [position]',
    summary: 'Shows messages and leaves them where they are (--count, --filter).',
    banner: ({ args, options }) => `Browsing queue '${args[0]}' in vhost '${options.vhost}' ...`,
    run: async (call) => ({ kind: 'rows', columns: COLUMNS, rows: await browse(call) }),
  },
  {
    name: 'move_messages',
    usage: '<queue> [destination]',
    summary: 'Moves messages to a queue, or through --exchange (--routing-key, --count, --filter, --dry-run).',
    banner: ({ args, options }) => `Moving messages of queue '${args[0]}' in vhost '${options.vhost}' ...`,
    run: (call) => relocate(call, 'move'),
  },
  {
    name: 'copy_messages',
    usage: '<queue> [destination]',
    summary: 'Copies messages to a queue, or through --exchange (--routing-key, --count, --filter, --dry-run).',
    banner: ({ args, options }) => `Copying messages of queue '${args[0]}' in vhost '${options.vhost}' ...`,
    run: (call) => relocate(call, 'copy'),
  },
  {
    name: 'republish_messages',
    usage: '<queue>',
    summary: 'Publishes messages again the way they came, and takes them out (--count, --filter, --dry-run).',
    banner: ({ args, options }) => `Republishing messages of queue '${args[0]}' in vhost '${options.vhost}' ...`,
    run: async (call) => ({ kind: 'object', value: await operate(call, 'move', {}) }),
  },
  {
    name: 'redrive_dead_letters',
    usage: '<queue>',
    summary: 'Moves dead letters back to the queues where they died (--count, --filter, --dry-run).',
    banner: ({ args, options }) => `Redriving dead letters of queue '${args[0]}' in vhost '${options.vhost}' ...`,
    run: async (call) => ({ kind: 'object', value: await operate(call, 'redrive', {}) }),
  },
  {
    name: 'delete_messages',
    usage: '<queue>',
    summary: 'Deletes messages: --filter, --count, or both (--dry-run).',
    banner: ({ args, options }) => `Deleting messages of queue '${args[0]}' in vhost '${options.vhost}' ...`,
    run: async (call) => {
      if (call.options.filter === undefined && call.options.count === undefined) {
        throw new CtlError('--filter or --count says which; purge_queue deletes all')
      }
      return { kind: 'object', value: await operate(call, 'delete', {}) }
    },
  },
  {
    name: 'pause_queue',
    usage: '<queue>',
    summary: 'Stops the delivery to consumers, until resume_queue or the next start.',
    banner: ({ args, options }) => `Pausing queue '${args[0]}' in vhost '${options.vhost}' ...`,
    run: async ({ client, args, options }) => {
      await client.put(['warren', 'queues', options.vhost, args[0]!, 'pause'], {})
      return SILENT
    },
  },
  {
    name: 'resume_queue',
    usage: '<queue>',
    summary: 'Resumes the delivery to consumers.',
    banner: ({ args, options }) => `Resuming queue '${args[0]}' in vhost '${options.vhost}' ...`,
    run: async ({ client, args, options }) => {
      await client.delete(['warren', 'queues', options.vhost, args[0]!, 'pause'])
      return SILENT
    },
  },
]

/** Page by page, until so many are there: the broker shows a bounded number at a time. */
async function browse(call: CtlCall): Promise<Row[]> {
  const wanted = call.options.count ?? BROWSE_COUNT
  const rows: Row[] = []
  let position: unknown = call.args[1] === undefined ? undefined : Number(call.args[1])
  while (rows.length < wanted) {
    const limit = Math.min(wanted - rows.length, BROWSE_PAGE)
    const page = { ...(position === undefined ? {} : { position }), truncate: PAYLOAD_BYTES, limit }
    const { messages, next_position: next } = await operate(call, 'browse', page)
    rows.push(...(messages as readonly Row[])) // As this endpoint answers.
    if (next === null) break
    position = next
  }
  return rows
}

async function relocate(call: CtlCall, operation: 'move' | 'copy'): Promise<Outcome> {
  const { exchange, routingKey } = call.options
  const [, queue] = call.args
  if (queue === undefined && exchange === undefined) throw new CtlError('a queue or --exchange says where to')
  const to = {
    ...(queue !== undefined && { queue }),
    ...(exchange !== undefined && { exchange }),
    ...(routingKey !== undefined && { routing_key: routingKey }),
  }
  return { kind: 'object', value: await operate(call, operation, to) }
}

/** Asks for an operation on the messages that the options pick. */
export async function operate({ client, args, options }: CtlCall, operation: string, body: object): Promise<Row> {
  const { count, filter, dryRun } = options
  const selection = {
    ...(count !== undefined && { limit: count }),
    ...body,
    ...(filter !== undefined && { filter: filterOf(filter) }),
    ...(dryRun && { dry_run: true }),
  }
  // Every one of these endpoints answers with an object.
  return (await client.post(['warren', 'queues', options.vhost, args[0]!, operation], selection)) as Row
}

function filterOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) throw new CtlError(`--filter is not JSON: ${error.message}`)
    throw error
  }
}
