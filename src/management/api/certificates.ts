/** `/api/warren/certificates`: which certificates listeners show, and reading their files again. [docs/tls.md] */
import type { ManagementContext } from '../context.ts'
import { type Endpoint, ok, plain } from '../http/endpoint.ts'

const TAG = 'WarrenMQ'

/** The endpoints of this file. */
export function certificateEndpoints({ node, controls }: ManagementContext): Endpoint[] {
  return [
    plain({
      method: 'GET',
      path: '/api/warren/certificates',
      access: 'monitoring',
      tag: TAG,
      summary: 'The certificates that listeners show.',
      handle: () =>
        ok(
          node.tls().certificates.map(({ listeners, hostNames, subject, issuer, notAfterMs }) => ({
            listeners,
            host_names: hostNames,
            subject,
            issuer,
            not_after: new Date(notAfterMs).toISOString(),
          })),
        ),
    }),
    plain({
      method: 'POST',
      path: '/api/warren/certificates/reload',
      access: 'administrator',
      tag: TAG,
      summary: 'Reads the files of all certificates again. Those that cannot be used change nothing.',
      handle: async () => ok(await controls.reloadCertificates()),
    }),
  ]
}
