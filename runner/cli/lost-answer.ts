import { messageOf } from "../../shared/error-message.ts";
import { CliError } from "./connection.ts";

/** A `fetch` that says in words when the router ends before its answer is complete. */
export function orLost(fetch: Fetch): Fetch {
  return async (request) => {
    const { body, status, headers } = await fetch(request).catch(throwLost);
    return new Response(body === null ? null : readOrLost(body), { status, headers });
  };
}

type Fetch = (request: Request) => Promise<Response>;

/** Whether the request was carried out is not known. */
function throwLost(error: unknown): never {
  throw new CliError(
    `the router ended before it answered (${messageOf(error)}): what was asked may have been done. Look at it before you run this command again`,
    { cause: error },
  );
}

function readOrLost(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  return new ReadableStream({
    async pull(controller) {
      const { done, value } = await reader.read().catch(throwLost);
      if (done) controller.close();
      else controller.enqueue(value);
    },
    cancel: async (reason) => reader.cancel(reason),
  });
}
