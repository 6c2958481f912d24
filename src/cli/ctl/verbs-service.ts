/** Verbs of `warren ctl` on whether the node serves clients: its ports, maintenance, stopping and resetting without a restart. */
import type { Row } from './ctl-client.ts'
import { type CtlCall, SILENT, UsageError, type Verb } from './verb.ts'

/** The verbs of this file. */
export const SERVICE_VERBS: readonly Verb[] = [
  service(
    'suspend_listeners',
    'suspended',
    'Closes the ports of clients; connections go on.',
    'Will suspend client connection listeners. The node will no longer accept client connections!',
  ),
  service(
    'resume_listeners',
    'running',
    'Opens the ports of clients again.',
    'Will resume client connection listeners. The node will now accept client connections',
  ),
  service(
    'drain',
    'drained',
    'Puts the node into maintenance: closes ports and connections of clients.',
    'Will put the node into maintenance mode. The node will no longer serve any client traffic!',
  ),
  service(
    'revive',
    'running',
    'Ends the maintenance.',
    'Will resume all client connection listeners. The node will now serve client traffic',
  ),
  service(
    'stop_app',
    'stopped',
    'Closes ports and connections of clients; the process and its HTTP API stay.',
    'Stopping rabbit application ...',
  ),
  service('start_app', 'running', 'Serves clients again.', 'Starting node ...'),
  reset('reset'),
  reset('force_reset'),
]

function service(name: string, state: string, summary: string, banner: string): Verb {
  return {
    name,
    usage: '',
    summary,
    banner: () => banner,
    run: async ({ client, options }) => {
      if (!options.dryRun) await client.put(['warren', 'service'], { state })
      return SILENT
    },
  }
}

function reset(name: string): Verb {
  return {
    name,
    usage: '',
    summary: 'Deletes everything in a stopped node (stop_app): virtual hosts, users, messages. It begins anew.',
    banner: () => 'Resetting node ...',
    run: async (call) => {
      if ((await stateOf(call)) !== 'stopped') {
        throw new UsageError('this command needs the broker to be stopped; stop it with stop_app')
      }
      await call.client.post(['warren', 'reset'], {})
      return SILENT
    },
  }
}

async function stateOf({ client }: CtlCall): Promise<unknown> {
  return ((await client.get(['warren', 'status'])) as Row).service
}
