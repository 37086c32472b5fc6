// Adds to package-lock.json the other platforms' binaries that it names but does not hold. A registry
// mirror that lacks them makes npm leave them out silently, and `npm ci` of npm 11 and 12 refuses
// such a lockfile. Run it after `npm install`; entries made here carry no integrity hash.
import { readFileSync, writeFileSync } from 'node:fs'

const file = new URL('../package-lock.json', import.meta.url)
const lock = JSON.parse(readFileSync(file, 'utf8'))

const OS = /(?:^|[-/])(android|darwin|freebsd|linux|openharmony|win32)(?=-|$)/
const CPU = {
  arm64: 'arm64',
  aarch64: 'arm64',
  arm: 'arm',
  x64: 'x64',
  ia32: 'ia32',
  ppc64: 'ppc64',
  riscv64: 'riscv64',
  s390x: 's390x',
}

for (const [path, entry] of Object.entries(lock.packages)) {
  for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
    const os = OS.exec(name)?.[1]
    const places = [`${path}/node_modules/${name}`, `node_modules/${name}`]
    if (path === '' || os === undefined || places.some((place) => place in lock.packages)) continue
    const cpu = name.split(/[-/]/).flatMap((part) => CPU[part] ?? [])
    const libc = /musl/.test(name) ? ['musl'] : /gnu|glibc/.test(name) ? ['glibc'] : undefined
    lock.packages[`node_modules/${name}`] = {
      version,
      cpu,
      ...(entry.dev ? { dev: true } : {}),
      ...(libc && os === 'linux' ? { libc } : {}),
      optional: true,
      os: [os],
    }
    console.log(`added ${name}@${version}`)
  }
}

const isPackage = ([path]) => path !== ''
const [root, rest] = [lock.packages[''], Object.entries(lock.packages).filter(isPackage)]
lock.packages = { '': root, ...Object.fromEntries(rest.sort(([a], [b]) => (a < b ? -1 : 1))) }
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`)
