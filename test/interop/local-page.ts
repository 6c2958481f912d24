// An empty page of this machine in a real browser, that speaks to the broker as guest: pages of elsewhere may not.
import http from 'node:http'
import { chromium } from 'playwright-core'

/** Loads the client library (a file) into the page, evaluates the expression there, and takes everything away. */
export function inBrowser(library: string, expression: string): Promise<unknown> {
  return withLocalPage(async (url) => {
    const browser = await chromium.launch({
      executablePath: process.env.WARREN_CHROMIUM ?? '/usr/bin/chromium',
      args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking'],
    })
    try {
      const page = await browser.newPage()
      await page.goto(url)
      await page.addScriptTag({ path: library })
      return await page.evaluate(expression)
    } finally {
      await browser.close()
    }
  })
}

async function withLocalPage<T>(run: (url: string) => Promise<T>): Promise<T> {
  const server = http.createServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<!doctype html>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  try {
    return await run(`http://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}/`)
  } finally {
    server.closeAllConnections()
    server.close()
  }
}
