/**
 * `log.file.rotation.date`: when a log file is begun anew.
 *
 *   $D0       every day at 0 o'clock         $W0D23    every Sunday at 23
 *   $M1D5     on the 1st at 5                $H30      every hour at half past
 *
 * Times are the machine's, as `$TZ` has them; days of the week count from Sunday, 0. [RabbitMQ: logging]
 */
const PATTERN =
  /^\$(?:D(?<day>\d{1,2})|W(?<week>\d)(?:D(?<weekHour>\d{1,2}))?|M(?<month>\d{1,2})(?:D(?<monthHour>\d{1,2}))?|H(?<minute>\d{1,2}))$/

/** When to rotate: one of `minute` of every hour, `hour` of every day, and beside it a day of the week or the month. */
export interface RotationDate {
  readonly minute: number
  /** Null: every hour. */
  readonly hour: number | null
  readonly weekday: number | null
  readonly monthDay: number | null
}

/** What a text says; undefined when it says nothing that is known. */
export function parseRotationDate(text: string): RotationDate | undefined {
  const groups = PATTERN.exec(text)?.groups
  if (groups === undefined) return undefined
  const { day, week, weekHour = '0', month, monthHour = '0', minute } = groups
  const date: RotationDate = {
    minute: minute === undefined ? 0 : Number(minute),
    hour: minute === undefined ? Number(day ?? (week === undefined ? monthHour : weekHour)) : null,
    weekday: week === undefined ? null : Number(week),
    monthDay: month === undefined ? null : Number(month),
  }
  const isPossible =
    date.minute < 60 &&
    (date.hour ?? 0) < 24 &&
    (date.weekday ?? 0) < 7 &&
    (date.monthDay === null || (date.monthDay >= 1 && date.monthDay <= 31))
  return isPossible ? date : undefined
}

/** The first such time after `nowMs`. A day that a month does not have is its last one. */
export function nextRotationMs({ minute, hour, weekday, monthDay }: RotationDate, nowMs: number): number {
  const at = new Date(nowMs)
  at.setSeconds(0, 0)
  if (hour === null) {
    at.setMinutes(minute)
    if (at.getTime() <= nowMs) at.setHours(at.getHours() + 1)
    return at.getTime()
  }
  at.setHours(hour, minute)
  // At most five weeks: the day comes round.
  while (at.getTime() <= nowMs || !isDay(at, weekday, monthDay)) {
    at.setDate(at.getDate() + 1)
    at.setHours(hour, minute)
  }
  return at.getTime()
}

function isDay(at: Date, weekday: number | null, monthDay: number | null): boolean {
  if (weekday !== null) return at.getDay() === weekday
  if (monthDay === null) return true
  const last = new Date(at.getFullYear(), at.getMonth() + 1, 0).getDate()
  return at.getDate() === Math.min(monthDay, last)
}
