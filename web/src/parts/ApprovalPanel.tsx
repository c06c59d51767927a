/** What people are asked about a month, their answer, and whether the ledger has it. */

import { useEffect, useState } from "react";

import { askJson } from "../api/client";
import type { Approval } from "../api/shapes";
import type { House } from "../app";
import { usePolled } from "../model/poll";
import { useWords } from "../words";
import { AnswerDialog, type Choice } from "./AnswerDialog";
import { Markdown } from "./Markdown";
import { Loading, Problem } from "./Problem";

const ENDED = ["success", "failed", "upstream_failed", "skipped", "removed"];
const isEnded = (approval: Approval): boolean => approval.state === "answered" && ENDED.includes(approval.task_state);
const isRecording = (approval: Approval): boolean => approval.state === "answered" && !isEnded(approval);

export function ApprovalPanel({ month, house }: { month: string; house: House }) {
  const { t } = useWords();
  const { value, error, again } = usePolled((signal) => askJson<Approval>(`/v1/months/${month}/approval`, signal), isRecording);
  const hasEnded = value !== null && isEnded(value);
  const { reread } = house;
  useEffect(() => {
    if (hasEnded) reread();
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the month is another one once, when the ledger has the answer
  }, [hasEnded]);
  return (
    <section className="approval">
      {value === null && error === null && <Loading />}
      {error !== null && <Problem error={error} retry={again} />}
      {value && (
        <>
          <h2>{t("approval.heading", { month, version: value.version })}</h2>
          <p lang="en">
            <strong>{value.subject}</strong>
          </p>
          <div lang="en" className="asked">
            <Markdown text={value.body} />
          </div>
          {value.state === "asked" && <Answers approval={value} meta={house.meta} answered={again} />}
          {value.state === "answered" && <Answered approval={value} />}
        </>
      )}
    </section>
  );
}

function Answers({ approval, meta, answered }: { approval: Approval; meta: House["meta"]; answered: () => void }) {
  const { t } = useWords();
  const [choice, setChoice] = useState<Choice | null>(null);
  if (!meta.roles.includes("approver")) return <p className="hint">{t("approval.onlyApprovers")}</p>;
  return (
    <div className="actions">
      <button type="button" className="primary" onClick={() => setChoice("approve")}>
        {t("approval.approve")}
      </button>
      <button type="button" onClick={() => setChoice("reject")}>
        {t("approval.reject")}
      </button>
      {choice && <AnswerDialog approval={approval} choice={choice} needsToken={meta.airflow === "own_token"} answered={answered} close={() => setChoice(null)} />}
    </div>
  );
}

function Answered({ approval }: { approval: Approval }) {
  const { t } = useWords();
  const isApproved = approval.answer === "Approve";
  const by = approval.answered_by ?? "";
  // A task that was answered with no fails, as it is meant to.
  const isKept = approval.task_state === "success" || !isApproved;
  return (
    <p role="status" className="answered">
      <strong>{t(isApproved ? "approval.approved" : "approval.rejected", { by })}</strong>{" "}
      {isRecording(approval) ? t("approval.recording") : t(isKept ? "approval.recorded" : "approval.notRecorded")}
    </p>
  );
}
