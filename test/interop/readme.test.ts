/** The README's examples, run as they stand; only the address is that of this test's broker. */
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import { type BrokerProcess, projectRoot, startBrokerProcess } from '../support/broker-process.ts'

const EXAMPLE_MS_MAX = 30_000
const readme = readFileSync(join(projectRoot, 'README.md'), 'utf8')
const python = join(projectRoot, 'var/interop/venv/bin/python')
// Below the project, so that its packages and its own name resolve.
const scratch = mkdtempSync(join(projectRoot, 'var/interop/readme-'))

let broker: BrokerProcess

before(async () => {
  broker = await startBrokerProcess()
})

after(async () => {
  rmSync(scratch, { recursive: true, force: true })
  assert.equal(await broker.stop(), 0)
})

/** The code blocks of a language, in order. */
function examples(language: string): string[] {
  return [...readme.matchAll(new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 'gs'))].map((match) => match[1]!)
}

/** Runs a program that must end well; resolves with what it printed. */
function run(command: string, name: string, code: string): Promise<string> {
  const file = join(scratch, name)
  writeFileSync(file, code)
  return new Promise((resolve, reject) => {
    execFile(command, [file], { cwd: scratch, timeout: EXAMPLE_MS_MAX }, (error, stdout, stderr) => {
      if (error === null) resolve(stdout)
      else reject(new Error(`${error.message}\n${stdout}\n${stderr}`))
    })
  })
}

test('the Python example', async () => {
  const [code] = examples('python')
  const here = code!.replace('"localhost"', `"127.0.0.1", ${broker.listeners.amqp}`)
  assert.notEqual(here, code)
  assert.equal(await run(python, 'example.py', here), 'Hello from Python\n')
})

test('the JavaScript example', async () => {
  const [code] = examples('javascript')
  const here = code!.replace('amqp://localhost', `amqp://127.0.0.1:${broker.listeners.amqp}`)
  assert.notEqual(here, code)
  assert.equal(await run(process.execPath, 'example.mjs', here), 'Hello from JavaScript\n')
})

test('the example of an embedded broker', async () => {
  const code = examples('javascript')[1]
  assert.match(await run(process.execPath, 'embedded.mjs', code!), /^\d+\n$/)
})
