/** One message in full: its properties, its body in the format that suits it, and what can be done with a copy of it. */
import { useEffect, useState } from 'preact/hooks'
import * as format from '../../base/format.ts'
import { saveFile } from '../../base/save-file.ts'
import type { GotMessage } from '../../base/types.ts'
import { Button, Code, Facts, Notice } from '../../parts/basics.tsx'
import { attempt, Dialog, openDialog, tell } from '../../parts/feedback.tsx'
import { openPublishForm } from '../publish.tsx'
import { bytesOf, DECODING_LABELS, type Decoding, decode, decodings } from './decode.ts'

/** Laying out more takes browsers seconds. */
const SHOWN_CHARACTERS_MAX = 200_000

/** Shows a message. */
export function openMessage(vhost: string, message: GotMessage): void {
  openDialog(<MessageDialog vhost={vhost} message={message} />)
}

function MessageDialog({ vhost, message }: { readonly vhost: string; readonly message: GotMessage }) {
  const offered = decodings(message)
  const [decoding, setDecoding] = useState<Decoding>(offered[0] ?? 'text')
  const [text, setText] = useState<string | null>(null)
  useEffect(() => {
    let isStale = false
    void decode(message, decoding).then((decoded) => {
      if (!isStale) setText(decoded)
    })
    return () => {
      isStale = true
    }
  }, [message, decoding])
  const { headers, ...properties } = message.properties
  const shownBytes = bytesOf(message).length
  return (
    <Dialog title="Message" action="Close" isInformation wide onSubmit={async () => undefined}>
      <Facts
        two
        items={[
          ['Position', message.position === undefined ? undefined : format.count(message.position)],
          ['Published', message.published_at === undefined ? undefined : format.moment(message.published_at)],
          ['Exchange', message.exchange === '' ? '(default exchange)' : message.exchange],
          ['Routing key', <code key="key">{message.routing_key}</code>],
          ['Size', format.bytes(message.payload_bytes)],
          ['Redelivered', message.redelivered ? 'yes' : 'no'],
          ...Object.entries(properties).map(([name, value]) => [name, format.jsonLine(value)] as const),
        ]}
      />
      {Object.keys(headers ?? {}).length === 0 ? null : (
        <Code text={JSON.stringify(headers, null, 2)} label="Headers" />
      )}
      <div class="row">
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset would need a legend that nobody needs to see. */}
        <div class="segments" role="group" aria-label="Show the body as">
          {offered.map((name) => (
            <button type="button" key={name} aria-pressed={name === decoding} onClick={() => setDecoding(name)}>
              {DECODING_LABELS[name]}
            </button>
          ))}
        </div>
        <span class="grow" />
        <CopyActions vhost={vhost} message={message} text={text ?? ''} />
      </div>
      {shownBytes < message.payload_bytes ? (
        <Notice>
          The first {format.bytes(shownBytes)} of {format.bytes(message.payload_bytes)} are here.
        </Notice>
      ) : null}
      {message.payload_bytes === 0 ? <Notice>The body is empty.</Notice> : null}
      {text !== null && text.length > SHOWN_CHARACTERS_MAX ? (
        <Notice>
          The beginning of the body is shown, {format.count(SHOWN_CHARACTERS_MAX)} of {format.count(text.length)}{' '}
          characters. Copying and saving take all of it.
        </Notice>
      ) : null}
      {text === null || message.payload_bytes === 0 ? null : (
        <Code text={text.slice(0, SHOWN_CHARACTERS_MAX)} label="Body" />
      )}
    </Dialog>
  )
}

function CopyActions(props: { readonly vhost: string; readonly message: GotMessage; readonly text: string }) {
  const { vhost, message, text } = props
  const copy = () =>
    attempt('Copied.', () =>
      navigator.clipboard.writeText(text).catch(() => tell('The browser does not allow it.', true)),
    )
  const name = String(message.properties.message_id ?? message.position ?? 'message').replaceAll(/[^\w.-]/g, '_')
  return (
    <>
      <Button icon="copy" look="low" onClick={copy}>
        Copy
      </Button>
      <Button icon="download" look="low" onClick={() => saveFile(`${name}.bin`, bytesOf(message))}>
        Save body
      </Button>
      <Button
        icon="send"
        look="low"
        onClick={() =>
          openPublishForm({
            vhost,
            exchange: message.exchange,
            routingKey: message.routing_key,
            payload: message.payload,
            encoding: message.payload_encoding,
            properties: message.properties,
          })
        }
      >
        Publish again
      </Button>
    </>
  )
}
