// Writes the generated part of docs/configuration.md from the table of settings: npm run docs:settings
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { replaceGenerated } from '../dist/src/config/settings-page.js'

const page = fileURLToPath(new URL('../docs/configuration.md', import.meta.url))
writeFileSync(page, replaceGenerated(readFileSync(page, 'utf8')))
