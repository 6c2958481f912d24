/** Settings of users, logins and what is created at first boot. Rows of the table in `settings.ts`. */
import {
  backendChain,
  member,
  named,
  numbered,
  optional,
  optionalMember,
  records,
  setting,
  switchedOn,
} from './field.ts'
import { anyString, boolean, choice, integer, milliseconds, path, secret, string, words } from './value-type.ts'

/** Who may log in, and how. */
export const AUTH_FIELDS = {
  mechanisms: numbered(
    'auth_mechanisms.$n',
    string,
    ['PLAIN', 'AMQPLAIN'],
    'SASL mechanisms that are offered, in this order. RabbitMQ 4 offers ANONYMOUS, too; here it must be asked for.',
  ),
  backends: backendChain(
    'auth_backends.$n',
    ['internal'],
    'Back ends that are asked for a login and its permissions, in this order: `internal`, `http`, `ldap`, `oauth2`, `cache`.',
  ),
  httpBackends: backendChain(
    'http_dispatch.auth_backends.$n',
    [],
    'The same for the HTTP API; by default those of `auth_backends`.',
  ),
  passwordHashing: setting(
    'password_hashing_module',
    choice(['rabbit_password_hashing_sha256', 'rabbit_password_hashing_sha512', 'rabbit_password_hashing_md5']),
    'rabbit_password_hashing_sha256',
    'How new passwords are hashed; those stored keep their own way.',
    { reloadable: true },
  ),
  passwordValidator: setting(
    'credential_validator.validation_backend',
    choice([
      'rabbit_credential_validator_accept_everything',
      'rabbit_credential_validator_min_password_length',
      'rabbit_credential_validator_password_regexp',
    ]),
    'rabbit_credential_validator_accept_everything',
    'What a new password must satisfy.',
    { reloadable: true },
  ),
  passwordLengthMin: setting(
    'credential_validator.min_length',
    integer({}, 'characters'),
    8,
    'Shortest new password.',
    {
      reloadable: true,
    },
  ),
  passwordPattern: setting(
    'credential_validator.regexp',
    string,
    '.*',
    'Regular expression that a new password matches.',
    {
      reloadable: true,
    },
  ),
  loopbackUsers: switchedOn('loopback_users', ['guest'], 'A user that may connect from this machine only.', {
    reloadable: true,
  }),
  anonymousUser: setting('anonymous_login_user', string, 'guest', 'User of anonymous logins; `none` refuses them.'),
  anonymousPassword: setting('anonymous_login_pass', secret, 'guest', 'Password of the user of anonymous logins.'),
  failureDisclosure: setting(
    'authorization_failure_disclosure',
    boolean,
    false,
    "Add a back end's reason to the reply text of a refusal.",
    { reloadable: true },
  ),
}

/** What an empty data folder is given. */
export const DEFAULTS_FIELDS = {
  vhost: setting('default_vhost', string, '/', 'Virtual host that is made at first boot.'),
  user: setting('default_user', string, 'guest', 'User that is made at first boot.'),
  password: setting('default_pass', secret, 'guest', 'Password of that user.'),
  configure: setting('default_permissions.configure', anyString, '.*', 'What that user may configure.'),
  write: setting('default_permissions.write', anyString, '.*', 'What that user may write to.'),
  read: setting('default_permissions.read', anyString, '.*', 'What that user may read from.'),
  userTags: switchedOn('default_user_tags', ['administrator'], 'A tag of that user.'),
  users: records('default_users.$name', {
    password: optionalMember('password', secret, 'Password of one more user that is made at first boot.'),
    tags: member('tags', words, [], 'Tags of that user.'),
    vhostPattern: optionalMember('vhost_pattern', string, 'Regular expression: virtual hosts that user may use.'),
    configure: member('configure', anyString, '.*', 'What that user may configure there.'),
    write: member('write', anyString, '.*', 'What that user may write to there.'),
    read: member('read', anyString, '.*', 'What that user may read from there.'),
  }),
  vhostLimits: records('default_limits.vhosts.$name', {
    pattern: member('pattern', string, '.*', 'Regular expression: new virtual hosts that get these limits.'),
    connectionCountMax: optionalMember(
      'max_connections',
      integer({ min: -1 }, 'connections'),
      'Their connections; -1 for any number.',
    ),
    queueCountMax: optionalMember('max_queues', integer({ min: -1 }, 'queues'), 'Their queues; -1 for any number.'),
  }),
  operatorPolicies: records('default_policies.operator.$name', {
    vhostPattern: member(
      'vhost_pattern',
      string,
      '.*',
      'Regular expression: new virtual hosts that get this operator policy.',
    ),
    queuePattern: member('queue_pattern', string, '.*', 'Regular expression: its queues.'),
    expiresMs: optionalMember('expires', milliseconds({ min: 1 }), 'Unused queues expire after this time.'),
    messageTtlMs: optionalMember('message_ttl', milliseconds(), 'Messages expire after this time.'),
    lengthMax: optionalMember('max_length', integer({}, 'messages'), 'Longest queue.'),
    bytesMax: optionalMember('max_length_bytes', integer({}, 'bytes'), 'Most bytes in a queue.'),
    deliveryLimit: optionalMember(
      'delivery_limit',
      integer({ min: -1 }, 'deliveries'),
      'Deliveries of a message of a quorum queue.',
    ),
  }),
}

/** Definitions that are imported at boot. */
export const DEFINITIONS_FIELDS = {
  file: optional('load_definitions', path, 'Definitions file, or folder of such files, that is imported at boot.', {
    aliases: ['management.load_definitions'],
  }),
  backend: setting(
    'definitions.import_backend',
    choice(['local_filesystem', 'https']),
    'local_filesystem',
    'Where definitions are imported from.',
  ),
  localPath: optional('definitions.local.path', path, 'File or folder for `local_filesystem`.'),
  url: optional('definitions.https.url', string, 'Address for `https`.'),
  skipIfUnchanged: setting(
    'definitions.skip_if_unchanged',
    boolean,
    false,
    'Import only when the file differs from the one imported last.',
  ),
  hashAlgorithm: setting(
    'definitions.hashing.algorithm',
    choice(['sha', 'sha224', 'sha256', 'sha384', 'sha512']),
    'sha256',
    'How a change of the file is recognised.',
  ),
}

/** Limits of features that may be refused. */
export const FEATURE_FIELDS = {
  permitted: named(
    'deprecated_features.permit.$name',
    boolean,
    {
      transient_nonexcl_queues: true,
      global_qos: true,
      queue_master_locator: true,
      amqp_address_v1: true,
      amqp_filter_set_bug: true,
      management_metrics_collection: true,
    },
    'Whether a deprecated feature may be used. RabbitMQ 4.3 refuses most; here existing applications work unchanged.',
    { reloadable: true },
  ),
  queueTypes: named(
    'queue_types.$name.enabled',
    boolean,
    {},
    'Whether queues of this type may be declared; every type may, unless this says false.',
    { reloadable: true },
  ),
  exchangeTypes: named(
    'exchange_types.$name.enabled',
    boolean,
    {},
    'Whether exchanges of this type may be declared; every type may, unless this says false.',
    { reloadable: true },
  ),
}
