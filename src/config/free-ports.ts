/** Settings of brokers that must not get in each other's way: embedded ones, and those of tests. */

/** Every listener on a free port. */
export const FREE_PORTS: Readonly<Record<string, number | string>> = {
  'listeners.tcp.default': 0,
  'management.tcp.port': 0,
  'prometheus.tcp.port': 0,
  'mqtt.listeners.tcp.default': 0,
  'web_mqtt.tcp.port': 0,
  'stomp.listeners.tcp.default': 0,
  'web_stomp.tcp.port': 0,
}
