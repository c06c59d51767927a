/** Whether an answer is whole, and what to know of its figures. */

import type { Answer } from "../api/stream";
import { useWords } from "../words";

export function Status({ answer, again }: { answer: Answer | null; again: () => void }) {
  const { t } = useWords();
  const rows = (answer?.rows.count ?? 0).toLocaleString();
  if (answer?.state === "incomplete") {
    return (
      <div className="notice bad" role="alert">
        <strong>{t("state.incomplete")}</strong>
        <p>{t("state.incompleteWhy", { rows })}</p>
        {answer.reason !== "" && <p lang="en">{answer.reason}</p>}
        <button type="button" onClick={again}>
          {t("explore.again")}
        </button>
      </div>
    );
  }
  const isBusy = answer?.state !== "complete";
  return (
    <div className="status">
      {isBusy && <progress aria-label={t("state.asking")} />}
      <span role="status">{answer === null ? t("state.asking") : t(isBusy ? "state.streaming" : "state.complete", { rows })}</span>
      {answer && <Caveats answer={answer} />}
    </div>
  );
}

function Caveats({ answer }: { answer: Answer }) {
  const { t } = useWords();
  const { missing, open_months: open, is_provisional: isProvisional } = answer.header.publication;
  return (
    <>
      {isProvisional && <span className="tag warn">{t("state.provisional")}</span>}
      {!isProvisional && open.length > 0 && <span className="tag warn">{t("state.open", { months: open.join(", ") })}</span>}
      {missing.length > 0 && <span className="tag warn">{t("state.missing", { count: missing.length, first: missing[0] ?? "" })}</span>}
    </>
  );
}
