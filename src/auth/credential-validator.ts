/**
 * Rules for new passwords. Asked when a password is set, never at login, and not for hashes, which hide the password.
 */

/** Says why a password is not good enough, or undefined. */
export type CredentialValidator = (user: string, password: string) => string | undefined

/** Settings `credential_validator.*`. */
export type CredentialRule =
  | { readonly kind: 'accept_everything' }
  | { readonly kind: 'min_password_length'; readonly lengthMin: number }
  | { readonly kind: 'password_regexp'; readonly pattern: RegExp }

/** The validator of a rule. Lengths count characters. */
export function credentialValidator(rule: CredentialRule): CredentialValidator {
  switch (rule.kind) {
    case 'accept_everything':
      return () => undefined
    case 'min_password_length':
      return (_user, password) =>
        [...password].length >= rule.lengthMin ? undefined : `minimum required password length: ${rule.lengthMin}`
    case 'password_regexp':
      return (_user, password) =>
        rule.pattern.test(password) ? undefined : 'provided password does not match the validator regular expression'
  }
}
