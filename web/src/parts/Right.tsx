/** A right type in the reader's language. */

import { useWords } from "../words";

const KNOWN = ["author", "performer", "producer"] as const;

export function Right({ name }: { name: string }) {
  const { t } = useWords();
  const known = KNOWN.find((right) => right === name);
  return <>{known ? t(`rights.${known}`) : name}</>;
}
