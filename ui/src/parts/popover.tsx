/**
 * A button that opens a small panel; closed by Escape, by a click elsewhere, or by a choice.
 */
import type { ComponentChildren } from 'preact'
import { useEffect, useRef, useState } from 'preact/hooks'
import { Button } from './basics.tsx'
import type { IconName } from './icon.tsx'

/** The button and its panel. */
export function Popover(props: {
  readonly icon: IconName
  readonly label: string
  readonly look?: string
  readonly children: (close: () => void) => ComponentChildren
}) {
  const [isOpen, setOpen] = useState(false)
  const root = useRef<HTMLDivElement>(null)
  const close = () => setOpen(false)
  useEffect(() => {
    if (!isOpen) return undefined
    const onPointer = ({ target }: PointerEvent) => {
      if (target instanceof Node && root.current?.contains(target) !== true) close()
    }
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== 'Escape') return
      close()
      root.current?.querySelector('button')?.focus()
    }
    document.addEventListener('pointerdown', onPointer)
    document.addEventListener('keydown', onKey)
    return () => {
      document.removeEventListener('pointerdown', onPointer)
      document.removeEventListener('keydown', onKey)
    }
  }, [isOpen])
  return (
    <div class="pop" ref={root}>
      <Button
        icon={props.icon}
        label={props.label}
        look={props.look ?? ''}
        expanded={isOpen}
        onClick={() => setOpen(!isOpen)}
      />
      {isOpen ? <div class="panel">{props.children(close)}</div> : null}
    </div>
  )
}
