/** The newest lines of the log, as they come. */
import { useSignal } from '@preact/signals'
import { useEffect, useRef } from 'preact/hooks'
import { useLive } from '../base/live.ts'
import { Card, Empty, Failure } from '../parts/basics.tsx'
import { CheckField, SelectField, TextField } from '../parts/form.tsx'
import { PageHead } from '../parts/shell.tsx'

const LEVELS = ['debug', 'info', 'warning', 'error'] as const

/** How bad a line is: an index of the levels. */
function levelOf(line: string): number {
  const [, level = 'info'] = /\b(debug|info|notice|warn(?:ing)?|error|critical|fatal)\b/i.exec(line) ?? []
  if (/debug/i.test(level)) return 0
  if (/warn/i.test(level)) return 2
  return /error|critical|fatal/i.test(level) ? 3 : 1
}

/** The page. */
export function LogPage() {
  const { data, failure } = useLive<readonly string[]>('/api/warren/log?count=1000')
  const filter = useSignal('')
  const level = useSignal('debug')
  const isFollowing = useSignal(true)
  const place = useRef<HTMLPreElement>(null)
  const least = LEVELS.indexOf(level.value as (typeof LEVELS)[number]) // The field offers no other.
  const wanted = filter.value.toLowerCase()
  const lines = (data ?? []).filter((line) => levelOf(line) >= least && line.toLowerCase().includes(wanted))
  useEffect(() => {
    if (isFollowing.value) place.current?.scrollTo({ top: place.current.scrollHeight })
  }, [lines.length, lines.at(-1), isFollowing.value])
  return (
    <>
      <PageHead title="Log" />
      <Card flush>
        <div class="table-tools">
          <div class="fields grow">
            <TextField label="Contains" value={filter} />
            <SelectField label="From level" value={level} options={LEVELS.map((name) => [name, name] as const)} />
          </div>
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
          // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard.
          <pre class="code log" ref={place} tabIndex={0} aria-label="Lines of the log" role="log">
            {lines.map((line, i) => (
              <span key={i} class={['muted', '', 'warn', 'danger'][levelOf(line)]}>
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
