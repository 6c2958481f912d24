/**
 * The command palette: Ctrl-K, a few letters, Enter. It finds pages, commands, and objects by their names. `/` goes to the
 * filter of the page, `?` lists the keys.
 */
import { signal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { ApiFailure, read } from '../base/api.ts'
import { isDark, theme } from '../base/preferences.ts'
import { go } from '../base/router.ts'
import { signOut } from '../base/session.ts'
import type { Paged } from '../base/types.ts'
import { openExchangeForm, openQueueForm } from '../pages/declare.tsx'
import { allowedPlaces } from '../pages.tsx'
import { Facts } from './basics.tsx'
import { Dialog, openDialog } from './feedback.tsx'
import { Icon, type IconName } from './icon.tsx'

interface Command {
  readonly label: string
  readonly kind: string
  readonly icon: IconName
  readonly run: () => void
}

const isOpen = signal(false)
const PAUSE_MS = 150
const FOUND_MAX = 6

/** Opens it. */
export function openPalette(): void {
  isOpen.value = true
}

/** Its place, and the keys of the whole console; once per page. */
export function PalettePlace() {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        isOpen.value = !isOpen.peek()
        return
      }
      const { target } = event
      const isTyping = target instanceof HTMLElement && target.matches('input, textarea, select, dialog *')
      if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return
      if (event.key === '/') {
        const filter = document.querySelector<HTMLInputElement>('input[data-filter]')
        if (filter !== null) event.preventDefault()
        filter?.focus()
      } else if (event.key === '?') showKeys()
    }
    document.addEventListener('keydown', onKey)
    return () => document.removeEventListener('keydown', onKey)
  }, [])
  return isOpen.value ? <Palette /> : null
}

function showKeys(): void {
  openDialog(
    <Dialog title="Keys" action="Close" isInformation onSubmit={async () => undefined}>
      <Facts
        items={[
          ['Ctrl K', 'Search and commands'],
          ['/', "Filter of the page's table"],
          ['?', 'These keys'],
          ['Esc', 'Close what is open'],
          ['Tab, Shift Tab', 'Next, previous'],
        ]}
      />
    </Dialog>,
  )
}

function commands(): Command[] {
  const pages = allowedPlaces().flatMap(({ places }) =>
    places.map(({ title, icon, path }): Command => ({ label: title, kind: 'Page', icon, run: () => go(path) })),
  )
  return [
    ...pages,
    { label: 'Declare a queue', kind: 'Command', icon: 'plus', run: openQueueForm },
    { label: 'Declare an exchange', kind: 'Command', icon: 'plus', run: openExchangeForm },
    {
      label: isDark() ? 'Use the light theme' : 'Use the dark theme',
      kind: 'Command',
      icon: isDark() ? 'sun' : 'moon',
      run: () => {
        theme.value = isDark() ? 'light' : 'dark'
      },
    },
    { label: 'Keys', kind: 'Command', icon: 'info', run: showKeys },
    { label: 'Sign out', kind: 'Command', icon: 'leave', run: () => signOut() },
  ]
}

const KINDS: readonly (readonly [list: string, kind: string, icon: IconName])[] = [
  ['queues', 'Queue', 'queues'],
  ['exchanges', 'Exchange', 'exchange'],
  ['connections', 'Connection', 'connection'],
]

async function search(text: string): Promise<Command[]> {
  const found = await Promise.all(
    KINDS.map(async ([list, kind, icon]) => {
      const query = new URLSearchParams({ page: '1', page_size: String(FOUND_MAX), name: text, columns: 'name,vhost' })
      const { items } = await read<Paged<{ name: string; vhost: string }>>(`/api/${list}?${query}`)
      return items.map(
        ({ name, vhost }): Command => ({
          label: name === '' ? '(default exchange)' : name,
          kind: `${kind} in ${vhost}`,
          icon,
          run: () => go(list === 'connections' ? [list, name] : [list, vhost, name === '' ? 'amq.default' : name]),
        }),
      )
    }),
  )
  return found.flat()
}

function Palette() {
  const element = useRef<HTMLDialogElement>(null)
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const [found, setFound] = useState<readonly Command[]>([])
  // Before the next key is pressed.
  useLayoutEffect(() => element.current?.showModal(), [])
  useEffect(() => {
    if (text.trim().length < 2) {
      setFound([])
      return undefined
    }
    let isStale = false
    const timer = setTimeout(() => {
      search(text.trim())
        .then((commands) => {
          if (!isStale) setFound(commands)
        })
        .catch((error: unknown) => {
          if (!(error instanceof ApiFailure)) throw error
          setFound([])
        })
    }, PAUSE_MS)
    return () => {
      isStale = true
      clearTimeout(timer)
    }
  }, [text])
  const wanted = text.trim().toLowerCase()
  const shown = [...commands().filter(({ label }) => label.toLowerCase().includes(wanted)), ...found]
  const run = (command: Command | undefined) => {
    if (command === undefined) return
    element.current?.close()
    command.run()
  }
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setAt(Math.min(at + 1, shown.length - 1))
    else if (event.key === 'ArrowUp') setAt(Math.max(at - 1, 0))
    else if (event.key === 'Enter') run(shown[at])
    else return
    event.preventDefault()
  }
  useEffect(() => {
    element.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' })
  }, [at])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click beside it closes it, as Escape does.
    <dialog
      ref={element}
      class="palette"
      aria-label="Search and commands"
      onClose={() => {
        isOpen.value = false
      }}
      onClick={({ target }) => {
        if (target === element.current) element.current?.close()
      }}
    >
      <div class="entry">
        <Icon name="search" />
        <input
          role="combobox"
          aria-label="Search and commands"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-activedescendant={shown.length === 0 ? undefined : `palette-${at}`}
          placeholder="Queue, exchange, connection, page or command"
          value={text}
          spellcheck={false}
          autocomplete="off"
          onInput={({ currentTarget }) => {
            setText(currentTarget.value)
            setAt(0)
          }}
          onKeyDown={onKey}
        />
        <kbd>Esc</kbd>
      </div>
      <div id="palette-list" role="listbox" aria-label="Results" tabIndex={-1}>
        {shown.map((command, i) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the field above, as for every combobox.
          <div
            key={`${command.kind} ${command.label}`}
            id={`palette-${i}`}
            role="option"
            aria-selected={i === at}
            tabIndex={-1}
            onClick={() => run(command)}
            onMouseMove={() => setAt(i)}
          >
            <Icon name={command.icon} />
            <span class="break">{command.label}</span>
            <span class="kind">{command.kind}</span>
          </div>
        ))}
        {shown.length === 0 ? (
          <div role="option" aria-selected="false" aria-disabled="true" tabIndex={-1} class="muted">
            Nothing has this name.
          </div>
        ) : null}
      </div>
    </dialog>
  )
}
