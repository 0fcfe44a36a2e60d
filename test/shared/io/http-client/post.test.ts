import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { describe, expect, test, vi } from "vitest";
import { outgoingPost } from "../../../../shared/io/http-client/post.ts";
import type { Resolve } from "../../../../shared/io/http-client/public-address-lookup.ts";
import { PermanentError, RetryableError } from "../../../../shared/strategy.ts";
import { useReceivers } from "../../../servers/http-receiver.ts";
import { freePort } from "../../../servers/process.ts";
import { failureOf, requestTo, SECRET } from "./post-fixture.ts";

const receiver = useReceivers();

/** This machine may be busy. */
const SOON = { timeout: 10_000 };

describe("an answer", () => {
  const post = outgoingPost({ privateAddresses: true });

  test("is the status and the text, and what was sent has arrived", async () => {
    const { url, deliveries } = await receiver((response) => response.writeHead(201).end("täken"));
    const answer = await post(requestTo(`${url}/a?b=c`, { headers: { "X-One": "1" }, body: "änything" }));
    expect(answer).toEqual({ status: 201, text: "täken" });
    expect(deliveries).toEqual([
      {
        method: "POST",
        path: "/a?b=c",
        body: "änything",
        headers: expect.objectContaining({ "x-one": "1", "content-length": "9" }),
      },
    ]);
  });

  test("is also a redirect, which is not followed", async () => {
    const hidden = await receiver((response) => response.end());
    const { url } = await receiver((response) =>
      response.writeHead(307, { location: `${hidden.url}/metadata` }).end(),
    );
    expect(await post(requestTo(url))).toEqual({ status: 307, text: "" });
    expect(hidden.deliveries).toEqual([]);
  });

  test("is read up to 4 kB, also of a body that never ends", async () => {
    const { url, connections } = await receiver((response) => {
      const more = (): boolean => response.write("x".repeat(1_000)) && setImmediate(more) !== undefined;
      response.on("drain", more);
      more();
    });
    expect((await post(requestTo(url))).text).toBe("x".repeat(4_096));
    await vi.waitFor(() => expect(connections().open).toBe(0), SOON);
  });

  test.each([
    ["breaks off", 20_000, (response: ServerResponse) => response.destroy()],
    ["never ends", 1_500, () => undefined],
  ])("counts although its body %s", async (_how, timeoutMs, then) => {
    const { url } = await receiver((response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("begun", () => then(response));
    });
    expect(await post(requestTo(url, { timeoutMs }))).toEqual({ status: 200, text: "begun" });
  });

  test("leaves the connection to the next request", async () => {
    const { url, connections } = await receiver((response) => response.end("ok"));
    for (let i = 0; i < 5; i += 1) await post(requestTo(url));
    expect(connections()).toEqual({ open: 1, ever: 1 });
  });
});

