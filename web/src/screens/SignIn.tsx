/** Takes a token from whoever has none in this tab. */

import { useState } from "react";

import { token } from "../api/client";
import { useWords } from "../words";

export function SignIn({ isExpired, signIn }: { isExpired: boolean; signIn: (token: string) => void }) {
  const { t } = useWords();
  const [text, setText] = useState("");
  const submit = (event: React.SyntheticEvent) => {
    event.preventDefault();
    token.set(text.trim());
    signIn(text.trim());
  };
  return (
    <form className="sign-in" onSubmit={submit}>
      <h1>{t("signIn.heading")}</h1>
      <p>{t("signIn.why")}</p>
      {isExpired && (
        <p className="notice bad" role="alert">
          {t("signIn.expired")}
        </p>
      )}
      <label>
        {t("signIn.token")}
        <input type="password" autoComplete="off" spellCheck={false} required value={text} onChange={(event) => setText(event.target.value)} />
      </label>
      <button type="submit" className="primary">
        {t("signIn.go")}
      </button>
    </form>
  );
}
