// Asks the registry for known vulnerabilities of what the lock file pins: `npm run audit`. Exit code 0: none, 1: some,
// which are printed, 3: the registry did not answer, so nothing is known. For machines that decide by the code.
import { spawnSync } from 'node:child_process'

const UNKNOWN = 3
const { stdout, stderr } = spawnSync('npm', ['audit', '--json', ...process.argv.slice(2)], { encoding: 'utf8' })
let report
try {
  report = JSON.parse(stdout)
} catch {
  report = {}
}
const total = report.metadata?.vulnerabilities?.total
if (total === undefined) {
  const reason = report.message ?? report.error?.summary ?? stderr.trim().split('\n').at(-1) ?? ''
  process.stderr.write(`the registry gave no advisories: ${reason}\n`)
  process.exitCode = UNKNOWN
} else {
  for (const { name, severity, range } of Object.values(report.vulnerabilities ?? {})) {
    process.stdout.write(`${severity}: ${name} ${range}\n`)
  }
  process.stdout.write(`${total} known vulnerabilities\n`)
  process.exitCode = total === 0 ? 0 : 1
}
