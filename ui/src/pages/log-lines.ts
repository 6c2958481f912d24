/** Lines of the log: how bad they are, and which are wanted. Pure. */

/** Levels to choose from, the most talkative first. */
export const LEVELS = ['debug', 'info', 'warning', 'error'] as const

/** How bad a line is: an index of the levels. The level stands in brackets, or as a field of JSON. */
export function levelOf(line: string): number {
  const [, level = 'info'] = /(?:^\S+ \S+ \[|"level":\s*")(\w+)/.exec(line) ?? []
  if (/debug/i.test(level)) return 0
  if (/warn/i.test(level)) return 2
  return /error|critical|fatal|alert|emergency/i.test(level) ? 3 : 1
}

/** Lines that contain a text and are at least so bad, without the end of their line. */
export function wantedLines(lines: readonly string[], text: string, level: string): readonly string[] {
  const least = Math.max(0, (LEVELS as readonly string[]).indexOf(level))
  const wanted = text.toLowerCase()
  return lines
    .filter((line) => levelOf(line) >= least && line.toLowerCase().includes(wanted))
    .map((line) => line.trimEnd())
}
