/** An answer as a file, in each format. */

import { useRef, useState } from "react";

import { download, type FileFormat } from "../api/download";
import { bytes } from "../model/figures";
import { useWords } from "../words";
import { FormatChoice } from "./FormatChoice";
import { FileProblem } from "./Problem";

type Doing = { format: FileFormat; bytes: number } | "done" | null;

export function Downloads({ query }: { query: string }) {
  const { t } = useWords();
  const [doing, setDoing] = useState<Doing>(null);
  const [error, setError] = useState<unknown>(null);
  const leaving = useRef<AbortController>(null);

  const begin = async (format: FileFormat) => {
    const going = new AbortController();
    leaving.current = going;
    setError(null);
    setDoing({ format, bytes: 0 });
    try {
      await download(query, format, (count) => setDoing({ format, bytes: count }), going.signal);
      setDoing("done");
    } catch (problem) {
      setDoing(null);
      if (!going.signal.aborted) setError(problem);
    }
  };

  const isBusy = doing !== null && doing !== "done";
  return (
    <div className="downloads">
      <FormatChoice name={t("explore.download")} isDisabled={isBusy} choose={(format) => void begin(format)} />
      {isBusy && (
        <>
          <progress aria-label={t("explore.download")} />
          <span role="status">{t("explore.downloading", { format: doing.format, size: bytes(doing.bytes) })}</span>
          <button type="button" className="quiet" onClick={() => leaving.current?.abort()}>
            {t("explore.cancel")}
          </button>
        </>
      )}
      {doing === "done" && <span role="status">{t("explore.downloaded")}</span>}
      {error !== null && <FileProblem error={error} />}
    </div>
  );
}
