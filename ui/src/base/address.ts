/** State of a page that lives in its address: a link brings it back, and following one changes it. */
import { type Signal, useSignal } from '@preact/signals'
import { useEffect, useLayoutEffect, useRef } from 'preact/hooks'
import { route, setQuery } from './router.ts'

/** A text of the address's query; empty when it is not there. */
export function useAddress(name: string): Signal<string> {
  const inAddress = route.value.query.get(name) ?? ''
  const value = useSignal(inAddress)
  const written = useRef(inAddress)
  const text = value.value
  // With the drawing, not after it: who reloads or copies the link at once has what is on the screen.
  useLayoutEffect(() => {
    if (text === written.current) return
    written.current = text
    setQuery({ [name]: text })
  }, [text])
  useEffect(() => {
    // The address of now: what this drawing saw may be older than the text.
    const current = route.peek().query.get(name) ?? ''
    if (current === written.current) return
    written.current = current
    value.value = current
  }, [inAddress])
  return value
}

/** Yes or no in the address. */
export function useAddressFlag(name: string): Signal<boolean> {
  const text = useAddress(name)
  const flag = useSignal(text.value === 'true')
  const isSet = flag.value
  const wanted = text.value === 'true'
  useEffect(() => {
    text.value = isSet ? 'true' : ''
  }, [isSet])
  useEffect(() => {
    flag.value = wanted
  }, [wanted])
  return flag
}
