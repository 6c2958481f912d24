/**
 * The table of settings, by concern. From it come the parser, the error messages, `warren config` and the documentation,
 * and the type of the frozen objects that modules are handed: `settings.amqp.frameBytesMax`.
 *
 * A new setting is one row in the file of its group. Names of keys are RabbitMQ's own where it has one, else `warren.…`.
 */
import type { FieldGroup, SettingRow, ValuesOf } from './field.ts'
import { AUTH_FIELDS, DEFAULTS_FIELDS, DEFINITIONS_FIELDS, FEATURE_FIELDS } from './settings-access.ts'
import {
  AUTH_CACHE_FIELDS,
  AUTH_HTTP_FIELDS,
  AUTH_LDAP_FIELDS,
  AUTH_OAUTH2_FIELDS,
  CONSOLE_OAUTH_FIELDS,
} from './settings-backends.ts'
import { AMQP_FIELDS, LISTENER_FIELDS } from './settings-listeners.ts'
import {
  ALARM_FIELDS,
  AUDIT_FIELDS,
  INTERCEPTOR_FIELDS,
  LOG_FIELDS,
  NODE_FIELDS,
  QUEUE_FIELDS,
  WARREN_FIELDS,
} from './settings-node.ts'
import { MANAGEMENT_FIELDS, MQTT_FIELDS, PROMETHEUS_FIELDS, STOMP_FIELDS, STREAM_FIELDS } from './settings-protocols.ts'
import { listenerTlsFields, TLS_FIELDS } from './settings-tls.ts'

/** All fields by group, in the order of the documentation. */
export const SETTING_GROUPS = {
  listeners: LISTENER_FIELDS,
  tls: TLS_FIELDS,
  amqp: AMQP_FIELDS,
  alarms: ALARM_FIELDS,
  queues: QUEUE_FIELDS,
  features: FEATURE_FIELDS,
  interceptors: INTERCEPTOR_FIELDS,
  auth: AUTH_FIELDS,
  authHttp: AUTH_HTTP_FIELDS,
  authLdap: AUTH_LDAP_FIELDS,
  authOauth2: AUTH_OAUTH2_FIELDS,
  authCache: AUTH_CACHE_FIELDS,
  consoleOauth: CONSOLE_OAUTH_FIELDS,
  defaults: DEFAULTS_FIELDS,
  definitions: DEFINITIONS_FIELDS,
  node: NODE_FIELDS,
  log: LOG_FIELDS,
  audit: AUDIT_FIELDS,
  management: MANAGEMENT_FIELDS,
  managementTls: listenerTlsFields('management.ssl'),
  prometheus: PROMETHEUS_FIELDS,
  prometheusTls: listenerTlsFields('prometheus.ssl'),
  mqtt: MQTT_FIELDS,
  webMqttTls: listenerTlsFields('web_mqtt.ssl'),
  stomp: STOMP_FIELDS,
  webStompTls: listenerTlsFields('web_stomp.ssl'),
  stream: STREAM_FIELDS,
  warren: WARREN_FIELDS,
} satisfies Readonly<Record<string, FieldGroup>>

/** The settings of one broker: read once, frozen. */
export type Settings = { readonly [G in keyof typeof SETTING_GROUPS]: ValuesOf<(typeof SETTING_GROUPS)[G]> }

/** All rows, in the order of the table. */
export function settingRows(): SettingRow[] {
  return Object.values<FieldGroup>(SETTING_GROUPS).flatMap((group) =>
    Object.values(group).flatMap((field) => field.rows),
  )
}
