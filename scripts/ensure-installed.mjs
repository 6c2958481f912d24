// Installs what is missing: nothing when node_modules is as new as the lock file. Every build begins with it.
import { spawnSync } from 'node:child_process'
import { statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`WarrenMQ needs Node.js 20.19 or newer; this is ${process.versions.node}`)
  process.exit(1)
}

/** When the file last changed; 0 when there is none. */
function changedAt(path) {
  return statSync(`${root}${path}`, { throwIfNoEntry: false })?.mtimeMs ?? 0
}

// npm writes this file at the end of every complete installation.
const installedAt = changedAt('node_modules/.package-lock.json')
const wantedAt = Math.max(changedAt('package-lock.json'), changedAt('package.json'))
if (installedAt > 0 && installedAt >= wantedAt) process.exit(0)

// Not `npm ci`: npm 11 refuses a lock file that names no download addresses when a package has optional parts for other
// platforms. `install` takes the locked versions just the same, and `--no-save` leaves the lock file as it is.
console.error('installing dependencies')
const npm = process.platform === 'win32' ? 'npm.cmd' : 'npm'
const { status, error } = spawnSync(npm, ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
  cwd: root,
  stdio: ['ignore', 2, 2],
  shell: process.platform === 'win32',
})
if (error !== undefined) console.error(`npm could not be run: ${error.message}`)
if (status === 0) {
  // An installation that changed nothing leaves the old date, and would be repeated every time.
  const { utimesSync } = await import('node:fs')
  const now = new Date()
  utimesSync(`${root}node_modules/.package-lock.json`, now, now)
}
process.exit(status ?? 1)
