/** Commands named as RabbitMQ's, which call `warren ctl`: other people's scripts run them. */
import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What they are called. */
export const SHIMS = [
  'rabbitmqctl',
  'rabbitmq-diagnostics',
  'rabbitmq-queues',
  'rabbitmq-streams',
  'rabbitmq-plugins',
  'rabbitmq-upgrade',
] as const

/** Writes them into a folder, which is made when it is not there. */
export async function installShims(folder: string, tell: (file: string) => void): Promise<void> {
  const launcher = process.argv[1] ?? 'warren'
  await mkdir(folder, { recursive: true })
  for (const name of SHIMS) {
    const file = join(folder, name)
    const call = `${quote(process.execPath)} ${quote(launcher)} ctl --as-rabbitmqctl --script-name ${name}`
    await writeFile(file, `#!/bin/sh\nexec ${call} "$@"\n`)
    await chmod(file, 0o755)
    tell(file)
  }
}

function quote(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`
}
