import { createHmac } from "node:crypto";
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as z from "zod";
import { previewHandler, type HandlerPreview } from "../../../functions/strategies/preview-handler.ts";
import { HANDLERS } from "../../../functions/strategies/registry.ts";
import { stream } from "../../../functions/strategies/stream.ts";
import { webhook } from "../../../functions/strategies/webhook.ts";
import { strategySecrets } from "../../../shared/config/secrets.ts";
import {
  address,
  defineStrategy,
  PermanentError,
  type AnyStrategyHandler,
  type PostRequest,
  type StrategyPlan,
  type StrategyTask,
} from "../../../shared/strategy.ts";
import { parseTask, type Task } from "../../../shared/task.ts";
import { NOW, taskFields } from "../../builders.ts";
import { runStrategy } from "./run-strategy.ts";

const TASK: Task = (() => {
  const parsed = parseTask({ id: "1-1", fields: taskFields(NOW) });
  if (!parsed.ok) throw new Error(parsed.error);
  return parsed.task;
})();

interface Options {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  readonly task?: Task;
  readonly privateAddresses?: boolean;
}

function previewOf(
  handler: AnyStrategyHandler,
  { params = {}, env = {}, task = TASK, privateAddresses = false }: Options = {},
): HandlerPreview {
  const secrets = strategySecrets(env);
  return previewHandler(
    task,
    { id: 7, name: "Trend follower", params },
    {
      handler,
      params: handler.params.parse(params),
      ports: {
        isSecretSet: (name) => secrets.valueOf(name) !== undefined,
        redact: (text) => secrets.redact(text),
        privateAddresses,
        now: NOW,
      },
    },
  );
}

const anyParams = z.record(z.string(), z.unknown());
const planning = (plan: (task: StrategyTask<Record<string, unknown>>) => StrategyPlan) =>
  defineStrategy({ name: "test", params: anyParams, plan });
const posting = (post: (task: StrategyTask<Record<string, unknown>>) => Partial<PostRequest>) =>
  planning((task) => ({
    post: { url: "https://broker.test/", headers: {}, body: "", timeoutMs: 1_000, ...post(task) },
    outcome: () => ({ status: "executed" }),
  }));

