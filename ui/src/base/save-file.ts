/** Files that the browser saves. */

/** The browser reads it some time after the click. */
const URL_MS = 60_000

/** Saves content as a file of this name. */
export function saveFile(name: string, content: BlobPart, type = 'application/octet-stream'): void {
  const url = URL.createObjectURL(new Blob([content], { type }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  setTimeout(() => URL.revokeObjectURL(url), URL_MS)
}
