/** The console's beginning: styles, then the page. */
import 'uplot/dist/uPlot.min.css'
import './style/tokens.css'
import './style/base.css'
import './style/shell.css'
import './style/parts.css'
import './style/table.css'
import './style/chart.css'
import './style/topology.css'
import { render } from 'preact'
import { App } from './app.tsx'

const place = document.getElementById('app')
if (place === null) throw new Error('the page has no place for the console')
render(<App />, place)
