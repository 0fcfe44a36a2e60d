/**
 * The URL without what could be a secret: user, password, query, fragment, and for http(s) also the path, where chat services
 * have their token.
 */
export function redactUrl(value: string): string {
  if (!URL.canParse(value)) return "(not a URL)";
  const { protocol, host, pathname, username, password } = new URL(value);
  const user = username !== "" || password !== "" ? "***@" : "";
  const path =
    pathname.includes("@") || (protocol.startsWith("http") && pathname !== "/") ? "/***" : pathname;
  return `${protocol}//${user}${host}${path}`;
}
