/** The frame of every screen, and which one is shown. */

import { lazy, Suspense, useState } from "react";

import { askJson, Refused, token } from "./api/client";
import type { Meta, Month } from "./api/shapes";
import { useLoaded } from "./model/load";
import { useRoute, type Route } from "./model/route";
import { Loading, Problem } from "./parts/Problem";
import { TopBar } from "./parts/TopBar";
import { Months } from "./screens/Months";
import { Requests } from "./screens/Requests";
import { SignIn } from "./screens/SignIn";
import { Start } from "./screens/Start";
import { Statements } from "./screens/Statements";
import { useWords } from "./words";

// Grid, chart and the reader of Arrow are most of the page's weight: they come when somebody explores.
const Explore = lazy(() => import("./screens/Explore"));

// Within Airflow its sign-in is enough: whether it is, the first answer tells.
const WITHOUT = "";

export interface House {
  meta: Meta;
  months: Month[];
  /** The newest month that there is anything of. */
  latest: string;
  /** Asks for the months anew: something was done to one. */
  reread: () => void;
}

export function App() {
  const { t } = useWords();
  const route = useRoute();
  const [key, setKey] = useState(token.get() ?? WITHOUT);
  const loaded = useLoaded(key, loadHouse);
  const [newer, setNewer] = useState<Month[] | null>(null);
  // Months that can't be read anew stay as they were read before.
  const reread = () => void monthsOf().then(setNewer, () => undefined);
  const signOut = () => {
    token.clear();
    setKey(WITHOUT);
    setNewer(null);
  };
  const isIn = !(loaded.error instanceof Refused && loaded.error.status === 401);
  return (
    <>
      <a className="skip" href="#main" onClick={skip}>
        {t("skip")}
      </a>
      <TopBar
        screen={route.screen}
        scope={isIn ? (loaded.value?.meta.scope ?? null) : null}
        signOut={key === WITHOUT ? null : signOut}
      />
      <main id="main" tabIndex={-1}>
        {!isIn && <SignIn isExpired={key !== WITHOUT} signIn={setKey} />}
        {isIn && loaded.isLoading && <Loading />}
        {isIn && loaded.error !== null && <Problem error={loaded.error} retry={() => location.reload()} />}
        {isIn && loaded.value && <Screen route={route} house={{ ...loaded.value, months: newer ?? loaded.value.months, reread }} />}
      </main>
    </>
  );
}

/** The address keeps its #, which says which screen it is. */
function skip(event: React.MouseEvent): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

const monthsOf = async (signal?: AbortSignal): Promise<Month[]> => (await askJson<{ months: Month[] }>("/v1/months", signal)).months;

async function loadHouse(signal: AbortSignal): Promise<Omit<House, "reread">> {
  const [meta, months] = await Promise.all([askJson<Meta>("/v1/meta", signal), monthsOf(signal)]);
  return { meta, months, latest: months[0]?.month ?? new Date().toISOString().slice(0, 7) };
}

function Screen({ route, house }: { route: Route; house: House }) {
  switch (route.screen) {
    case "explore":
      return (
        <Suspense fallback={<Loading />}>
          <Explore key={route.query.toString()} query={route.query} house={house} />
        </Suspense>
      );
    case "months":
      return <Months chosen={route.query.get("month")} house={house} />;
    case "statements":
      return <Statements query={route.query} house={house} />;
    case "requests":
      return <Requests house={house} />;
    default:
      return <Start house={house} />;
  }
}
