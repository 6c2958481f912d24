/**
 * Talking to the user: dialogs, questions before something is destroyed, and short messages afterwards.
 */
import { signal } from '@preact/signals'
import { type ComponentChildren, createContext, type VNode } from 'preact'
import { useContext, useLayoutEffect, useRef, useState } from 'preact/hooks'
import { ApiFailure } from '../base/api.ts'
import { session } from '../base/session.ts'
import { Button, Notice } from './basics.tsx'
import { Icon } from './icon.tsx'

interface Toast {
  readonly id: number
  readonly text: string
  readonly isFailure: boolean
}

interface OpenDialog {
  readonly id: number
  readonly content: VNode
}

const TOAST_MS = 5_000
const FAILURE_MS = 12_000

const toasts = signal<readonly Toast[]>([])
const dialogs = signal<readonly OpenDialog[]>([])
/** Which of the open dialogs this is. */
const DialogId = createContext(0)
let nextId = 1

/** Says that something is done. */
export function tell(text: string, isFailure = false): void {
  const toast = { id: nextId++, text, isFailure }
  toasts.value = [...toasts.value.slice(-3), toast]
  setTimeout(() => dismiss(toast.id), isFailure ? FAILURE_MS : TOAST_MS)
}

function dismiss(id: number): void {
  toasts.value = toasts.value.filter((toast) => toast.id !== id)
}

/** Does something and says how it went. True when it worked. */
export async function attempt(done: string, action: () => Promise<unknown>): Promise<boolean> {
  try {
    await action()
    if (done !== '') tell(done)
    return true
  } catch (error) {
    if (!(error instanceof ApiFailure)) throw error
    tell(error.message, true)
    return false
  }
}

// A dialog belongs to the page that opened it.
window.addEventListener('hashchange', () => {
  dialogs.value = []
})

// And to whoever was signed in.
session.subscribe((user) => {
  if (user === null) dialogs.value = []
})

/** Closes a dialog; no key goes to it any more. The browser alone would leave it the focus until it draws again. */
export function shut(dialog: HTMLDialogElement | null): void {
  dialog?.close()
  const { activeElement } = document
  if (activeElement instanceof HTMLElement && dialog?.contains(activeElement) === true) activeElement.blur()
}

/** Shows a dialog. */
export function openDialog(dialog: VNode): void {
  dialogs.value = [...dialogs.value, { id: nextId++, content: dialog }]
}

/** Forgets a dialog. The browser tells late that one was closed: another one may be open by then. */
function forget(closedId: number): void {
  dialogs.value = dialogs.value.filter(({ id }) => id !== closedId)
}

/** The places of dialogs and messages; once per page. */
export function FeedbackPlace() {
  return (
    <>
      {dialogs.value.map(({ id, content }) => (
        <DialogId.Provider key={id} value={id}>
          {content}
        </DialogId.Provider>
      ))}
      <div class="toasts" role="status" aria-live="polite">
        {toasts.value.map((toast) => (
          <div key={toast.id} class={`toast ${toast.isFailure ? 'danger' : ''}`}>
            <Icon name={toast.isFailure ? 'warning' : 'ok'} />
            <span class="grow break">{toast.text}</span>
            <Button icon="close" label="Dismiss" look="plain low" onClick={() => dismiss(toast.id)} />
          </div>
        ))}
      </div>
    </>
  )
}

/** What `onSubmit` of a dialog resolves to when the dialog goes on. */
export const STAY = Symbol('stay')

/** A dialog with a form. `onSubmit` throws an `Error` to stay open with its message. */
export function Dialog(props: {
  readonly title: string
  readonly action: string
  readonly children: ComponentChildren
  readonly onSubmit: () => Promise<unknown>
  readonly destructive?: boolean
  readonly wide?: boolean
  readonly disabled?: boolean
  /** Without one the dialog only informs. */
  readonly isInformation?: boolean
}) {
  const element = useRef<HTMLDialogElement>(null)
  const id = useContext(DialogId)
  const [failure, setFailure] = useState('')
  const [isBusy, setBusy] = useState(false)
  useLayoutEffect(() => {
    element.current?.showModal()
    const first = element.current?.querySelector<HTMLElement>('.body :is(input, select, textarea)')
    first?.focus()
  }, [])
  const submit = async (event: Event) => {
    event.preventDefault()
    setBusy(true)
    setFailure('')
    try {
      const answer = await props.onSubmit()
      if (answer !== STAY) shut(element.current)
    } catch (error) {
      if (!(error instanceof Error)) throw error
      setFailure(error.message)
    } finally {
      setBusy(false)
    }
  }
  return (
    <dialog
      ref={element}
      class={props.wide === true ? 'wide' : ''}
      aria-label={props.title}
      // At once: the browser would still give it the next key.
      onCancel={() => shut(element.current)}
      onClose={() => forget(id)}
    >
      <form onSubmit={submit}>
        <header>
          <h2>{props.title}</h2>
          <Button icon="close" label="Dismiss" look="plain" onClick={() => shut(element.current)} />
        </header>
        <div class="body">
          {props.children}
          {failure === '' ? null : (
            <div role="alert">
              <Notice tone="danger">{failure}</Notice>
            </div>
          )}
        </div>
        <footer>
          {props.isInformation === true ? null : <Button onClick={() => shut(element.current)}>Cancel</Button>}
          <Button
            submit
            look={props.destructive === true ? 'primary destructive' : 'primary'}
            disabled={isBusy || props.disabled === true}
          >
            {props.action}
          </Button>
        </footer>
      </form>
    </dialog>
  )
}

/** Asks once before something is destroyed; the question names it. */
export function confirmThen(question: {
  readonly title: string
  readonly text: ComponentChildren
  readonly action: string
  readonly done: string
  readonly onYes: () => Promise<unknown>
}): void {
  openDialog(
    <Dialog
      title={question.title}
      action={question.action}
      destructive
      onSubmit={async () => {
        await question.onYes()
        tell(question.done)
      }}
    >
      <p>{question.text}</p>
    </Dialog>,
  )
}
