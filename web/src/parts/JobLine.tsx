/** One job: what was asked, how far it is, and what can be done about it. */

import { useState } from "react";

import { ask } from "../api/client";
import { downloadFile, FORMAT_NAMES, type FileFormat } from "../api/download";
import type { Job, Meta } from "../api/shapes";
import { bytes } from "../model/figures";
import { isOver } from "../model/jobs";
import { linkOf, viewFrom } from "../model/view";
import { useWords } from "../words";
import { FileProblem } from "./Problem";
import { RequestHead } from "./RequestHead";

interface Props {
  job: Job;
  meta: Meta;
  /** Has the list asked for anew. */
  again: () => void;
}

export function JobLine({ job, meta, again }: Props) {
  const { t, label, moment } = useWords();
  const [failed, setFailed] = useState<unknown>(null);
  const { measures, dimensions, period } = job.question;
  const named = [measures.map((name) => label(meta.measures[name])), dimensions.map((name) => label(meta.dimensions[name]))];
  const what = named.map((names) => names.join(", ")).filter(Boolean).join(" · ");
  const view = viewFrom(job.question);
  const over = isOver(job);
  const facts = [
    period.from === period.to ? period.from : `${period.from} – ${period.to}`,
    FORMAT_NAMES[job.format as FileFormat],
    job.rows > 0 && t("requests.rows", { rows: job.rows.toLocaleString() }),
    job.bytes > 0 && bytes(job.bytes),
    t("requests.askedAt", { when: moment(job.asked_at) }),
    job.expires_at !== undefined && t("requests.until", { when: moment(job.expires_at) }),
  ];
  const run = (work: Promise<unknown>) => {
    setFailed(null);
    work.then(again, setFailed);
  };
  const { file, name, url } = job;
  const end = () => run(ask(url, undefined, { method: "DELETE" }));
  return (
    <article className="request">
      <RequestHead title={view ? <a href={linkOf(view)}>{what}</a> : what} state={job.state} word={t(`jobs.${job.state}`)} facts={facts} />
      {job.reason !== undefined && job.state === "failed" && <p lang="en">{job.reason}</p>}
      <div className="actions">
        {job.state === "running" && <progress aria-label={t("jobs.progress")} {...(job.progress !== undefined && { value: job.progress })} />}
        {file !== undefined && name !== undefined && (
          <button type="button" aria-label={t("jobs.getWhat", { what })} onClick={() => run(downloadFile(file, name, job.bytes))}>
            {t("jobs.get")}
          </button>
        )}
        <button type="button" className="quiet" aria-label={t(over ? "jobs.removeWhat" : "jobs.cancelWhat", { what })} onClick={end}>
          {t(over ? "jobs.remove" : "jobs.cancel")}
        </button>
      </div>
      {failed !== null && <FileProblem error={failed} />}
    </article>
  );
}
