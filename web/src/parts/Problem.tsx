/** Why there is no answer, in words that say what to do. */

import { Refused } from "../api/client";
import { useWords } from "../words";

export function Loading() {
  const { t } = useWords();
  return (
    <p className="loading" role="status">
      {t("loading")}
    </p>
  );
}

export function Problem({ error, retry }: { error: unknown; retry?: () => void }) {
  const { t } = useWords();
  const refused = error instanceof Refused ? error : new Refused(0, "Unknown", String(error), "");
  const own = { 0: t("problem.unreachable"), 403: t("problem.forbidden"), 429: t("problem.busy"), 503: t("problem.busy") }[refused.status];
  return (
    <div className="notice bad" role="alert">
      <strong>{own ?? t("problem.heading")}</strong>
      {refused.message !== "" && (
        <p lang="en">
          {refused.message}
          {refused.hint !== "" && <span className="hint"> {refused.hint}</span>}
        </p>
      )}
      {retry && (
        <button type="button" onClick={retry}>
          {t("problem.retry")}
        </button>
      )}
    </div>
  );
}
