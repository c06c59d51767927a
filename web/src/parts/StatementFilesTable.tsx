/** The files of a statement. */

import { useState } from "react";

import { askJson } from "../api/client";
import { downloadFile } from "../api/download";
import type { StatementFiles } from "../api/shapes";
import { bytes } from "../model/figures";
import { useLoaded } from "../model/load";
import { useWords } from "../words";
import { Loading, Problem } from "./Problem";

export function StatementFilesTable({ month, partner }: { month: string; partner: string }) {
  const { t } = useWords();
  const path = `/v1/statements/${month}/${partner}`;
  const { value, error, isLoading } = useLoaded(path, (signal) => askJson<StatementFiles>(path, signal));
  const [failed, setFailed] = useState<unknown>(null);
  const get = (url: string, name: string) => {
    setFailed(null);
    downloadFile(url, `${month}-${partner}-${name}`).catch(setFailed);
  };
  const problem = error ?? failed;
  return (
    <section>
      <h2>{t("statements.files")}</h2>
      {isLoading && <Loading />}
      {problem !== null && <Problem error={problem} />}
      <ul className="files">
        {value?.files.map(({ name, bytes: size, url }) => (
          <li key={name}>
            <button type="button" className="link" aria-label={t("statements.get", { name })} onClick={() => get(url, name)}>
              {name}
            </button>
            <span className="hint">{bytes(size)}</span>
          </li>
        ))}
      </ul>
    </section>
  );
}
