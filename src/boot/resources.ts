/** The alarms' view of the machine: memory, free disk space and file descriptors, with the limits of the settings. */
import { availableMemoryBytes, processMemoryBytes } from '../base/host.ts'
import type { Logger } from '../base/log.ts'
import type { Settings } from '../config/settings.ts'
import type { Broker } from '../model/broker.ts'
import type { Alarms } from '../model/observe/alarms.ts'
import { DescriptorWatch } from '../model/observe/descriptor-watch.ts'
import { type ResourceLimit, ResourceMonitor } from '../model/observe/resource-monitor.ts'
import { openDescriptors } from '../storage/descriptors.ts'
import type { Foundation } from './foundation.ts'

/** A monitor that is not started yet. */
export function resourceMonitor(
  foundation: Foundation,
  settings: Settings,
  alarms: Alarms,
  logger: Logger,
): ResourceMonitor {
  const { disk, wheel } = foundation
  return new ResourceMonitor({
    alarms,
    wheel,
    logger,
    memoryLimit: memoryLimit(settings),
    diskLimit: diskLimit(settings),
    memoryIntervalMs: settings.alarms.memoryIntervalMs,
    probes: {
      memoryUsedBytes: processMemoryBytes,
      memoryTotalBytes: () => settings.alarms.totalMemoryBytes ?? availableMemoryBytes(),
      diskFreeBytes: disk === null ? undefined : () => disk.freeBytes(),
    },
  })
}

/** A watch that is not started yet. */
export function descriptorWatch(
  { wheel }: Foundation,
  settings: Settings,
  alarms: Alarms,
  broker: Broker,
  logger: Logger,
): DescriptorWatch {
  return new DescriptorWatch({
    alarms,
    wheel,
    logger,
    watermark: settings.alarms.descriptorWatermark,
    read: openDescriptors,
    connectionCount: () => broker.connections.count,
  })
}

/** The memory watermark of the settings. */
export function memoryLimit({ alarms }: Settings): ResourceLimit {
  if (alarms.memoryBytes !== null) return { kind: 'absolute', bytes: alarms.memoryBytes }
  return { kind: 'relative', fraction: alarms.memoryRelative }
}

/** The free space limit of the settings: the higher one of both. */
export function diskLimit({ alarms }: Settings): ResourceLimit {
  const total = alarms.totalMemoryBytes ?? availableMemoryBytes()
  if (alarms.diskFreeRelative !== null && alarms.diskFreeRelative * total > alarms.diskFreeBytes) {
    return { kind: 'relative', fraction: alarms.diskFreeRelative }
  }
  return { kind: 'absolute', bytes: alarms.diskFreeBytes }
}
