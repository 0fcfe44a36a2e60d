import { once } from "node:events";
import { Hono } from "hono";
import { describe, expect, test, vi } from "vitest";
import type { ServerBindings } from "../../../../runner/http/server/server.ts";
import { requestText } from "../wire.ts";
import { held, POST, start } from "./server-fixture.ts";

/** What happens when as many connections are open as there may be. */

const RIGHT = requestText(["GET /right HTTP/1.1", "host: x"]);
const WRONG = requestText(["GET /wrong HTTP/1.1", "host: x"]);
const HELD = requestText(["GET /held HTTP/1.1", "host: x"]);
const HALF = requestText([...POST, "content-length: 10"], "12345");

async function startFull(connectionsMax: number, answer: Promise<string> = Promise.resolve("")) {
  let heldCount = 0;
  const app = new Hono<{ Bindings: ServerBindings }>()
    .get("/wrong", (c) => c.text("wrong"))
    .get("/right", (c) => {
      c.env.authenticated();
      return c.text("right");
    })
    .get("/held", async (c) => {
      c.env.authenticated();
      heldCount += 1;
      return c.text(await answer);
    })
    .get("/endless", (c) =>
      c.body(new ReadableStream({ pull: (controller) => controller.enqueue(new Uint8Array(65_536)) })),
    )
    .post("/body", async (c) => c.text(await c.req.text()))
    .onError((_error, c) => c.text("", 400));
  const onFailure = vi.fn();
  const onCrowded = vi.fn();
  const server = await start(app, { onFailure, onCrowded, limits: { connectionsMax } });
  /** A connection on which this was sent, and answered when `answered` says what to wait for. */
  const open = async (text: string, answered?: string) => {
    const wire = server.talk(text);
    await once(wire.socket, "connect");
    if (answered !== undefined) await vi.waitFor(() => expect(wire.received()).toContain(answered));
    return wire;
  };
  return { open, onFailure, onCrowded, heldCount: () => heldCount };
}

describe("when all connections are in use", () => {
  test("a new one closes the one longest without the secret, whether it is idle, silent or half sent", async () => {
    const { open, onCrowded, onFailure } = await startFull(4);
    const right = await open(RIGHT, "right");
    const wrong = await open(WRONG, "wrong");
    const silent = await open("");
    const half = await open(HALF);
    // Had the secret later than the others were opened.
    right.socket.write(RIGHT);
    await vi.waitFor(() => expect(right.received().match(/200 OK/g)).toHaveLength(2));
    for (const longest of [wrong, silent, half]) {
      await open(RIGHT, "right");
      await longest.ended();
    }
    expect(right.socket.destroyed).toBe(false);
    expect(onCrowded).toHaveBeenCalledTimes(3);
    expect(onCrowded).toHaveBeenCalledWith(
      expect.objectContaining({ message: expect.stringContaining("the maximum of 4 connections") }),
    );
    await open(RIGHT, "right");
    await right.ended();
    expect(onFailure).not.toHaveBeenCalled();
  });

  test("peers that read no answers are closed for others", async () => {
    const { open } = await startFull(4);
    const peers = [];
    for (let n = 0; n < 4; n += 1) {
      const peer = await open(requestText(["GET /endless HTTP/1.1", "host: x"]), "200 OK");
      peer.socket.pause();
      peers.push(peer);
    }
    await open(WRONG, "wrong");
    peers[0]?.socket.resume();
    await peers[0]?.ended();
    expect(peers.map(({ socket }) => socket.destroyed)).toEqual([true, false, false, false]);
  });

  test("requests in progress that have the secret are finished, and the new one is closed, which is reported", async () => {
    const { text, release } = held();
    const { open, onFailure, onCrowded, heldCount } = await startFull(2, text);
    const wires = [await open(HELD), await open(HELD)];
    await vi.waitFor(() => expect(heldCount()).toBe(2));
    expect(await (await open(RIGHT)).ended()).toBe("");
    expect(onFailure).toHaveBeenCalledWith(
      expect.objectContaining({ message: expect.stringContaining("the maximum of 2 connections") }),
    );
    expect(onCrowded).not.toHaveBeenCalled();
    release("done");
    for (const wire of wires) await vi.waitFor(() => expect(wire.received()).toContain("done"));
  });
});

describe("requests sent ahead of their answers", () => {
  test("without the secret close their connection; with it they are all answered", async () => {
    const { open } = await startFull(4);
    const wrong = await open(WRONG.repeat(100));
    expect(((await wrong.ended()).match(/200 OK/g) ?? []).length).toBeLessThan(50);
    const right = await open(RIGHT.repeat(100));
    await vi.waitFor(() => expect(right.received().match(/200 OK/g)).toHaveLength(100));
  });
});
