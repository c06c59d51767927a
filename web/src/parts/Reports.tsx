/** Partners' reports on request: asking for one, how they go, their files. */

import { useState } from "react";

import { askJson } from "../api/client";
import type { Report, ReportFiles } from "../api/shapes";
import type { House } from "../app";
import { useLoaded } from "../model/load";
import { usePolled } from "../model/poll";
import { useWords } from "../words";
import { FileList } from "./FileList";
import { Loading, Problem } from "./Problem";
import { ReportForm } from "./ReportForm";
import { RequestHead } from "./RequestHead";

const isGoing = (reports: Report[]): boolean => reports.some(({ state }) => state === "queued" || state === "running");
const reportsOf = async (signal: AbortSignal): Promise<Report[]> => (await askJson<{ reports: Report[] }>("/v1/reports", signal)).reports;

export function Reports({ house }: { house: House }) {
  const { t } = useWords();
  const { value, error, again } = usePolled(reportsOf, isGoing);
  const mayAsk = house.meta.scope !== "all" || house.meta.roles.includes("operator");
  return (
    <>
      <p className="hint">{t("reports.why")}</p>
      {mayAsk ? <ReportForm house={house} asked={again} /> : <p className="hint">{t("reports.readOnly")}</p>}
      {value === null && error === null && <Loading />}
      {error !== null && <Problem error={error} retry={again} />}
      {value?.length === 0 && <p className="hint">{t("reports.none")}</p>}
      <ul className="requests">
        {value?.map((report) => (
          <li key={report.run}>
            <ReportLine report={report} />
          </li>
        ))}
      </ul>
    </>
  );
}

const STATES = ["queued", "running", "success", "failed"] as const;

function ReportLine({ report }: { report: Report }) {
  const { t, moment } = useWords();
  const [isOpen, setIsOpen] = useState(false);
  const { partner = "?", first_month: first = "?", last_month: last = "?", format = "xlsx" } = report;
  const period = first === last ? first : `${first} – ${last}`;
  const what = `${t("statements.partner")} ${partner}, ${period}`;
  const state = STATES.find((name) => name === report.state);
  const facts = [format.toUpperCase(), report.asked_at !== undefined && t("requests.askedAt", { when: moment(report.asked_at) })];
  return (
    <article className="request">
      <RequestHead title={what} state={report.state} word={state ? t(`reports.${state}`) : report.state} facts={facts} />
      {report.state === "failed" && <p>{t("reports.failedWhy")}</p>}
      {report.files !== undefined && (
        <div className="actions">
          <button type="button" aria-expanded={isOpen} aria-label={t("reports.filesOf", { what })} onClick={() => setIsOpen(!isOpen)}>
            {t("reports.files")}
          </button>
        </div>
      )}
      {isOpen && report.files !== undefined && <Files path={report.files} partner={partner} />}
    </article>
  );
}

function Files({ path, partner }: { path: string; partner: number | string }) {
  const { t } = useWords();
  const { value, error, isLoading } = useLoaded(path, (signal) => askJson<ReportFiles>(path, signal));
  const nameOf = ({ month, version }: ReportFiles["files"][number]) => t("reports.version", { month, version });
  const folders = [...new Set(value?.files.map(nameOf))].map((name) => ({ name, files: value?.files.filter((file) => nameOf(file) === name) ?? [] }));
  return (
    <div className="report-files">
      {isLoading && <Loading />}
      {error !== null && <Problem error={error} />}
      {value?.files.length === 0 && <p className="hint">{t("reports.noFiles")}</p>}
      {folders.map(({ name, files }) => (
        <section key={name}>
          <h4>{name}</h4>
          <FileList files={files} prefix={`${files[0]?.month ?? ""}-${partner}`} />
        </section>
      ))}
    </div>
  );
}
