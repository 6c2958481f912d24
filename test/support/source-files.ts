/**
 * The source tree as text, for tests that judge it: files, what they import, and their code without comments and strings.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** One import of a file of the project. */
export interface FileImport {
  /** Path from the root of the project. */
  readonly path: string
  /** Whether it is gone at run time (`import type`). */
  readonly isType: boolean
  readonly line: number
}

/** One source file. Paths are from the root of the project, with `/`. */
export interface SourceFile {
  readonly path: string
  readonly text: string
  /** The text with comments and the contents of strings blanked out; lines are where they were. */
  readonly code: string
  readonly imports: readonly FileImport[]
  readonly lineCount: number
  readonly isTest: boolean
}

/** The root of the project: the folder of package.json above the built tests. */
export function projectRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
}

/** All TypeScript files below some folders of the project. */
export function sourceFiles(...folders: readonly string[]): SourceFile[] {
  const root = projectRoot()
  return folders.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
      .map((entry) => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
      .map((path) => readSource(path, readFileSync(join(root, path), 'utf8'))),
  )
}

/** A file from its text. */
export function readSource(path: string, text: string): SourceFile {
  return {
    path,
    text,
    code: withoutText(text),
    imports: importsOf(path, text),
    lineCount: text.split('\n').length - 1,
    isTest: path.endsWith('.test.ts'),
  }
}

const IMPORT =
  /^(?:import|export)\s+(type\s)?[^'";]*?from\s+'(\.[^']+)'|\bimport\('(\.[^']+)'\)|^import\s+'(\.[^']+)'/gm

function importsOf(path: string, text: string): FileImport[] {
  return [...text.matchAll(IMPORT)].map((match) => ({
    path: normalize(join(dirname(path), match[2] ?? match[3] ?? match[4]!)).replaceAll('\\', '/'),
    isType: match[1] !== undefined,
    line: lineAt(text, match.index),
  }))
}

/** The line of a place in a text, from 1. */
export function lineAt(text: string, index: number): number {
  return text.slice(0, index).split('\n').length
}

// Comments, strings, templates without `${`, and regular expressions where an operand may stand.
const BLANKED =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`|(?<=[(,=:[!&|?{};+]\s*|return\s)\/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n[])+\/[dgimsuvy]*/g

function withoutText(text: string): string {
  return text.replace(BLANKED, (found) => {
    if (found.startsWith('`')) return blankTemplate(found)
    return found.replace(/[^\n]/g, ' ')
  })
}

/** Keeps what stands in `${…}`, because that is code. */
function blankTemplate(template: string): string {
  const kept = template.split(/(\$\{[^}]*\})/)
  return kept.map((part) => (part.startsWith('${') ? part : part.replace(/[^\n]/g, ' '))).join('')
}
