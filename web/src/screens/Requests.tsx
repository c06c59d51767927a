/** What somebody has requested: long answers as files, and partners' reports. */

import type { House } from "../app";
import { Jobs } from "../parts/Jobs";
import { Reports } from "../parts/Reports";
import { useWords } from "../words";

export function Requests({ house }: { house: House }) {
  const { t } = useWords();
  return (
    <div className="page">
      <h1>{t("requests.heading")}</h1>
      <Jobs meta={house.meta} />
      <section>
        <h2>{t("reports.heading")}</h2>
        {house.meta.airflow === "unset" ? <p className="hint">{t("reports.unset")}</p> : <Reports house={house} />}
      </section>
    </div>
  );
}
