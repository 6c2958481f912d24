/** A process that runs `warren server` with a broker that only listens: for tests of what surrounds a broker. */
import { createServer } from 'node:net'
import { runProgram } from '../../src/cli/program.ts'

const server = createServer()

process.exitCode = await runProgram(process.argv.slice(2), {
  openDataFolder: () => Promise.reject(new Error('not in this test')),
  environment: process.env,
  stdout: process.stdout,
  stderr: process.stderr,
  startBroker: async ({ settings }) => {
    const { port } = settings.listeners.tcp[0]!
    await new Promise<void>((listening, failed) => {
      server.once('error', failed)
      server.listen(port, '127.0.0.1', listening)
    })
    const address = server.address()
    const used = typeof address === 'object' && address !== null ? address.port : 0
    // Asks for the error that nobody catches.
    server.on('connection', () => {
      throw new Error('a bug')
    })
    return {
      listeners: { amqp: used },
      stop: () => new Promise((stopped) => server.close(() => stopped())),
    }
  },
})
