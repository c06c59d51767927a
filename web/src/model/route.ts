/** Where in the page somebody is: what follows # in the address, which no server sees. */

import { useSyncExternalStore } from "react";

export interface Route {
  screen: string;
  query: URLSearchParams;
}

export function useRoute(): Route {
  const hash = useSyncExternalStore(watch, () => location.hash);
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  return { screen: path, query: new URLSearchParams(query) };
}

function watch(changed: () => void): () => void {
  addEventListener("hashchange", changed);
  return () => removeEventListener("hashchange", changed);
}

export const go = (link: string): void => {
  location.hash = link;
};