describe("a preview", () => {
  test("of the webhook shows its request, the host of its address, and where the signature is", () => {
    const params = {
      url: "https://broker.test/hooks/t0ken?key=abc",
      secret: "BROKER_A",
      headers: { "X-Copy": "see /hooks/t0ken" },
    };
    const { would, stops, host } = previewOf(webhook, {
      params,
      env: { STRATEGY_SECRET_BROKER_A: "the key" },
    });
    expect({ stops, host }).toEqual({ stops: [], host: "broker.test" });
    expect(would?.post).toMatchObject({
      method: "POST",
      url: "https://broker.test/…",
      headers: {
        "X-Copy": "see /…",
        "X-Signature-Timestamp": String(NOW / 1_000),
        "X-Signature": "sha256=(made with secret BROKER_A)",
      },
      timeout_ms: 5_000,
    });
    expect(JSON.parse(would?.post?.body ?? "")).toMatchObject({ signal: { symbol: "BTCUSDT" }, attempt: 1 });
  });

  test("of the other handlers shows the entry, the line of the log, and how the task ends", () => {
    const [log, none] = HANDLERS.filter(({ name }) => name === "log" || name === "none").map((one) =>
      previewOf(one),
    );
    const ended = { reason: null, detail: {} };
    expect(log?.would).toEqual({ log: "long on BTCUSDT", outcome: { status: "executed", ...ended } });
    expect(none?.would).toEqual({ outcome: { status: "delegated", ...ended } });
    expect(previewOf(stream).would).toMatchObject({
      append: { stream: "strategies:7", fields: { symbol: "BTCUSDT", direction: "long" } },
      outcome: { status: "executed" },
    });
  });

  test("shows how a plan ends that throws one of the contract's errors", () => {
    const refusing = planning(() => {
      throw new PermanentError("no such account", "no_account");
    });
    const detail = { error: "no such account" };
    expect(previewOf(refusing).would).toEqual({
      outcome: { status: "failed", reason: "no_account", detail },
    });
  });

  test("and a run say of an async plan that it is none, and what it rejects with later ends nothing", async () => {
    const later = planning((async () => {
      throw new Error("later");
    }) as unknown as () => StrategyPlan);
    const ended = {
      status: "failed",
      reason: "invalid_outcome",
      detail: { error: expect.stringMatching(/^the plan of handler test is async/) },
    };
    expect(previewOf(later).would).toEqual({ outcome: ended });
    expect((await runStrategy(later)).attempt).toMatchObject({ ...ended, arrival: "none" });
  });

  test("is refused, in words, for a handler that acts in its run", () => {
    const acting = defineStrategy({ name: "broker", params: anyParams, run: () => ({ status: "executed" }) });
    expect(previewOf(acting)).toEqual({
      unknown: expect.stringMatching(/^handler broker has no dry run: it acts in its `run`/),
      stops: [],
    });
  });

  test("is refused where a stand-in does not do, and says for which secret", () => {
    const needsPem = posting(({ secret }) => {
      if (!secret("KEY").startsWith("-----BEGIN")) throw new TypeError(`no PEM: ${secret("KEY")}`);
      return {};
    });
    const { unknown } = previewOf(needsPem, { env: { STRATEGY_SECRET_KEY: "-----BEGIN" } });
    expect(unknown).toBe(
      "handler test could not make its plan: no PEM: (secret KEY); a dry run gives it a text that stands for the secret KEY, which may be why",
    );
    const choosing = planning(({ secret }) => ({
      status: /^[0-7]/.test(secret("KEY")) ? "executed" : "ignored",
    }));
    const shown = Array.from({ length: 20 }, () =>
      previewOf(choosing, { env: { STRATEGY_SECRET_KEY: "k" } }),
    );
    expect(shown.map((one) => one.unknown)).toContain(
      "what handler test would do depends on the value of the secret KEY, so a dry run cannot show it",
    );
  });

  test("says what would make it fail: secrets that are not set, addresses that are refused", () => {
    const handler = posting(({ secret }) => ({
      url: "http://127.0.0.1/",
      body: `${secret("ONE")} ${secret("TWO")}`,
    }));
    const env = { STRATEGY_SECRET_TWO: "two two two" };
    const { would, stops } = previewOf(handler, { env });
    expect(would?.post?.body).toBe("(secret ONE) (secret TWO)");
    expect(stops.map(({ reason }) => reason)).toEqual(["missing_secret", "forbidden_address"]);
    expect(stops[0]?.text).toContain("STRATEGY_SECRET_ONE is not set");
    expect(previewOf(handler, { env, privateAddresses: true }).stops).toHaveLength(1);
    expect(previewOf(posting(() => ({ url: "ftp://broker.test/" }))).stops).toMatchObject([
      { reason: "invalid_url" },
    ]);
    for (const headers of [{ "X-Name": "突破" }, { "X-Name": "a\nb" }, { "X Name": "a" }])
      expect(previewOf(posting(() => ({ headers }))).stops).toEqual([
        { reason: "error", text: expect.stringMatching(/^the header X.Name of its post has a character/) },
      ]);
    expect(previewOf(posting(() => ({ headers: { "X-Name": "über\t1" } }))).stops).toEqual([]);
  });

  test("shows no user and password of an address, whether or not it has a path", () => {
    const copying = posting(({ params }) => ({ body: `${JSON.stringify(params)} by ann:pa55word` }));
    for (const path of ["", "/t0ken"]) {
      const { would } = previewOf(copying, { params: { proxy: `https://ann:pa55word@proxy.test${path}` } });
      expect(would?.post?.body).toBe('{"proxy":"https://proxy.test/…"} by …');
    }
  });

  test("says of what differs each time that it does", () => {
    let calls = 0;
    const counting = posting(() => ({
      headers: { "X-Nonce": `n-${(calls += 1)}` },
      body: `order ${calls}, fixed`,
    }));
    expect(previewOf(counting).would?.post).toMatchObject({
      headers: { "X-Nonce": "(differs each time)" },
      body: "order (differs each time), fixed",
    });
  });

  test("does not name a secret whose name may be the secret itself", () => {
    const preview = previewOf(posting(({ secret }) => ({ body: secret("hush hush") })));
    expect(preview.would).toMatchObject({ outcome: { status: "failed", reason: "missing_secret" } });
    expect(JSON.stringify(preview)).not.toContain("hush");
  });
});

/** Where a secret may get to, and in which form. */
const FORMS: Readonly<Record<string, (secret: string) => string>> = {
  plain: (secret) => secret,
  bearer: (secret) => `Bearer ${secret}`,
  base64: (secret) => `Basic ${Buffer.from(`user:${secret}`).toString("base64")}`,
  hmac: (secret) => `sha256=${createHmac("sha256", secret).update("body").digest("hex")}`,
  upper: (secret) => secret.toUpperCase(),
  encoded: (secret) => encodeURIComponent(secret),
  json: (secret) => JSON.stringify({ nested: [{ secret }] }),
};

