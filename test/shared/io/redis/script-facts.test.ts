import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { Redis } from "ioredis";
import { expect, test } from "vitest";
import { readScriptFacts } from "../../../../shared/io/redis/script-facts.ts";
import { keysOf } from "../../../../shared/keys.ts";
import { freshPrefix, redisUrl } from "../../../servers/fixtures.ts";

const SOURCE = resolve(import.meta.dirname, "../../../../shared");

/** The commands that the scripts of the router call. */
function calledByScripts(): string[] {
  const files = readdirSync(SOURCE, { recursive: true, encoding: "utf8" }).filter((name) =>
    name.endsWith(".ts"),
  );
  const texts = files.map((name) => readFileSync(join(SOURCE, name), "utf8"));
  const calls = texts.flatMap((text) => [...text.matchAll(/redis\.p?call\('([A-Z]+)'/g)]);
  return [...new Set(calls.map(([, command = ""]) => command))];
}

test("every command that a script calls is asked about, so that a user without it is refused at the start", async () => {
  const redis = new Redis(redisUrl());
  const prefix = freshPrefix();
  await redis.call(
    "ACL",
    "SETUSER",
    prefix,
    "on",
    ">word",
    "~*",
    "-@all",
    "+@scripting",
    "+@connection",
    "+info",
  );
  const limited = redis.duplicate({ username: prefix, password: "word" });
  try {
    const channels = ["reference_events"];
    const { denied, deniedChannels } = await readScriptFacts(limited, keysOf(prefix), { channels });
    expect(deniedChannels).toEqual(channels);
    expect((await readScriptFacts(redis, keysOf(prefix), { channels })).deniedChannels).toEqual([]);
    expect(calledByScripts().length).toBeGreaterThan(20);
    expect(denied).toEqual(expect.arrayContaining(calledByScripts()));
  } finally {
    limited.disconnect();
    await redis.call("ACL", "DELUSER", prefix);
    redis.disconnect();
  }
});
