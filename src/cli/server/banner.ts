/** What the terminal says once the broker is up: where to connect, as whom, and where the data lies. */
import type { Settings } from '../../config/settings.ts'
import { SERVER_NAME, SERVER_VERSION } from '../../config/version.ts'

/** What the banner tells. */
export interface BannerFacts {
  readonly settings: Settings
  readonly listeners: Readonly<Record<string, number>>
  /** Null: in memory. */
  readonly dataDir: string | null
  readonly readyMs: number
}

/** Scheme and label of the listeners that have one, by what their name begins with. */
const SCHEMES: Readonly<Record<string, readonly [label: string, scheme: string]>> = {
  amqp: ['AMQP', 'amqp'],
  amqps: ['AMQP, TLS', 'amqps'],
  http: ['Console and HTTP API', 'http'],
  https: ['Console and HTTP API, TLS', 'https'],
  prometheus: ['Prometheus metrics', 'http'],
  mqtt: ['MQTT', 'mqtt'],
  mqtts: ['MQTT, TLS', 'mqtts'],
  'web-mqtt': ['MQTT over WebSocket', 'ws'],
  stomp: ['STOMP', 'stomp'],
  stomps: ['STOMP, TLS', 'stomps'],
  'web-stomp': ['STOMP over WebSocket', 'ws'],
  stream: ['Streams', 'rabbitmq-stream'],
  streams: ['Streams, TLS', 'rabbitmq-stream+tls'],
}

/** The banner, with colours on a terminal that wants them. */
export function banner({ settings, listeners, dataDir, readyMs }: BannerFacts, colours: boolean): string {
  const bold = (text: string): string => (colours ? `\u001b[1m${text}\u001b[22m` : text)
  const dim = (text: string): string => (colours ? `\u001b[2m${text}\u001b[22m` : text)
  const link = (text: string): string => (colours ? `\u001b[36m${text}\u001b[39m` : text)
  const rows: [string, string][] = Object.entries(listeners).map(([name, port]) => {
    const [label, scheme] = SCHEMES[name] ?? [name, null]
    return [label, link(scheme === null ? String(port) : `${scheme}://localhost:${port}${pathOf(name, settings)}`)]
  })
  rows.push(['User', userText(settings)], ['Data', dataDir ?? 'in memory, gone when the broker stops'])
  const width = Math.max(...rows.map(([label]) => label.length))
  const title = `${bold(`${SERVER_NAME} ${SERVER_VERSION}`)} is ready ${dim(`after ${Math.round(readyMs)} ms`)}`
  const lines = rows.map(([label, text]) => `  ${dim(label.padEnd(width))}  ${text}`)
  return `\n${title}\n\n${lines.join('\n')}\n\n`
}

function pathOf(name: string, settings: Settings): string {
  switch (name) {
    case 'http':
    case 'https':
      return settings.management.pathPrefix
    case 'prometheus':
      return settings.prometheus.path
    case 'web-mqtt':
      return settings.mqtt.webPath
    case 'web-stomp':
      return settings.stomp.webPath
    default:
      return ''
  }
}

/** A password is shown only when everybody knows it. */
function userText({ defaults, auth }: Settings): string {
  const password = defaults.password === 'guest' ? ', password guest' : ''
  const place = auth.loopbackUsers.includes(defaults.user) ? ', from this machine only' : ''
  return `${defaults.user}${password}${place}`
}
