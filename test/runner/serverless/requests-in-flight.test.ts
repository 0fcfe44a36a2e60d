import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { endingWith, requestsInFlight } from "../../../runner/serverless/requests-in-flight.ts";
import { gate } from "./serverless-gate.ts";

/** What has happened so far, in order. */
let seen: string[];
beforeEach(() => {
  seen = [];
});
const note = (what: string) => () => void seen.push(what);
const noteLate = (what: string) => async (): Promise<void> => {
  await turn();
  seen.push(what);
};
/** Everything that can go on without the outside has done so. */
const turn = async (): Promise<void> => new Promise((done) => setImmediate(done));

describe("requests in flight", () => {
  beforeEach(() => void vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] }));
  afterEach(() => void vi.useRealTimers());

  test("are over when the last has ended, and each ends once", async () => {
    const requests = requestsInFlight();
    const [endOne, endOther] = [requests.begin(), requests.begin()];
    const over = requests.over(1_000).then(note("over"));
    endOne();
    endOne();
    await turn();
    expect(seen).toEqual([]);
    endOther();
    await over;
    expect(vi.getTimerCount()).toBe(0);
    await requests.over(1_000);
  });

  test("are waited for so long and no longer", async () => {
    const requests = requestsInFlight();
    requests.begin();
    const over = requests.over(1_000).then(note("over"));
    await vi.advanceTimersByTimeAsync(999);
    expect(seen).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    await over;
  });
});

describe("an answer", () => {
  const bytes = new TextEncoder().encode("some");

  test("without a body comes when all is done", async () => {
    const response = await endingWith(noteLate("last"), new Response(null, { status: 204 }));
    expect(response.status).toBe(204);
    expect(seen).toEqual(["last"]);
  });

  test("with a body begins before, and ends after it", async () => {
    const response = await endingWith(noteLate("last"), new Response("whole", { status: 201 }));
    expect({ status: response.status, seen: [...seen] }).toEqual({ status: 201, seen: [] });
    expect(await response.text()).toBe("whole");
    expect(seen).toEqual(["last"]);
  });

  test("that is no longer read is over when its source has stopped", async () => {
    const stopping = gate();
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(bytes),
      cancel: async () => stopping.passed.then(note("stopped")),
    });
    const response = await endingWith(noteLate("last"), new Response(body));
    const reader = response.body?.getReader();
    await reader?.read();
    const cancelled = reader?.cancel();
    await turn();
    expect(seen).toEqual([]);
    stopping.open();
    await cancelled;
    await vi.waitFor(() => expect(seen).toEqual(["stopped", "last"]));
  });

  test("that fails is over as well, and fails for its reader", async () => {
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error("broken")),
    });
    const response = await endingWith(noteLate("last"), new Response(body));
    await expect(response.text()).rejects.toThrow("broken");
    await vi.waitFor(() => expect(seen).toEqual(["last"]));
  });
});
