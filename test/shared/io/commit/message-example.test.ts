import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { pack, unpack } from "msgpackr";
import { describe, expect, it } from "vitest";
import type { CommitItem } from "../../../../shared/commit.ts";
import { commitCalls } from "../../../../shared/io/commit/calls.ts";
import { COMMIT_SCRIPT } from "../../../../shared/io/commit/script.ts";
import { defineScript } from "../../../../shared/io/redis/connection.ts";
import { DEDUP_TTL_MS, GROUP, useCommit } from "./commit-fixture.ts";

/** The example in the script's header, read from there. */
interface Example {
  readonly item: CommitItem;
  readonly streams: readonly string[];
  readonly entryKeys: readonly string[];
  readonly counters: unknown;
  readonly counterLists: unknown;
  readonly shapes: unknown;
  readonly elementLists: unknown;
  readonly values: unknown;
  readonly separateArgs: readonly string[];
}

/** Below the name of each part is its JSON, explained behind `--`. */
function exampleIn(source: string): Example {
  const [, comment = ""] = /^ \* Example: .*\n([^]*?)^ \*\n/m.exec(source) ?? [];
  const lines = comment.replaceAll(/^ \*|--.*$/gm, "");
  const json = lines.replaceAll(/^ {3}(\w+)$/gm, (_, name, at) => `${at === 0 ? "" : ","}"${name}":`);
  return JSON.parse(`{${json.replaceAll("<record>", "r".repeat(128))}}`) as Example;
}

const fixture = useCommit();
const SCRIPT_FILE = resolve(import.meta.dirname, "../../../../shared/io/commit/script.ts");
const { item, streams, entryKeys, separateArgs, ...lists } = exampleIn(readFileSync(SCRIPT_FILE, "utf8"));
const message = [lists.counters, lists.counterLists, lists.shapes, lists.elementLists, lists.values];

describe("the example in the header of the commit script", () => {
  /** The example's keys as they are named in the test's prefix. */
  const keyNames = (): string[] => {
    const { keys } = fixture;
    const source = keys.stream("signals_stream");
    const named = [...streams, ...entryKeys].map((name) => keys.prefix + name);
    return [keys.metrics, keys.referenceCurrent, keys.control, source, ...named];
  };

  it("is what its item becomes", () => {
    const settings = { dedupTtlMs: DEDUP_TTL_MS };
    const [call, ...more] = commitCalls([item], fixture.keys, settings, { ...GROUP, branches: "won" });
    if (call === undefined) throw new Error("no call was made");
    expect(more).toStrictEqual([]);
    expect(call.keyNames).toStrictEqual(keyNames());
    expect(unpack(call.message)).toStrictEqual(message);
    expect(call.separateArgs).toStrictEqual(separateArgs);
  });

  it("does what its item says", async () => {
    const { redis, keys } = fixture;
    const source = keys.stream("signals_stream");
    await redis.xadd(source, item.id, "message", "SIGNAL_1_LONG");
    await redis.xgroup("CREATE", source, "signal_processor", "0");
    await redis.xreadgroup("GROUP", "signal_processor", "c", "STREAMS", source, ">");
    const script = defineScript(redis, "commitExample", COMMIT_SCRIPT);
    const settings = [
      "group",
      "signal_processor",
      "",
      "",
      "",
      DEDUP_TTL_MS,
      DEDUP_TTL_MS,
      "",
      streams.length,
    ];
    const reply = await script(keyNames(), [...settings, "", "", "", pack(message), ...separateArgs]);
    expect(reply).toStrictEqual(["committed", "A"]);
    const [tasks, record] = item.effects.append;
    expect(await fixture.fields("strategy_input_stream")).toStrictEqual(
      tasks?.each?.map((element) => ({ ...element, ...tasks.common, ...tasks.fields })),
    );
    expect(await fixture.results()).toStrictEqual([record?.fields["data"]]);
    expect(await fixture.metrics()).toStrictEqual(
      Object.fromEntries(item.effects.count.map((counter) => [counter, "1"])),
    );
    expect(await redis.get(keys.dedup("u1"))).toBe(item.id);
    expect(await fixture.pendingCount()).toBe(0);
  });
});