const aSecret = fc
  .string({ minLength: 12, maxLength: 40, unit: "grapheme-ascii" })
  .filter((text) => text.trim() === text && !/^[\w ]*$/.test(text));
const aCase = fc.record({
  secrets: fc.array(aSecret, { minLength: 1, maxLength: 3 }),
  uses: fc.array(
    fc.record({
      form: fc.constantFrom(...Object.keys(FORMS)),
      secret: fc.nat(2),
      place: fc.constantFrom("header", "body", "url"),
      text: fc.string({ maxLength: 20 }),
    }),
    { minLength: 1, maxLength: 5 },
  ),
  /** The value of a secret where it has no business. */
  leaksInParams: fc.boolean(),
  path: fc.stringMatching(/^[a-z0-9]{8,20}$/),
});

describe("whatever secrets, params and plans there are", () => {
  const nameOf = (at: number): string => `NAME_${at}`;

  test("no value of a secret and no path of an address is in a preview", () => {
    fc.assert(
      fc.property(aCase, ({ secrets, uses, leaksInParams, path }) => {
        const env = Object.fromEntries(secrets.map((value, at) => [`STRATEGY_SECRET_${nameOf(at)}`, value]));
        const handler = defineStrategy({
          name: "test",
          params: z.object({ url: address(), leak: z.string() }),
          plan({ params, secret }) {
            const used = uses.map((use) => {
              const value = secret(nameOf(use.secret % secrets.length));
              return { ...use, text: `${use.text}${FORMS[use.form]?.(value) ?? ""}` };
            });
            const inPlace = (place: string) =>
              used.filter((use) => use.place === place).map(({ text }) => text);
            return {
              post: {
                url: `${params.url}?${inPlace("url").join("&")}`,
                headers: Object.fromEntries(inPlace("header").map((text, at) => [`X-${at}`, text])),
                body: JSON.stringify({ to: params.url, leak: params.leak, all: inPlace("body") }),
                timeoutMs: 1_000,
              },
              outcome: () => ({ status: "executed" }),
            };
          },
        });
        const params = { url: `https://broker.test/${path}`, leak: leaksInParams ? `x${secrets[0]}x` : "" };
        const preview = previewOf(handler, { params, env });
        expect(preview.unknown).toBeUndefined();
        const leaves = textsIn(preview).join("\n");
        for (const secret of secrets) expect(leaves).not.toContain(JSON.stringify(secret).slice(1, -1));
        for (const secret of secrets)
          for (const form of Object.values(FORMS))
            expect(leaves).not.toContain(form(secret).replace(/^Bearer |^Basic /, ""));
        expect(leaves).not.toContain(path);
      }),
      { numRuns: 100 },
    );
  });

  test("what it shows is byte for byte what is posted, with the secrets in their places", async () => {
    const aRequest = fc.record({
      headers: fc.dictionary(fc.stringMatching(/^X-[A-Za-z]{1,8}$/), fc.string({ maxLength: 30 })),
      body: fc.string({ maxLength: 200, unit: "binary" }),
      secret: aSecret,
    });
    await fc.assert(
      fc.asyncProperty(aRequest, async ({ headers, body, secret: value }) => {
        const handler = posting(({ secret, signal, idempotencyKey }) => ({
          headers: { ...headers, Authorization: `Bearer ${secret("KEY")}` },
          body: `${body}${signal.symbol}${idempotencyKey}${secret("KEY")}`,
        }));
        const env = { STRATEGY_SECRET_KEY: value };
        const posted: PostRequest[] = [];
        const post = async (request: PostRequest) => {
          posted.push(request);
          return { status: 200, text: "" };
        };
        const { task } = await runStrategy(handler, { env, post });
        const shown = previewOf(handler, { env, task }).would?.post;
        const withSecret = (text: string): string => text.replaceAll("(secret KEY)", () => value);
        const { Authorization, ...others } = shown?.headers ?? {};
        // Elsewhere the value would be redacted, as in every text.
        fc.pre(!JSON.stringify([headers, body]).includes(value));
        expect({ ...others, Authorization: withSecret(Authorization ?? "") }).toEqual(posted[0]?.headers);
        expect(withSecret(shown?.body ?? "")).toBe(posted[0]?.body);
        expect(shown?.url).toBe(posted[0]?.url);
      }),
      { numRuns: 15 },
    );
  });
});

function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  return typeof value === "object" && value !== null ? Object.entries(value).flat().flatMap(textsIn) : [];
}
