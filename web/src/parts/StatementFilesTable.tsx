/** The files of a statement. */

import { askJson } from "../api/client";
import type { StatementFiles } from "../api/shapes";
import { useLoaded } from "../model/load";
import { useWords } from "../words";
import { FileList } from "./FileList";
import { Loading, Problem } from "./Problem";

export function StatementFilesTable({ month, partner }: { month: string; partner: string }) {
  const { t } = useWords();
  const path = `/v1/statements/${month}/${partner}`;
  const { value, error, isLoading } = useLoaded(path, (signal) => askJson<StatementFiles>(path, signal));
  return (
    <section>
      <h2>{t("statements.files")}</h2>
      {isLoading && <Loading />}
      {error !== null && <Problem error={error} />}
      {value && <FileList files={value.files} prefix={`${month}-${partner}`} />}
    </section>
  );
}
