/**
 * Connections, channels and consumers as the HTTP API shows them.
 */

import type { ChannelStatus, ConnectionHandle, ConnectionStatus } from '../../model/connections.ts'
import type { Consumer } from '../../model/queue/queue.ts'
import { argumentsToJson } from '../../model/values/arguments-json.ts'
import type { ManagementContext } from '../context.ts'
import type { JsonObject } from '../http/list-reply.ts'
import { CHANNEL_FIELDS, CONNECTION_FIELDS, isAnySet, withDetails, writeMessageCounters } from '../stats/fields.ts'
import type { SampleWindows } from '../stats/series.ts'
import { GARBAGE_COLLECTION, idleSince } from './queue-json.ts'

/** A channel and its connection. */
export interface ListedChannel {
  readonly connection: ConnectionHandle
  readonly channel: ChannelStatus
}

/** A connection of a list. */
export function connectionJson(
  context: ManagementContext,
  connection: ConnectionHandle,
  windows: SampleWindows,
  withoutStats = false,
): JsonObject {
  const status = connection.status()
  const properties = argumentsToJson(connection.clientProperties)
  const given = properties.connection_name
  const { tls } = connection
  const certificate = tls?.peerCertificate ?? null
  return {
    auth_mechanism: connection.mechanism,
    channel_max: status.channelCountMax,
    channels: connection.channelCount,
    client_properties: properties,
    connected_at: connection.connectedAtMs,
    frame_max: status.frameBytesMax,
    host: connection.host,
    name: connection.name,
    node: context.node.name,
    peer_cert_issuer: certificate?.issuer ?? null,
    peer_cert_subject: certificate?.distinguishedName ?? null,
    peer_cert_validity: certificate === null ? null : `${certificate.notBefore} - ${certificate.notAfter}`,
    peer_host: connection.peerHost,
    peer_port: connection.peerPort,
    port: connection.port,
    protocol: connection.protocol,
    ssl: tls !== null,
    ssl_cipher: tls?.cipher ?? null,
    ssl_hash: tls === null ? null : hashOf(tls.cipher),
    ssl_key_exchange: tls === null ? null : keyExchangeOf(tls.cipher),
    ssl_protocol: tls === null ? null : tls.version.toLowerCase(),
    state: status.state,
    timeout: status.heartbeatSeconds,
    type: connection.peerHost === '' ? 'direct' : 'network',
    user: connection.user,
    ...(typeof given === 'string' ? { user_provided_name: given } : {}),
    user_who_performed_action: connection.user,
    vhost: connection.vhost,
    ...(withoutStats ? {} : connectionFigures(context, connection, status, windows)),
  }
}

/** The end of a suite's name: `TLS_AES_256_GCM_SHA384` hashes with `sha384`. */
function hashOf(cipher: string): string {
  return /[A-Za-z0-9]+$/.exec(cipher)?.[0].toLowerCase() ?? ''
}

/** `TLS_ECDHE_RSA_WITH_…` says how keys were exchanged; suites of TLS 1.3 do not: there it is always `any`. */
function keyExchangeOf(cipher: string): string {
  return /^TLS_(.+)_WITH_/.exec(cipher)?.[1]?.toLowerCase() ?? 'any'
}

function connectionFigures(
  { statistics }: ManagementContext,
  connection: ConnectionHandle,
  status: ConnectionStatus,
  windows: SampleWindows,
): JsonObject {
  const row = Float64Array.of(status.receivedBytes, status.sentBytes)
  const series = statistics.ofConnection(connection.id)
  return {
    garbage_collection: GARBAGE_COLLECTION,
    recv_cnt: status.receivedCount,
    reductions: 0,
    reductions_details: { rate: 0 },
    send_cnt: status.sentCount,
    send_pend: 0,
    ...withDetails(CONNECTION_FIELDS, CONNECTION_FIELDS, row, series, statistics.everyMs, windows.data_rates),
  }
}

/** A channel of a list. */
export function channelJson(
  context: ManagementContext,
  { connection, channel }: ListedChannel,
  windows: SampleWindows,
  withoutStats = false,
): JsonObject {
  const base = {
    connection_details: { name: connection.name, peer_host: connection.peerHost, peer_port: connection.peerPort },
    name: channel.name,
    node: context.node.name,
    number: channel.number,
    user: connection.user,
    user_who_performed_action: connection.user,
    vhost: connection.vhost,
  }
  if (withoutStats) return base
  return {
    ...base,
    acks_uncommitted: channel.uncommittedAcks,
    confirm: channel.confirm,
    consumer_count: channel.consumerCount,
    garbage_collection: GARBAGE_COLLECTION,
    global_prefetch_count: channel.globalPrefetchCount,
    ...idleSince(context, channel.idleSinceMs),
    ...channelStats(context, channel, windows),
    messages_unacknowledged: channel.unackedCount,
    messages_uncommitted: channel.uncommittedMessages,
    messages_unconfirmed: channel.unconfirmedCount,
    pending_raft_commands: 0,
    prefetch_count: channel.prefetchCount,
    reductions: 0,
    reductions_details: { rate: 0 },
    state: 'running',
    transactional: channel.transactional,
  }
}

function channelStats({ statistics }: ManagementContext, channel: ChannelStatus, windows: SampleWindows): JsonObject {
  if (channel.counters === undefined) return {}
  const row = new Float64Array(CHANNEL_FIELDS.length)
  writeMessageCounters(channel.counters, row)
  if (!isAnySet(CHANNEL_FIELDS, CHANNEL_FIELDS, row)) return {}
  const series = statistics.ofChannel(channel.name)
  return {
    message_stats: withDetails(CHANNEL_FIELDS, CHANNEL_FIELDS, row, series, statistics.everyMs, windows.msg_rates),
  }
}

/** A consumer of a list. `channelOf` finds its channel by name; a consumer without one shows what is known. */
export function consumerJson(
  context: ManagementContext,
  consumer: Consumer,
  channelOf: (name: string) => ListedChannel | undefined,
): JsonObject {
  const { spec, queue } = consumer
  const listed = channelOf(spec.sessionName)
  return {
    arguments: argumentsToJson(spec.args),
    ack_required: !spec.noAck,
    active: consumer.isActive,
    activity_status: consumer.isActive ? activeStatus(consumer) : 'waiting',
    channel_details: {
      connection_name: listed?.connection.name ?? spec.sessionName,
      name: spec.sessionName,
      node: context.node.name,
      number: listed?.channel.number ?? 0,
      peer_host: listed?.connection.peerHost ?? '',
      peer_port: listed?.connection.peerPort ?? 0,
      user: spec.user,
    },
    consumer_tag: spec.tag,
    exclusive: spec.exclusive,
    ...(consumer.heldCount === undefined ? {} : { messages_unacknowledged: consumer.heldCount }),
    prefetch_count: spec.prefetchCount,
    queue: { name: queue.name, vhost: queue.vhost },
  }
}

function activeStatus({ queue }: Consumer): string {
  return queue.status().singleActiveTag === null ? 'up' : 'single_active'
}

/** Channels by name, of all connections: O(channels). */
export function channelIndex(context: ManagementContext): (name: string) => ListedChannel | undefined {
  const byName = new Map<string, ListedChannel>()
  for (const connection of context.broker.connections.all()) {
    for (const channel of connection.status().channels) byName.set(channel.name, { connection, channel })
  }
  return (name) => byName.get(name)
}
