import { once } from "node:events";
import { createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { outgoingPost } from "../../../../shared/io/http-client/post.ts";
import { useReceivers } from "../../../servers/http-receiver.ts";
import { failureOf, requestTo } from "./post-fixture.ts";

const receiver = useReceivers();
const post = outgoingPost({ privateAddresses: true });

/** This machine may be busy. */
const SOON = { timeout: 10_000 };

const servers: { server: Server; sockets: Socket[] }[] = [];
afterEach(() => {
  for (const { server, sockets } of servers.splice(0)) {
    for (const socket of sockets) socket.destroy();
    server.close();
  }
});

/** A server of bytes; gives its host and the connections it got. */
async function byteServer(behave: (socket: Socket) => void): Promise<{ host: string; sockets: Socket[] }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("error", () => undefined);
    behave(socket);
  }).listen(0, "127.0.0.1");
  servers.push({ server, sockets });
  await once(server, "listening");
  return { host: `127.0.0.1:${(server.address() as AddressInfo).port}`, sockets };
}

/** Writes for as long as the other side reads. */
function writeOn(socket: Socket, text: string): void {
  const more = (): void => {
    while (!socket.destroyed && socket.write(text));
  };
  socket.on("drain", more);
  more();
}

describe("what was sent and has no answer may have arrived", () => {
  test.each<[string, (socket: Socket) => void, RegExp]>([
    ["reads nothing", (socket) => socket.pause(), / within 200 ms;/],
    ["reads and never answers", (socket) => socket.resume(), / within 200 ms;/],
    [
      "begins the head of an answer and no more",
      (socket) => socket.resume().write("HTTP/1.1 200 OK\r\n"),
      / within 200 ms;/,
    ],
    [
      "answers with a head without end",
      (socket) => writeOn(socket.resume(), `HTTP/1.1 200 OK\r\n${"x-more: 1\r\n".repeat(100)}`.slice(0, -2)),
      /: HPE_\w+;/,
    ],
    [
      "closes the connection",
      (socket) => socket.once("data", () => socket.destroy()),
      /: the connection was closed;/,
    ],
  ])("when the receiver %s", async (_what, behave, why) => {
    const { host } = await byteServer(behave);
    const onSend = vi.fn<() => void>();
    const body = "x".repeat(8_000_000);
    const error = await failureOf(post(requestTo(`http://${host}/`, { timeoutMs: 200, body }), { onSend }));
    expect(error.message).toMatch(/^no answer from 127\.0\.0\.1:\d+.*; the request may have arrived$/);
    expect(error.message).toMatch(why);
    expect(onSend).toHaveBeenCalledOnce();
  });
});

describe("without a connection nothing was sent", () => {
  const failing = async (url: string, connectMsMax: number) => {
    const onSend = vi.fn<() => void>();
    const request = requestTo(url, { timeoutMs: 60_000 });
    const error = await failureOf(
      outgoingPost({ privateAddresses: true, connectMsMax })(request, { onSend }),
    );
    expect(onSend).not.toHaveBeenCalled();
    return error.message;
  };

  test("when the receiver accepts it and never agrees on TLS", async () => {
    const { host } = await byteServer((socket) => socket.resume());
    expect(await failing(`https://${host}/`, 100)).toBe(
      `no connection to ${host} within 100 ms; nothing was sent`,
    );
  });

  test("when the receiver closes it before they agree on TLS", async () => {
    const { host } = await byteServer((socket) => socket.destroy());
    expect(await failing(`https://${host}/`, 60_000)).toBe(
      `no connection to ${host}: the connection was closed; nothing was sent`,
    );
  });

  test("when its name is never resolved", async () => {
    const resolve = async () => new Promise<never>(() => undefined);
    const slow = outgoingPost({ privateAddresses: true, connectMsMax: 50, resolve });
    const error = await failureOf(slow(requestTo("http://x.test", { timeoutMs: 60_000 })));
    expect(error.message).toBe("no connection to x.test within 50 ms; nothing was sent");
  });

  test("and an abort ends the wait for it", async () => {
    const { host, sockets } = await byteServer((socket) => socket.resume());
    const abort = new AbortController();
    const failure = failureOf(post(requestTo(`https://${host}/`, { abort: abort.signal })));
    await vi.waitFor(() => expect(sockets).toHaveLength(1), SOON);
    abort.abort(new Error("the router is stopping"));
    expect(await failure).toEqual(new Error("the router is stopping"));
  });
});

test("when the receiver has closed a connection that was kept alive, the request goes over a new one", async () => {
  const answered = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
  const { host, sockets } = await byteServer((socket) => socket.on("data", () => socket.write(answered)));
  expect(await post(requestTo(`http://${host}/`))).toEqual({ status: 200, text: "ok" });
  // The client cannot have noticed it yet.
  sockets[0]?.destroy();
  const onSend = vi.fn<() => void>();
  expect(await post(requestTo(`http://${host}/`), { onSend })).toEqual({ status: 200, text: "ok" });
  expect(onSend).toHaveBeenCalledOnce();
  expect(sockets).toHaveLength(2);
});

describe("where connections per host are limited", () => {
  const turn = async (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const until = async (isSo: () => boolean): Promise<void> => {
    while (!isSo()) await turn();
  };
  afterEach(() => vi.useRealTimers());

  test("a post waits for one without its time running, and others are not delayed", async () => {
    const limited = outgoingPost({ privateAddresses: true, connectionsPerHostMax: 1 });
    const answers: (() => void)[] = [];
    const slow = await receiver((response) => void answers.push(() => response.end("late")));
    const other = await receiver((response) => response.end("here"));
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const first = limited(requestTo(slow.url, { timeoutMs: 50_000 }));
    const second = limited(requestTo(slow.url, { timeoutMs: 1_000 }));
    await until(() => slow.deliveries.length === 1);
    vi.advanceTimersByTime(30_000);
    expect(await limited(requestTo(other.url))).toEqual({ status: 200, text: "here" });
    expect(slow.connections().ever).toBe(1);
    answers[0]?.();
    expect(await first).toEqual({ status: 200, text: "late" });
    await until(() => slow.deliveries.length === 2);
    answers[1]?.();
    expect(await second).toEqual({ status: 200, text: "late" });
  });

  test("the wait ends with an abort, and after a minute, and nothing was sent", async () => {
    const limited = outgoingPost({ privateAddresses: true, connectionsPerHostMax: 1 });
    const slow = await receiver(() => undefined);
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const abort = new AbortController();
    const first = failureOf(limited(requestTo(slow.url, { timeoutMs: 600_000, abort: abort.signal })));
    const leaving = new AbortController();
    const second = failureOf(limited(requestTo(slow.url, { abort: leaving.signal })));
    const third = failureOf(limited(requestTo(slow.url)));
    await until(() => slow.deliveries.length === 1);
    leaving.abort(new Error("the router is stopping"));
    expect(await second).toEqual(new Error("the router is stopping"));
    vi.advanceTimersByTime(60_000);
    expect((await third).message).toBe(
      `no connection to 127.0.0.1:${slow.port}: none was free within 60000 ms (STRATEGY_CONNECTIONS_PER_HOST_MAX is 1); nothing was sent`,
    );
    abort.abort(new Error("enough"));
    await first;
    expect(slow.deliveries).toHaveLength(1);
  });
});
