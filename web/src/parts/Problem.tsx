/** Why there is no answer, in words that say what to do. */

import { Refused } from "../api/client";
import { CutOff } from "../api/download";
import { useWords } from "../words";

export function Loading() {
  const { t } = useWords();
  return (
    <p className="loading" role="status">
      {t("loading")}
    </p>
  );
}

/** Why a file wasn't saved. */
export function FileProblem({ error }: { error: unknown }) {
  const { t } = useWords();
  if (!(error instanceof CutOff)) return <Problem error={error} />;
  return (
    <span className="bad-text" role="alert">
      {t("explore.cutFile")}
    </span>
  );
}

/** `heading` stands where there is no better one for the refusal. */
export function Problem({ error, heading, retry }: { error: unknown; heading?: string; retry?: () => void }) {
  const { t } = useWords();
  const refused = error instanceof Refused ? error : new Refused(0, "Unknown", String(error), "");
  const own = { 0: t("problem.unreachable"), 403: t("problem.forbidden"), 429: t("problem.busy"), 503: t("problem.busy") }[refused.status];
  return (
    <div className="notice bad" role="alert">
      <strong>{own ?? heading ?? t("problem.heading")}</strong>
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
