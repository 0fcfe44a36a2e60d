import { mkdtemp, readFile, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { DatabaseError } from "../../../../shared/io/postgres/database.ts";
import type { EditAnswer } from "../../../../shared/io/reference-edits/edit.ts";
import { parseDocument } from "../../../../shared/reference-document/parse-document.ts";
import { documentFrom, ETAG, NONE, run } from "./commands-fixture.ts";

/** `cli reference export`, `diff` and `apply`. */

const TEXT = `
tickers: [{ symbol: BTCUSDT }]
signals: [{ name: EMA, long_phrase: UP }]
strategies:
  - name: Trend
    signals: [EMA]
    handler: webhook
    params: { url: "https://bot.example.com/hook/token-123" }
`;
const document = documentFrom(TEXT);
let folder: string;
let file: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "reference-"));
  file = join(folder, "mine.yaml");
  await writeFile(file, TEXT);
});

const MORE: EditAnswer = {
  status: "to_agree",
  summary: {
    willTradeMore: ["strategy Trend (1): enabled"],
    willRemove: [],
    changes: ["strategy Trend (1): changed"],
    warnings: [],
  },
};
const DONE = {
  status: "done",
  changeId: 7,
  version: "v2",
  etag: "e2",
  summary: NONE,
} as const satisfies EditAnswer;

describe("export", () => {
  test("writes a whole file that only this user may read, with the schema beside it, and replaces none", async () => {
    const to = join(folder, "out.yaml");
    expect(await run({ document }, "export", to)).toMatchObject({ code: 0, out: "" });
    expect((await stat(to)).mode & 0o777).toBe(0o600);
    const text = await readFile(to, "utf8");
    expect(text).toContain("token-123");
    expect(parseDocument(text)).toEqual({ ok: true, document });
    expect(JSON.parse(await readFile(join(folder, "reference.schema.json"), "utf8"))).toHaveProperty(
      "$schema",
    );
    const again = await run({ document }, "export", to);
    expect(again).toMatchObject({ code: 1, err: expect.stringMatching(/exists already: add --force/) });
    expect(await run({ document }, "export", to, "--force")).toMatchObject({ code: 0 });
    expect((await stat(to)).mode & 0o777).toBe(0o600);
  });

  test("writes JSON to a file of that name, and prints without one", async () => {
    const to = join(folder, "out.json");
    await run({ document }, "export", to);
    expect(JSON.parse(await readFile(to, "utf8"))).toHaveProperty("strategies");
    expect(parseDocument((await run({ document }, "export")).out)).toEqual({ ok: true, document });
  });
});

