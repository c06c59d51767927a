/** The SQL of an answer, with the values that are bound to it. */

import { useEffect, useRef } from "react";

import { askJson } from "../api/client";
import type { Header } from "../api/shapes";
import { useLoaded } from "../model/load";
import { useWords } from "../words";
import { Loading, Problem } from "./Problem";

export function SqlDialog({ query, close }: { query: string; close: () => void }) {
  const { t } = useWords();
  const dialog = useRef<HTMLDialogElement>(null);
  const { value, error, isLoading } = useLoaded(query, (signal) => askJson<Header>(`/v1/query?format=sql&${query}`, signal));
  useEffect(() => dialog.current?.showModal(), []);
  return (
    <dialog ref={dialog} onClose={close} aria-labelledby="sql-heading">
      <h2 id="sql-heading">{t("sql.heading")}</h2>
      {isLoading && <Loading />}
      {error !== null && <Problem error={error} />}
      {value?.sql && (
        <>
          <pre tabIndex={0}>{value.sql.text}</pre>
          {value.sql.values.length > 0 && (
            <p>
              {t("sql.values")}: <code>{value.sql.values.join(", ")}</code>
            </p>
          )}
        </>
      )}
      <div className="buttons">
        {value?.sql && (
          <button type="button" onClick={() => void navigator.clipboard.writeText(value.sql?.text ?? "")}>
            {t("sql.copy")}
          </button>
        )}
        <button type="button" onClick={() => dialog.current?.close()}>
          {t("sql.close")}
        </button>
      </div>
    </dialog>
  );
}
