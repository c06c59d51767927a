/** Asks for an answer as a job: it is made into a file while nobody waits. */

import { useState } from "react";

import { post } from "../api/client";
import type { FileFormat } from "../api/download";
import type { Job } from "../api/shapes";
import { bodyOf, type View } from "../model/view";
import { useWords } from "../words";
import { FormatChoice } from "./FormatChoice";
import { Problem } from "./Problem";

export function JobRequest({ view }: { view: View }) {
  const { t } = useWords();
  const [state, setState] = useState<"idle" | "asking" | "asked">("idle");
  const [error, setError] = useState<unknown>(null);
  const request = async (format: FileFormat) => {
    setState("asking");
    setError(null);
    try {
      await post<Job>(`/v1/jobs?format=${format}&bom=${format === "csv"}`, bodyOf(view));
      setState("asked");
    } catch (problem) {
      setState("idle");
      setError(problem);
    }
  };
  return (
    <div className="downloads">
      <FormatChoice name={t("explore.asJob")} isDisabled={state === "asking"} choose={(format) => void request(format)} />
      <span role="status" className="said">
        {state === "asked" && (
          <>
            {t("explore.jobAsked")} <a href="#/requests">{t("explore.toJobs")}</a>
          </>
        )}
      </span>
      {error !== null && <Problem error={error} />}
    </div>
  );
}
