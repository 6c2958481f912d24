/**
 * What a verb of `warren ctl` is: a name, how it is called, and what it does with a client. Groups of verbs are files
 * `verbs-….ts`; `verbs.ts` lists them all.
 */
import type { CtlClient, Row } from './ctl-client.ts'

/** Options of all verbs. */
export interface CtlOptions {
  readonly formatter: string
  readonly vhost: string
  readonly priority: number | undefined
  readonly applyTo: string | undefined
  readonly global: boolean
  readonly description: string | undefined
  readonly tags: string | undefined
  readonly defaultQueueType: string | undefined
  readonly reason: string | undefined
  readonly ifEmpty: boolean
  readonly ifUnused: boolean
  readonly preHashed: boolean
  readonly count: number | undefined
  /** JSON of a filter of messages. */
  readonly filter: string | undefined
  readonly dryRun: boolean
  readonly exchange: string | undefined
  readonly routingKey: string | undefined
  readonly within: string | undefined
  readonly unit: string | undefined
  /** Of connections to close. */
  readonly limit: number | undefined
  /** Only deprecated features in use. */
  readonly used: boolean
  readonly all: boolean
  readonly online: boolean
  readonly offline: boolean
  /** Seconds to follow something; undefined: until interrupted. */
  readonly duration: number | undefined
  readonly sampleInterval: number | undefined
  /** Seconds, as given. */
  readonly timeout: number | undefined
  readonly pattern: string | undefined
  readonly pid: number | undefined
  readonly addressFamily: string | undefined
  readonly cipher: string | undefined
  readonly hash: string | undefined
  readonly iterations: number | undefined
  /** Of plug-ins. */
  readonly isEnabledOnly: boolean
  readonly isMinimal: boolean
  readonly isVerbose: boolean
}

/** A call of a verb. */
export interface CtlCall {
  readonly client: CtlClient
  readonly args: readonly string[]
  readonly options: CtlOptions
  /** All of standard input. */
  readInput(): Promise<string>
  readFile(name: string): Promise<string>
  writeFile(name: string, text: string): Promise<void>
  /** Shows text before the outcome, for verbs that follow something. */
  print(text: string): void
  /** RabbitMQ's version, as this broker names it. */
  productVersion(): string
  /** Called by the name of one of RabbitMQ's commands. */
  readonly isShim: boolean
}

/** What a verb has to show. */
export type Outcome =
  /** A sentence. */
  | { readonly kind: 'text'; readonly text: string }
  /** A table; the columns asked for, or these. */
  | { readonly kind: 'rows'; readonly columns: readonly string[]; readonly rows: readonly Row[] }
  /** One object: lines of `name: value`, or JSON. */
  | { readonly kind: 'object'; readonly value: Row }
  /** Printed as it is, whatever the formatter. */
  | { readonly kind: 'raw'; readonly text: string }

/** A verb. */
export interface Verb {
  readonly name: string
  /** Arguments in brackets may be left out: `<user> [password]`. */
  readonly usage: string
  readonly summary: string
  /** Said before it is done, unless quiet. */
  readonly banner?: (call: CtlCall) => string
  readonly run: (call: CtlCall) => Promise<Outcome>
}

/** Words on the command line that make no sense; the command ends with 64. */
export class UsageError extends Error {}

/** A sentence. */
export function text(sentence: string): Outcome {
  return { kind: 'text', text: sentence }
}

/** Done, and nothing to say. */
export const SILENT: Outcome = { kind: 'text', text: '' }

/**
 * A table with the columns that the arguments name, else the default ones. A column is `known`, or a field of the HTTP API
 * that some row has; any other is a wrong argument.
 */
export function table(
  { args }: CtlCall,
  columns: readonly string[],
  rows: readonly Row[],
  known: readonly string[] = columns,
): Outcome {
  // With commas, too, as other tools write them.
  const wanted = args.flatMap((argument) => argument.split(',')).filter((column) => column !== '')
  const unknown = wanted.filter((column) => !known.includes(column) && !rows.some((row) => Object.hasOwn(row, column)))
  if (unknown.length > 0) throw new UsageError(`Info key(s) ${unknown.join(', ')} are not supported`)
  return { kind: 'rows', columns: wanted.length > 0 ? wanted : columns, rows }
}

/** Fewest and most arguments that a usage allows; `...` is any number. */
export function arity(usage: string): { readonly min: number; readonly max: number } {
  const words = usage.split(' ').filter((word) => word !== '')
  const min = words.filter((word) => word.startsWith('<')).length
  return { min, max: words.some((word) => word.includes('...')) ? Number.POSITIVE_INFINITY : words.length }
}
