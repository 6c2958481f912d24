/** Open files of this process, as Linux tells them. Asked by the alarm of file descriptors. */
import { readdir, readFile } from 'node:fs/promises'

const DESCRIPTORS = '/proc/self/fd'
const LIMITS = '/proc/self/limits'

/** How many are open (the reading itself takes one), and how many may be. Undefined on other systems. */
export async function openDescriptors(): Promise<{ readonly used: number; readonly max: number } | undefined> {
  if (process.platform !== 'linux') return undefined
  const [names, limits] = await Promise.all([readdir(DESCRIPTORS), readFile(LIMITS, 'latin1')])
  const max = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1])
  return Number.isNaN(max) ? undefined : { used: names.length - 1, max }
}
