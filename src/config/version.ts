/** Who we are. The version equals package.json's; a test holds them together, so that start-up reads no file for it. */

/** The product's own name, beside the dialect that it tells clients. */
export const SERVER_NAME = 'WarrenMQ'

/** The product's own version. */
export const SERVER_VERSION = '0.1.0'
