/** Settings of the back ends that decide logins and permissions outside of the broker. Rows of the table in `settings.ts`. */
import { backendChain, named, numbered, optional, optionalMember, paired, records, setting } from './field.ts'
import { boolean, choice, integer, milliseconds, path, port, secret, string, url, words } from './value-type.ts'

const VERIFY = choice(['verify_peer', 'verify_none'])
const HOSTNAMES = choice(['wildcard', 'none'])
/** Filled in by queries and patterns of the directory. */
const USER_NAME_VARIABLE = '$'.concat('{username}')
const AD_DOMAIN_VARIABLE = '$'.concat('{ad_domain}')
const DEFAULT_TIMEOUT_MS = 15_000

/** Web server: `auth_backends.1 = http`. */
export const AUTH_HTTP_FIELDS = {
  method: setting('auth_http.http_method', choice(['get', 'post']), 'get', 'How the web server is asked.'),
  userPath: setting(
    'auth_http.user_path',
    url,
    new URL('http://localhost:8000/auth/user'),
    'Address that is asked for logins.',
  ),
  vhostPath: setting(
    'auth_http.vhost_path',
    url,
    new URL('http://localhost:8000/auth/vhost'),
    'Address that is asked whether a user may enter a virtual host.',
  ),
  resourcePath: setting(
    'auth_http.resource_path',
    url,
    new URL('http://localhost:8000/auth/resource'),
    'Address that is asked for permissions on exchanges and queues.',
  ),
  topicPath: setting(
    'auth_http.topic_path',
    url,
    new URL('http://localhost:8000/auth/topic'),
    'Address that is asked for permissions on routing keys of topic exchanges.',
  ),
  timeoutMs: setting(
    'auth_http.request_timeout',
    milliseconds({ min: 1, max: 300_000 }),
    DEFAULT_TIMEOUT_MS,
    'Time for an answer; a later one is a refusal.',
    { aliases: ['auth_http.connection_timeout'] },
  ),
  connectionCountMax: setting(
    'warren.auth_http.connections',
    integer({ min: 1, max: 1024 }, 'connections'),
    32,
    'Connections to the web server at once.',
  ),
  verify: setting(
    'auth_http.ssl_options.verify',
    VERIFY,
    'verify_peer',
    "Whether the server's certificate is checked.",
  ),
  hostnameVerification: setting(
    'auth_http.ssl_hostname_verification',
    HOSTNAMES,
    'wildcard',
    "Whether the certificate must name the server's host.",
    { aliases: ['auth_http.ssl_options.hostname_verification'] },
  ),
  caCertificateFile: optional(
    'auth_http.ssl_options.cacertfile',
    path,
    "Authorities of the server's certificate (PEM).",
  ),
  certificateFile: optional('auth_http.ssl_options.certfile', path, 'Certificate that the server is shown (PEM).'),
  keyFile: optional('auth_http.ssl_options.keyfile', path, 'Its private key (PEM).'),
  keyPassword: optional('auth_http.ssl_options.password', secret, 'Password of that key.'),
  serverName: optional('auth_http.ssl_options.sni', string, 'Name that is asked for in the TLS handshake.'),
}

/** Cache: `auth_backends.1 = cache`. */
export const AUTH_CACHE_FIELDS = {
  backend: backendChain('auth_cache.cached_backend', [], 'Back end whose answers are kept.'),
  ttlMs: setting(
    'auth_cache.cache_ttl',
    milliseconds({ min: 1 }),
    15_000,
    "How long the cache keeps a back end's answer.",
  ),
  keepsRefusals: setting('auth_cache.cache_refusals', boolean, false, 'Keep refusals, too.'),
}

