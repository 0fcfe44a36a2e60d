import { expect, test } from "vitest";
import { CliError } from "../../../runner/cli/connection.ts";
import { orLost } from "../../../runner/cli/lost-answer.ts";

test("an answer that ends in the middle, or does not come, is said in words", async () => {
  const halfOf = (text: string) =>
    new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(new TextEncoder().encode(text)),
      pull: (controller) => controller.error(new Error("aborted")),
    });
  const half = orLost(async () => new Response(halfOf('{"status":'), { status: 200 }));
  const none = orLost(async () => Promise.reject(new Error("ECONNRESET")));
  const request = new Request("http://router/reference/document");
  const lost = /^the router ended before it answered \(aborted\): what was asked may have been done/;
  const error: unknown = await (await half(request)).json().catch((thrown: unknown) => thrown);
  expect(error).toBeInstanceOf(CliError);
  expect(error).toMatchObject({ message: expect.stringMatching(lost) });
  await expect(none(request)).rejects.toThrow(/\(ECONNRESET\): what was asked may have been done/);
  const whole = orLost(async () => new Response('{"a":1}', { status: 201, headers: { etag: "e" } }));
  const answer = await whole(request);
  expect([answer.status, answer.headers.get("etag"), await answer.json()]).toEqual([201, "e", { a: 1 }]);
});
