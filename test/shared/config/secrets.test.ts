import { describe, expect, test } from "vitest";
import { secretsOf, strategySecrets } from "../../../shared/config/secrets.ts";

describe("a secret's value is found by its name", () => {
  const secrets = strategySecrets({
    STRATEGY_SECRET_BROKER_A: "alpha-key",
    STRATEGY_SECRET_: "nameless",
    STRATEGY_SECRET_EMPTY: "",
    STRATEGY_SECRET_UNSET: undefined,
    MY_STRATEGY_SECRET_B: "beta-key",
    HTTP_TOKEN: "token-of-http",
  });

  test("and by nothing else", () => {
    expect(secrets.valueOf("BROKER_A")).toBe("alpha-key");
    for (const name of ["broker_a", "", "EMPTY", "UNSET", "B", "HTTP_TOKEN", "constructor", "__proto__"])
      expect(secrets.valueOf(name)).toBeUndefined();
  });
});

describe("redacting", () => {
  test("hides every secret everywhere, and the other values that are given", () => {
    const secrets = strategySecrets({ STRATEGY_SECRET_A: "alpha-key", OTHER: "not-one" }, [
      "http-token",
      undefined,
      "",
    ]);
    expect(secrets.redact("alpha-key, http-token and alpha-keyalpha-key, not-one")).toBe(
      "***, *** and ******, not-one",
    );
  });

  test("leaves nothing of a secret that contains another one", () => {
    const secrets = strategySecrets({ STRATEGY_SECRET_A: "alpha", STRATEGY_SECRET_B: "alpha-and-omega" });
    expect(secrets.redact("alpha-and-omega")).toBe("***");
  });

  test("takes a secret as plain text, not as a pattern", () => {
    const secrets = strategySecrets({ STRATEGY_SECRET_A: "a.c$&" });
    expect(secrets.redact("abc$& a.c$&")).toBe("abc$& ***");
  });

  test("does not redact secrets so short that they may occur by chance", () => {
    expect(strategySecrets({ STRATEGY_SECRET_A: "abc" }).redact("abcabc")).toBe("abcabc");
    expect(strategySecrets({ STRATEGY_SECRET_A: "abcd" }).redact("abcd")).toBe("***");
  });

  test("hides the secrets of the configuration, in the router and in every command", () => {
    const config = {
      httpToken: "http-token",
      webhookSecret: "webhook-secret",
      webhookSourceSecrets: { bot: ["bot-secret", "old-secret"] },
      notifyUrl: "https://chat.test/t0ken",
    };
    const secrets = secretsOf({ STRATEGY_SECRET_A: "alpha-key" }, config);
    expect(
      secrets.redact("alpha-key http-token webhook-secret bot-secret old-secret https://chat.test/t0ken"),
    ).toBe("*** *** *** *** *** ***");
  });
});
