// A thin STOMP client for tests: sends any bytes, reads frames, awaits exact answers. Every wait is bounded and, when it
// fails, says what came instead. It hides nothing: no escapes undone, no acknowledgement, no heart-beat.
import assert from 'node:assert/strict'
import net from 'node:net'

const PATIENCE_MS = 15_000
const NUL = 0

/** A frame as it came. */
export interface StompFrame {
  readonly command: string
  /** The first of each name. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
  /** Everything before the body, as it came. */
  readonly head: string
}

type Headers = Readonly<Record<string, string | number>>

/** Encodes a frame. Values are sent as they are. */
export function frameText(command: string, headers: Headers = {}, body = ''): string {
  const lines = Object.entries(headers).map(([name, value]) => `${name}:${value}\n`)
  return `${command}\n${lines.join('')}\n${body}\u0000`
}

/** One connection to a broker. */
export class StompClient {
  readonly socket: net.Socket
  readonly #frames: StompFrame[] = []
  #pending: Buffer = Buffer.alloc(0)
  #wake: () => void = () => undefined
  isClosed = false
  /** Line feeds between frames. */
  heartbeats = 0

  private constructor(socket: net.Socket) {
    this.socket = socket
    socket.setNoDelay(true)
    socket.on('data', (chunk) => this.#onBytes(chunk))
    socket.on('error', () => undefined)
    socket.on('close', () => {
      this.isClosed = true
      this.#wake()
    })
  }

  /** A TCP connection, nothing sent yet. */
  static connect(port: number, host = '127.0.0.1'): Promise<StompClient> {
    return new Promise((resolve, reject) => {
      const socket = net.connect(port, host)
      socket.once('error', reject)
      socket.once('connect', () => {
        socket.off('error', reject)
        resolve(new StompClient(socket))
      })
    })
  }

  /** Logs in. */
  async login(version = '1.2', headers: Headers = {}): Promise<StompFrame> {
    this.send('CONNECT', { login: 'guest', passcode: 'guest', 'accept-version': version, ...headers })
    return this.expect('CONNECTED')
  }

  raw(bytes: string | Buffer): void {
    this.socket.write(bytes)
  }

  send(command: string, headers: Headers = {}, body = ''): void {
    this.raw(frameText(command, headers, body))
  }

  /** Sends a frame and awaits its receipt. */
  async call(command: string, headers: Headers = {}, body = ''): Promise<void> {
    const receipt = `r${++receipts}`
    this.send(command, { ...headers, receipt }, body)
    const answer = await this.next()
    assert.deepEqual([answer.command, answer.headers['receipt-id']], ['RECEIPT', receipt], describe(answer))
  }

  /** The next frame. */
  async next(): Promise<StompFrame> {
    await this.#until(() => this.#frames.length > 0)
    const frame = this.#frames.shift()
    assert.ok(frame !== undefined, this.isClosed ? 'the connection is closed' : 'nothing came in time')
    return frame
  }

  /** The next frame, which must have this command. */
  async expect(command: string): Promise<StompFrame> {
    const frame = await this.next()
    assert.equal(frame.command, command, describe(frame))
    return frame
  }

  /** The next frames, which must be messages with these bodies. */
  async bodies(...expected: readonly string[]): Promise<StompFrame[]> {
    const frames: StompFrame[] = []
    for (const body of expected) {
      const frame = await this.expect('MESSAGE')
      assert.equal(frame.body, body)
      frames.push(frame)
    }
    return frames
  }

  /** An ERROR with this message must come, and then the end of the connection. */
  async refused(message: string, body?: string | RegExp): Promise<StompFrame> {
    const frame = await this.expect('ERROR')
    assert.equal(frame.headers.message, message, describe(frame))
    if (typeof body === 'string') assert.equal(frame.body, body)
    else if (body !== undefined) assert.match(frame.body, body)
    await this.closed()
    return frame
  }

  /** The connection must end, without another frame. */
  async closed(): Promise<void> {
    await this.#until(() => this.isClosed || this.#frames.length > 0)
    assert.ok(this.#frames.length === 0, this.#frames[0] && describe(this.#frames[0]))
    assert.ok(this.isClosed, 'the connection stays open')
  }

  /** Nothing but the answer to this may have come: what the broker had to say before, it has said. */
  async silent(): Promise<void> {
    await this.call('BEGIN', { transaction: `silent${++receipts}` })
  }

  /** At least this many heart-beats must come. */
  async beats(count: number): Promise<void> {
    await this.#until(() => this.heartbeats >= count)
    assert.ok(this.heartbeats >= count, `${this.heartbeats} heart-beats`)
  }

  destroy(): void {
    this.socket.destroy()
  }

  async #until(holds: () => boolean): Promise<void> {
    let isLate = false
    const timer = setTimeout(() => {
      isLate = true
      this.#wake()
    }, PATIENCE_MS)
    while (!holds() && !this.isClosed && !isLate) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
    clearTimeout(timer)
  }

  #onBytes(chunk: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, chunk])
    for (;;) {
      let start = 0
      while (this.#pending[start] === 10) start++
      this.heartbeats += start
      this.#pending = this.#pending.subarray(start)
      const headEnd = this.#pending.indexOf('\n\n')
      if (headEnd === -1) break
      const head = this.#pending.toString('utf8', 0, headEnd)
      const [command, ...lines] = head.split('\n')
      const headers: Record<string, string> = {}
      for (const line of lines) headers[line.slice(0, line.indexOf(':'))] ??= line.slice(line.indexOf(':') + 1)
      const length = headers['content-length']
      const bodyAt = headEnd + 2
      const bodyEnd = length === undefined ? this.#pending.indexOf(NUL, bodyAt) : bodyAt + Number(length)
      if (bodyEnd === -1 || bodyEnd >= this.#pending.length) break
      assert.equal(this.#pending[bodyEnd], NUL, 'a frame ends with NUL')
      this.#frames.push({ command: command!, headers, body: this.#pending.toString('utf8', bodyAt, bodyEnd), head })
      this.#pending = this.#pending.subarray(bodyEnd + 1)
    }
    this.#wake()
  }
}

let receipts = 0

function describe({ head, body }: StompFrame): string {
  return `${head}\n\n${body}`
}
