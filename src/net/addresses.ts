/** Addresses of machines, as texts. */

/** IPv4 addresses as such, also on a socket for both. */
export function plainHost(host: string | undefined): string {
  if (host === undefined) return ''
  return host.startsWith('::ffff:') ? host.slice('::ffff:'.length) : host
}

/** Whether an address (no name) is of this machine. */
export function isLoopback(host: string): boolean {
  return host === '::1' || /^127\.[\d.]+$/.test(host)
}
