import { expect, test } from "vitest";
import { replicasRemark, type ReplicaFacts } from "../../../shared/config/redis-replicas.ts";

test.each<[replicas: number | undefined, min: number, kind: string, words: RegExp]>([
  [0, 0, "ok", /0 replicas, and REDIS_REPLICAS_MIN is 0: there is no fail-over/],
  [2, 0, "warning", /2 replicas, .*a fail-over may lose signals.*REDIS_REPLICAS_MIN=1/],
  [0, 1, "warning", /0 replicas, and REDIS_REPLICAS_MIN is 1: no signal is accepted/],
  [1, 1, "warning", /1 replica, .*whenever one of them restarts.*min-replicas-to-write 1/],
  [2, 1, "ok", /2 replicas, and REDIS_REPLICAS_MIN is 1; with CONFIG SET min-replicas-to-write 1/],
  [undefined, 0, "ok", /does not report its replicas/],
  [undefined, 1, "fault", /REDIS_REPLICAS_MIN is 1, and INFO is not permitted.*\+info \+wait/],
])("%s replicas with REDIS_REPLICAS_MIN=%s: %s", (replicas, min, kind, words) => {
  const facts: ReplicaFacts = { replicas, refusesAlone: false };
  expect(replicasRemark(facts, min)).toEqual({ kind, message: expect.stringMatching(words) });
});

test("where Redis refuses writes by itself, that is not suggested again", () => {
  expect(replicasRemark({ replicas: 2, refusesAlone: true }, 1).message).not.toContain(
    "min-replicas-to-write",
  );
});
