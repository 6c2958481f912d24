/**
 * Exit codes of `warren ctl`: rabbitmqctl's, which are those of sysexits.h. A broker that is not there ends with 1, but
 * called as rabbitmqctl, with rabbitmqctl's 69.
 */

/** It worked. */
export const EXIT_OK = 0
/** The broker cannot be reached. */
export const EXIT_UNREACHABLE = 1
/** Wrong words on the command line. */
export const EXIT_USAGE = 64
/** An argument is of the wrong form, a file cannot be read, or credentials are wrong. */
export const EXIT_DATA = 65
/** There is no such user. */
export const EXIT_NO_USER = 67
/** The broker refuses, or a check failed. */
export const EXIT_UNAVAILABLE = 69
/** It is there already; or the broker failed. */
export const EXIT_SOFTWARE = 70
/** No answer in time. */
export const EXIT_TEMPORARY = 75
/** Credentials are missing, or not enough. */
export const EXIT_NO_PERMISSION = 77

/** The code for a status of the HTTP API. */
export function exitCodeOf(status: number): number {
  if (status === 401 || status === 403) return EXIT_NO_PERMISSION
  return status >= 500 && status !== 503 ? EXIT_SOFTWARE : EXIT_UNAVAILABLE
}
