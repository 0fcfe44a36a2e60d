import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { secretRedactor } from "../../../shared/config/redact-secret.ts";

const SECRET = 's3cret"\\/%+value';
const { redact, excerptOf, storedBody } = secretRedactor([SECRET]);

describe("a redacted text", () => {
  it.each([
    ["as it is", SECRET],
    ["in JSON", JSON.stringify(SECRET)],
    ["in a URL", encodeURIComponent(SECRET)],
  ])("does not show the secret written %s", (_, spelling) => {
    expect(redact(`a ${spelling} b ${spelling}`)).toMatch(/^a "?\*{3}"? b "?\*{3}"?$/);
  });

  it("is the text itself when the secret is not in it", () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(redact(text)).toBe(text);
      }),
    );
  });
});

describe("an excerpt of a body", () => {
  it.each([
    ['{"secret": "another one", "symbol": "X"}', '{"secret": "***", "symbol": "X"}'],
    ['{"secret":"with \\" in it"}', '{"secret":"***"}'],
    ['{"secret": 12345}', '{"secret": "***"}'],
    ['{"secret": "cut off', '{"secret": "***"'],
    ['{"\\u0073ecret": "x"}', '{"secret": "***"}'],
    ["{'secret': 'x', a: 1}", "{'secret': \"***\", a: 1}"],
    ["secret=another&symbol=X", 'secret="***"&symbol=X'],
    ['{"symbol": "X"', '{"symbol": "X"'],
  ])("of %s is %s", (body, expected) => {
    expect(excerptOf(body)).toBe(expected);
  });

  it("shows no part of the secret where it is cut", () => {
    fc.assert(
      fc.property(fc.nat({ max: 400 }), (before) => {
        const excerpt = excerptOf(`${"x".repeat(before)}${SECRET}`);
        expect(excerpt).toMatch(/^x*\*{0,3}$/);
        expect(excerpt.length).toBe(Math.min(300, before + 3));
      }),
    );
  });
});

describe("a body that is kept", () => {
  it.each([
    ['{"note": "plain"}', '{"note": "plain"}'],
    [`{"note": "${SECRET}"}`, '{"note": "***"}'],
    ['{"note": "\\u00e4 is kept"}', '{"note": "\\u00e4 is kept"}'],
    [`note=${encodeURIComponent(SECRET)}&x=1`, "note=***&x=1"],
    ["100%&a=%C3%A4", "100%&a=%C3%A4"],
    ["secret=older\nsymbol=X", 'secret="***"\nsymbol=X'],
  ])("of %s is %s", (body, expected) => {
    expect(storedBody(body)).toBe(expected);
  });

  it("shows no secret, whatever characters of it are escaped", () => {
    const escapes = [
      (char: string) => char,
      (char: string) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
      (char: string) => `%${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
    ];
    for (const escape of escapes) {
      const body = `a=${SECRET.replaceAll(/./g, escape)}&b=1`;
      expect(storedBody(body)).toBe("a=***&b=1");
    }
  });
});

describe("a secret with characters that end other values", () => {
  const secrets = ["ab/cd,ef}gh&ij", "ab/cdefgh"];
  const { redact: redactBoth, excerptOf: excerpt, storedBody: stored } = secretRedactor(secrets);
  it.each([
    ["secret=ab/cd,ef}gh&ij", 'secret="***"'],
    ["{secret: ab/cd,ef}gh&ij}", '{secret: "***"}'],
    [
      '{"url": "https:\\/\\/host\\/webhooks\\/bot\\/ab\\/cdefgh"}',
      '{"url": "https://host/webhooks/bot/***"}',
    ],
    ["a=ab/cdefgh b=ab\\/cdefgh c=ab%2fcdefgh", "a=*** b=*** c=***"],
  ])("is not in what is shown or kept of %s", (body, expected) => {
    expect([excerpt(body), stored(body)]).toEqual([expected, expected]);
    expect(redactBoth(body)).not.toMatch(/cdefgh|cd,ef/);
  });
});
