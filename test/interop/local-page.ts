// An empty page of this machine, for browsers that speak to the broker as guest: pages of elsewhere may not.
import http from 'node:http'

/** Opens the page, runs, and takes it away. */
export async function withLocalPage<T>(run: (url: string) => Promise<T>): Promise<T> {
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
