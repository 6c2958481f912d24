/**
 * Where the log goes, as the settings say: terminal, file, both or nowhere, as text or JSON.
 *
 * Text on the terminal, the default, needs no library; files and JSON are written by pino, loaded when they are asked for.
 */
import { join, resolve } from 'node:path'
import type { Clock } from '../base/clock.ts'
import {
  createLogger,
  isAtLeast,
  LOG_CATEGORIES,
  LOG_LEVELS,
  type Logger,
  type LogLevel,
  LogLevels,
  type LogRecord,
  type LogSink,
  RecordingSink,
} from '../base/log.ts'
import type { LogControl } from './broker-options.ts'
import { LogFile } from './log-file.ts'
import { formatLine } from './log-text.ts'
import { parseRotationDate } from './rotation-date.ts'
import type { Settings } from './settings.ts'

type LogSettings = Settings['log']

/** Lines kept in memory. */
const TAIL_COUNT_MAX = 500

/** A terminal's stream: `process.stdout`, or a test's. */
export interface LineStream {
  write(text: string): unknown
}

/** An open log. */
export interface LogOutput {
  readonly logger: Logger
  readonly control: LogControl
  /** Applies the levels of reloaded settings. */
  apply(settings: LogSettings): void
  /** Opens files anew, after something has moved them. */
  reopen(): void
  /** Writes what is buffered. */
  close(): Promise<void>
}

/** What an output of the log needs beyond its records. */
export interface LogOutputOptions {
  readonly clock: Clock
  /** Holds the log folder; null when there is none: then no file can be written. */
  readonly dataDir: string | null
  readonly stdout: LineStream
  readonly stderr: LineStream
}

/** An output with its own level. */
interface Output {
  level: LogLevel
  readonly sink: LogSink
  reopen(): void
  close(): Promise<void>
}

/** pino's levels: ours, in its numbers. */
const PINO_LEVELS = Object.fromEntries(
  LOG_LEVELS.filter((level) => level !== 'none').map((level, i) => [level, 10 * (i + 1)]),
)

/** Of outputs that need no care. */
const NOTHING_OPEN = { reopen: () => undefined, close: () => Promise.resolve() }

/** Lines for the broker itself, which opens after the log and closes before it. */
class AttachedSink implements LogSink {
  #to: LogSink | null = null

  attach(to: LogSink | null): void {
    this.#to = to
  }

  write(record: LogRecord): void {
    this.#to?.write(record)
  }
}

class OutputsSink implements LogSink {
  /** The newest lines, for who looks at a running broker. */
  readonly recent = new RecordingSink(TAIL_COUNT_MAX)
  readonly #levels: LogLevels
  readonly #outputs: readonly Pick<Output, 'level' | 'sink'>[]

  constructor(levels: LogLevels, outputs: readonly Pick<Output, 'level' | 'sink'>[]) {
    this.#levels = levels
    this.#outputs = outputs
  }

  write(record: LogRecord): void {
    this.recent.write(record)
    const isChosen = this.#levels.hasOwn(record.category)
    for (const output of this.#outputs) {
      if (isChosen || isAtLeast(record.level, output.level)) output.sink.write(record)
    }
  }
}

/** Opens the log. Rejects when its file cannot be written. */
export async function openLog(settings: LogSettings, options: LogOutputOptions): Promise<LogOutput> {
  const levels = new LogLevels()
  const terminal = settings.console ? await openTerminal(settings, options) : null
  const file = await openFile(settings, options)
  const outputs: Output[] = [terminal, file].filter((output) => output !== null)
  const attached = settings.exchange ? new AttachedSink() : null
  const exchange = attached === null ? null : { level: settings.exchangeLevel, sink: attached, ...NOTHING_OPEN }
  if (exchange !== null) outputs.push(exchange)
  const apply = (changed: LogSettings): void => {
    if (terminal !== null) terminal.level = changed.consoleLevel
    if (file !== null) file.level = changed.fileLevel
    if (exchange !== null) exchange.level = changed.exchangeLevel
    levels.setCommon(leastSevere(outputs.map((output) => output.level)))
    for (const category of LOG_CATEGORIES) levels.set(category, changed.levels[category])
  }
  apply(settings)
  const sink = new OutputsSink(levels, outputs)
  return {
    logger: createLogger({ sink, levels, clock: options.clock }),
    control: {
      setLevel: (category, level) => {
        if (category !== null) return levels.set(category, level)
        for (const output of outputs) output.level = level
        levels.setCommon(level)
      },
      attach: (to) => attached?.attach(to),
      tail: (countMax) => sink.recent.records.slice(-countMax).map(formatLine),
    },
    apply,
    reopen: () => {
      for (const output of outputs) output.reopen()
    },
    close: async () => {
      for (const output of outputs) await output.close()
    },
  }
}

function leastSevere(levels: readonly LogLevel[]): LogLevel {
  return LOG_LEVELS.find((level) => levels.includes(level)) ?? 'none'
}

async function openTerminal(settings: LogSettings, options: LogOutputOptions): Promise<Output> {
  const stream = settings.consoleStream === 'stderr' ? options.stderr : options.stdout
  const sink = settings.consoleFormat === 'json' ? await jsonSink(stream) : textSink(stream)
  return { level: settings.consoleLevel, sink, ...NOTHING_OPEN }
}

/** Where lines go, as RabbitMQ names it: the path of the file, `<stdout>`. */
export function logOutputs(settings: LogSettings, dataDir: string | null): readonly string[] {
  const path = logFilePath(settings, dataDir)
  const terminal = settings.console ? [`<${settings.consoleStream}>`] : []
  return path === null ? terminal : [path, ...terminal]
}

function logFilePath({ file, folder }: LogSettings, dataDir: string | null): string | null {
  if (file === 'false') return null
  const within = folder ?? (dataDir === null ? null : join(dataDir, 'log'))
  return within === null ? resolve(file) : resolve(within, file)
}

async function openFile(settings: LogSettings, { dataDir }: LogOutputOptions): Promise<Output | null> {
  const path = logFilePath(settings, dataDir)
  if (path === null) return null
  const file = await LogFile.open(path, {
    bytesMax: settings.fileBytesMax,
    date: settings.fileDate === '' ? null : (parseRotationDate(settings.fileDate) ?? null),
    countMax: settings.fileCountMax,
  })
  // Set before every line: pino writes it at once.
  let timeMs = 0
  const stream = { write: (line: string) => file.write(line, timeMs) }
  const lines = settings.fileFormat === 'json' ? await jsonSink(stream) : textSink(stream)
  const sink: LogSink = {
    write: (record) => {
      timeMs = record.timeMs
      lines.write(record)
    },
  }
  return { level: settings.fileLevel, sink, reopen: () => file.reopen(), close: () => file.close() }
}

function textSink(stream: LineStream): LogSink {
  return { write: (record) => void stream.write(formatLine(record)) }
}

async function jsonSink(stream: LineStream): Promise<LogSink> {
  const { pino, stdSerializers } = await import('pino')
  const writer = pino(
    {
      base: null,
      timestamp: false,
      level: 'debug',
      customLevels: PINO_LEVELS,
      useOnlyCustomLevels: true,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: stdSerializers.err },
    },
    { write: (line) => void stream.write(line) },
  ) as unknown as Readonly<Record<string, (fields: object, text: string) => void>>
  return {
    write: ({ timeMs, level, category, text, fields }) => {
      writer[level]!({ time: new Date(timeMs).toISOString(), category, ...fields }, text)
    },
  }
}
