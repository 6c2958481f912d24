/**
 * Which page an address names. One table; the navigation and the palette read it, too.
 */
import type { ComponentType } from 'preact'
import { enterable } from './base/rights.ts'
import { isAdministrator, isMonitoring, isPolicymaker } from './base/session.ts'
import { ChannelPage } from './pages/channel.tsx'
import { ChannelsPage } from './pages/channels.tsx'
import { ConnectionPage } from './pages/connection.tsx'
import { ConnectionsPage } from './pages/connections.tsx'
import { DeadLettersPage } from './pages/dead-letters.tsx'
import { DefinitionsPage } from './pages/definitions.tsx'
import { ExchangePage } from './pages/exchange.tsx'
import { ExchangesPage } from './pages/exchanges.tsx'
import { FeaturesPage } from './pages/features.tsx'
import { LimitsPage } from './pages/limits.tsx'
import { LogPage } from './pages/log.tsx'
import { NodePage } from './pages/node.tsx'
import { NotFound } from './pages/not-found.tsx'
import { OverviewPage } from './pages/overview.tsx'
import { PoliciesPage } from './pages/policies.tsx'
import { QueuePage } from './pages/queue.tsx'
import { QueuesPage } from './pages/queues.tsx'
import { RoutePage } from './pages/route.tsx'
import { SettingsPage } from './pages/settings.tsx'
import { TopologyPage } from './pages/topology.tsx'
import { TracingPage } from './pages/tracing.tsx'
import { UserPage } from './pages/user.tsx'
import { UsersPage } from './pages/users.tsx'
import { VhostPage } from './pages/vhost.tsx'
import { VhostsPage } from './pages/vhosts.tsx'
import type { IconName } from './parts/icon.tsx'

/** What a page is given: the parts of its address. */
export interface PageProps {
  readonly path: readonly string[]
}

/** An entry of the navigation. */
export interface Place {
  readonly path: readonly string[]
  readonly title: string
  readonly icon: IconName
  readonly Page: ComponentType<PageProps>
  readonly isAllowed?: () => boolean
  /** Shows one object; its name follows in the address, this many parts. */
  readonly detail?: { readonly parts: number; readonly Page: ComponentType<PageProps> }
}

const administrator = () => isAdministrator.value
const monitoring = () => isMonitoring.value
/** Looking into queues and asking the router needs permissions, whatever the tags. */
const entering = () => enterable.value?.length !== 0
const policymaker = () => isPolicymaker.value

/** All places by group. */
export const PLACES: readonly { readonly title: string; readonly places: readonly Place[] }[] = [
  {
    title: 'Broker',
    places: [
      { path: [], title: 'Overview', icon: 'overview', Page: OverviewPage },
      {
        path: ['connections'],
        title: 'Connections',
        icon: 'connection',
        Page: ConnectionsPage,
        detail: { parts: 1, Page: ConnectionPage },
      },
      {
        path: ['channels'],
        title: 'Channels',
        icon: 'channel',
        Page: ChannelsPage,
        detail: { parts: 1, Page: ChannelPage },
      },
      {
        path: ['exchanges'],
        title: 'Exchanges',
        icon: 'exchange',
        Page: ExchangesPage,
        detail: { parts: 2, Page: ExchangePage },
      },
      { path: ['queues'], title: 'Queues', icon: 'queues', Page: QueuesPage, detail: { parts: 2, Page: QueuePage } },
    ],
  },
  {
    title: 'Insight',
    places: [
      { path: ['topology'], title: 'Topology', icon: 'topology', Page: TopologyPage },
      { path: ['route'], title: 'Route tester', icon: 'route', Page: RoutePage, isAllowed: entering },
      { path: ['dead-letters'], title: 'Dead letters', icon: 'dead', Page: DeadLettersPage, isAllowed: entering },
      {
        path: ['nodes'],
        title: 'Node',
        icon: 'node',
        Page: NodePage,
        isAllowed: monitoring,
        detail: { parts: 1, Page: NodePage },
      },
      { path: ['log'], title: 'Log', icon: 'log', Page: LogPage, isAllowed: monitoring },
      { path: ['traces'], title: 'Tracing', icon: 'trace', Page: TracingPage, isAllowed: administrator },
    ],
  },
  {
    title: 'Admin',
    places: [
      {
        path: ['vhosts'],
        title: 'Virtual hosts',
        icon: 'vhost',
        Page: VhostsPage,
        detail: { parts: 1, Page: VhostPage },
      },
      {
        path: ['users'],
        title: 'Users',
        icon: 'users',
        Page: UsersPage,
        isAllowed: administrator,
        detail: { parts: 1, Page: UserPage },
      },
      { path: ['policies'], title: 'Policies', icon: 'policy', Page: PoliciesPage, isAllowed: policymaker },
      { path: ['limits'], title: 'Limits', icon: 'limit', Page: LimitsPage, isAllowed: administrator },
      {
        path: ['definitions'],
        title: 'Definitions',
        icon: 'definitions',
        Page: DefinitionsPage,
        isAllowed: administrator,
      },
      { path: ['feature-flags'], title: 'Feature flags', icon: 'flag', Page: FeaturesPage, isAllowed: administrator },
      { path: ['settings'], title: 'Settings', icon: 'settings', Page: SettingsPage, isAllowed: administrator },
    ],
  },
]

/** The places that the user may see. */
export function allowedPlaces(): readonly { readonly title: string; readonly places: readonly Place[] }[] {
  return PLACES.map(({ title, places }) => ({
    title,
    places: places.filter(({ isAllowed }) => isAllowed?.() ?? true),
  })).filter(({ places }) => places.length > 0)
}

/** The page of an address. */
export function pageFor(path: readonly string[]): { readonly Page: ComponentType<PageProps>; readonly title: string } {
  // RabbitMQ's address of an upload or of a plain start.
  const [first = ''] = path
  const place = allowedPlaces()
    .flatMap(({ places }) => places)
    .find((candidate) => (candidate.path[0] ?? '') === first)
  if (place === undefined) return { Page: NotFound, title: 'Not found' }
  if (path.length <= 1) return { Page: place.Page, title: place.title }
  if (place.detail === undefined || path.length !== 1 + place.detail.parts)
    return { Page: NotFound, title: 'Not found' }
  return { Page: place.detail.Page, title: path.at(-1) ?? place.title }
}
