/** Why a configuration cannot be used. Apart from the table, so that whoever only catches it does not load that. */

/** Every reason, one per line of the message. */
export class SettingsError extends Error {
  readonly problems: readonly string[]

  constructor(problems: readonly string[]) {
    super(problems.join('\n'))
    this.name = 'SettingsError'
    this.problems = problems
  }
}
