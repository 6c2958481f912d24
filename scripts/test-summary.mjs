// A reporter for node:test: silent until the end, then the counts, the names of what failed, and what a file that
// could not even run had to say. The reporter beside it shows the reasons of failures.

const STDERR_BYTES_MAX = 4_000

export default async function* summary(events) {
  const failures = []
  const stderr = new Map()
  const counts = { passed: 0, failed: 0, skipped: 0 }
  for await (const { type, data } of events) {
    if (type === 'test:stderr') stderr.set(data.file, (stderr.get(data.file) ?? '') + data.message)
    else if (type === 'test:pass' && data.skip !== undefined) counts.skipped++
    else if (type === 'test:pass' && data.details?.type !== 'suite') counts.passed++
    // A file or suite fails when a test in it fails; only what else went wrong with it is news.
    else if (type === 'test:fail' && data.details?.error?.failureType !== 'subtestsFailed') {
      counts.failed++
      const said = data.name === data.file ? (stderr.get(data.file) ?? '').slice(-STDERR_BYTES_MAX) : ''
      failures.push(`${data.file}:${data.line}  ${data.name}\n${said.replace(/^(?=.)/gm, '    ')}`)
    }
  }
  yield '\n'
  for (const failure of failures) yield `FAILED ${failure}`
  yield `\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped\n`
}
