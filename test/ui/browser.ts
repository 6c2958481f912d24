// A browser on the console of a broker in this process: signs in, follows addresses, and collects whatever the page
// complains about. Debian's chromium, or the one that WARREN_CHROMIUM names.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Browser, BrowserContext, Page } from 'playwright-core'
import { chromium } from 'playwright-core'
import { type EmbeddedBroker, startBroker } from '../../src/library.ts'

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** Colours of the page. */
export type Theme = 'light' | 'dark'

/** What axe finds wrong. */
export interface Violation {
  readonly id: string
  readonly help: string
  readonly targets: readonly string[]
}

/** Starts a broker with its console on a free port: in memory, or with a folder. */
export async function startConsole(
  httpPort = 0,
  dataDir?: string,
): Promise<{ readonly broker: EmbeddedBroker; readonly base: string }> {
  const broker = await startBroker({
    ...(dataDir === undefined ? {} : { dataDir }),
    settings: {
      'management.tcp.port': httpPort,
      'mqtt.listeners.tcp': 'none',
      'stomp.listeners.tcp': 'none',
      // Rates are seen soon, so that tests need not wait for them.
      collect_statistics_interval: 1000,
    },
  })
  return { broker, base: `http://127.0.0.1:${broker.listeners.http}/` }
}

/** Calls the HTTP API as guest. */
export async function callApi(base: string, verb: string, path: string, body?: unknown): Promise<unknown> {
  const reply = await fetch(`${base}api/${path}`, {
    method: verb,
    headers: { authorization: `Basic ${btoa('guest:guest')}`, 'content-type': 'application/json' },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  if (!reply.ok) throw new Error(`${verb} ${path}: ${reply.status} ${await reply.text()}`)
  const text = await reply.text()
  return text === '' ? undefined : JSON.parse(text)
}

/** What the page's thread works for a frame while a script draws so many: what else the machine does is not counted. */
export async function workPerFrameMs(
  page: Page,
  frames: number,
  script: string,
  onResult: (result: unknown) => void = () => undefined,
): Promise<number> {
  const inspector = await page.context().newCDPSession(page)
  await inspector.send('Performance.enable', { timeDomain: 'threadTicks' })
  const workMs = async () => {
    const { metrics } = await inspector.send('Performance.getMetrics')
    return 1_000 * metrics.find(({ name }) => name === 'TaskDuration')!.value
  }
  const before = await workMs()
  onResult(await page.evaluate(script))
  const spentMs = (await workMs()) - before
  await inspector.detach()
  return spentMs / frames
}

/** A browser with one page. */
export class Visitor {
  readonly page: Page
  /** Errors of the page: exceptions, and what the console calls an error. */
  readonly complaints: string[] = []
  readonly #base: string
  readonly #browser: Browser
  readonly #context: BrowserContext

  private constructor(base: string, browser: Browser, context: BrowserContext, page: Page) {
    this.#base = base
    this.#browser = browser
    this.#context = context
    this.page = page
    page.on('pageerror', (error) => this.complaints.push(error.message))
    page.on('console', (message) => {
      if (message.type() === 'error') this.complaints.push(message.text())
    })
  }

  static async arrive(base: string, theme: Theme = 'light', width = 1_280): Promise<Visitor> {
    const browser = await chromium.launch({
      executablePath: process.env.WARREN_CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    })
    const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: theme })
    await context.grantPermissions(['clipboard-read', 'clipboard-write'])
    const page = await context.newPage()
    page.setDefaultTimeout(30_000)
    await page.goto(base)
    return new Visitor(base, browser, context, page)
  }

  async signIn(user = 'guest', password = 'guest'): Promise<void> {
    await this.page.getByLabel('User name').fill(user)
    await this.page.getByLabel('Password').fill(password)
    await this.page.getByRole('button', { name: 'Sign in' }).click()
  }

  /** Goes to an address after the `#`, and waits until the page is connected and nothing loads. */
  async go(address: string): Promise<void> {
    await this.page.goto(`${this.#base}#${address}`)
    await this.settle()
  }

  /** Waits until the page is live and shows what it knows. */
  async settle(): Promise<void> {
    await this.page.locator('.pulse[data-state="live"]').waitFor()
    await this.page.locator('[aria-busy="true"]').first().waitFor({ state: 'detached' })
  }

  click(name: string | RegExp): Promise<void> {
    return this.page
      .getByRole('button', { name, exact: typeof name === 'string' })
      .first()
      .click()
  }

  /** Answers the question of a dialog. */
  async confirm(name: string): Promise<void> {
    await this.page.getByRole('dialog').getByRole('button', { name, exact: true }).click()
    await this.page.getByRole('dialog').waitFor({ state: 'detached' })
  }

  /** Waits for a text. */
  sees(text: string | RegExp): Promise<void> {
    return this.page.getByText(text).first().waitFor()
  }

  /** What is wrong for people with screen readers or weak eyes, by axe's rules. */
  async violations(): Promise<readonly Violation[]> {
    // Evaluated by the browser's inspector, which the page's policy does not bind.
    await this.page.evaluate(AXE)
    const found = await this.page.evaluate(
      `axe.run(document, { runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] })
        .then(({ violations }) => violations.map(({ id, help, nodes }) =>
          ({ id, help, targets: nodes.map(({ target, failureSummary }) => target.join(' ') + ' ' + failureSummary) })))`,
    )
    // As the expression above makes it.
    return found as readonly Violation[]
  }

  async leave(): Promise<void> {
    await this.#context.close()
    await this.#browser.close()
  }
}
