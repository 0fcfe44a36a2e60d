import { redisRefusalIn, refusalText } from "./redis-refusal.ts";

/** The text of whatever was thrown, for people; also of an object that has none. */
export function messageOf(thrown: unknown): string {
  try {
    // ioredis names an option of its own there. The server may be fine: a replica's connection is closed by this process.
    if (thrown instanceof Error && thrown.name === "MaxRetriesPerRequestError")
      return "the connection to Redis is broken";
    const refusal = redisRefusalIn(thrown);
    if (refusal !== undefined) return refusalText(refusal);
    // The message of an error can be anything, when other code has set it.
    return String(thrown instanceof Error ? thrown.message : thrown);
  } catch {
    return "something without a text was thrown";
  }
}

/** What was thrown as an error, which it is nearly always. */
export function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(messageOf(thrown));
}
