// Prints a bill of materials (CycloneDX 1.5) of what runs in production: every package of the lock file that is not for
// development alone, with its checksum, its license and what it depends on. `npm run sbom > sbom.json`
import { randomUUID } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const read = (path) => JSON.parse(readFileSync(root + path, 'utf8'))
const { packages } = read('package-lock.json')
const own = read('package.json')
const PREFIX = 'node_modules/'

const nameOf = (path) => path.slice(path.lastIndexOf(PREFIX) + PREFIX.length)
const purlOf = (name, version) => `pkg:npm/${name.replace('@', '%40')}@${version}`
const refOf = (name, version) => `${name}@${version}`
const isInstalled = ([path, { dev, optional }]) => path !== '' && dev !== true && optional !== true
const installed = Object.entries(packages).filter(isInstalled)

/** Where a package finds a dependency: beside itself, or further up. */
function resolve(from, name) {
  for (let path = from; ; path = path.slice(0, Math.max(0, path.lastIndexOf(`/${PREFIX}`)))) {
    const candidate = `${path === '' ? '' : `${path}/`}${PREFIX}${name}`
    if (packages[candidate] !== undefined) return candidate
    if (path === '') return undefined
  }
}

function licensesOf(path, { license }) {
  const manifest = `${path}/package.json`
  const named = license ?? (existsSync(root + manifest) ? read(manifest).license : undefined)
  if (typeof named !== 'string') return {}
  return { licenses: [/[\s()]/.test(named) ? { expression: named } : { license: { id: named } }] }
}

function hashesOf({ integrity }) {
  const [algorithm, digest] = (integrity ?? '').split(/-(.*)/)
  if (algorithm !== 'sha512') return {}
  return { hashes: [{ alg: 'SHA-512', content: Buffer.from(digest, 'base64').toString('hex') }] }
}

function dependenciesOf(path, { dependencies = {} }) {
  const found = Object.keys(dependencies).map((name) => resolve(path, name))
  return found.filter((at) => at !== undefined).map((at) => refOf(nameOf(at), packages[at].version))
}

const components = installed.map(([path, entry]) => ({
  type: 'library',
  'bom-ref': refOf(nameOf(path), entry.version),
  name: nameOf(path),
  version: entry.version,
  scope: 'required',
  purl: purlOf(nameOf(path), entry.version),
  ...hashesOf(entry),
  ...licensesOf(path, entry),
}))
const dependencies = [
  { ref: refOf(own.name, own.version), dependsOn: dependenciesOf('', own) },
  ...installed.map(([path, entry]) => ({
    ref: refOf(nameOf(path), entry.version),
    dependsOn: dependenciesOf(path, entry),
  })),
]
const metadata = {
  timestamp: new Date().toISOString(),
  component: {
    type: 'application',
    'bom-ref': refOf(own.name, own.version),
    name: own.name,
    version: own.version,
    description: own.description,
    purl: purlOf(own.name, own.version),
    licenses: [{ license: { id: own.license } }],
  },
}
const bom = {
  $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
  bomFormat: 'CycloneDX',
  specVersion: '1.5',
  serialNumber: `urn:uuid:${randomUUID()}`,
  version: 1,
  metadata,
  components,
  dependencies,
}
process.stdout.write(`${JSON.stringify(bom, null, 2)}\n`)
