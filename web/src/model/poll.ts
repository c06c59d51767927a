/** What is asked again and again while something goes on: soon at first, then less often, and never for a hidden tab. */

import { useCallback, useEffect, useState } from "react";

const FIRST = 1_000; // milliseconds
const MOST = 10_000;
const SLOWER = 1.4;

export interface Polled<T> {
  value: T | null;
  error: unknown;
  again: () => void;
}

/** Asks at once and after `again`; then for as long as `isGoing` says so of the answer. An error ends it. */
export function usePolled<T>(load: (signal: AbortSignal) => Promise<T>, isGoing: (value: T) => boolean): Polled<T> {
  const [value, setValue] = useState<T | null>(null);
  const [error, setError] = useState<unknown>(null);
  const [times, setTimes] = useState(0);
  useEffect(() => {
    const leaving = new AbortController();
    const take = (found: T) => {
      setValue(found);
      setError(null);
    };
    poll(load, isGoing, take, leaving.signal).catch((problem: unknown) => leaving.signal.aborted || setError(problem));
    return () => leaving.abort();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- who asks anew says so by `again`
  }, [times]);
  return { value, error, again: useCallback(() => setTimes((before) => before + 1), []) };
}

async function poll<T>(load: (signal: AbortSignal) => Promise<T>, isGoing: (value: T) => boolean, take: (value: T) => void, signal: AbortSignal): Promise<void> {
  for (let wait = FIRST; ; wait = Math.min(wait * SLOWER, MOST)) {
    const value = await load(signal);
    signal.throwIfAborted();
    take(value);
    if (!isGoing(value)) return;
    await passed(wait, signal);
    await seen(signal);
  }
}

const passed = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => resolve(), { once: true });
  });

/** Waits until somebody looks at the tab. */
const seen = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (!document.hidden) resolve();
    document.addEventListener("visibilitychange", () => resolve(), { once: true, signal });
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
