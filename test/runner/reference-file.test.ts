import { mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import { rowsWithStrategies, signalFields, strategyRow } from "../builders.ts";
import { insertReference } from "../servers/insert-reference.ts";
import { useRouters } from "../servers/router-fixture.ts";

/** The reference as a file, from the command line, beside a router that runs. */

const router = useRouters();
const UNTIL = { timeout: 20_000, interval: 50 };

const reference = async (...args: string[]) => router.run("cli.ts", "reference", ...args);

async function executed(uid: string): Promise<unknown[]> {
  const rows = await router.sql(
    `SELECT s.name FROM signal_log_entries o JOIN signal_log l USING (shard, entry_id, invocation)
     JOIN strategies s ON s.id = o.strategy_id
     WHERE l.uid = '${uid}' AND o.stage = 'execution' AND o.status = 'executed' ORDER BY s.name`,
  );
  return rows.map(({ name }) => name);
}

test("a strategy of one's own is added in a file, trades, and is taken back", async () => {
  const folder = await mkdtemp(join(tmpdir(), "reference-file-"));
  onTestFinished(async () => rm(folder, { recursive: true, force: true }));
  const file = join(folder, "mine.yaml");
  await insertReference(
    router.databaseUrl,
    rowsWithStrategies([strategyRow(1, { name: "First", handler: "log" })]),
  );
  router.env["FUNCTIONS"] += ",execute-strategies";
  await router.start();

  expect(await reference("export", file)).toMatchObject({ code: 0 });
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  const exported = await readFile(file, "utf8");
  const [, signal = ""] = /signals:\n {2}- name: (.+)\n/.exec(exported) ?? [];
  await writeFile(file, `${exported}  - name: Mine\n    handler: log\n    signals: [${signal}]\n`);

  const unasked = await reference("apply", file);
  expect(unasked).toMatchObject({ code: 1, output: expect.stringMatching(/Will trade more:\n.*Mine/) });
  const applied = await reference("apply", file, "--yes", "--by", "ada", "--reason", "a first one");
  expect(applied).toMatchObject({ code: 0, output: expect.stringMatching(/Done as change \d+/) });
  expect(applied.output).toContain("signals are decided on it");
  expect(applied.output).not.toContain("no router is running");
  await router.publish(signalFields({ uid: "with mine" }));
  await vi.waitFor(async () => expect(await executed("with mine")).toEqual(["First", "Mine"]), UNTIL);

  const broken = await reference("apply", file.replace("mine", "missing"));
  expect(broken.code).not.toBe(0);
  await writeFile(file, exported.replace("name: First", "name: 007"));
  const refused = await reference("apply", file, "--yes");
  expect(refused).toMatchObject({ code: 1, output: expect.stringMatching(/mine\.yaml:\d+:\d+.*quotes/) });

  const { output } = await reference("history", "--json");
  const [newest, first] = JSON.parse(output.slice(output.indexOf("["))) as {
    id: number;
    kind: string;
    by: string;
  }[];
  expect(newest).toMatchObject({ kind: "apply", by: "ada" });
  expect(first?.kind).toBe("seen");
  expect(await reference("rollback", String(first?.id), "--yes")).toMatchObject({ code: 0 });
  await router.publish(signalFields({ uid: "without", bar_time: "2026-01-05T11:00:00Z", sent_at: "" }));
  await vi.waitFor(async () => expect(await executed("without")).toEqual(["First"]), UNTIL);
  const again = await reference("export");
  expect(again.output).not.toContain("Mine");
});
