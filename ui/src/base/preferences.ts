/**
 * What a browser remembers of its user: theme, columns, page sizes. Never anything that the server should know.
 */
import { effect, signal } from '@preact/signals'

const PREFIX = 'warren.'

/** A remembered text; the fallback when nothing is remembered or the browser forbids it. */
export function remembered(name: string, fallback: string): string {
  try {
    return localStorage.getItem(PREFIX + name) ?? fallback
  } catch (error) {
    // A browser that keeps nothing is no reason not to work.
    console.debug('nothing is remembered', error)
    return fallback
  }
}

/** Remembers a text; null forgets it. */
export function remember(name: string, value: string | null): void {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name)
    else localStorage.setItem(PREFIX + name, value)
  } catch (error) {
    console.debug('nothing is remembered', error)
  }
}

/** Light, dark, or as the system has it. */
export type Theme = 'system' | 'light' | 'dark'

/** The chosen theme. */
export const theme = signal<Theme>(asTheme(remembered('theme', 'system')))
/** Grows when colours change, for what draws them itself. */
export const themeVersion = signal(0)

function asTheme(text: string): Theme {
  return text === 'light' || text === 'dark' ? text : 'system'
}

effect(() => {
  const chosen = theme.value
  if (chosen === 'system') delete document.documentElement.dataset.theme
  else document.documentElement.dataset.theme = chosen
  remember('theme', chosen === 'system' ? null : chosen)
  themeVersion.value = themeVersion.peek() + 1
})
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => themeVersion.value++)

/** Whether dark colours are shown now. */
export function isDark(): boolean {
  if (theme.peek() !== 'system') return theme.peek() === 'dark'
  return matchMedia('(prefers-color-scheme: dark)').matches
}
