/** Verbs of `warren ctl` on users, permissions and limits of users. */
import { USER_LIMITS } from '../../model/limits/limits.ts'
import { CtlError, type Row } from './ctl-client.ts'
import { EXIT_DATA, EXIT_SOFTWARE, EXIT_UNAVAILABLE } from './exit-codes.ts'
import { type CtlCall, SILENT, table, text, type Verb } from './verb.ts'

/** The verbs of this file. */
export const USER_VERBS: readonly Verb[] = [
  {
    name: 'add_user',
    usage: '<username> [password]',
    summary: 'Creates a user; the password is read from standard input when it is left out.',
    banner: ({ args }) => `Adding user "${args[0]}" ...`,
    run: async (call) => {
      const user = call.args[0]!
      if (await exists(call, user)) throw new CtlError(`User "${user}" already exists`, 0, EXIT_SOFTWARE)
      const password = await passwordOf(call)
      await call.client.put(['users', user], { ...passwordBody(call, password), tags: [] })
      return text(
        'Done. Don\'t forget to grant the user permissions to some virtual hosts! See "warren ctl help set_permissions".',
      )
    },
  },
  {
    name: 'delete_user',
    usage: '<username>',
    summary: 'Deletes a user and closes its connections.',
    banner: ({ args }) => `Deleting user "${args[0]}" ...`,
    run: async ({ client, args }) => {
      await client.delete(['users', args[0]!])
      return SILENT
    },
  },
  {
    name: 'change_password',
    usage: '<username> [password]',
    summary: "Changes a user's password.",
    banner: ({ args }) => `Changing password for user "${args[0]}" ...`,
    run: async (call) => {
      const user = call.args[0]!
      const { tags } = await userOf(call, user)
      await call.client.put(['users', user], { ...passwordBody(call, await passwordOf(call)), tags })
      return SILENT
    },
  },
  {
    name: 'clear_password',
    usage: '<username>',
    summary: "Takes a user's password away: no password lets it in any more.",
    banner: ({ args }) => `Clearing password for user "${args[0]}" ...`,
    run: async (call) => {
      const { tags } = await userOf(call, call.args[0]!)
      await call.client.put(['users', call.args[0]!], { password_hash: '', tags })
      return SILENT
    },
  },
  {
    name: 'authenticate_user',
    usage: '<username> [password]',
    summary: 'Tells whether these credentials are right.',
    banner: ({ args }) => `Authenticating user "${args[0]}" ...`,
    run: async (call) => {
      const password = await passwordOf(call)
      try {
        await call.client.post(['warren', 'authenticate'], { username: call.args[0], password })
      } catch (error) {
        if (!(error instanceof CtlError) || error.status !== 401) throw error
        throw new CtlError(`failed to authenticate user "${call.args[0]}": ${error.message}`, 401, EXIT_DATA)
      }
      return text('Success')
    },
  },
  {
    name: 'clear_auth_backend_cache',
    usage: '',
    summary: 'Forgets the logins and permissions that the cache of back ends keeps.',
    banner: () => 'Clearing the cache of the authentication and authorisation back ends ...',
    run: async ({ client }) => {
      await client.delete(['warren', 'auth-cache'])
      return SILENT
    },
  },
  {
    name: 'set_user_tags',
    usage: '<username> [tag...]',
    summary: "Replaces a user's tags.",
    banner: ({ args }) => `Setting tags for user "${args[0]}" to [${args.slice(1).join(', ')}] ...`,
    run: async (call) => {
      const [user, ...tags] = call.args
      const { password_hash, hashing_algorithm } = await userOf(call, user!)
      await call.client.put(['users', user!], { password_hash, hashing_algorithm, tags })
      return SILENT
    },
  },
  {
    name: 'list_users',
    usage: '',
    summary: 'Lists users and their tags.',
    banner: () => 'Listing users ...',
    run: async (call) => {
      const users = await call.client.list(['users'])
      return table(
        call,
        ['user', 'tags'],
        users.map(({ name, tags }) => ({ user: name, tags })),
      )
    },
  },
  {
    name: 'hash_password',
    usage: '[password]',
    summary: 'Hashes a password as definitions files contain it.',
    run: async (call) => {
      const password = call.args[0] ?? (await call.readInput()).replace(/\r?\n$/, '')
      const { ok } = (await call.client.get(['auth', 'hash_password', password])) as { readonly ok: string }
      return text(ok)
    },
  },
  {
    name: 'set_user_limits',
    usage: '<username> <definition>',
    summary: 'Sets limits as JSON: {"max-connections": 10, "max-channels": 100}.',
    banner: ({ args }) => `Setting user limits to "${args[1]}" for user "${args[0]}" ...`,
    run: async ({ client, args }) => {
      for (const [limit, value] of Object.entries(jsonObject(args[1]!))) {
        await client.put(['user-limits', args[0]!, limit], { value })
      }
      return SILENT
    },
  },
  {
    name: 'clear_user_limits',
    usage: '<username> <limit>',
    summary: 'Lifts a limit; `all` lifts all.',
    banner: ({ args }) => `Clearing "${args[1]}" limit for user "${args[0]}" ...`,
    run: async ({ client, args }) => {
      const limits = args[1] === 'all' ? USER_LIMITS : [args[1]!]
      for (const limit of limits) await client.delete(['user-limits', args[0]!, limit])
      return SILENT
    },
  },
  {
    name: 'list_user_limits',
    usage: '[username]',
    summary: 'Lists limits of users.',
    banner: () => 'Listing limits of users ...',
    run: async ({ client, args }) => {
      const limits = await client.list(args[0] === undefined ? ['user-limits'] : ['user-limits', args[0]])
      return {
        kind: 'rows',
        columns: ['user', 'limits'],
        rows: limits.map(({ user, value }) => ({ user, limits: JSON.stringify(value) })),
      }
    },
  },
]

