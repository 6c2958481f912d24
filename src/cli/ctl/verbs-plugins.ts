/**
 * Verbs of `warren ctl plugins`, RabbitMQ's rabbitmq-plugins: what other brokers enable is built in here. They need no
 * running broker, as in images that enable plug-ins before the first start.
 */
import { ABSENT_PLUGINS, BUILT_IN_PLUGINS } from '../../config/built-in-plugins.ts'
import { CtlError } from './ctl-client.ts'
import { EXIT_SOFTWARE, EXIT_UNAVAILABLE } from './exit-codes.ts'
import { type CtlCall, type Outcome, text, type Verb } from './verb.ts'

/** The verbs of this file. */
export const PLUGIN_VERBS: readonly Verb[] = [
  {
    name: 'list',
    usage: '[pattern]',
    summary: 'Lists plug-ins of RabbitMQ: those built in are enabled. -e these alone, -m names alone.',
    banner: ({ args }) => `Listing plugins with pattern "${args[0] ?? '.*'}" ...`,
    run: (call) => Promise.resolve(list(call)),
  },
  {
    name: 'enable',
    usage: '[plugin...]',
    summary: 'Accepted for what is built in (--all, too); refused for what is absent.',
    banner: ({ args }) => `Enabling plugins:\n${args.join('\n')}`,
    run: (call) => Promise.resolve(enable(call)),
  },
  {
    name: 'disable',
    usage: '[plugin...]',
    summary: 'Accepted: what is built in stays, and costs nothing until its port is opened.',
    run: ({ args }) => {
      requireKnown(args)
      return Promise.resolve(text(`Built in and not disabled: ${args.join(', ')}. Ports are closed by settings.`))
    },
  },
  {
    name: 'set',
    usage: '[plugin...]',
    summary: 'As enable.',
    run: (call) => Promise.resolve(enable(call)),
  },
  {
    name: 'is_enabled',
    usage: '<plugin> [plugin...]',
    summary: 'Tells whether plug-ins are built in.',
    run: ({ args }) => {
      const missing = args.filter((name) => !BUILT_IN_PLUGINS.includes(name))
      const [verb, noun] = args.length === 1 ? ['is', 'Plugin'] : ['are', 'Plugins']
      if (missing.length === 0) return Promise.resolve(text(`${noun} ${args.join(', ')} ${verb} enabled`))
      const reason = `${missing.join(', ')} not enabled. Enabled plugins: ${BUILT_IN_PLUGINS.join(', ')}`
      return Promise.reject(new CtlError(`Plugin ${reason}`, 0, EXIT_UNAVAILABLE))
    },
  },
  {
    name: 'directories',
    usage: '',
    summary: 'Shows where plug-ins lie: nowhere, all are built in.',
    run: () =>
      Promise.resolve(text('Plug-ins are built in; there is no directory of them, and no file that enables them.')),
  },
]

function list({ args, options, productVersion }: CtlCall): Outcome {
  const pattern = new RegExp(args[0] ?? '', 'u')
  const version = productVersion()
  const names = [...BUILT_IN_PLUGINS, ...(options.isEnabledOnly ? [] : ABSENT_PLUGINS)].filter((name) =>
    pattern.test(name),
  )
  const rows = names.sort().map((name) => {
    const isBuiltIn = BUILT_IN_PLUGINS.includes(name)
    return {
      name,
      version: isBuiltIn ? version : '',
      enabled: isBuiltIn ? 'enabled' : 'not_enabled',
      running: isBuiltIn,
    }
  })
  if (options.isMinimal) return text(rows.map(({ name }) => name).join('\n'))
  if (options.formatter !== 'table') return { kind: 'rows', columns: ['name', 'version', 'enabled', 'running'], rows }
  const width = Math.max(0, ...names.map((name) => name.length))
  const lines = rows.map(
    ({ name, running }) => `[${running ? 'E*' : '  '}] ${name.padEnd(width)} ${running ? version : 'absent'}`,
  )
  return text(
    [' Configured: E = explicitly enabled; e = implicitly enabled', ' | Status: * = running', ' |/', ...lines].join(
      '\n',
    ),
  )
}

function enable({ args, options }: CtlCall): Outcome {
  requireKnown(args)
  const absent = args.filter((name) => ABSENT_PLUGINS.includes(name))
  if (absent.length > 0) throw new CtlError(`not available in this broker: ${absent.join(', ')}`, 0, EXIT_SOFTWARE)
  const names = options.all ? BUILT_IN_PLUGINS : args
  return text(`Built in, nothing to enable: ${names.join(', ')}. Their ports are opened by settings.`)
}

function requireKnown(names: readonly string[]): void {
  const unknown = names.filter((name) => !BUILT_IN_PLUGINS.includes(name) && !ABSENT_PLUGINS.includes(name))
  if (unknown.length > 0) throw new CtlError(`plugins_not_found: ${unknown.join(', ')}`, 0, EXIT_SOFTWARE)
}
