/** What is asked of the service while a screen is shown: the answer, or why there is none. */

import { useEffect, useState } from "react";

export interface Loaded<T> {
  value: T | null;
  error: unknown;
  isLoading: boolean;
}

/** Asks anew when `key` changes; null: asks nothing. */
export function useLoaded<T>(key: string | null, load: (signal: AbortSignal) => Promise<T>): Loaded<T> {
  const [state, setState] = useState<{ key: string | null; value: T | null; error: unknown }>({ key: null, value: null, error: null });
  useEffect(() => {
    if (key === null) return;
    const leaving = new AbortController();
    load(leaving.signal).then(
      (value) => leaving.signal.aborted || setState({ key, value, error: null }),
      (error: unknown) => leaving.signal.aborted || setState({ key, value: null, error }),
    );
    return () => leaving.abort();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- `key` says what is loaded
  }, [key]);
  const isThis = state.key === key;
  return { value: isThis ? state.value : null, error: isThis ? state.error : null, isLoading: key !== null && !isThis };
}
