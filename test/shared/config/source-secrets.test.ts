import { describe, expect, it } from "vitest";
import { readSourceSecrets, secretVariableOf } from "../../../shared/config/source-secrets.ts";
import { unknownVariables } from "../../../shared/config/unknown-variables.ts";
import { webhookSecretsOf } from "../../../shared/config/webhook-secrets.ts";
import { configOf, faultsOf } from "./config-fixture.ts";

describe("the secrets of webhook sources", () => {
  it("are read by name, several separated by commas", () => {
    const env = {
      WEBHOOK_SECRET_MY_BOT: " new-secret , old-secret,new-secret",
      WEBHOOK_SECRET_TEXT: "of-texts",
      WEBHOOK_SECRET_EMPTY: " ",
    };
    const secrets = { "my-bot": ["new-secret", "old-secret"], text: ["of-texts"] };
    expect(readSourceSecrets(env)).toEqual({ secrets, faults: [] });
    expect(configOf(env).webhookSourceSecrets).toEqual(secrets);
    expect(secretVariableOf("my-bot")).toBe("WEBHOOK_SECRET_MY_BOT");
  });

  it.each([
    [{ WEBHOOK_SECRET_A: "secret-1,,secret-2" }, "none of them empty"],
    [{ WEBHOOK_SECRET_A: "secret-1," }, "none of them empty"],
    [{ WEBHOOK_SECRET_A: "short" }, "at least 6 characters"],
    [{ WEBHOOK_SECRET_A: "with space" }, "printable ASCII"],
    [{ WEBHOOK_SECRET_A: "secret-1,secret-2", WEBHOOK_SECRET_B: "secret-2" }, "of the webhook source a"],
    [{ WEBHOOK_SECRET: "secret-1", WEBHOOK_SECRET_A: "secret-1" }, "of the webhook source tradingview"],
  ])("of %j are refused, without a value", (env, expected) => {
    const { faults } = readSourceSecrets(env);
    expect(faults.join("\n")).toContain(expected);
    expect(faults.join("\n")).not.toMatch(/secret-[12]|short|with space/);
    expect(faultsOf(env)).toHaveLength(1);
  });

  it("open one source each; WEBHOOK_SECRET opens tradingview, and is not split", () => {
    const config = configOf({
      WEBHOOK_SECRET: "one,two",
      WEBHOOK_SECRET_TRADINGVIEW: "third-1,fourth-1",
      WEBHOOK_SECRET_A: "third-1-and-more",
    });
    const secrets = webhookSecretsOf(config);
    expect(Object.fromEntries(secrets?.byName ?? [])).toEqual({
      tradingview: ["one,two", "third-1", "fourth-1"],
      a: ["third-1-and-more"],
    });
    expect(secrets?.redact("third-1-and-more third-1 one,two")).toBe("*** *** ***");
    expect(webhookSecretsOf(configOf({}))).toBeUndefined();
  });

  it("have variables that are known, and nearly right names are found", () => {
    expect(unknownVariables({ WEBHOOK_SECRET_MY_BOT: "x" }, ["WEBHOOK_SECRET"])).toEqual([]);
    for (const name of ["webhook_secret_bot", "WEBHOOK_SECRETS_BOT", "WEBHOOK_SECRET_my-bot"])
      expect(unknownVariables({ [name]: "x" }, ["WEBHOOK_SECRET"])[0]?.message).toMatch(
        /mean WEBHOOK_SECRET_(MY_)?BOT\?/,
      );
  });
});
