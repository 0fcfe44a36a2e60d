import type { Server } from "node:http";
import type { Duplex } from "node:stream";
import { PROBLEM_TYPE } from "../problem.ts";
import { bareProblem, type BareProblem } from "./bare-problem.ts";
import type { Connections } from "./connections.ts";

/** Answers what Node does not pass on as a request: bytes that are not HTTP, requests that do not arrive, CONNECT. */
export function refuseMalformed(server: Server, connections: Connections): void {
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (socket.writable && !connections.isAnswering(socket)) refuse(socket, parseProblem(error.code));
    else socket.destroy();
  });
  server.on("connect", (_request, socket) => {
    socket.on("error", () => socket.destroy());
    const detail = "this server is not a proxy and does not accept CONNECT";
    refuse(socket, { status: 405, code: "method_not_allowed", detail });
  });
}

/** The problem for an error code of Node's HTTP parser. */
function parseProblem(code: string | undefined): BareProblem {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return {
        status: 408,
        code: "request_timeout",
        detail: "the request took too long to arrive",
        hint: "send headers and body without pauses",
      };
    case "HPE_HEADER_OVERFLOW":
      return { status: 431, code: "headers_too_large", detail: "the headers are too large" };
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return {
        status: 413,
        code: "body_too_large",
        detail: "the chunk extensions of the body are too large",
      };
    case undefined:
    default:
      return { status: 400, code: "bad_request", detail: "the bytes received are not an HTTP request" };
  }
}

function refuse(socket: Duplex, bare: BareProblem): void {
  const problem = bareProblem(bare);
  const body = JSON.stringify(problem);
  const lines = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    "connection: close",
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}
