/**
 * Small parts that every page is made of: buttons, badges, cards, figures, facts, notices, empty states.
 */
import type { ComponentChild, ComponentChildren } from 'preact'
import type { ApiFailure } from '../base/api.ts'
import { Icon, type IconName } from './icon.tsx'

/** How something is meant: colour never stands alone, there are words with it. */
export type Tone = 'plain' | 'ok' | 'warn' | 'danger' | 'accent'

interface ButtonProps {
  readonly children?: ComponentChildren
  readonly icon?: IconName
  /** For buttons that show an icon alone. */
  readonly label?: string
  readonly look?: string
  readonly disabled?: boolean
  readonly submit?: boolean
  readonly title?: string
  readonly onClick?: (event: MouseEvent) => void
  readonly pressed?: boolean
  readonly expanded?: boolean
}

/** A button. `look`: words of `primary`, `destructive`, `plain`, `low`. */
export function Button(props: ButtonProps) {
  const { children, icon, label, look = '', disabled = false, submit = false, onClick } = props
  return (
    <button
      type={submit ? 'submit' : 'button'}
      class={`button ${look} ${children === undefined ? 'icon-only' : ''}`}
      aria-label={label}
      aria-pressed={props.pressed}
      aria-expanded={props.expanded}
      title={props.title ?? label}
      disabled={disabled}
      onClick={onClick}
    >
      {icon === undefined ? null : <Icon name={icon} />}
      {children}
    </button>
  )
}

/** A word with a colour. */
export function Badge(props: {
  readonly tone?: Tone
  readonly title?: string | undefined
  readonly children: ComponentChildren
}) {
  return (
    <span class={`badge ${props.tone ?? 'plain'}`} title={props.title}>
      {props.children}
    </span>
  )
}

/** A part of a page with a heading. */
export function Card(props: {
  readonly title?: ComponentChildren
  readonly aside?: ComponentChildren
  readonly children: ComponentChildren
  /** Without padding, for tables. */
  readonly flush?: boolean
}) {
  return (
    <section class="card">
      {props.title === undefined && props.aside === undefined ? null : (
        <header>
          <div class="grow">{props.title === undefined ? null : <h2>{props.title}</h2>}</div>
          {props.aside}
        </header>
      )}
      {props.flush === true ? props.children : <div class="body">{props.children}</div>}
    </section>
  )
}

/** A large number with its name. */
export function Figure(props: {
  readonly name: ComponentChildren
  readonly value: ComponentChild
  readonly note?: ComponentChild
  readonly tone?: Tone
  readonly href?: string | undefined
  readonly series?: number
}) {
  const content = (
    <>
      <div class="name">
        {props.series === undefined ? null : <Swatch series={props.series} />}
        {props.name}
      </div>
      <div class="value">{props.value}</div>
      <div class="note">{props.note}</div>
    </>
  )
  const look = `figure ${props.tone ?? ''}`
  return props.href === undefined ? (
    <div class={look}>{content}</div>
  ) : (
    <a class={look} href={props.href}>
      {content}
    </a>
  )
}

/** Large numbers in a row. */
export function Figures({ children }: { readonly children: ComponentChildren }) {
  return <div class="figures">{children}</div>
}

/** The colour of a series. */
export function Swatch({ series }: { readonly series: number }) {
  return <span class="swatch" style={{ background: `var(--series-${series})` }} />
}

/** Names and values. Values that are undefined are left out. */
export function Facts(props: {
  readonly items: readonly (readonly [string, ComponentChild])[]
  readonly two?: boolean
}) {
  return (
    <dl class={props.two === true ? 'facts two' : 'facts'}>
      {props.items
        .filter(([, value]) => value !== undefined)
        .map(([name, value]) => (
          <>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </>
        ))}
    </dl>
  )
}

const NOTICE_ICONS: Readonly<Record<Tone, IconName>> = {
  plain: 'info',
  accent: 'info',
  ok: 'ok',
  warn: 'warning',
  danger: 'warning',
}

/** Something to know. */
export function Notice(props: { readonly tone?: Tone; readonly children: ComponentChildren }) {
  const tone = props.tone ?? 'plain'
  return (
    <div class={`notice ${tone}`}>
      <Icon name={NOTICE_ICONS[tone]} />
      <div class="grow">{props.children}</div>
    </div>
  )
}

/** Why something cannot be shown. */
export function Failure({ failure }: { readonly failure: ApiFailure }) {
  if (failure.status === 404) return <Notice tone="warn">This does not exist (any more).</Notice>
  return <Notice tone="danger">{failure.message}</Notice>
}

/** Nothing to show, and what to do about it. */
export function Empty(props: {
  readonly icon: IconName
  readonly title: string
  readonly children?: ComponentChildren
  readonly action?: ComponentChildren
}) {
  return (
    <div class="empty">
      <Icon name={props.icon} />
      <strong>{props.title}</strong>
      {props.children === undefined ? null : <p>{props.children}</p>}
      {props.action}
    </div>
  )
}

/** A share of something, as a bar and in words. */
export function Meter(props: {
  readonly name: string
  readonly share: number
  readonly text: string
  readonly tone?: Tone
}) {
  const percent = Math.round(Math.min(Math.max(props.share, 0), 1) * 100)
  return (
    <div class={`meter ${props.tone ?? ''}`}>
      <div class="row apart small">
        <span class="muted">{props.name}</span>
        <span class="number">{props.text}</span>
      </div>
      {/* biome-ignore lint/a11y/useSemanticElements: a meter element cannot be styled alike everywhere. */}
      <div
        class="track"
        role="meter"
        aria-label={props.name}
        aria-valuenow={percent}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuetext={props.text}
      >
        <div class="fill" style={{ width: `${percent}%` }} />
      </div>
    </div>
  )
}

/** Text in lines, as it is. */
export function Code({ text, label }: { readonly text: string; readonly label: string }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
    <section class="code" tabIndex={0} aria-label={label}>
      <pre>{text}</pre>
    </section>
  )
}