describe("without an answer it may be retried, and the message names the host but no path", () => {
  const post = outgoingPost({ privateAddresses: true });

  test("when nothing comes in time; the connection is closed", async () => {
    const { url, port, connections } = await receiver(() => undefined);
    const error = await failureOf(post(requestTo(url + SECRET, { timeoutMs: 100 })));
    expect(error).toEqual(
      new RetryableError(`no answer from 127.0.0.1:${port} within 100 ms; the request may have arrived`),
    );
    await vi.waitFor(() => expect(connections().open).toBe(0), SOON);
  });

  test("when the connection is closed first", async () => {
    const { url, port } = await receiver((response) => response.destroy());
    const error = await failureOf(post(requestTo(url + SECRET)));
    expect(error).toEqual(
      new RetryableError(
        `no answer from 127.0.0.1:${port}: the connection was closed; the request may have arrived`,
      ),
    );
  });

  test("when no server listens", async () => {
    const port = await freePort();
    const error = await failureOf(post(requestTo(`http://127.0.0.1:${port}${SECRET}`)));
    expect(error).toEqual(
      new RetryableError(`no connection to 127.0.0.1:${port}: connection refused; nothing was sent`),
    );
  });

  test("when there is no such host", async () => {
    const resolve: Resolve = async () => {
      throw Object.assign(new Error("getaddrinfo"), { code: "ENOTFOUND" });
    };
    const error = await failureOf(
      outgoingPost({ privateAddresses: false, resolve })(requestTo("http://x.test")),
    );
    expect(error).toEqual(new RetryableError("no connection to x.test: no such host; nothing was sent"));
  });

  test("when the host speaks neither TLS nor HTTP", async () => {
    const { port } = await receiver((response) => response.end());
    const noTls = await failureOf(post(requestTo(`https://127.0.0.1:${port}${SECRET}`)));
    expect(noTls).toBeInstanceOf(RetryableError);
    expect(noTls.message).toMatch(
      /^no connection to 127\.0\.0\.1:\d+: (EPROTO|ERR_SSL_\w+); nothing was sent$/,
    );
    const server = createServer((socket) => socket.end("SSH-2.0\r\n")).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port: other } = server.address() as AddressInfo;
    const noHttp = await failureOf(post(requestTo(`http://127.0.0.1:${other}${SECRET}`)));
    server.close();
    expect(noHttp).toBeInstanceOf(RetryableError);
    expect(noHttp.message).toMatch(
      /^no answer from 127\.0\.0\.1:\d+: HPE_\w+; the request may have arrived$/,
    );
  });
});

describe("an abort", () => {
  const post = outgoingPost({ privateAddresses: true });

  test("ends a request at once with its own reason, and closes the connection", async () => {
    const { url, deliveries, connections } = await receiver(() => undefined);
    const abort = new AbortController();
    const failure = failureOf(post(requestTo(url, { abort: abort.signal })));
    await vi.waitFor(() => expect(deliveries).toHaveLength(1), SOON);
    abort.abort(new Error("the router stops"));
    expect(await failure).toEqual(new Error("the router stops"));
    await vi.waitFor(() => expect(connections().open).toBe(0), SOON);
  });

  test("before the request sends nothing", async () => {
    const { url, connections } = await receiver((response) => response.end());
    const abort = AbortSignal.abort(new Error("too late"));
    expect(await failureOf(post(requestTo(url, { abort })))).toEqual(new Error("too late"));
    expect(connections().ever).toBe(0);
  });
});

test("a host that hangs delays no post, neither to another host nor to itself", async () => {
  const post = outgoingPost({ privateAddresses: true });
  const hanging = await receiver(() => undefined);
  const other = await receiver((response) => response.end("here"));
  const abort = new AbortController();
  const failures = Array.from({ length: 100 }, async () =>
    failureOf(post(requestTo(hanging.url, { abort: abort.signal, timeoutMs: 60_000 }))),
  );
  await vi.waitFor(() => expect(hanging.deliveries).toHaveLength(100), SOON);
  expect(await post(requestTo(other.url))).toEqual({ status: 200, text: "here" });
  abort.abort(new Error("enough"));
  expect(new Set((await Promise.all(failures)).map(({ message }) => message))).toEqual(new Set(["enough"]));
  await vi.waitFor(() => expect(hanging.connections().open).toBe(0), SOON);
});

test.each([
  ["nothing", ""],
  ["text", "t0ken"],
  ["another protocol", "ftp://127.0.0.1/t0ken"],
  ["a file", "file:///etc/t0ken"],
  ["a user", "http://t0ken@127.0.0.1/"],
  ["a password", "http://:t0ken@127.0.0.1/"],
])("%s is not a URL to post to", async (_what, url) => {
  const error = await failureOf(outgoingPost({ privateAddresses: true })(requestTo(url)));
  expect(error).toBeInstanceOf(PermanentError);
  expect(error).toMatchObject({ reason: "invalid_url" });
  expect(error.message).not.toContain("t0ken");
});