/** Directory: `auth_backends.1 = ldap`. */
export const AUTH_LDAP_FIELDS = {
  servers: numbered('auth_ldap.servers.$n', string, ['localhost'], 'Hosts of the directory; tried in this order.'),
  port: optional('auth_ldap.port', port, 'Their port; 389, or 636 with `auth_ldap.use_ssl`.'),
  userDnPattern: setting(
    'auth_ldap.user_dn_pattern',
    string,
    USER_NAME_VARIABLE,
    `Distinguished name of a user; \`${USER_NAME_VARIABLE}\` stands for the name that the client shows.`,
  ),
  userBindPattern: optional(
    'auth_ldap.user_bind_pattern',
    string,
    'Name to log in with, where it is not the distinguished name.',
  ),
  lookupAttribute: optional(
    'auth_ldap.dn_lookup_attribute',
    string,
    'Attribute by which a user is looked up to find the distinguished name.',
  ),
  lookupBase: optional('auth_ldap.dn_lookup_base', string, 'Where that search starts.'),
  lookupBind: setting(
    'auth_ldap.dn_lookup_bind',
    choice(['as_user', 'anon']),
    'as_user',
    'As whom users are looked up; `anon`: before they log in.',
  ),
  lookupBindDn: optional(
    'auth_ldap.dn_lookup_bind.user_dn',
    string,
    'Distinguished name of an account that looks users up.',
  ),
  lookupBindPassword: optional('auth_ldap.dn_lookup_bind.password', secret, 'Its password.'),
  otherBind: setting(
    'auth_ldap.other_bind',
    choice(['as_user', 'anon']),
    'as_user',
    'As whom permissions are looked up.',
  ),
  otherBindDn: optional(
    'auth_ldap.other_bind.user_dn',
    string,
    'Distinguished name of an account that looks permissions up.',
  ),
  otherBindPassword: optional('auth_ldap.other_bind.password', secret, 'Its password.'),
  groupLookupBase: optional('auth_ldap.group_lookup_base', string, 'Where searches for groups of groups start.'),
  usesTls: setting('auth_ldap.use_ssl', boolean, false, 'TLS from the first byte.'),
  usesStartTls: setting('auth_ldap.use_starttls', boolean, false, 'TLS after the connection is made.'),
  timeoutMs: setting(
    'auth_ldap.timeout',
    milliseconds({ min: 1, max: 300_000, infinite: true }),
    DEFAULT_TIMEOUT_MS,
    'Time for a login or a permission; later is a refusal. `infinity` is five minutes.',
  ),
  idleTimeoutMs: setting(
    'auth_ldap.idle_timeout',
    milliseconds({ min: 1, infinite: true }),
    300_000,
    'Unused connections are closed after this time.',
  ),
  poolCount: setting(
    'auth_ldap.connection_pool_size',
    integer({ min: 1, max: 1024 }, 'connections'),
    64,
    'Connections to the directory at once.',
    {
      aliases: ['auth_ldap.pool_size'],
    },
  ),
  adDomain: optional(
    'auth_ldap.ad_domain',
    string,
    `Domain that \`${AD_DOMAIN_VARIABLE}\` stands for when the user name has none.`,
  ),
  vhostAccessQuery: setting(
    'auth_ldap.vhost_access_query',
    string,
    '{constant, true}',
    'Query: whether a user may enter a virtual host.',
    {
      aliases: ['auth_ldap.queries.vhost_access'],
    },
  ),
  resourceAccessQuery: setting(
    'auth_ldap.resource_access_query',
    string,
    '{constant, true}',
    'Query: permissions on exchanges and queues.',
    {
      aliases: ['auth_ldap.queries.resource_access'],
    },
  ),
  topicAccessQuery: setting(
    'auth_ldap.topic_access_query',
    string,
    '{constant, true}',
    'Query: permissions on routing keys.',
    {
      aliases: ['auth_ldap.queries.topic_access'],
    },
  ),
  tagQueries: setting(
    'auth_ldap.tag_queries',
    string,
    '[{administrator, {constant, false}}]',
    'Queries: tags of a user.',
    {
      aliases: ['auth_ldap.queries.tags'],
    },
  ),
  verify: setting(
    'auth_ldap.ssl_options.verify',
    VERIFY,
    'verify_peer',
    "Whether the directory's certificate is checked.",
  ),
  hostnameVerification: setting(
    'auth_ldap.ssl_options.hostname_verification',
    HOSTNAMES,
    'wildcard',
    "Whether the certificate must name the directory's host.",
  ),
  caCertificateFile: optional(
    'auth_ldap.ssl_options.cacertfile',
    path,
    "Authorities of the directory's certificate (PEM).",
  ),
  certificateFile: optional('auth_ldap.ssl_options.certfile', path, 'Certificate that the directory is shown (PEM).'),
  keyFile: optional('auth_ldap.ssl_options.keyfile', path, 'Its private key (PEM).'),
  keyPassword: optional('auth_ldap.ssl_options.password', secret, 'Password of that key.'),
  serverName: optional('auth_ldap.ssl_options.sni', string, 'Name that is asked for in the TLS handshake.'),
}

const PROVIDER = 'auth_oauth2.oauth_providers.$name'
const RESOURCE = 'auth_oauth2.resource_servers.$name'

