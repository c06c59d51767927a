import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { takeToken } from "./api/client";
import { App } from "./app";
import { startTheme } from "./model/theme";
import "./styles/base.css";
import "./styles/parts.css";
import "./styles/screens.css";
import { startWords } from "./words";

takeToken();
startTheme();
await startWords();
const root = document.getElementById("root");
if (root) {
  createRoot(root).render(
    <StrictMode>
      <App />
    </StrictMode>,
  );
}
