/**
 * The contract of logging: categories, levels that can change while the broker runs, structured fields.
 *
 * Modules get a `Logger` handed in and never know where lines go; a `LogSink` (console, file, memory) does. Levels are
 * kept per category in one `LogLevels` per broker. Nothing logs per message above `debug`.
 */
import type { Clock } from './clock.ts'

/** RabbitMQ's levels, most talkative first. `none` as a category's level silences it. */
export const LOG_LEVELS = [
  'debug',
  'info',
  'notice',
  'warning',
  'error',
  'critical',
  'alert',
  'emergency',
  'none',
] as const

/** One of `LOG_LEVELS`. */
export type LogLevel = (typeof LOG_LEVELS)[number]

/** The categories there are, each with a setting `log.<category>.level`. `default` is for what fits nowhere else. */
export const LOG_CATEGORIES = [
  'default',
  'startup',
  'connection',
  'channel',
  'queue',
  'exchange',
  'vhost',
  'policy',
  'auth',
  'alarm',
  'storage',
  'management',
  'mqtt',
  'stomp',
  'stream',
  'federation',
  'shovel',
  'plugin',
] as const

/** One of `LOG_CATEGORIES`. */
export type LogCategory = (typeof LOG_CATEGORIES)[number]

/** Structured facts beside a line's text: names, counts, an `error`. */
export type LogFields = Readonly<Record<string, unknown>>

/** One line. */
export interface LogRecord {
  readonly timeMs: number
  readonly level: LogLevel
  readonly category: LogCategory
  readonly text: string
  readonly fields: LogFields
}

/** Takes lines that passed their category's level. Must not throw. */
export interface LogSink {
  write(record: LogRecord): void
}

/** Writes lines of one category. */
export interface Logger {
  debug(text: string, fields?: LogFields): void
  info(text: string, fields?: LogFields): void
  notice(text: string, fields?: LogFields): void
  warning(text: string, fields?: LogFields): void
  error(text: string, fields?: LogFields): void
  critical(text: string, fields?: LogFields): void
  /** Whether a line of this level would be written: asked before a costly text is put together. */
  isEnabled(level: LogLevel): boolean
  /** The logger of another category, with the same fields. */
  child(category: LogCategory): Logger
  /** A logger of the same category that adds these fields to every line. */
  with(fields: LogFields): Logger
}

const SEVERITY: Readonly<Record<LogLevel, number>> = {
  debug: 0,
  info: 1,
  notice: 2,
  warning: 3,
  error: 4,
  critical: 5,
  alert: 6,
  emergency: 7,
  none: 8,
}

/** Whether `level` is as severe as `threshold`, or more. */
export function isAtLeast(level: LogLevel, threshold: LogLevel): boolean {
  return SEVERITY[level] >= SEVERITY[threshold]
}

/** The level of each category, changeable while the broker runs. */
export class LogLevels {
  readonly #severities = new Map<LogCategory, LogLevel>()
  #common: LogLevel

  constructor(common: LogLevel = 'info') {
    this.#common = common
  }

  /** The level of a category: its own, else the common one. */
  of(category: LogCategory): LogLevel {
    return this.#severities.get(category) ?? this.#common
  }

  /** Whether a category has a level of its own, which then counts instead of its outputs' levels. */
  hasOwn(category: LogCategory): boolean {
    return this.#severities.has(category)
  }

  /** Sets a category's own level; undefined gives it the common one again. */
  set(category: LogCategory, level: LogLevel | undefined): void {
    if (level === undefined) this.#severities.delete(category)
    else this.#severities.set(category, level)
  }

  /** Sets the level of all categories that have none of their own. */
  setCommon(level: LogLevel): void {
    this.#common = level
  }
}

const NO_FIELDS: LogFields = {}

/** Where a broker's loggers write, and what they need for it. */
export interface LogTarget {
  readonly sink: LogSink
  readonly levels: LogLevels
  readonly clock: Clock
}

class SinkLogger implements Logger {
  readonly #target: LogTarget
  readonly #category: LogCategory
  readonly #fields: LogFields

  constructor(target: LogTarget, category: LogCategory, fields: LogFields) {
    this.#target = target
    this.#category = category
    this.#fields = fields
  }

  debug(text: string, fields = NO_FIELDS): void {
    this.#write('debug', text, fields)
  }

  info(text: string, fields = NO_FIELDS): void {
    this.#write('info', text, fields)
  }

  notice(text: string, fields = NO_FIELDS): void {
    this.#write('notice', text, fields)
  }

  warning(text: string, fields = NO_FIELDS): void {
    this.#write('warning', text, fields)
  }

  error(text: string, fields = NO_FIELDS): void {
    this.#write('error', text, fields)
  }

  critical(text: string, fields = NO_FIELDS): void {
    this.#write('critical', text, fields)
  }

  isEnabled(level: LogLevel): boolean {
    return isAtLeast(level, this.#target.levels.of(this.#category))
  }

  child(category: LogCategory): Logger {
    return new SinkLogger(this.#target, category, this.#fields)
  }

  with(fields: LogFields): Logger {
    return new SinkLogger(this.#target, this.#category, { ...this.#fields, ...fields })
  }

  #write(level: LogLevel, text: string, fields: LogFields): void {
    if (!this.isEnabled(level)) return
    const all = fields === NO_FIELDS ? this.#fields : { ...this.#fields, ...fields }
    const timeMs = this.#target.clock.nowMs()
    this.#target.sink.write({ timeMs, level, category: this.#category, text, fields: all })
  }
}

/** The logger of category `default`; its children are the others. */
export function createLogger(target: LogTarget): Logger {
  return new SinkLogger(target, 'default', NO_FIELDS)
}

/** A logger that says nothing. */
export const SILENT_LOGGER: Logger = {
  debug: () => undefined,
  info: () => undefined,
  notice: () => undefined,
  warning: () => undefined,
  error: () => undefined,
  critical: () => undefined,
  isEnabled: () => false,
  child: () => SILENT_LOGGER,
  with: () => SILENT_LOGGER,
}

/** A sink that keeps the newest lines: for tests, and for showing the tail of the log. */
export class RecordingSink implements LogSink {
  readonly #recordCountMax: number
  readonly #records: LogRecord[] = []

  constructor(recordCountMax = 1_000) {
    this.#recordCountMax = recordCountMax
  }

  /** The lines kept, oldest first. */
  get records(): readonly LogRecord[] {
    return this.#records
  }

  write(record: LogRecord): void {
    this.#records.push(record)
    if (this.#records.length >= 2 * this.#recordCountMax) this.#records.splice(0, this.#recordCountMax)
  }

  /** Lines as `level category text`, which is what tests compare. */
  lines(): string[] {
    return this.#records.map((record) => `${record.level} ${record.category} ${record.text}`)
  }
}
