import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { describe, expect, test, vi } from "vitest";
import { signalFields } from "../../../builders.ts";
import { skipAll } from "../../replay/route-in-process.ts";
import { TOKEN, useHttpApp } from "../http-fixture.ts";
import { FORCE, LINES } from "./replay-requests.ts";

const http = useHttpApp();

describe("a client that disconnects", () => {
  /** Requests a replay over a real connection, and returns the answer when its head has arrived. */
  async function requested(body: object): Promise<{ answer: IncomingMessage; close: () => Promise<void> }> {
    const server = serve({ fetch: http.app.fetch, port: 0, hostname: "127.0.0.1" });
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json", ...LINES };
    const sent = request({ port, path: "/replays", method: "POST", headers });
    sent.end(JSON.stringify(body));
    const [answer] = (await once(sent, "response")) as [IncomingMessage];
    return {
      answer,
      close: async () => {
        server.close();
        await once(server, "close");
      },
    };
  }
  const ends = async () => {
    const results = await http.fieldsIn("signal_results");
    return results
      .filter(({ kind }) => kind === "invocation")
      .map(
        ({ data = "" }) =>
          JSON.parse(data) as { finished_at: string | null; counts: Record<string, number> | null },
      )
      .filter(({ finished_at }) => finished_at !== null);
  };

  test("stops a writing replay after the batch in progress, and its end is recorded", async () => {
    // Too large for the buffers between server and client.
    const note = "x".repeat(8_000);
    await http.sql(
      "INSERT INTO strategies (id, name) SELECT n, repeat('long name ', 400) || n FROM generate_series(100, 104) n",
    );
    await http.sql("INSERT INTO strategy_signals SELECT n, 1 FROM generate_series(100, 104) n");
    await http.services.refresh();
    await http.publishMany(5_000, (n) => signalFields({ uid: `u${n}`, note }));
    await skipAll(http.services);
    const { answer, close } = await requested(FORCE);
    await once(answer, "readable");
    answer.destroy();
    await vi.waitFor(async () => expect(await ends()).toHaveLength(1), { timeout: 20_000 });
    const [{ counts } = { counts: null }] = await ends();
    expect(counts).toMatchObject({ selected: 5_000 });
    expect(counts?.["left"]).toBeGreaterThan(0);
    expect(await http.fieldsIn("strategy_input_stream")).toHaveLength(6 * Number(counts?.["dispatched"]));
    expect(Number(counts?.["dispatched"]) + Number(counts?.["left"])).toBe(5_000);
    await close();
  }, 60_000);

  test("stops a replay that is answered as JSON, too", async () => {
    await http.publishMany(400, (n) => signalFields({ uid: `u${n}` }));
    await skipAll(http.services);
    const client = new AbortController();
    const { commit } = http.services;
    Object.assign(http.services, {
      commit: async (...args: Parameters<typeof commit>) => {
        client.abort();
        return commit(...args);
      },
    });
    await http.app.request("/replays", {
      method: "POST",
      signal: client.signal,
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify(FORCE),
    });
    expect(await ends()).toMatchObject([{ counts: { dispatched: 128, left: 272 } }]);
    expect(await http.fieldsIn("strategy_input_stream")).toHaveLength(128);
  });
});
