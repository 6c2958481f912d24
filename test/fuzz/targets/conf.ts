// Text in the format of rabbitmq.conf, and what is made of it. Held: wrong text is a `SettingsError`, a right value
// written again between quotes reads as the same.
import type { Randomness } from '../../../src/base/random.ts'
import { buildSettings } from '../../../src/config/build-settings.ts'
import { parseConf } from '../../../src/config/conf-text.ts'
import { settingRows } from '../../../src/config/settings.ts'
import { SettingsError } from '../../../src/config/settings-error.ts'
import { type FuzzTarget, holds, outcomeOf, pick, refusalOf, words } from '../fuzz-target.ts'

const KEYS = settingRows().map(({ key }) => key)
const VALUES = [
  'true',
  '5672',
  '0',
  '-1',
  '127.0.0.1:5672',
  'none',
  '1GB',
  '0.6',
  'infinity',
  "'a # b'",
  '"x"',
  "'''",
  'a\\.b',
  '$x',
  '99999999999999999999',
  '1e9',
  '',
]

function check(input: Buffer): string {
  const { entries, problems, warnings } = parseConf(input.toString('utf8'))
  for (const { key, text, line } of entries) {
    holds(key !== '' && line >= 1, 'an entry without a key')
    if (/['"\\\r\n\uFEFF]/.test(text)) continue
    const again = parseConf(`${key} = '${text}'`).entries[0]
    holds(again?.text === text && again.key === key, `${JSON.stringify(text)} reads as ${JSON.stringify(again?.text)}`)
  }
  let size = 0
  const error = refusalOf(SettingsError, () => {
    size = buildSettings(entries.map(({ key, text, line }) => ({ key, text, origin: `fuzz:${line}` }))).values.size
  })
  if (error !== undefined) {
    holds(error.problems.length > 0, 'an error without a problem')
    return `${outcomeOf(new Error(error.problems[0]!.replace(/^fuzz:\d+: \S+/, '')))}`
  }
  return `${Math.min(size, 9)} ${Math.min(problems.length, 3)} ${warnings.length > 0}`
}

function generate(random: Randomness): Buffer {
  const lines = Array.from({ length: 1 + random.below(4) }, () => {
    const key = pick(random, KEYS).replaceAll(/\$\w+/g, pick(random, ['1', 'default', 'a\\.b']))
    const value = random.below(8) === 0 ? random.bytes(random.below(20)).toString('latin1') : pick(random, VALUES)
    return `${key} = ${value}${random.below(5) === 0 ? ' # comment' : ''}`
  })
  return Buffer.from(lines.join(random.below(5) === 0 ? '\r\n' : '\n'))
}

/** The target. */
export function confTarget(random: Randomness): FuzzTarget {
  return {
    name: 'conf',
    seeds: [
      Buffer.from("listeners.tcp.default = 5672\n# comment\nlog.file.level = info\ndefault_user = 'a # b'\n"),
      Buffer.from("default_pass = '''\nseveral\nlines\n'''\nvm_memory_high_watermark.relative = 0.6\n"),
      ...Array.from({ length: 40 }, () => generate(random)),
    ],
    dictionary: words(
      '=',
      '#',
      "'",
      '"',
      "'''",
      '"""',
      '\\.',
      '\n',
      '\r\n',
      '\xef\xbb\xbf',
      '.',
      'encrypted:',
      '$',
      '%',
      '__proto__',
      'constructor',
    ),
    generate,
    check,
  }
}