/** Verbs on permissions. */
export const PERMISSION_VERBS: readonly Verb[] = [
  {
    name: 'set_permissions',
    usage: '<username> <configure> <write> <read>',
    summary: 'Sets permissions in the virtual host (-p).',
    banner: ({ args, options }) => `Setting permissions for user "${args[0]}" in vhost "${options.vhost}" ...`,
    run: async (call) => {
      const { client, args, options } = call
      const [user, configure, write, read] = args
      // A missing user and a missing virtual host have the same reason in the reply.
      await userOf(call, user!)
      await client.put(['permissions', options.vhost, user!], { configure, write, read })
      return SILENT
    },
  },
  {
    name: 'set_permissions_globally',
    usage: '<username> <configure> <write> <read>',
    summary: 'Sets permissions in all virtual hosts.',
    banner: ({ args }) => `Setting permissions for user "${args[0]}" in all virtual hosts ...`,
    run: async ({ client, args }) => {
      const [user, configure, write, read] = args
      for (const { name } of await client.list(['vhosts'], { columns: 'name' })) {
        await client.put(['permissions', String(name), user!], { configure, write, read })
      }
      return SILENT
    },
  },
  {
    name: 'clear_permissions',
    usage: '<username>',
    summary: 'Clears permissions in the virtual host (-p).',
    banner: ({ args, options }) => `Clearing permissions for user "${args[0]}" in vhost "${options.vhost}" ...`,
    run: async ({ client, args, options }) => {
      await client.delete(['permissions', options.vhost, args[0]!])
      return SILENT
    },
  },
  {
    name: 'list_permissions',
    usage: '',
    summary: 'Lists permissions in the virtual host (-p).',
    banner: ({ options }) => `Listing permissions for vhost "${options.vhost}" ...`,
    run: async (call) =>
      table(
        call,
        ['user', 'configure', 'write', 'read'],
        await call.client.list(['vhosts', call.options.vhost, 'permissions']),
      ),
  },
  {
    name: 'list_user_permissions',
    usage: '<username>',
    summary: 'Lists permissions of a user.',
    banner: ({ args }) => `Listing permissions for user "${args[0]}" ...`,
    run: async ({ client, args }) => ({
      kind: 'rows',
      columns: ['vhost', 'configure', 'write', 'read'],
      rows: await client.list(['users', args[0]!, 'permissions']),
    }),
  },
  {
    name: 'set_topic_permissions',
    usage: '<username> <exchange> <write> <read>',
    summary: 'Sets the topic permission for an exchange.',
    banner: ({ args, options }) =>
      `Setting topic permissions on "${args[1]}" for user "${args[0]}" in vhost "${options.vhost}" ...`,
    run: async ({ client, args, options }) => {
      const [user, exchange, write, read] = args
      await client.put(['topic-permissions', options.vhost, user!], { exchange, write, read })
      return SILENT
    },
  },
  {
    name: 'clear_topic_permissions',
    usage: '<username> [exchange]',
    summary: 'Clears topic permissions, of one exchange or of all.',
    banner: ({ args, options }) => `Clearing topic permissions for user "${args[0]}" in vhost "${options.vhost}" ...`,
    run: async ({ client, args, options }) => {
      await client.delete(['topic-permissions', options.vhost, ...args])
      return SILENT
    },
  },
  {
    name: 'list_topic_permissions',
    usage: '',
    summary: 'Lists topic permissions in the virtual host (-p).',
    banner: ({ options }) => `Listing topic permissions for vhost "${options.vhost}" ...`,
    run: async (call) =>
      table(
        call,
        ['user', 'exchange', 'write', 'read'],
        await call.client.list(['vhosts', call.options.vhost, 'topic-permissions']),
      ),
  },
  {
    name: 'list_user_topic_permissions',
    usage: '<username>',
    summary: 'Lists topic permissions of a user.',
    banner: ({ args }) => `Listing topic permissions for user "${args[0]}" ...`,
    run: async ({ client, args }) => ({
      kind: 'rows',
      columns: ['vhost', 'exchange', 'write', 'read'],
      rows: await client.list(['users', args[0]!, 'topic-permissions']),
    }),
  },
]

/** A JSON object given as an argument. */
export function jsonObject(argument: string): Row {
  const json = jsonValue(argument)
  if (typeof json !== 'object' || json === null || Array.isArray(json)) {
    throw new CtlError(`a JSON object is expected, not ${argument}`, 0, EXIT_UNAVAILABLE)
  }
  return json as Row
}

/** JSON given as an argument. */
export function jsonValue(argument: string): unknown {
  try {
    return JSON.parse(argument)
  } catch (error) {
    if (error instanceof SyntaxError) throw new CtlError(`not JSON: ${argument}`, 0, EXIT_UNAVAILABLE)
    throw error
  }
}

async function passwordOf({ args, readInput }: CtlCall): Promise<string> {
  return args[1] ?? (await readInput()).replace(/\r?\n$/, '')
}

function passwordBody({ options }: CtlCall, password: string): Row {
  if (password === '') throw new CtlError('password cannot be blank')
  return options.preHashed ? { password_hash: password } : { password }
}

async function exists({ client }: CtlCall, user: string): Promise<boolean> {
  try {
    await client.get(['users', user])
    return true
  } catch (error) {
    if (error instanceof CtlError && error.status === 404) return false
    throw error
  }
}

async function userOf({ client }: CtlCall, user: string): Promise<Row> {
  return (await client.get(['users', user])) as Row
}
