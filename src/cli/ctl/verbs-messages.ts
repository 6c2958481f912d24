/** Verbs of `warren ctl` on the messages of a queue, which RabbitMQ's tool does not have. */
import { CtlError, type Row } from './ctl-client.ts'
import { type CtlCall, type Outcome, SILENT, type Verb } from './verb.ts'

const COLUMNS = ['position', 'exchange', 'routing_key', 'redelivered', 'payload_bytes', 'payload']
const PAYLOAD_BYTES = 200

/** The verbs of this file. */
export const MESSAGE_VERBS: readonly Verb[] = [
  {
    name: 'browse_queue',
    usage: '<queue> [position]',
    summary: 'Shows messages and leaves them where they are (--count, --filter).',
    banner: ({ args, options }) => `Browsing queue '${args[0]}' in vhost '${options.vhost}' ...`,
    run: async (call) => {
      const position = call.args[1] === undefined ? {} : { position: call.args[1] }
      const reply = await post(call, 'browse', { ...position, truncate: PAYLOAD_BYTES })
      return { kind: 'rows', columns: COLUMNS, rows: reply.messages as readonly Row[] }
    },
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
    name: 'redrive_dead_letters',
    usage: '<queue>',
    summary: 'Moves dead letters back to the queues where they died (--count, --filter, --dry-run).',
    banner: ({ args, options }) => `Redriving dead letters of queue '${args[0]}' in vhost '${options.vhost}' ...`,
    run: async (call) => ({ kind: 'object', value: await post(call, 'redrive', {}) }),
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
      return { kind: 'object', value: await post(call, 'delete', {}) }
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

async function relocate(call: CtlCall, operation: 'move' | 'copy'): Promise<Outcome> {
  const { exchange, routingKey } = call.options
  const [, queue] = call.args
  if (queue === undefined && exchange === undefined) throw new CtlError('a queue or --exchange says where to')
  const to = {
    ...(queue !== undefined && { queue }),
    ...(exchange !== undefined && { exchange }),
    ...(routingKey !== undefined && { routing_key: routingKey }),
  }
  return { kind: 'object', value: await post(call, operation, to) }
}

async function post({ client, args, options }: CtlCall, operation: string, body: object): Promise<Row> {
  const { count, filter, dryRun } = options
  const selection = {
    ...body,
    ...(count !== undefined && { limit: count }),
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
