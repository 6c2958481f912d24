/** The newest lines of the log, as they come; and how much the broker says from now on. The filter is in the address. */
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { useAddress } from '../base/address.ts'
import { call } from '../base/api.ts'
import { useLive } from '../base/live.ts'
import { saveFile } from '../base/save-file.ts'
import { isAdministrator } from '../base/session.ts'
import { Button, Card, Empty, Failure } from '../parts/basics.tsx'
import { Dialog, openDialog, tell } from '../parts/feedback.tsx'
import { CheckField, SelectField, TextField } from '../parts/form.tsx'
import { PageHead } from '../parts/shell.tsx'
import { LEVELS, levelOf, wantedLines } from './log-lines.ts'

const LOOKS = ['muted', '', 'warn', 'danger'] as const
/** As the broker names them. */
const BROKER_LEVELS = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'none'] as const
const CATEGORIES = [
  'connection',
  'channel',
  'queue',
  'exchange',
  'vhost',
  'policy',
  'auth',
  'alarm',
  'storage',
  'management',
  'mqtt',
  'stomp',
  'startup',
] as const

/** The page. */
export function LogPage() {
  const { data, failure } = useLive<readonly string[]>('/api/warren/log?count=1000')
  const filter = useAddress('q')
  const level = useAddress('level')
  const isFollowing = useSignal(true)
  const place = useRef<HTMLPreElement>(null)
  const lines = wantedLines(data ?? [], filter.value, level.value || 'debug')
  useEffect(() => {
    if (isFollowing.value) place.current?.scrollTo({ top: place.current.scrollHeight })
  }, [lines.length, lines.at(-1), isFollowing.value])
  // Reading further up is not following any more; the end is.
  const onScroll = () => {
    const element = place.current
    if (element === null) return
    isFollowing.value = element.scrollHeight - element.scrollTop - element.clientHeight < 40
  }
  return (
    <>
      <PageHead title="Log">
        <Button icon="download" onClick={() => saveFile('warren.log', lines.join('\n'), 'text/plain')}>
          Save
        </Button>
        {isAdministrator.value ? (
          <Button icon="settings" onClick={() => openDialog(<LevelForm />)}>
            Set level
          </Button>
        ) : null}
      </PageHead>
      <Card flush>
        <div class="field-tools">
          <TextField label="Contains" value={filter} />
          <SelectField
            label="From level"
            value={level}
            options={LEVELS.map((name) => [name === 'debug' ? '' : name, name] as const)}
          />
          <CheckField label="Follow" value={isFollowing} />
        </div>
        {failure === undefined ? null : (
          <div class="table-tools">
            <Failure failure={failure} />
          </div>
        )}
        {data !== undefined && lines.length === 0 ? (
          <Empty icon="log" title="No lines">
            {data.length === 0 ? 'The broker keeps no recent lines, or has said nothing yet.' : 'Nothing matches.'}
          </Empty>
        ) : (
          <pre
            class="code log"
            ref={place}
            // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
            tabIndex={0}
            aria-label="Lines of the log"
            role="log"
            onScroll={onScroll}
          >
            {lines.map((line, i) => (
              <span key={i} class={LOOKS[levelOf(line)]}>
                {line}
                {'\n'}
              </span>
            ))}
          </pre>
        )}
      </Card>
    </>
  )
}

function LevelForm() {
  const category = useSignal('')
  const level = useSignal('debug')
  const submit = async () => {
    await call('PUT', '/api/warren/log-level', {
      level: level.value,
      ...(category.value === '' ? {} : { category: category.value }),
    })
    tell(`${category.value === '' ? 'The log' : `The log of ${category.value}`} has the level ${level.value}.`)
  }
  return (
    <Dialog title="Set the level of the log" action="Set" onSubmit={submit}>
      <p>This counts until the broker restarts. What is in the log already stays as it is.</p>
      <SelectField
        label="Category"
        value={category}
        options={[['', 'All that have no level of their own'], ...CATEGORIES.map((name) => [name, name] as const)]}
      />
      <SelectField label="Level" value={level} options={BROKER_LEVELS.map((name) => [name, name] as const)} />
    </Dialog>
  )
}
