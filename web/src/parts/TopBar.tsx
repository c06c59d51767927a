/** Where to go, whom one sees as, language and brightness. */

import { useState } from "react";

import { chooseTheme, chosenTheme, THEMES, type Theme } from "../model/theme";
import { switchLanguage, useWords, language } from "../words";

const SCREENS = [
  { screen: "", word: "nav.start" },
  { screen: "explore", word: "nav.explore" },
  { screen: "months", word: "nav.months" },
  { screen: "statements", word: "nav.statements" },
  { screen: "requests", word: "nav.requests" },
] as const;

export function TopBar({ screen, scope, signOut }: { screen: string; scope: string | null; signOut: (() => void) | null }) {
  const { t } = useWords();
  const seen = (scope: string) => (scope === "all" ? t("scope.all") : t("scope.partner", { id: scope.replace("partner:", "") }));
  return (
    <header className="top-bar">
      <a className="brand" href="#/">
        {t("title")}
      </a>
      {scope !== null && (
        <nav aria-label={t("nav.label")}>
          {SCREENS.map((item) => (
            <a key={item.screen} href={`#/${item.screen}`} aria-current={item.screen === screen ? "page" : undefined}>
              {t(item.word)}
            </a>
          ))}
        </nav>
      )}
      <div className="top-tools">
        {scope !== null && <span className="scope">{seen(scope)}</span>}
        <ThemeChoice />
        <button type="button" className="quiet" lang={language() === "ko" ? "en" : "ko"} onClick={() => void switchLanguage()}>
          {t("language")}
        </button>
        {scope !== null && signOut !== null && (
          <button type="button" className="quiet" onClick={signOut}>
            {t("signOut")}
          </button>
        )}
      </div>
    </header>
  );
}

function ThemeChoice() {
  const { t } = useWords();
  const [theme, setTheme] = useState<Theme>(chosenTheme);
  const choose = (chosen: Theme) => {
    chooseTheme(chosen);
    setTheme(chosen);
  };
  return (
    <select aria-label={t("theme.label")} className="quiet" value={theme} onChange={(event) => choose(event.target.value as Theme)}>
      {THEMES.map((name) => (
        <option key={name} value={name}>
          {t(`theme.${name}`)}
        </option>
      ))}
    </select>
  );
}