describe("apply", () => {
  test("applies the document to the rows that were read, and names the change", async () => {
    const { code, out, edits } = await run(
      { document, answer: () => DONE },
      "apply",
      file,
      "--reason",
      "why",
    );
    expect({ code, out }).toEqual({
      code: 0,
      out: "Done as change 7; the reference is version v2, and signals are decided on it",
    });
    expect(edits).toEqual([
      {
        document,
        kind: "apply",
        prune: false,
        by: "ada",
        reason: "why",
        dryRun: false,
        agreed: false,
        ifMatch: ETAG,
      },
    ]);
  });

  test("asks before anything trades more, shows that first, and does nothing without a yes", async () => {
    const answer = ({ agreed }: { readonly agreed: boolean }) => (agreed ? DONE : MORE);
    const silent = await run({ document, answer }, "apply", file);
    expect(silent).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^Will trade more:\n  strategy Trend[^]*add --yes/),
    });
    expect(silent.edits).toHaveLength(1);
    expect((await run({ document, answer, confirmed: false }, "apply", file)).edits).toHaveLength(1);
    const yes = await run({ document, answer, confirmed: true }, "apply", file);
    expect(yes).toMatchObject({ code: 0, out: expect.stringContaining("Done as change 7") });
    expect(yes.edits.map(({ agreed }) => agreed)).toEqual([false, true]);
    const flagged = await run({ document, answer }, "apply", file, "--yes");
    expect(flagged).toMatchObject({ code: 0, asked: [] });
  });

  test("asks before rows are removed", async () => {
    const preview: EditAnswer = {
      ...DONE,
      status: "previewed",
      changeId: null,
      summary: { ...NONE, changes: ["- Old (3)"] },
    };
    const answer = ({ dryRun }: { readonly dryRun: boolean }) => (dryRun ? preview : DONE);
    const silent = await run({ document, answer }, "apply", file, "--prune");
    expect(silent).toMatchObject({
      code: 1,
      err: expect.stringMatching(/- Old \(3\)[^]*nothing was changed/),
    });
    expect(silent.edits.map(({ dryRun }) => dryRun)).toEqual([true]);
    const yes = await run({ document, answer, confirmed: true }, "apply", file, "--prune");
    expect(yes).toMatchObject({ code: 0, asked: [expect.stringContaining("Remove")] });
    expect(yes.edits.map(({ dryRun, prune }) => [dryRun, prune])).toEqual([
      [true, true],
      [false, true],
    ]);
  });

  test("says nothing of an edit that the same file has made already", async () => {
    const answer = (): EditAnswer => ({ ...DONE, status: "unchanged", changeId: null });
    expect(await run({ document, answer }, "apply", file, "--prune")).toMatchObject({
      code: 0,
      asked: [],
      out: expect.stringContaining("No difference"),
    });
  });

  test("names the place of each fault, also of those that the database finds", async () => {
    await writeFile(file, "tickers: [{ symbol: 0700 }]\nsignals: [{ name: no }]");
    const faulty = await run({ document }, "apply", file);
    expect(faulty).toMatchObject({ code: 1, edits: [] });
    expect(faulty.err.split("\n")).toEqual([
      expect.stringContaining(`${file}:1:21: tickers[0].symbol: found 0700`),
      expect.stringContaining(`${file}:2:19: signals[0].name: found no`),
      "Nothing was changed: there are 2 faults",
    ]);
    await writeFile(file, TEXT);
    const faults = [
      { path: "strategies[0].params.secret", message: "is not set" },
      { path: "strategies[0].was", message: "no such row" },
    ];
    const refused = await run({ document, answer: () => ({ status: "refused", faults }) }, "apply", file);
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.err).toContain(`${file}:8:13: strategies[0].params.secret: is not set`);
    expect(refused.err).toContain(`${file}:5:5: strategies[0].was: no such row`);
    expect(
      JSON.parse(
        (await run({ document, answer: () => ({ status: "refused", faults }) }, "apply", file, "--json")).out,
      ),
    ).toMatchObject({ status: "refused", faults: [{ line: 8 }, { line: 5 }] });
  });

  test.each([
    [{ status: "conflict", etag: "e2", summary: NONE } as const, /changed meanwhile/],
    [{ status: "not_own", message: "the reference is that of v4" } as const, /that of v4/],
  ])(
    "is refused when another was faster, or the reference is not the router's own",
    async (answer, message) => {
      expect(await run({ document, answer: () => answer }, "apply", file)).toMatchObject({
        code: 1,
        err: expect.stringMatching(message),
      });
    },
  );

  test("names who holds the tables when they are not free in time", async () => {
    const answer = (): EditAnswer => {
      throw new DatabaseError("another session changes it: pid 7 (psql)", "unavailable", "55P03");
    };
    expect(await run({ document, answer }, "apply", file)).toMatchObject({
      code: 1,
      err: expect.stringMatching(/^nothing was changed: another session changes it: pid 7 \(psql\)/),
    });
  });

  test.each([
    ["missing.yaml", undefined, /cannot be read: there is no such file/],
    ["latin1.yaml", Buffer.from([0x61, 0xe9]), /not text in UTF-8/],
    ["large.yaml", "#".repeat(600_000), /600000 bytes: expected at most 200000/],
  ])("refuses the file %s", async (name, content, message) => {
    const path = join(folder, name);
    if (content !== undefined) await writeFile(path, content);
    expect(await run({ document }, "apply", path)).toMatchObject({
      code: 1,
      err: expect.stringMatching(message),
    });
  });
});

test("diff changes nothing, and its exit code says whether anything differs", async () => {
  const answer = (): EditAnswer => ({
    ...DONE,
    status: "previewed",
    changeId: null,
    summary: { ...NONE, changes: ["x"] },
  });
  const differs = await run({ document, answer }, "diff", file);
  expect(differs).toMatchObject({
    code: 3,
    out: "Changes:\n  x\nNothing was changed",
    edits: [{ dryRun: true }],
  });
  expect(await run({ document, answer: () => MORE }, "diff", file)).toMatchObject({ code: 3, asked: [] });
  expect(
    await run({ document, answer: () => ({ ...DONE, status: "unchanged" }) }, "diff", file),
  ).toMatchObject({ code: 0 });
  expect(await run({ document, answer }, "apply", file, "--dry-run")).toMatchObject({ code: 0 });
});

test("with --replay, what it would have changed is one JSON document with the edit, and is not asked for one that is refused", async () => {
  const preview = {
    from: "2026-01-05T10:00:00.000Z",
    to: "2026-01-06T10:00:00.000Z",
    decided: 0,
    limited: false,
    version: "v1",
    version_draft: "v2",
    differing: 0,
    strategies: [],
    signals: [],
  };
  const previewed = { ...DONE, status: "previewed", changeId: null } as const;
  const typed = ["apply", file, "--dry-run", "--replay", "24h"];
  const { out } = await run({ document, answer: () => previewed, preview }, ...typed, "--json");
  expect(JSON.parse(out)).toMatchObject({ status: "previewed", preview });
  const text = await run({ document, answer: () => previewed, preview }, ...typed);
  expect(text.out).toMatch(/Nothing was changed\n0 signals from .* decided by both: 0 differ/);
  const refused = { status: "refused", faults: [{ path: "signals[0].name", message: "no" }] } as const;
  expect(await run({ document, answer: () => refused, preview }, ...typed)).toMatchObject({
    code: 1,
    out: "",
  });
});
