import { once } from "node:events";
import type { ServerResponse } from "node:http";
import { createServer, type AddressInfo } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { outgoingPost } from "../../../../shared/io/http-client/post.ts";
import type { Resolve } from "../../../../shared/io/http-client/public-address-lookup.ts";
import { PermanentError, RetryableError, type PostRequest } from "../../../../shared/strategy.ts";
import { startReceiver, type Delivery, type Receiver } from "../../../servers/http-receiver.ts";
import { freePort } from "../../../servers/process.ts";

/** This machine may be busy. */
const SOON = { timeout: 10_000 };
const never = new AbortController().signal;
const SECRET = "/hooks/t0ken?key=s3cret";

const receivers: Receiver[] = [];
async function receiver(behave: (response: ServerResponse, delivery: Delivery) => void): Promise<Receiver> {
  const started = await startReceiver(behave);
  receivers.push(started);
  return started;
}
afterEach(async () => {
  await Promise.all(receivers.splice(0).map(async (each) => each.close()));
});

const requestTo = (url: string, changes: Partial<PostRequest> = {}): PostRequest => ({
  url,
  headers: {},
  body: "{}",
  timeoutMs: 20_000,
  abort: never,
  ...changes,
});
/** Names resolve to these addresses. */
const resolving =
  (...addresses: string[]): Resolve =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));

async function failureOf(answer: Promise<unknown>): Promise<Error> {
  return answer.then(
    (value) => expect.fail(`answered ${JSON.stringify(value)}`),
    (error: unknown) => error as Error,
  );
}

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

  test("is also a redirect: nobody goes where it points to", async () => {
    const hidden = await receiver((response) => response.end());
    const { url } = await receiver((response) =>
      response.writeHead(307, { location: `${hidden.url}/metadata` }).end(),
    );
    expect(await post(requestTo(url))).toEqual({ status: 307, text: "" });
    expect(hidden.deliveries).toEqual([]);
  });

  test("is read no further than 4 kB, and a body without an end is not waited for", async () => {
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

  test("leaves the connection to the next one", async () => {
    const { url, connections } = await receiver((response) => response.end("ok"));
    for (let i = 0; i < 5; i += 1) await post(requestTo(url));
    expect(connections()).toEqual({ open: 1, ever: 1 });
  });
});

