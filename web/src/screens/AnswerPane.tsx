/** The answer to a view, as it streams: state, chart, grid, and what can be done with it. */

import { useEffect, useState } from "react";

import type { Answer } from "../api/stream";
import { answerOf } from "../model/answering";
import { saveView } from "../model/saved";
import { linkOf, questionOf, type View } from "../model/view";
import { Chart } from "../parts/Chart";
import { Downloads } from "../parts/Downloads";
import { Grid } from "../parts/Grid";
import { JobRequest } from "../parts/JobRequest";
import { Problem } from "../parts/Problem";
import { SqlDialog } from "../parts/SqlDialog";
import { Status } from "../parts/Status";
import { useWords } from "../words";

interface Props {
  view: View;
  show: (view: View) => void;
  again: () => void;
}

export function AnswerPane({ view, show, again }: Props) {
  const { t } = useWords();
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [asked, setAsked] = useState<View>(view);
  const [error, setError] = useState<unknown>(null);
  const key = linkOf(view);

  useEffect(() => {
    const leaving = new AbortController();
    answerOf(view, setAsked, (answer) => leaving.signal.aborted || setAnswer(answer), leaving.signal).catch(
      (problem: unknown) => leaving.signal.aborted || setError(problem),
    );
    return () => leaving.abort();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the link is the view
  }, [key]);

  // Only what the service can take as it is: which ones are the largest is found out first.
  const job = asked.top === null && <JobRequest view={asked} />;
  if (error !== null) {
    return (
      <>
        <Problem error={error} retry={again} />
        {job}
      </>
    );
  }
  return (
    <>
      <div className="answer-head">
        <Status answer={answer} again={again} />
        <div className="actions">
          {answer?.state === "complete" && <Actions view={view} query={questionOf(asked)} />}
          {job}
        </div>
      </div>
      {answer?.state === "complete" && answer.rows.count === 0 && <p className="hint empty">{t("explore.noRows")}</p>}
      {answer?.state === "complete" && <Chart answer={answer} />}
      {answer && answer.rows.count > 0 && <Grid answer={answer} order={view.order} reorder={(order) => show({ ...view, order })} />}
    </>
  );
}

function Actions({ view, query }: { view: View; query: string }) {
  const { t } = useWords();
  const [said, setSaid] = useState("");
  const [isSql, setIsSql] = useState(false);
  const [isNaming, setIsNaming] = useState(false);
  const share = async () => {
    await navigator.clipboard.writeText(location.href);
    setSaid(t("explore.copied"));
  };
  const save = (name: string) => {
    saveView({ name, link: linkOf(view) });
    setIsNaming(false);
    setSaid(t("explore.saved", { name }));
  };
  return (
    <div className="actions">
      <Downloads query={query} />
      <button type="button" onClick={() => setIsNaming(!isNaming)} aria-expanded={isNaming}>
        {t("explore.save")}
      </button>
      <button type="button" onClick={() => void share()}>
        {t("explore.share")}
      </button>
      <button type="button" onClick={() => setIsSql(true)}>
        {t("explore.sql")}
      </button>
      {isNaming && <NameForm save={save} />}
      <span role="status" className="said">
        {said}
      </span>
      {isSql && <SqlDialog query={query} close={() => setIsSql(false)} />}
    </div>
  );
}

function NameForm({ save }: { save: (name: string) => void }) {
  const { t } = useWords();
  const [name, setName] = useState("");
  const submit = (event: React.SyntheticEvent) => {
    event.preventDefault();
    save(name.trim());
  };
  return (
    <form className="name-form" onSubmit={submit}>
      <input autoFocus required maxLength={80} aria-label={t("explore.saveName")} placeholder={t("explore.saveName")} value={name} onChange={(event) => setName(event.target.value)} />
      <button type="submit" className="primary" disabled={name.trim() === ""}>
        {t("explore.save")}
      </button>
    </form>
  );
}
