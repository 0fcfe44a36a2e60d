import { describe, expect, test } from "vitest";
import { choosePrimary, type ServerAnswer } from "../../../../shared/io/redis/choose-primary.ts";

const at = (port: number) => ({ host: "h", port });

function answer(port: number, changes: Partial<ServerAnswer> = {}): ServerAnswer {
  return { address: at(port), runId: `run ${port}`, mode: "standalone", role: "master", ...changes };
}
const replica = (port: number) => answer(port, { role: "slave" });
const node = (port: number, owner: number) =>
  answer(port, { mode: "cluster", ...(owner === port ? {} : { owner: at(owner) }) });

function chosen(
  answers: readonly ServerAnswer[],
  { known, waitingCount = 0 }: { known?: number; waitingCount?: number } = {},
): number | string {
  const choice = choosePrimary(answers, {
    known: known === undefined ? undefined : at(known),
    waitingCount,
  });
  return choice.status === "chosen" ? choice.server.address.port : choice.status;
}

describe("servers that are no Cluster", () => {
  test.each<[string, Parameters<typeof chosen>, number | string]>([
    ["a replica is none", [[replica(1)]], "none"],
    ["the primary is the one that says so", [[replica(1), answer(2)]], 2],
    [
      "the others may say so, too: not decided before they have answered",
      [[answer(1)], { waitingCount: 1 }],
      "open",
    ],
    ["the one that was the primary is so at once", [[answer(1)], { known: 1, waitingCount: 1 }], 1],
    ["and remains it beside a second one", [[answer(1), answer(2)], { known: 2 }], 2],
    ["two of them are refused to a newcomer", [[answer(1), answer(2)]], "two"],
    ["two addresses of one server are one", [[answer(1), answer(2, { runId: "run 1" })]], 1],
    [
      "of a server that may not be asked for its role nothing else is known",
      [[answer(1, { role: undefined })]],
      1,
    ],
    ["one that loads its data is none yet", [[answer(1, { refused: new Error("LOADING") })]], "none"],
  ])("%s", (_, args, expected) => {
    expect(chosen(...args)).toBe(expected);
  });
});

describe("a Cluster", () => {
  test.each<[string, Parameters<typeof chosen>, number | string]>([
    ["the node that was named is asked first", [[node(1, 3)], { waitingCount: 1 }], "open"],
    ["it has to say so itself", [[node(1, 3), node(2, 3)]], "none"],
    ["most name it", [[node(1, 3), node(3, 3)], { waitingCount: 1 }], 3],
    ["an isolated one that names itself is left", [[node(1, 1), node(2, 3), node(3, 3)], { known: 1 }], 3],
    ["of as many the newer one", [[node(1, 1), node(3, 3)], { known: 1 }], 3],
    ["the only one that answers", [[node(1, 1)], { known: 1 }], 1],
  ])("%s", (_, args, expected) => {
    expect(chosen(...args)).toBe(expected);
  });
});
