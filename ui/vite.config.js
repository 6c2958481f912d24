// How the console is built: one page, hashed names, nothing inline, relative addresses (it may lie behind a prefix).
// `npx vite ui` serves it while it is worked on, with the API of WARREN_API (http://127.0.0.1:15672 unless set).
import { defineConfig } from 'vite'

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  esbuild: { jsx: 'automatic', jsxImportSource: 'preact' },
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 400,
    reportCompressedSize: false,
    target: ['chrome123', 'firefox128', 'safari17.5'],
  },
  server: { proxy: { '/api': process.env.WARREN_API ?? 'http://127.0.0.1:15672' } },
})
