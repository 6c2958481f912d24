/** Signing in. */
import { useSignal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { farewell, type IdentityProviders, identityProviders, resume, signIn } from '../base/session.ts'
import { Button, Notice } from '../parts/basics.tsx'
import { TextField } from '../parts/form.tsx'
import { Mark } from '../parts/icon.tsx'

/** The page that asks who you are. */
export function SignIn() {
  const username = useSignal('')
  const password = useSignal('')
  const failure = useSignal('')
  const isBusy = useSignal(false)
  const providers = useSignal<IdentityProviders | undefined>(undefined)
  const form = useRef<HTMLFormElement>(null)
  useLayoutEffect(() => form.current?.querySelector('input')?.focus(), [])
  useEffect(() => {
    void resume()
    void identityProviders().then((found) => {
      providers.value = found
    })
  }, [])
  document.title = 'Sign in · WarrenMQ'
  const submit = async (event: Event) => {
    event.preventDefault()
    isBusy.value = true
    failure.value = (await signIn(username.value, password.value)) ?? ''
    isBusy.value = false
  }
  return (
    <main class="sign-in">
      <form ref={form} onSubmit={submit}>
        <div class="mark">
          <Mark />
          <div>
            <h1>WarrenMQ</h1>
            <p class="muted">Sign in to the console</p>
          </div>
        </div>
        {farewell.value === '' || failure.value !== '' ? null : <Notice tone="warn">{farewell.value}</Notice>}
        {failure.value === '' ? null : (
          <div role="alert">
            <Notice tone="danger">{failure.value}</Notice>
          </div>
        )}
        {providers.value?.isOnly === true ? null : (
          <>
            <TextField label="User name" value={username} autocomplete="username" required />
            <TextField label="Password" value={password} type="password" autocomplete="current-password" required />
            <Button submit look="primary" disabled={isBusy.value}>
              {isBusy.value ? 'Signing in …' : 'Sign in'}
            </Button>
          </>
        )}
        {providers.value?.ways.map(({ name, url }) => (
          <a key={url} class="button" href={url}>
            Sign in with {name}
          </a>
        ))}
      </form>
    </main>
  )
}
