import { ReplyError } from "ioredis";
import { describe, expect, test } from "vitest";
import { messageOf } from "../../shared/error-message.ts";
import { NoPrimaryError } from "../../shared/io/redis/redis-errors.ts";
import { redisRefusalIn, redisRefusalOf, refusalText } from "../../shared/redis-refusal.ts";

const OOM = "OOM command not allowed when used memory > 'maxmemory'.";
const MISCONF_RDB =
  "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk. Commands that may modify the data set are disabled.";

test("a stream that is deleted while it is read is not the state of the server", () => {
  expect(redisRefusalOf("UNBLOCKED the stream key no longer exists")).toBeUndefined();
});

test("where no primary is found, it is what a server said instead", () => {
  const cause = new ReplyError("CLUSTERDOWN The cluster is down");
  expect(redisRefusalIn(new NoPrimaryError("none", { cause }))?.code).toBe("CLUSTERDOWN");
  expect(redisRefusalIn(new NoPrimaryError("none"))).toBeUndefined();
});

describe("an error reply of Redis", () => {
  test.each<[reply: string, code: string, said: string]>([
    [OOM, "OOM", "OOM command not allowed when used memory > 'maxmemory'"],
    [
      `${OOM} script: 4848541b2765d152, on @user_script:2.`,
      "OOM",
      "OOM command not allowed when used memory > 'maxmemory'",
    ],
    [
      `ERR Error running script (call to f_1): @user_script:3: -${OOM}`,
      "OOM",
      "OOM command not allowed when used memory > 'maxmemory'",
    ],
    [
      MISCONF_RDB,
      "MISCONF",
      "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk",
    ],
    [
      "MISCONF Errors writing to the AOF file: No space left on device",
      "MISCONF",
      "MISCONF Errors writing to the AOF file: No space left on device",
    ],
    [
      "READONLY You can't write against a read only replica.",
      "READONLY",
      "READONLY You can't write against a read only replica",
    ],
    [
      "NOREPLICAS Not enough good replicas to write.",
      "NOREPLICAS",
      "NOREPLICAS Not enough good replicas to write",
    ],
    [
      "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
      "MASTERDOWN",
      "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'",
    ],
    [
      "LOADING Redis is loading the dataset in memory",
      "LOADING",
      "LOADING Redis is loading the dataset in memory",
    ],
    ["NOAUTH Authentication required.", "NOAUTH", "NOAUTH Authentication required"],
    ["CLUSTERDOWN The cluster is down", "CLUSTERDOWN", "CLUSTERDOWN The cluster is down"],
    [
      "TRYAGAIN Multiple keys request during rehashing of slot",
      "TRYAGAIN",
      "TRYAGAIN Multiple keys request during rehashing of slot",
    ],
    ["ASK 8817 127.0.0.1:7001", "ASK", "ASK 8817 127.0.0.1:7001"],
    ["MOVED 8817 127.0.0.1:7001", "MOVED", "MOVED 8817 127.0.0.1:7001"],
    [
      "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
      "UNBLOCKED",
      "UNBLOCKED force unblock from blocking operation, instance state changed (master -> replica?)",
    ],
    [
      "WRONGPASS invalid username-password pair or user is disabled.",
      "WRONGPASS",
      "WRONGPASS invalid username-password pair or user is disabled",
    ],
    [
      "NOPERM this user has no permissions to run the 'eval' command",
      "NOPERM",
      "NOPERM this user has no permissions to run the 'eval' command",
    ],
  ])("%s", (reply, code, said) => {
    expect(redisRefusalOf(reply)).toMatchObject({ code, said });
  });

  test.each(["WRONGTYPE Operation against a key", "NOSCRIPT No matching script", "ERR an OOM", "OOM", ""])(
    "that says something else is none: %s",
    (reply) => {
      expect(redisRefusalOf(reply)).toBeUndefined();
    },
  );

  test("becomes what it means, what to do, and what Redis said, wherever an error becomes a text", () => {
    const text = messageOf(new ReplyError(OOM));
    const refusal = redisRefusalOf(OOM);
    expect(text).toBe(refusal === undefined ? "" : refusalText(refusal));
    expect(text).toMatch(/^Redis is full: .*: raise maxmemory.* \(Redis said: OOM [^)]*'maxmemory'\)$/);
  });

  test("is found behind a discarded transaction, and not in errors of other origin", () => {
    const discarded = Object.assign(new ReplyError("EXECABORT Transaction discarded"), {
      previousErrors: [new ReplyError(OOM)],
    });
    expect(redisRefusalIn(discarded)?.code).toBe("OOM");
    expect(redisRefusalIn(new Error(OOM))).toBeUndefined();
    expect(redisRefusalIn(OOM)).toBeUndefined();
  });
});
