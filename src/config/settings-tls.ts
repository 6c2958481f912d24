/** Settings of TLS: what all listeners share, what some have of their own, and certificates by host name. Rows of the table in `settings.ts`. */
import { numbered, optional, optionalMember, records, setting } from './field.ts'
import { boolean, choice, integer, milliseconds, path, secret, string, words } from './value-type.ts'

const VERIFY = choice(['verify_none', 'verify_peer'])
const VERSION = choice(['tlsv1.3', 'tlsv1.2'])
const NAME_TYPE = choice(['dns', 'ip', 'email', 'uri', 'other_name'])
const RELOADABLE = { reloadable: true }

/** The TLS options of client listeners; those of HTTP and WebSocket may override them. */
export const TLS_FIELDS = {
  caCertificateFile: optional(
    'ssl_options.cacertfile',
    path,
    'Certificates of the authorities that sign client certificates (PEM); public authorities unless set.',
    RELOADABLE,
  ),
  certificateFile: optional(
    'ssl_options.certfile',
    path,
    "The broker's certificate, with its chain (PEM). A change of the file counts without a restart.",
    RELOADABLE,
  ),
  keyFile: optional('ssl_options.keyfile', path, "The certificate's private key (PEM).", RELOADABLE),
  keyPassword: optional('ssl_options.password', secret, 'Password of the private key.', RELOADABLE),
  verify: setting('ssl_options.verify', VERIFY, 'verify_none', 'Whether a certificate that a client shows is checked.'),
  failIfNoPeerCertificate: setting(
    'ssl_options.fail_if_no_peer_cert',
    boolean,
    false,
    'Refuse clients without a certificate; needs `verify_peer`.',
  ),
  depthMax: setting(
    'ssl_options.depth',
    integer({ max: 255 }),
    1,
    "Intermediate certificates between a client's and its authority's, at most.",
  ),
  versions: numbered('ssl_options.versions.$n', VERSION, ['tlsv1.3', 'tlsv1.2'], 'TLS versions that are spoken.'),
  ciphers: numbered(
    'ssl_options.ciphers.$n',
    string,
    [],
    "Cipher suites by OpenSSL's names; none means Node.js's defaults.",
  ),
  honorCipherOrder: setting('ssl_options.honor_cipher_order', boolean, true, "Prefer the broker's order of ciphers."),
  certificateLoginFrom: setting(
    'ssl_cert_login_from',
    choice(['distinguished_name', 'common_name', 'subject_alternative_name', 'subject_alt_name']),
    'distinguished_name',
    'Part of a client certificate that is the user name, for the mechanism EXTERNAL.',
  ),
  certificateLoginNameType: setting(
    'ssl_cert_login_san_type',
    NAME_TYPE,
    'dns',
    'Kind of alternative name to use with `subject_alternative_name`.',
  ),
  certificateLoginNameIndex: setting(
    'ssl_cert_login_san_index',
    integer(),
    0,
    'Which of several alternative names to use, from 0.',
  ),
  checkEveryMs: setting(
    'warren.tls.check_interval',
    milliseconds({ min: 100, infinite: true }),
    10_000,
    'How often the files of certificates and keys are looked at for a change.',
  ),
  hosts: records(
    'warren.tls.hosts.$name',
    {
      certificateFile: optionalMember(
        'certfile',
        path,
        'A certificate for clients that ask for other host names (SNI).',
      ),
      keyFile: optionalMember('keyfile', path, 'Its private key.'),
      keyPassword: optionalMember('password', secret, 'Password of that key.'),
      hostNames: optionalMember(
        'hostnames',
        words,
        'The host names, with commas; `*.example.com` is allowed. Those in the certificate unless set.',
      ),
    },
    RELOADABLE,
  ),
}

/** The TLS options of one kind of listener: what is unset is that of `ssl_options`. */
export function listenerTlsFields<P extends string>(prefix: P) {
  const as = (name: string): string => `As \`ssl_options.${name}\`, for these listeners alone.`
  return {
    caCertificateFile: optional(`${prefix}.cacertfile`, path, as('cacertfile'), RELOADABLE),
    certificateFile: optional(`${prefix}.certfile`, path, as('certfile'), RELOADABLE),
    keyFile: optional(`${prefix}.keyfile`, path, as('keyfile'), RELOADABLE),
    keyPassword: optional(`${prefix}.password`, secret, as('password'), RELOADABLE),
    verify: optional(`${prefix}.verify`, VERIFY, as('verify')),
    failIfNoPeerCertificate: optional(`${prefix}.fail_if_no_peer_cert`, boolean, as('fail_if_no_peer_cert')),
    depthMax: optional(`${prefix}.depth`, integer({ max: 255 }), as('depth')),
    versions: numbered(`${prefix}.versions.$n`, VERSION, [], as('versions')),
    ciphers: numbered(`${prefix}.ciphers.$n`, string, [], as('ciphers')),
    honorCipherOrder: optional(`${prefix}.honor_cipher_order`, boolean, as('honor_cipher_order')),
  }
}
