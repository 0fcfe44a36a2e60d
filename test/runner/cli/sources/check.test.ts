import { expect, test } from "vitest";
import { sourceRemarks } from "../../../../runner/cli/check/sources.ts";

test("the check names each enabled source that has no secret, and its variable", () => {
  const source = { enabled: true, format: "text", template: {} } as const;
  const sources = new Map([
    ["my-bot", source],
    ["other", source],
    ["off", { ...source, enabled: false }],
  ]);
  expect(sourceRemarks(sources, { webhookSourceSecrets: { other: ["a-secret"] } })).toEqual([
    {
      kind: "warning",
      message: expect.stringContaining(
        "my-bot has no secret, so all its alerts are answered 401: set WEBHOOK_SECRET_MY_BOT",
      ),
    },
  ]);
});