describe("without an answer it may be tried again, and the message tells the host but no path", () => {
  const post = outgoingPost({ privateAddresses: true });

  test("when nothing comes in time; the connection is given up", async () => {
    const { url, port, connections } = await receiver(() => undefined);
    const error = await failureOf(post(requestTo(url + SECRET, { timeoutMs: 100 })));
    expect(error).toEqual(new RetryableError(`127.0.0.1:${port} gave no answer within 100 ms`));
    await vi.waitFor(() => expect(connections().open).toBe(0), SOON);
  });

  test("when the connection is closed first", async () => {
    const { url, port } = await receiver((response) => response.destroy());
    const error = await failureOf(post(requestTo(url + SECRET)));
    expect(error).toEqual(
      new RetryableError(`no answer from 127.0.0.1:${port}: connection closed before the answer`),
    );
  });

  test("when nobody listens", async () => {
    const port = await freePort();
    const error = await failureOf(post(requestTo(`http://127.0.0.1:${port}${SECRET}`)));
    expect(error).toEqual(new RetryableError(`no answer from 127.0.0.1:${port}: connection refused`));
  });

  test("when there is no such host", async () => {
    const resolve: Resolve = async () => {
      throw Object.assign(new Error("getaddrinfo"), { code: "ENOTFOUND" });
    };
    const error = await failureOf(
      outgoingPost({ privateAddresses: false, resolve })(requestTo("http://x.test")),
    );
    expect(error).toEqual(new RetryableError("no answer from x.test: no such host"));
  });

  test("when the host speaks neither TLS nor HTTP", async () => {
    const { port } = await receiver((response) => response.end());
    const noTls = await failureOf(post(requestTo(`https://127.0.0.1:${port}${SECRET}`)));
    expect(noTls).toBeInstanceOf(RetryableError);
    expect(noTls.message).toMatch(/^no answer from 127\.0\.0\.1:\d+: (EPROTO|ERR_SSL_\w+)$/);
    const server = createServer((socket) => socket.end("SSH-2.0\r\n")).listen(0, "127.0.0.1");
    await once(server, "listening");
    const { port: other } = server.address() as AddressInfo;
    const noHttp = await failureOf(post(requestTo(`http://127.0.0.1:${other}${SECRET}`)));
    server.close();
    expect(noHttp).toBeInstanceOf(RetryableError);
    expect(noHttp.message).toMatch(/^no answer from 127\.0\.0\.1:\d+: HPE_\w+$/);
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

  test("that has come already sends nothing", async () => {
    const { url, connections } = await receiver((response) => response.end());
    const abort = AbortSignal.abort(new Error("too late"));
    expect(await failureOf(post(requestTo(url, { abort })))).toEqual(new Error("too late"));
    expect(connections().ever).toBe(0);
  });
});

test("a host that hangs gets a limited number of connections, and holds up no other host, and none of its own beyond their time", async () => {
  const post = outgoingPost({ privateAddresses: true });
  const hanging = await receiver(() => undefined);
  const other = await receiver((response) => response.end("here"));
  const abort = new AbortController();
  const failures = Array.from({ length: 100 }, async () =>
    failureOf(post(requestTo(hanging.url, { abort: abort.signal, timeoutMs: 60_000 }))),
  );
  await vi.waitFor(() => expect(hanging.deliveries.length).toBeGreaterThan(10), SOON);
  expect(await post(requestTo(other.url))).toEqual({ status: 200, text: "here" });
  expect(hanging.connections().ever).toBeLessThanOrEqual(32);
  const waiting = await failureOf(post(requestTo(hanging.url, { timeoutMs: 100 })));
  expect(waiting).toBeInstanceOf(RetryableError);
  abort.abort(new Error("enough"));
  expect(new Set((await Promise.all(failures)).map(({ message }) => message))).toEqual(new Set(["enough"]));
  await vi.waitFor(() => expect(hanging.connections().open).toBe(0), SOON);
});

describe("unless private addresses are allowed, nothing is sent", () => {
  test.each([
    ["127.0.0.1", "loopback"],
    ["127.1", "loopback"],
    ["2130706433", "loopback"],
    ["0x7f000001", "loopback"],
    ["0177.0.0.1", "loopback"],
    ["127.0.0.1.", "loopback"],
    ["①②⑦.0.0.1", "loopback"],
    ["0", "unspecified"],
    ["0.0.0.0", "unspecified"],
    ["10.1.2.3", "private"],
    ["172.16.0.1", "private"],
    ["192.168.1.1", "private"],
    ["169.254.169.254", "linkLocal"],
    ["100.64.0.1", "carrierGradeNat"],
    ["192.0.0.192", "reserved"],
    ["198.18.0.1", "reserved"],
    ["224.0.0.1", "multicast"],
    ["240.0.0.1", "reserved"],
    ["255.255.255.255", "broadcast"],
    ["[::1]", "loopback"],
    ["[::]", "unspecified"],
    ["[::ffff:10.0.0.1]", "ipv4Mapped"],
    ["[::ffff:8.8.8.8]", "ipv4Mapped"],
    ["[::127.0.0.1]", "not allocated"],
    ["[4000::1]", "not allocated"],
    ["[64:ff9b::7f00:1]", "rfc6052"],
    ["[2002:7f00:1::]", "6to4"],
    ["[2001::1]", "teredo"],
    ["[fe80::1]", "linkLocal"],
    ["[fd00:ec2::254]", "uniqueLocal"],
    ["[ff02::1]", "multicast"],
    ["[2001:db8::1]", "reserved"],
  ])("to the address %s (%s)", async (host, range) => {
    const { port, connections } = await receiver((response) => response.end());
    const resolve = vi.fn<Resolve>();
    const post = outgoingPost({ privateAddresses: false, resolve });
    for (const url of [`http://${host}:${port}${SECRET}`, `https://${host}:${port}${SECRET}`]) {
      const error = await failureOf(post(requestTo(url)));
      expect(error).toBeInstanceOf(PermanentError);
      expect(error).toMatchObject({ reason: "forbidden_address" });
      expect(error.message).toMatch(new RegExp(`\\(${range}\\).*STRATEGY_PRIVATE_ADDRESSES`));
      expect(error.message).not.toContain("t0ken");
    }
    expect(connections().ever).toBe(0);
    expect(resolve).not.toHaveBeenCalled();
  });

  test.each([
    [["127.0.0.1"]],
    [["10.0.0.1"]],
    [["169.254.169.254"]],
    [["::1"]],
    [["fd00::1"]],
    [["::ffff:127.0.0.1"]],
    [["8.8.8.8", "127.0.0.1"]],
    [["2606:4700::1111", "fe80::1"]],
  ])("to a name that resolves to %s", async (addresses) => {
    const { port, connections } = await receiver((response) => response.end());
    const post = outgoingPost({ privateAddresses: false, resolve: resolving(...addresses) });
    for (const protocol of ["http", "https"]) {
      const error = await failureOf(post(requestTo(`${protocol}://innocent.test:${port}${SECRET}`)));
      expect(error).toBeInstanceOf(PermanentError);
      expect(error).toMatchObject({ reason: "forbidden_address" });
      expect(error.message).toContain(`innocent.test resolves to ${addresses.at(-1)}`);
    }
    expect(connections().ever).toBe(0);
  });

  test("to localhost, as the system resolves it", async () => {
    const { port, connections } = await receiver((response) => response.end());
    const post = outgoingPost({ privateAddresses: false });
    for (const host of ["localhost", "LOCALHOST"]) {
      const error = await failureOf(post(requestTo(`http://${host}:${port}/`)));
      expect(error).toMatchObject({ reason: "forbidden_address" });
    }
    expect(connections().ever).toBe(0);
  });
});

test("the connection goes to the address that was looked at, and is not asked about again", async () => {
  const { port, deliveries } = await receiver((response) => response.end());
  const resolve = vi.fn<Resolve>(resolving("127.0.0.1"));
  const post = outgoingPost({ privateAddresses: true, resolve });
  await Promise.all([1, 2].map(async () => post(requestTo(`http://broker.test:${port}/`))));
  expect(deliveries.map(({ headers }) => headers.host)).toEqual([
    `broker.test:${port}`,
    `broker.test:${port}`,
  ]);
  expect(resolve.mock.calls).toEqual([["broker.test"]]);
});

test.each([
  ["nothing", ""],
  ["no URL", "t0ken"],
  ["another protocol", "ftp://127.0.0.1/t0ken"],
  ["a file", "file:///etc/t0ken"],
  ["a user", "http://t0ken@127.0.0.1/"],
  ["a password", "http://:t0ken@127.0.0.1/"],
])("%s is no URL to post to", async (_what, url) => {
  const error = await failureOf(outgoingPost({ privateAddresses: true })(requestTo(url)));
  expect(error).toBeInstanceOf(PermanentError);
  expect(error).toMatchObject({ reason: "invalid_url" });
  expect(error.message).not.toContain("t0ken");
});
