/**
 * The user that a client certificate stands for. [RabbitMQ: ssl_cert_login_from, ssl_cert_login_san_type, ssl_cert_login_san_index]
 */

/** Kinds of alternative names, as RabbitMQ calls them. */
export type AlternativeNameType = 'dns' | 'ip' | 'email' | 'uri' | 'other_name'

/** The names in a verified certificate. */
export interface CertificateNames {
  readonly distinguishedName: string
  readonly commonName: string
  readonly alternativeNames: readonly { readonly type: AlternativeNameType; readonly value: string }[]
}

/** Which of the names is the user. */
export interface CertificateRule {
  readonly from: 'distinguished_name' | 'common_name' | 'subject_alternative_name'
  /** With `subject_alternative_name`: the kind, and which of several, from 0. */
  readonly nameType: AlternativeNameType
  readonly nameIndex: number
}

/** The name by the rule; undefined without a certificate, and when it has no such name. */
export function certificateName(certificate: CertificateNames | null, rule: CertificateRule): string | undefined {
  const name = certificate === null ? undefined : nameBy(certificate, rule)
  return name === '' ? undefined : name
}

function nameBy(certificate: CertificateNames, { from, nameType, nameIndex }: CertificateRule): string | undefined {
  switch (from) {
    case 'distinguished_name':
      return certificate.distinguishedName
    case 'common_name':
      return certificate.commonName
    case 'subject_alternative_name':
      return certificate.alternativeNames.filter(({ type }) => type === nameType)[nameIndex]?.value
  }
}
