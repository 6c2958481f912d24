/**
 * The machine and the process: the one home of asking how much memory there is and how much of it we use.
 */
import { totalmem } from 'node:os'

/** Memory of this process that is in RAM, in bytes: what the kernel counts, heap and buffers included. */
export function processMemoryBytes(): number {
  return process.memoryUsage.rss()
}

/** Memory that this process may use, in bytes: the machine's, or less when a container (cgroup) limits it. */
export function availableMemoryBytes(): number {
  const machineBytes = totalmem()
  // 0 or an absurd number when nothing limits us.
  const limitBytes = process.constrainedMemory()
  return limitBytes > 0 && limitBytes < machineBytes ? limitBytes : machineBytes
}
