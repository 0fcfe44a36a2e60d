import { expect, test } from "vitest";
import { sourceRemarks } from "../../../../runner/cli/check/sources.ts";

test("the check names each enabled source that has no secret, and each secret that has no source", () => {
  const source = { enabled: true, format: "text", template: {} } as const;
  const sources = new Map([
    ["my-bot", source],
    ["other", source],
    ["off", { ...source, enabled: false }],
  ]);
  const webhookSourceSecrets = { other: ["a-secret"], text: ["b-secret"], mybot: ["c-secret"] };
  expect(sourceRemarks(sources, { webhookSourceSecrets })).toEqual([
    {
      kind: "warning",
      message: expect.stringContaining(
        "my-bot has no secret, so all its alerts are answered 401: set WEBHOOK_SECRET_MY_BOT",
      ),
    },
    {
      kind: "warning",
      message: expect.stringContaining("WEBHOOK_SECRET_MYBOT is set, and there is no webhook source mybot"),
    },
  ]);
});
