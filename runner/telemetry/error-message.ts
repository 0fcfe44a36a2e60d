/** The message of whatever was thrown. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // ioredis speaks of an option of its own.
  return error.name === "MaxRetriesPerRequestError" ? "Redis cannot be reached" : error.message;
}