/** Tokens: `auth_backends.1 = oauth2`. */
export const AUTH_OAUTH2_FIELDS = {
  resourceServerId: optional(
    'auth_oauth2.resource_server_id',
    string,
    'Name of this broker in tokens: their audience, and the prefix of scopes.',
  ),
  resourceServerType: optional(
    'auth_oauth2.resource_server_type',
    string,
    'Type of this broker in rich authorization requests.',
  ),
  verifiesAudience: setting(
    'auth_oauth2.verify_aud',
    boolean,
    true,
    'Whether the audience of a token must name this broker.',
  ),
  scopePrefix: optional(
    'auth_oauth2.scope_prefix',
    string,
    'What scopes start with; `<resource_server_id>.` unless set.',
  ),
  additionalScopesKey: setting(
    'auth_oauth2.additional_scopes_key',
    words,
    [],
    'More claims with scopes: names with dots, separated by blanks.',
  ),
  usernameClaims: numbered(
    'auth_oauth2.preferred_username_claims.$n',
    string,
    [],
    'Claims that the user name is taken from; then `sub` and `client_id`.',
  ),
  scopeAliases: named('auth_oauth2.scope_aliases.$alias', words, {}, 'Scopes that a word of the provider stands for.'),
  scopeAliasNames: named(
    'auth_oauth2.scope_aliases.$n.alias',
    string,
    {},
    'A word of the provider, where it has dots or colons.',
  ),
  scopeAliasScopes: named('auth_oauth2.scope_aliases.$n.scope', words, {}, 'The scopes that it stands for.'),
  scopePatterns: setting(
    'auth_oauth2.scope_pattern_syntax',
    choice(['wildcard', 'regexpr']),
    'wildcard',
    'How names in scopes are matched.',
  ),
  issuer: optional(
    'auth_oauth2.issuer',
    url,
    'Address of the provider: its keys are discovered, and tokens must name it.',
  ),
  jwksUri: optional('auth_oauth2.jwks_uri', url, "Address of the provider's keys.", {
    aliases: ['auth_oauth2.jwks_url'],
  }),
  tokenEndpoint: optional('auth_oauth2.token_endpoint', url, 'Where the console gets tokens; discovered unless set.'),
  authorizationEndpoint: optional(
    'auth_oauth2.authorization_endpoint',
    url,
    'Where the console sends people to sign in; discovered unless set.',
  ),
  endSessionEndpoint: optional(
    'auth_oauth2.end_session_endpoint',
    url,
    'Where the console signs people out; discovered unless set.',
  ),
  discoveryPath: setting(
    'auth_oauth2.discovery_endpoint_path',
    string,
    '/.well-known/openid-configuration',
    'Path of the discovery document below the issuer.',
  ),
  discoveryParameters: named(
    'auth_oauth2.discovery_endpoint_params.$name',
    string,
    {},
    'Query parameter of the request for it.',
  ),
  algorithms: numbered(
    'auth_oauth2.algorithms.$n',
    string,
    [],
    'Signatures that are accepted; by default all asymmetric ones.',
  ),
  signingKeys: named('auth_oauth2.signing_keys.$id', path, {}, 'Public key by its id (PEM).'),
  defaultKey: optional('auth_oauth2.default_key', string, 'Id of the key of tokens that name none.'),
  defaultProvider: optional(
    'auth_oauth2.default_oauth_provider',
    string,
    'Provider of resource servers that name none.',
  ),
  timeoutMs: setting(
    'warren.auth_oauth2.timeout',
    milliseconds({ min: 1, max: 300_000 }),
    10_000,
    'Time for keys of a provider to arrive.',
  ),
  clockToleranceSeconds: setting(
    'warren.auth_oauth2.clock_tolerance',
    integer({ max: 300 }, 'seconds'),
    0,
    'How far clocks may be apart.',
  ),
  verify: setting(
    'auth_oauth2.https.peer_verification',
    VERIFY,
    'verify_peer',
    "Whether providers' certificates are checked.",
  ),
  hostnameVerification: setting(
    'auth_oauth2.https.hostname_verification',
    HOSTNAMES,
    'wildcard',
    "Whether the certificate must name the provider's host.",
  ),
  caCertificateFile: optional('auth_oauth2.https.cacertfile', path, "Authorities of providers' certificates (PEM)."),
  providers: records(PROVIDER, {
    issuer: optionalMember('issuer', url, 'Address of this provider.'),
    jwksUri: optionalMember('jwks_uri', url, 'Address of its keys.'),
    tokenEndpoint: optionalMember('token_endpoint', url, 'Where the console gets its tokens.'),
    authorizationEndpoint: optionalMember('authorization_endpoint', url, 'Where the console sends people to sign in.'),
    endSessionEndpoint: optionalMember('end_session_endpoint', url, 'Where the console signs people out.'),
    discoveryPath: optionalMember('discovery_endpoint_path', string, 'Path of its discovery document.'),
    defaultKey: optionalMember('default_key', string, 'Id of the key of tokens that name none.'),
    verify: optionalMember('https.peer_verification', VERIFY, 'Whether its certificate is checked.'),
    hostnameVerification: optionalMember(
      'https.hostname_verification',
      HOSTNAMES,
      'Whether its certificate must name its host.',
    ),
    caCertificateFile: optionalMember('https.cacertfile', path, 'Authorities of its certificate (PEM).'),
  }),
  providerAlgorithms: paired(`${PROVIDER}.algorithms.$n`, string, 'Signatures that are accepted from this provider.'),
  providerKeys: paired(`${PROVIDER}.signing_keys.$id`, path, 'Public key of this provider by its id (PEM).'),
  resourceServers: records(RESOURCE, {
    id: optionalMember('id', string, 'Name of this resource server in tokens; by default the name in this key.'),
    type: optionalMember('resource_server_type', string, 'Its type in rich authorization requests.'),
    scopePrefix: optionalMember('scope_prefix', string, 'What its scopes start with.'),
    additionalScopesKey: optionalMember('additional_scopes_key', words, 'More claims with its scopes.'),
    verifiesAudience: optionalMember('verify_aud', boolean, 'Whether the audience must name it.'),
    provider: optionalMember('oauth_provider_id', string, 'Its provider.'),
  }),
  resourceServerUsernameClaims: paired(
    `${RESOURCE}.preferred_username_claims.$n`,
    string,
    'Claims that user names of its tokens are taken from.',
  ),
  resourceServerAliases: paired(
    `${RESOURCE}.scope_aliases.$alias`,
    words,
    'Scopes that a word stands for in its tokens.',
  ),
}

