import type { Server } from "node:http";
import type { Duplex } from "node:stream";
import type { ProblemOptions } from "../problem.ts";
import { bareProblem, PROBLEM_TYPE } from "./bare-problem.ts";
import type { Connections } from "./connections.ts";

/** Answers what Node does not pass on as a request: bytes that are no HTTP, requests that do not arrive, tunnels. */
export function refuseMalformed(server: Server, connections: Connections): void {
  server.on("clientError", (error: NodeJS.ErrnoException, socket) => {
    if (socket.writable && !connections.isAnswering(socket)) refuse(socket, faultOf(error.code));
    else socket.destroy();
  });
  server.on("connect", (_request, socket) => {
    socket.on("error", () => socket.destroy());
    refuse(socket, {
      status: 405,
      code: "method_not_allowed",
      detail: "CONNECT is for proxies; this is none",
    });
  });
}

function faultOf(code: string | undefined): Omit<ProblemOptions, "headers"> {
  switch (code) {
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return {
        status: 408,
        code: "request_timeout",
        detail: "the request took too long to arrive",
        hint: "send it at once, headers and body",
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
      return { status: 400, code: "bad_request", detail: "what arrived is not an HTTP request" };
  }
}

function refuse(socket: Duplex, fault: Omit<ProblemOptions, "headers">): void {
  const problem = bareProblem(fault);
  const body = JSON.stringify(problem);
  const lines = [
    `HTTP/1.1 ${problem.status} ${problem.title}`,
    "connection: close",
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(body)}`,
  ];
  socket.end(`${lines.join("\r\n")}\r\n\r\n${body}`, () => socket.destroy());
}
