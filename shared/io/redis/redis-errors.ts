/** What REDIS_URL names cannot be used with these settings, however often it is tried: a person has to change them. */
export class RedisMisconfiguredError extends Error {
  override readonly name: string = "RedisMisconfiguredError";
}

/** The server does not let this connection use the database of REDIS_URL. */
export class DatabaseNotSelectedError extends RedisMisconfiguredError {
  override readonly name = "DatabaseNotSelectedError";
}

/** No primary is found now; `cause` is the error reply that says why, if there is one. */
export class NoPrimaryError extends Error {
  override readonly name = "NoPrimaryError";
}
