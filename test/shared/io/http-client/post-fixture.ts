import type { ServerResponse } from "node:http";
import { afterEach, expect } from "vitest";
import type { PostRequest } from "../../../../shared/strategy.ts";
import { startReceiver, type Delivery, type Receiver } from "../../../servers/http-receiver.ts";

/** Requests to post, and servers to post them to. */

/** A path and query that no message may contain. */
export const SECRET = "/hooks/t0ken?key=s3cret";

const receivers: Receiver[] = [];
/** A server that ends with the test. */
export async function receiver(
  behave: (response: ServerResponse, delivery: Delivery) => void,
): Promise<Receiver> {
  const started = await startReceiver(behave);
  receivers.push(started);
  return started;
}
afterEach(async () => {
  await Promise.all(receivers.splice(0).map(async (each) => each.close()));
});

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
