import { describe, expect, test, vi } from "vitest";
import { outgoingPost } from "../../../../shared/io/http-client/post.ts";
import type { Resolve } from "../../../../shared/io/http-client/public-address-lookup.ts";
import { PermanentError } from "../../../../shared/strategy.ts";
import { useReceivers } from "../../../servers/http-receiver.ts";
import { failureOf, requestTo, SECRET } from "./post-fixture.ts";

const receiver = useReceivers();

/** Names resolve to these addresses. */
const resolving =
  (...addresses: string[]): Resolve =>
  async () =>
    addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 }));

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

test("the connection goes to the address that was checked, without a second lookup", async () => {
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
