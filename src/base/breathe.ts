/** Lets the event loop do what else it has to do: between two slices of long work in asynchronous code. */
export function breathe(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
