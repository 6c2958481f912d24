/** The commands there are, in the order of `warren --help`. */
import type { LazyCommand } from './command.ts'

/** The first is what `warren` without a command runs. */
export const COMMANDS: readonly LazyCommand[] = [
  {
    name: 'server',
    summary: 'run the broker (the default)',
    load: async () => (await import('./server/server-command.ts')).registerServer,
  },
  {
    name: 'config',
    summary: 'show, check and explain settings',
    load: async () => (await import('./config-command.ts')).registerConfig,
  },
  {
    name: 'definitions',
    summary: 'export, import and check definitions files',
    load: async () => (await import('./definitions-command.ts')).registerDefinitions,
  },
  {
    name: 'check',
    summary: "verify a stopped broker's data folder",
    load: async () => (await import('./check-command.ts')).registerCheck,
  },
  {
    name: 'ctl',
    summary: 'operate a running broker',
    load: async () => (await import('./ctl/ctl-command.ts')).registerCtl,
  },
  {
    name: 'tls',
    summary: 'make certificates for development',
    load: async () => (await import('./tls/tls-command.ts')).registerTls,
  },
  {
    name: 'perf',
    summary: 'load a broker and measure it',
    load: async () => (await import('./perf/perf-command.ts')).registerPerf,
  },
  {
    name: 'version',
    summary: 'print the version',
    load: async () => (await import('./version-command.ts')).registerVersion,
  },
]