const CONSOLE_RESOURCE = 'management.oauth_resource_servers.$name'

/** Sign-in to the console by an identity provider. */
export const CONSOLE_OAUTH_FIELDS = {
  enabled: setting('management.oauth_enabled', boolean, false, 'The console signs people in at an identity provider.'),
  clientId: optional('management.oauth_client_id', string, 'Id of the console at the provider.'),
  clientSecret: optional(
    'management.oauth_client_secret',
    secret,
    "The console's secret; kept by the broker, not told to browsers.",
  ),
  providerUrl: optional(
    'management.oauth_provider_url',
    url,
    'Address of the provider; `auth_oauth2.issuer` unless set.',
  ),
  scopes: setting('management.oauth_scopes', words, ['openid', 'profile'], 'Scopes that the console asks for.'),
  initiatedLogonType: setting(
    'management.oauth_initiated_logon_type',
    choice(['sp_initiated', 'idp_initiated']),
    'sp_initiated',
    'Whether people start at the console, or come from the provider with a token.',
  ),
  disablesBasic: setting(
    'management.oauth_disable_basic_auth',
    boolean,
    true,
    'With `management.oauth_enabled`, user names and passwords are not accepted by the HTTP API.',
  ),
  metadataUrl: optional('management.oauth_metadata_url', url, "Address of the provider's discovery document."),
  authorizationParameters: named(
    'management.oauth_authorization_endpoint_params.$name',
    string,
    {},
    'Query parameter of the request to sign in.',
  ),
  tokenParameters: named(
    'management.oauth_token_endpoint_params.$name',
    string,
    {},
    'Parameter of the request for a token.',
  ),
  providerName: setting(
    'warren.console.oauth_provider_name',
    string,
    'single sign-on',
    'Name of the provider on the sign-in page.',
  ),
  redirectUri: optional(
    'warren.console.oauth_redirect_uri',
    url,
    'Address that the provider sends browsers back to, where the broker cannot tell: `https://…/api/oauth-callback`.',
  ),
  resourceServers: records(CONSOLE_RESOURCE, {
    id: optionalMember('id', string, 'A resource server that people can choose to sign in for.'),
    label: optionalMember('label', string, 'Its name on the sign-in page.'),
    clientId: optionalMember('oauth_client_id', string, 'Id of the console at its provider.'),
    clientSecret: optionalMember('oauth_client_secret', secret, "The console's secret there."),
    providerUrl: optionalMember('oauth_provider_url', url, 'Address of its provider.'),
    scopes: optionalMember('oauth_scopes', words, 'Scopes that the console asks for.'),
    metadataUrl: optionalMember('oauth_metadata_url', url, 'Address of the discovery document.'),
  }),
}
