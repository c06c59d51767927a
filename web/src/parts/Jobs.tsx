/** Somebody's jobs: how far they are, and their files. */

import { askJson } from "../api/client";
import type { Job, Meta } from "../api/shapes";
import { isOver } from "../model/jobs";
import { usePolled } from "../model/poll";
import { useWords } from "../words";
import { JobLine } from "./JobLine";
import { Loading, Problem } from "./Problem";

const isGoing = (jobs: Job[]): boolean => !jobs.every(isOver);

export function Jobs({ meta }: { meta: Meta }) {
  const { t } = useWords();
  const { value, error, again } = usePolled((signal) => ownJobs(meta.name, signal), isGoing);
  return (
    <section>
      <h2>{t("jobs.heading")}</h2>
      <p className="hint">{t("jobs.why")}</p>
      {value === null && error === null && <Loading />}
      {error !== null && <Problem error={error} retry={again} />}
      {value?.length === 0 && <p className="hint">{t("jobs.none")}</p>}
      <ul className="requests">
        {value?.map((job) => (
          <li key={job.id}>
            <JobLine job={job} meta={meta} again={again} />
          </li>
        ))}
      </ul>
    </section>
  );
}

/** Operators and auditors are told everybody's. */
async function ownJobs(name: string, signal: AbortSignal): Promise<Job[]> {
  const { jobs } = await askJson<{ jobs: Job[] }>("/v1/jobs", signal);
  return jobs.filter(({ owner }) => owner === name);
}
