/**
 * The node's own numbers, read when they are sampled or shown.
 */
import type { Broker } from '../../model/broker.ts'
import type { NodeFacts } from '../context.ts'
import { NODE_FIELDS } from './fields.ts'
import type { NodeProbe } from './statistics.ts'

/** Reads the node's numbers. */
export function nodeProbe(node: NodeFacts, broker: Broker): NodeProbe {
  return {
    get diskReads() {
      return node.log()?.readCount ?? 0
    },
    get diskWrites() {
      return node.log()?.batchCount ?? 0
    },
    writeNode(into) {
      const { memoryUsedBytes, diskFreeBytes } = node.resources()
      const log = node.log()
      const usage = process.resourceUsage()
      const values: Partial<Record<(typeof NODE_FIELDS)[number], number>> = {
        mem_used: memoryUsedBytes,
        disk_free: Math.max(diskFreeBytes, 0),
        fd_used: node.openFiles().used,
        sockets_used: broker.connections.count,
        proc_used: 1,
        io_read_count: log?.readCount ?? 0,
        io_read_bytes: log?.readBytes ?? 0,
        io_write_count: log?.batchCount ?? 0,
        io_write_bytes: log?.writtenBytes ?? 0,
        io_sync_count: log?.syncCount ?? 0,
        io_sync_avg_time: log === undefined || log.syncCount === 0 ? 0 : log.syncMsTotal / log.syncCount,
        context_switches: usage.voluntaryContextSwitches + usage.involuntaryContextSwitches,
      }
      NODE_FIELDS.forEach((name, place) => {
        into[place] = values[name] ?? 0
      })
    },
  }
}
