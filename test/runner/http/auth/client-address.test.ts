import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  clientAddress,
  clientGroup,
  isAmong,
  parseAddress,
} from "../../../../runner/http/auth/client-address.ts";
import { blockListOf } from "../../../../shared/config/config-values.ts";

const trustedProxies = blockListOf(["10.0.0.0/8", "2001:db8:ffff::/48"]);

const from = (peer: string | undefined, forwardedFor?: string) =>
  clientAddress({ peer, forwardedFor, trustedProxies });

type Case = readonly [
  peer: string | undefined,
  header: string | undefined,
  client: string | undefined,
  why: string,
];

describe("the address of a client", () => {
  it.each<Case>([
    ["203.0.113.7", "198.51.100.1", "203.0.113.7", "the header of a peer that is not a proxy is ignored"],
    ["10.0.0.1", "198.51.100.1", "198.51.100.1", "that of a trusted proxy is used"],
    ["10.0.0.1", "1.1.1.1, 198.51.100.1", "198.51.100.1", "what the client itself wrote is ignored"],
    ["10.0.0.1", "198.51.100.1, 10.9.9.9", "198.51.100.1", "trusted proxies on the way are skipped"],
    ["10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3", "a request from one of the proxies themselves"],
    ["10.0.0.1", undefined, "10.0.0.1", "no header"],
    ["10.0.0.1", "", "10.0.0.1", "an empty header"],
    ["10.0.0.1", "198.51.100.1, unknown", "10.0.0.1", "garbage ends the list"],
    ["10.0.0.1", "198.51.100.1, ", "10.0.0.1", "so does an empty item"],
    ["10.0.0.1", "198.51.100.1:4711", "198.51.100.1", "a port"],
    ["10.0.0.1", "[2001:DB8::0:1]:443", "2001:db8::1", "a port after IPv6"],
    ["::ffff:10.0.0.1", "198.51.100.1", "198.51.100.1", "IPv4 in IPv6 is IPv4"],
    ["2001:db8:ffff::2", "::ffff:198.51.100.1", "198.51.100.1", "a proxy of IPv6"],
    ["fe80::1%eth0", undefined, "fe80::1", "a zone"],
    [undefined, "198.51.100.1", undefined, "an unknown peer"],
    ["a socket", "198.51.100.1", undefined, "a peer without an address"],
  ])("%s, forwarded for %s: %s – %s", (...[peer, forwardedFor, client]) => {
    expect(from(peer, forwardedFor)).toBe(client);
  });

  it("is the one the trusted proxy reported, whatever precedes it in the header", () => {
    fc.assert(
      fc.property(fc.string(), fc.ipV4(), (before, ip) => {
        fc.pre(!isAmong(trustedProxies, ip));
        expect(from("10.0.0.1", `${before}, ${ip}`)).toBe(ip);
        expect(from(ip, before)).toBe(ip);
      }),
    );
  });

  it("is an address or unknown, for any header", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (header) => {
        const address = from("10.0.0.1", header);
        expect(address).toBe(parseAddress(address ?? ""));
      }),
    );
  });
});

it.each([
  "",
  "1.2.3",
  "01.2.3.4",
  "1.2.3.4.5",
  "1.2.3.4:",
  "[1.2.3.4]",
  "[::1",
  "::1]",
  "1::2::3",
  "_hidden",
  "::1:x",
])("%j is not an address", (text) => {
  expect(parseAddress(text)).toBeUndefined();
});

it("an address has one canonical form", () => {
  fc.assert(
    fc.property(fc.ipV6(), (ip) => {
      const address = parseAddress(ip);
      expect(parseAddress(ip.toUpperCase())).toBe(address);
      expect(parseAddress(`[${ip}]:1`)).toBe(address);
      expect(parseAddress(address ?? "")).toBe(address);
    }),
  );
});

it("addresses of one /64 are one client, those of another one and IPv4 addresses are not", () => {
  expect(clientGroup("2001:db8:1:2:3::4")).toBe(clientGroup("2001:db8:1:2:ffff:ffff:ffff:ffff"));
  expect(clientGroup("2001:db8:1:2::")).not.toBe(clientGroup("2001:db8:1:3::"));
  expect(clientGroup("192.0.2.1")).not.toBe(clientGroup("192.0.2.2"));
  expect(clientGroup(undefined)).toBe(clientGroup(undefined));
});
