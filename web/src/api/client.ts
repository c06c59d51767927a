/** Asks the service: with the token of this tab, and refusals as errors that people can read. */

const KEY = "settlement.token";

export class Refused extends Error {
  constructor(
    readonly status: number,
    readonly kind: string,
    message: string,
    readonly hint: string,
  ) {
    super(message);
  }
}

/** The token lies in this tab alone and is gone with it. */
export const token = {
  get: (): string | null => sessionStorage.getItem(KEY),
  set: (value: string) => sessionStorage.setItem(KEY, value),
  clear: () => sessionStorage.removeItem(KEY),
};

/** Takes `#token=…` out of the address, so that it isn't shared by mistake. */
export function takeToken(): void {
  const found = /^#token=([A-Za-z0-9._~-]+)$/.exec(location.hash)?.[1];
  if (found === undefined) return;
  token.set(found);
  history.replaceState(null, "", "#/");
}

/** Where a path of the API is, wherever the page is mounted. */
export const addressOf = (path: string): string => new URL(path.replace(/^\//, ""), document.baseURI.replace(/#.*/, "")).href;

/** An answer that isn't a refusal.
 * @throws Refused as the service says it; status 0: it can't be reached.
 */
export async function ask(path: string, signal?: AbortSignal, how: RequestInit = {}): Promise<Response> {
  const headers = new Headers(how.headers);
  const key = token.get();
  if (key !== null) headers.set("Authorization", `Bearer ${key}`);
  let response: Response;
  try {
    response = await fetch(addressOf(path), { ...how, headers, cache: "no-cache", ...(signal && { signal }) });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Refused(0, "Unreachable", "", "");
  }
  if (!response.ok) throw await refusalOf(response);
  return response;
}

export async function askJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  return (await (await ask(path, signal)).json()) as T;
}

/** Asks for something to be done, with a body of JSON. */
export async function post<T>(path: string, body: unknown, headers: Record<string, string> = {}): Promise<T> {
  const how = { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json", ...headers } };
  return (await (await ask(path, undefined, how)).json()) as T;
}

async function refusalOf(response: Response): Promise<Refused> {
  if (response.status === 401) token.clear();
  try {
    const { error } = (await response.json()) as { error: { kind: string; message: string; hint: string } };
    return new Refused(response.status, error.kind, error.message, error.hint);
  } catch {
    return new Refused(response.status, "Unknown", response.statusText, "");
  }
}
