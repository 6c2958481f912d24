/**
 * What stands around every page: the navigation, and the bar with search, virtual host, connection, theme and user.
 */
import { signal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'
import { apiPath } from '../base/api.ts'
import * as format from '../base/format.ts'
import { connection, useLive } from '../base/live.ts'
import { type Theme, theme } from '../base/preferences.ts'
import { href, route, setQuery, vhostFilter } from '../base/router.ts'
import { session, signOut } from '../base/session.ts'
import type { Overview, Vhost } from '../base/types.ts'
import { allowedPlaces, type Place } from '../pages.tsx'
import { Button } from './basics.tsx'
import { Icon, type IconName, Mark } from './icon.tsx'
import { openPalette } from './palette.tsx'
import { Popover } from './popover.tsx'

/** On narrow screens the navigation lies over the page. */
const isSideOpen = signal(false)

/** The navigation. */
export function Side() {
  const { data } = useLive<Overview>('/api/overview')
  const [current = ''] = route.value.path
  const totals = data?.object_totals
  const amountOf = ({ path }: Place) => {
    const name = path[0]
    if (name !== 'connections' && name !== 'channels' && name !== 'exchanges' && name !== 'queues') return undefined
    return totals?.[name]
  }
  const close = () => {
    isSideOpen.value = false
  }
  return (
    <>
      {isSideOpen.value ? (
        <button type="button" class="veil" aria-label="Close the navigation" onClick={close} />
      ) : null}
      <nav class="side" aria-label="Pages" data-open={isSideOpen.value}>
        <a class="brand" href={href([])} onClick={close}>
          <Mark />
          <span>
            WarrenMQ
            <small>{data?.cluster_name ?? ' '}</small>
          </span>
        </a>
        <div class="stack tight">
          {allowedPlaces().map(({ title, places }) => (
            <div class="nav" key={title}>
              <h2>{title}</h2>
              {places.map((place) => (
                <a
                  key={place.title}
                  href={href(place.path)}
                  aria-current={(place.path[0] ?? '') === current ? 'page' : undefined}
                  onClick={close}
                >
                  <Icon name={place.icon} />
                  {place.title}
                  <span class="amount">{amountOf(place) === undefined ? '' : format.shortCount(amountOf(place))}</span>
                </a>
              ))}
            </div>
          ))}
        </div>
      </nav>
    </>
  )
}

/** The bar above the page. */
export function Bar() {
  return (
    <header class="bar">
      <span class="only-narrow">
        <Button
          icon="menu"
          label="Navigation"
          look="plain"
          expanded={isSideOpen.value}
          onClick={() => {
            isSideOpen.value = true
          }}
        />
      </span>
      <button type="button" class="seek" onClick={openPalette} aria-keyshortcuts="Control+K">
        <Icon name="search" />
        <span class="text">Search or do …</span>
        <kbd>Ctrl K</kbd>
      </button>
      <span class="push" />
      <ConnectionState />
      <VhostChooser />
      <ThemeMenu />
      <UserMenu />
    </header>
  )
}

const STATES = {
  live: ['Live', 'Changes are pushed to this page.'],
  polling: ['Every 5 s', 'The page asks every five seconds: other tabs of this browser are live already.'],
  connecting: ['Connecting', 'Connecting to the broker.'],
  lost: ['Connection lost', 'The broker does not answer. The page tries again by itself.'],
  paused: ['Paused', 'Nobody looks at this tab.'],
} as const

function ConnectionState() {
  const state = connection.value
  const [label, hint] = STATES[state]
  return (
    <span class="pulse" data-state={state} role="status" title={hint}>
      <i />
      <span>{label}</span>
    </span>
  )
}

function VhostChooser() {
  const { data } = useLive<readonly Vhost[]>(`${apiPath('vhosts')}?columns=name`)
  const current = vhostFilter.value
  if (data === undefined || (data.length < 2 && current === '')) return null
  const names = data.map(({ name }) => name)
  return (
    <select
      aria-label="Virtual host"
      value={current}
      onChange={({ currentTarget }) => setQuery({ vhost: currentTarget.value, page: undefined, from: undefined })}
    >
      <option value="">All virtual hosts</option>
      {names.map((name) => (
        <option key={name} value={name}>
          {name}
        </option>
      ))}
    </select>
  )
}

const THEMES: readonly (readonly [Theme, string, IconName])[] = [
  ['system', 'As the system', 'system'],
  ['light', 'Light', 'sun'],
  ['dark', 'Dark', 'moon'],
]

function ThemeMenu() {
  const icon = THEMES.find(([name]) => name === theme.value)?.[2] ?? 'system'
  return (
    <Popover icon={icon} label="Theme" look="plain">
      {(close) =>
        THEMES.map(([name, label, symbol]) => (
          <MenuItem
            key={name}
            icon={symbol}
            isChosen={theme.value === name}
            onClick={() => {
              theme.value = name
              close()
            }}
          >
            {label}
          </MenuItem>
        ))
      }
    </Popover>
  )
}

function UserMenu() {
  const user = session.value
  if (user === null) return null
  return (
    <Popover icon="user" label={`User ${user.name}`} look="plain">
      {() => (
        <>
          <p>
            <strong>{user.name}</strong>
            <br />
            {user.tags.join(', ') || 'no tags'}
          </p>
          <a class="item" href="./api/docs" target="_blank" rel="noreferrer">
            <Icon name="definitions" />
            HTTP API
          </a>
          <MenuItem icon="leave" onClick={() => signOut()}>
            Sign out
          </MenuItem>
        </>
      )}
    </Popover>
  )
}

function MenuItem(props: {
  readonly icon: IconName
  readonly isChosen?: boolean
  readonly onClick: () => void
  readonly children: ComponentChildren
}) {
  return (
    <button type="button" class="item" aria-pressed={props.isChosen} onClick={props.onClick}>
      <Icon name={props.icon} />
      {props.children}
    </button>
  )
}

/** The head of a page: where it is, what it is called, what can be done. */
export function PageHead(props: {
  readonly title: string
  readonly crumbs?: readonly (readonly [label: string, path: readonly string[]])[]
  readonly badges?: ComponentChildren
  /** What can be done is not known yet. */
  readonly isBusy?: boolean
  readonly children?: ComponentChildren
}) {
  return (
    <div class="page-head">
      <div class="grow">
        {props.crumbs === undefined ? null : (
          <nav class="crumbs" aria-label="Place">
            {props.crumbs.map(([label, path]) => (
              <span key={label}>
                <a href={href(path)}>{label}</a> /
              </span>
            ))}
          </nav>
        )}
        <h1>{props.title}</h1>
        {props.badges === undefined ? null : <div class="badges">{props.badges}</div>}
      </div>
      <div class="row" aria-busy={props.isBusy === true}>
        {props.children}
      </div>
    </div>
  )
}

/** Tabs of a page; the chosen one is in the address. */
export function Tabs(props: {
  readonly tabs: readonly (readonly [name: string, label: string])[]
  readonly current: string
}) {
  const { path, query } = route.value
  const [first] = props.tabs
  const place = useRef<HTMLElement>(null)
  // On phones the chosen tab may lie beyond the edge.
  useLayoutEffect(() => {
    const [strip, tab] = [place.current, place.current?.querySelector('[aria-current]')]
    if (strip !== null && tab instanceof HTMLElement) strip.scrollLeft = tab.offsetLeft - strip.offsetLeft
  }, [props.current])
  const rest = Object.fromEntries([...query.entries()].filter(([name]) => name === 'range' || name === 'vhost'))
  return (
    <nav class="tabs" aria-label="Parts of this page" ref={place}>
      {props.tabs.map(([name, label]) => (
        <a
          key={name}
          href={href(path, { ...rest, tab: name === first?.[0] ? undefined : name })}
          aria-current={name === props.current ? 'page' : undefined}
        >
          {label}
        </a>
      ))}
    </nav>
  )
}

/** The chosen tab, or the first. */
export function currentTab(tabs: readonly (readonly [name: string, label: string])[]): string {
  const asked = route.value.query.get('tab')
  return tabs.find(([name]) => name === asked)?.[0] ?? tabs[0]?.[0] ?? ''
}
