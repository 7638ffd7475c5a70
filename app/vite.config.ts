import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [svelte()],
  base: "./",
  build: { outDir: "../src/studium/server/static", emptyOutDir: true, target: "es2022", sourcemap: false },
  server: { proxy: { "/api": process.env.STUDIUM_SERVER ?? "http://127.0.0.1:8765" } },
});
