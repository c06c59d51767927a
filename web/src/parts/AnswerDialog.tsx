/** Answers for a month, after saying once more what follows. */

import { useEffect, useRef, useState } from "react";

import { post } from "../api/client";
import type { Approval } from "../api/shapes";
import { useWords } from "../words";
import { Problem } from "./Problem";

export type Choice = "approve" | "reject";

interface Props {
  approval: Approval;
  choice: Choice;
  /** Whether the answer needs a token of Airflow that isn't sent anyway. */
  needsToken: boolean;
  answered: () => void;
  close: () => void;
}

export function AnswerDialog({ approval, choice, needsToken, answered, close }: Props) {
  const { t } = useWords();
  const dialog = useRef<HTMLDialogElement>(null);
  const [token, setToken] = useState("");
  const [isBusy, setIsBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);
  const { month, version } = approval;
  useEffect(() => dialog.current?.showModal(), []);

  const answer = async () => {
    setIsBusy(true);
    setError(null);
    try {
      await post(`/v1/months/${month}/approval`, { version, answer: choice }, needsToken ? { "X-Airflow-Token": token.trim() } : {});
      dialog.current?.close();
      answered();
    } catch (problem) {
      setError(problem);
      setIsBusy(false);
    }
  };
  const submit = (event: React.SyntheticEvent) => {
    event.preventDefault();
    void answer();
  };

  return (
    <dialog ref={dialog} className="is-small" onClose={close} aria-labelledby="answer-heading">
      <form onSubmit={submit}>
        <h2 id="answer-heading">{t(`approval.${choice}What`, { month, version })}</h2>
        <p>{t(`approval.${choice}Why`)}</p>
        {needsToken && (
          <>
            <label>
              {t("approval.token")}
              <input type="password" autoComplete="off" spellCheck={false} required value={token} aria-describedby="answer-token" onChange={(event) => setToken(event.target.value)} />
            </label>
            <p id="answer-token" className="hint">
              {t("approval.tokenWhy")}
            </p>
          </>
        )}
        {error !== null && <Problem error={error} heading={t("approval.refused")} />}
        <div className="buttons">
          <button type="button" onClick={() => dialog.current?.close()}>
            {t("approval.cancel")}
          </button>
          <button type="submit" className="primary" disabled={isBusy}>
            {t(`approval.${choice}`)}
          </button>
        </div>
      </form>
    </dialog>
  );
}
