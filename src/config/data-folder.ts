/** Names within the data folder. */

/** The metadata store's folder. */
export const METADATA_FOLDER = 'metadata'
/** The message log's folder. */
export const MESSAGES_FOLDER = 'messages'
