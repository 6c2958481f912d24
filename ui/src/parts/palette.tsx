/**
 * The command palette: Ctrl-K, a few letters, Enter. It finds pages, commands, and objects by their names. `/` goes to the
 * filter of the page, `?` lists the keys.
 */
import { signal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { ApiFailure, read } from '../base/api.ts'
import { isDark, theme } from '../base/preferences.ts'
import { mayEnter } from '../base/rights.ts'
import { go } from '../base/router.ts'
import { signOut } from '../base/session.ts'
import type { Paged } from '../base/types.ts'
import { openExchangeForm, openQueueForm } from '../pages/declare.tsx'
import { allowedPlaces } from '../pages.tsx'
import { Facts } from './basics.tsx'
import { Dialog, openDialog, shut } from './feedback.tsx'
import { Icon, type IconName } from './icon.tsx'

interface Command {
  readonly label: string
  readonly kind: string
  readonly icon: IconName
  readonly run: () => void
}

/** The palette that is open, by number; 0: none. The browser tells late that one was closed. */
const opened = signal(0)
let lastOpened = 0
const PAUSE_MS = 150
const FOUND_MAX = 6
const SEARCH_LETTERS_MIN = 2

/** Opens it. */
export function openPalette(): void {
  opened.value = ++lastOpened
}

function closePalette(number: number): void {
  if (opened.peek() === number) opened.value = 0
}

/** Its place, and the keys of the whole console; once per page. */
export function PalettePlace() {
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
        event.preventDefault()
        if (opened.peek() === 0) openPalette()
        else closePalette(opened.peek())
        return
      }
      const { target } = event
      const isTyping =
        target instanceof HTMLElement &&
        target.matches('input:not([type="checkbox"]), textarea, select, dialog, dialog *')
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
  return opened.value === 0 ? null : <Palette key={opened.value} number={opened.value} />
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

const MAKING: readonly Command[] = [
  { label: 'Declare a queue', kind: 'Command', icon: 'plus', run: openQueueForm },
  { label: 'Declare an exchange', kind: 'Command', icon: 'plus', run: openExchangeForm },
]

function commands(): Command[] {
  const pages = allowedPlaces().flatMap(({ places }) =>
    places.map(({ title, icon, path }): Command => ({ label: title, kind: 'Page', icon, run: () => go(path) })),
  )
  return [
    ...pages,
    ...(mayEnter('') ? MAKING : []),
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

function Palette({ number }: { readonly number: number }) {
  const element = useRef<HTMLDialogElement>(null)
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const [found, setFound] = useState<readonly Command[]>([])
  const [isSearching, setSearching] = useState(false)
  /** Enter was pressed before the search had answered: what it finds first is meant. */
  const [isAwaited, setAwaited] = useState(false)
  // Before the next key is pressed; the focus goes back to where it was.
  useLayoutEffect(() => {
    const dialog = element.current
    dialog?.showModal()
    return () => shut(dialog)
  }, [])
  useEffect(() => {
    if (text.trim().length < SEARCH_LETTERS_MIN) {
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
        .finally(() => {
          if (!isStale) setSearching(false)
        })
    }, PAUSE_MS)
    return () => {
      isStale = true
      clearTimeout(timer)
    }
  }, [text])
  const wanted = text.trim().toLowerCase()
  const isWanted = ({ label }: Command) => label.toLowerCase().includes(wanted)
  // What was found for fewer letters may not have the last one.
  const shown = [...commands(), ...found].filter(isWanted)
  const leave = () => {
    shut(element.current)
    closePalette(number)
  }
  const run = (command: Command | undefined) => {
    if (command === undefined) return
    leave()
    command.run()
  }
  const onKey = (event: KeyboardEvent) => {
    if (event.key === 'ArrowDown') setAt(Math.min(at + 1, shown.length - 1))
    else if (event.key === 'ArrowUp') setAt(Math.max(at - 1, 0))
    else if (event.key === 'Enter' && shown.length > 0) run(shown[at])
    else if (event.key === 'Enter') setAwaited(isSearching)
    else return
    event.preventDefault()
  }
  useEffect(() => {
    if (!isAwaited || (shown.length === 0 && isSearching)) return
    setAwaited(false)
    run(shown[0])
  }, [isAwaited, isSearching, shown.length])
  useEffect(() => {
    element.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' })
  }, [at])
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: a click beside it closes it, as Escape does.
    <dialog
      ref={element}
      class="palette"
      aria-label="Search and commands"
      onClose={() => closePalette(number)}
      // At once: the browser would still give it the next key.
      onCancel={leave}
      onClick={({ target }) => {
        if (target === element.current) leave()
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
            setSearching(currentTarget.value.trim().length >= SEARCH_LETTERS_MIN)
            setAwaited(false)
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
            {isSearching ? 'Searching …' : 'Nothing has this name.'}
          </div>
        ) : null}
      </div>
    </dialog>
  )
}
