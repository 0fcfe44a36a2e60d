import * as fc from "fast-check";
import { credentials, type ShotOptions } from "./operation-shots.ts";
import type { Header, Shot } from "./shot.ts";

/** Requests that are not in the description: odd targets, methods and headers, and bytes that are not HTTP. */

const METHODS = ["HEAD", "OPTIONS", "TRACE", "PROPFIND", "PUT", "PATCH", "DELETE", "QUERY", "PURGE"];
const INVALID_METHODS = ["get", "GARBAGE", "G E T", "", "CONNECT"];

/** `%s` is the path of an operation. */
const TARGETS = [
  "%s",
  "%s/",
  "/%s",
  "%s/..",
  "%s%00",
  "%s%2f..",
  "%s?",
  "%s?%00=%ff&a=1&a=2&__proto__[x]=1",
  "%s;x=1",
  "/x/..%s",
  "/%2e%2e%s",
  "/",
  "//",
  "/%",
  "/%zz",
  "/%ff%fe",
  "/%c0%af",
  "/.",
  "/..",
  "/../../../../etc/passwd",
  "/..%2f..%2f..%2fetc%2fpasswd",
  "/docs/..%5c..%5cpackage.json",
  "/docs/%2e%2e/package.json",
  "/__proto__",
  "/constructor/prototype",
  "/*",
  `/${"a".repeat(9_000)}`,
  `/${"%61".repeat(3_000)}`,
  `/${"a/".repeat(3_000)}`,
  `/signals?${"a=1&".repeat(3_000)}`,
];
const INVALID_TARGETS = [
  "",
  "*",
  "x",
  "healthz",
  "?",
  "http://elsewhere.example/healthz",
  "http://",
  "file:///etc/passwd",
  "/a#b",
  "/\\evil",
  "/a\\b",
  "/caf\u00e9",
  "/a b",
  `/${"a".repeat(20_000)}`,
];

const HEADERS: readonly (readonly Header[])[] = [
  [["expect", "100-continue"]],
  [["x-request-id", "x".repeat(300)]],
  [["x-request-id", "<script>"]],
  [["x-forwarded-for", "127.0.0.1, ::1, garbage,,"]],
  [["x-forwarded-host", "elsewhere.example"]],
  [["x-http-method-override", "DELETE"]],
  [["accept", "application/xml;q=x, ;;"]],
  [["accept-encoding", "gzip, deflate, br, zstd, *;q=0"]],
  [["content-encoding", "gzip"]],
  [["range", "bytes=0-0,5-,x"]],
  [["if-none-match", "*"]],
  [["cookie", `a=${"x".repeat(4_000)}`]],
  [
    ["origin", "null"],
    ["access-control-request-method", "DELETE"],
  ],
  Array.from({ length: 150 }, (_, at) => [`x-${at}`, "1"] as const),
];
const INVALID_HEADERS: readonly (readonly Header[])[] = [
  [["host", ""]],
  [["host", "a b"]],
  [["host", "a/../b"]],
  [["host", "[::1"]],
  [["host", "user:pass@x"]],
  [
    ["host", "a"],
    ["host", "b"],
  ],
  [["expect", "the-impossible"]],
  [
    ["upgrade", "websocket"],
    ["connection", "upgrade"],
  ],
  [
    ["upgrade", "h2c"],
    ["connection", "upgrade, http2-settings"],
  ],
  [["x-huge", "x".repeat(40_000)]],
  Array.from({ length: 3_000 }, (_, at) => [`x-${at}`, "1"] as const),
  [["content-length", "-1"]],
  [["content-length", "1e3"]],
  [["content-length", "99999999999999999999"]],
  [
    ["content-length", "5"],
    ["content-length", "6"],
  ],
  [
    ["content-length", "5"],
    ["transfer-encoding", "chunked"],
  ],
  [["transfer-encoding", "gzip"]],
  [["transfer-encoding", "chunked, chunked"]],
  [["a b", "c"]],
  [["x", "a\0b"]],
  [["x", "a\rb"]],
  [["", "x"]],
];

const GARBAGE = [
  "\r\n\r\n\r\n",
  "GET /healthz\r\n\r\n",
  "GET /healthz HTTP/1.0\r\n\r\n",
  "GET /healthz HTTP/9.9\r\nhost: x\r\n\r\n",
  "GET /healthz HTTP/1.1\r\n\r\n",
  "GET /healthz HTTP/1.1\nhost: x\nconnection: close\n\n",
  "GET /healthz HTTP/1.1\r\nhost: x\r\n folded: y\r\nconnection: close\r\n\r\n",
  "POST /pause HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
  "POST /pause HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\nffffffffffffffffff\r\n",
  "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
  "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
  `${"A".repeat(70_000)}\r\n\r\n`,
  "*1\r\n$4\r\nPING\r\n",
];

/** Requests for targets and methods that are not in the description. */
export function oddTargets({ description }: ShotOptions): fc.Arbitrary<Shot> {
  const paths = description.operations.map(({ path }) => path.replaceAll(/[{}]/g, ""));
  const methods = [...new Set(description.operations.map(({ method }) => method))];
  return fc
    .record({
      path: fc.constantFrom(...paths),
      method: fc.oneof(
        fc.constantFrom(...methods),
        fc.constantFrom(...METHODS),
        fc.constantFrom(...INVALID_METHODS),
      ),
      form: fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom(...TARGETS) },
        fc.constantFrom(...INVALID_TARGETS),
      ),
      credentials,
    })
    .map(({ path, method, form, credentials: given }) => ({
      ...plain(method, form.replace("%s", path)),
      credentials: given,
      wellFormed: TARGETS.includes(form) && !INVALID_METHODS.includes(method),
    }));
}

/** What no client sends: described requests with odd headers, and bytes that are not HTTP. */
export function oddHeads({ description }: ShotOptions): fc.Arbitrary<Shot> {
  const operations = fc.constantFrom(...description.operations);
  const headed = (lists: typeof HEADERS, wellFormed: boolean): fc.Arbitrary<Shot> =>
    fc.record({ operation: operations, headers: fc.constantFrom(...lists), credentials }).map((made) => ({
      ...plain(made.operation.method, made.operation.path.replaceAll(/[{}]/g, "")),
      ...made,
      operation: undefined,
      wellFormed,
    }));
  const garbage = fc
    .oneof(
      fc.constantFrom(...GARBAGE).map((text) => Buffer.from(text, "latin1")),
      fc.uint8Array({ minLength: 1, maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
    )
    .map((bytes): Shot => {
      const [method = "", target = ""] = bytes.toString("latin1").split(" ");
      return { ...plain(method, target), credentials: "none", wellFormed: false, garbage: bytes };
    });
  return fc.oneof(headed(HEADERS, true), headed(INVALID_HEADERS, false), garbage);
}

function plain(method: string, target: string): Omit<Shot, "credentials" | "wellFormed"> {
  return { operation: undefined, method, target, headers: [], body: undefined, sending: "whole" };
}
