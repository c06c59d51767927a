/** What was requested, its state, and what else is known of it. */

import type { ReactNode } from "react";

const MARKS: Record<string, string> = { done: "closed", success: "closed", failed: "bad", waiting: "waiting", queued: "waiting" };

interface Props {
  title: ReactNode;
  state: string;
  /** The state in the reader's language. */
  word: string;
  facts: (string | false)[];
}

export function RequestHead({ title, state, word, facts }: Props) {
  return (
    <header>
      <h3>{title}</h3>
      <span role="status" className={`tag ${MARKS[state] ?? ""}`}>
        {word}
      </span>
      <p className="hint">{facts.filter(Boolean).join(" · ")}</p>
    </header>
  );
}
