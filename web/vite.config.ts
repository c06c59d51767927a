import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

// Addresses are relative, so that the page works wherever the service is mounted.
export default defineConfig({
  base: "./",
  plugins: [react()],
  build: {
    outDir: "../include/settlement/api/_page",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    chunkSizeWarningLimit: 1500,
    modulePreload: { polyfill: false },
  },
});
