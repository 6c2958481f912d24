/**
 * The console: the sign-in page, or the shell with the page that the address names.
 */
import { useLayoutEffect, useRef } from 'preact/hooks'
import { enterable, useEnterable } from './base/rights.ts'
import { route } from './base/router.ts'
import { session } from './base/session.ts'
import { SignIn } from './pages/sign-in.tsx'
import { pageFor } from './pages.tsx'
import { FeedbackPlace } from './parts/feedback.tsx'
import { PalettePlace } from './parts/palette.tsx'
import { Bar, Side } from './parts/shell.tsx'

/** Everything. */
export function App() {
  if (session.value === null) return <SignIn />
  return <Shell />
}

function Shell() {
  useEnterable()
  const main = useRef<HTMLElement>(null)
  const { path } = route.value
  const { Page, title } = pageFor(path)
  const key = path.join('/')
  const isFirst = useRef(true)
  // With the page's first drawing, not after it: a key pressed meanwhile would lose its place.
  useLayoutEffect(() => {
    document.title = `${title} · WarrenMQ`
    if (isFirst.current) isFirst.current = false
    else main.current?.focus()
    window.scrollTo(0, 0)
  }, [key])
  return (
    <div class="shell">
      <button type="button" class="skip" onClick={() => main.current?.focus()}>
        Skip to the page
      </button>
      <Side />
      <Bar />
      <main class="page" id="page" ref={main} tabIndex={-1} key={key} aria-busy={enterable.value === undefined}>
        <Page path={path} />
      </main>
      <FeedbackPlace />
      <PalettePlace />
    </div>
  )
}
