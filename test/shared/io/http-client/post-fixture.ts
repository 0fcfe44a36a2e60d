import { expect } from "vitest";
import type { PostRequest } from "../../../../shared/strategy.ts";

/** A path and query that no message may contain. */
export const SECRET = "/hooks/t0ken?key=s3cret";

export const requestTo = (url: string, changes: Partial<PostRequest> = {}): PostRequest => ({
  url,
  headers: {},
  body: "{}",
  timeoutMs: 20_000,
  abort: new AbortController().signal,
  ...changes,
});

export async function failureOf(answer: Promise<unknown>): Promise<Error> {
  return answer.then(
    (value) => expect.fail(`answered ${JSON.stringify(value)}`),
    (error: unknown) => error as Error,
  );
}
