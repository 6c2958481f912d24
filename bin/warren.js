#!/usr/bin/env node
// The server runs from a bundle: it starts in half the time and is faster. Other commands load what they need, and no more.
const [command = 'server'] = process.argv.slice(2)
const isServer = command === 'server' || command.startsWith('-')
const { main } = await import(isServer ? '../dist/bundle/main.js' : '../dist/src/main.js')

await main(process.argv.slice(2))
