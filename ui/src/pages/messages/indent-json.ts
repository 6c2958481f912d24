/** Indents JSON as it is written: numbers of any length, repeated keys and the order stay what the message has. Pure. */

/** Strings, structure, and everything else as it stands. */
const TOKENS = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/g
const STEP = '  '

/** The text with a line for each entry; it must be JSON already. */
export function indentJson(text: string): string {
  const out: string[] = []
  let indent = ''
  let before = ''
  for (const [token] of text.matchAll(TOKENS)) {
    const isClosing = token === '}' || token === ']'
    if (isClosing) indent = indent.slice(STEP.length)
    if (before === '{' || before === '[') out.push(isClosing ? '' : `\n${indent}`)
    else if (isClosing || before === ',') out.push(`\n${indent}`)
    else if (before === ':') out.push(' ')
    out.push(token)
    if (token === '{' || token === '[') indent += STEP
    before = token
  }
  return out.join('')
}
