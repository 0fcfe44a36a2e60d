import type { Keys, StreamName } from "../../keys.ts";

/** A key of OUTCOME_STREAMS is another system's: that it cannot be read as a stream must stop nothing but its own loop. */

/** The answer, or `otherwise` when one of OUTCOME_STREAMS is no stream, or is none that this connection may read. */
export async function readableOr<Answer>(
  answer: Promise<Answer>,
  {
    keys,
    stream,
    otherwise,
  }: { readonly keys: Keys; readonly stream: StreamName; readonly otherwise: Answer },
): Promise<Answer> {
  try {
    return await answer;
  } catch (error) {
    const isOthers = keys.outcomeStreams.some((name) => name === stream);
    if (isOthers && error instanceof Error && UNREADABLE.test(error.message)) return otherwise;
    throw error;
  }
}

const UNREADABLE = /^(WRONGTYPE|NOPERM|MOVED|CROSSSLOT)/;
