// Runs `warren ctl` in this process and keeps what it writes.
import { runCtl } from '../../src/cli/ctl/run-ctl.ts'

export interface CtlRun {
  readonly code: number
  readonly out: string
  readonly err: string
}

/** `home` keeps the tool away from the files of whoever runs the tests. */
export async function ctlRun(
  words: readonly string[],
  home: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<CtlRun> {
  const [out, err]: [string[], string[]] = [[], []]
  // `ctl` uses these members alone.
  const code = await runCtl(words, {
    startBroker: () => Promise.reject(new Error('not here')),
    environment: { HOME: home, ...environment },
    stdout: { write: (text: string) => out.push(text) },
    stderr: { write: (text: string) => err.push(text) },
  } as unknown as Parameters<typeof runCtl>[1])
  return { code, out: out.join(''), err: err.join('') }
}
