// The bill of materials: complete, and in the words of its schema.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const ROOT = fileURLToPath(new URL('../../../', import.meta.url))

interface Component {
  readonly name: string
  readonly version: string
  readonly purl: string
  readonly licenses?: readonly unknown[]
  readonly hashes?: readonly { readonly alg: string; readonly content: string }[]
}

interface Bom {
  readonly bomFormat: string
  readonly specVersion: string
  readonly serialNumber: string
  readonly metadata: { readonly component: { readonly name: string; readonly version: string } }
  readonly components: readonly Component[]
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn: readonly string[] }[]
}

test('npm run sbom names every package that runs in production, with version, checksum and license', () => {
  const { stdout, status } = spawnSync(process.execPath, ['scripts/sbom.mjs'], { cwd: ROOT, encoding: 'utf8' })
  assert.equal(status, 0)
  const bom = JSON.parse(stdout) as Bom
  assert.deepEqual([bom.bomFormat, bom.specVersion], ['CycloneDX', '1.5'])
  assert.match(bom.serialNumber, /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[1-5][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  const manifest = JSON.parse(readFileSync(`${ROOT}package.json`, 'utf8')) as {
    name: string
    dependencies: Record<string, string>
  }
  assert.equal(bom.metadata.component.name, manifest.name)
  const names = new Set(bom.components.map(({ name }) => name))
  for (const name of Object.keys(manifest.dependencies)) assert.ok(names.has(name), name)
  for (const { name, version, purl, licenses, hashes } of bom.components) {
    assert.equal(purl, `pkg:npm/${name.replace('@', '%40')}@${version}`)
    assert.equal(licenses?.length, 1, `license of ${name}`)
    assert.match(hashes?.[0]?.content ?? '', /^[0-9a-f]{128}$/, name)
  }
  const refs = new Set(bom.dependencies.map(({ ref }) => ref))
  assert.equal(refs.size, bom.components.length + 1)
  for (const { dependsOn } of bom.dependencies) for (const ref of dependsOn) assert.ok(refs.has(ref), ref)
})

test('every dependency of the lock file is pinned by a checksum', () => {
  const { packages } = JSON.parse(readFileSync(`${ROOT}package-lock.json`, 'utf8')) as {
    packages: Record<string, { integrity?: string; link?: boolean }>
  }
  const unpinned = Object.entries(packages).filter(([path, { integrity }]) => path !== '' && integrity === undefined)
  assert.deepEqual(unpinned, [])
})
