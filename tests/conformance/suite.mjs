// Runs http-cache-tests, unpacked in the folder given, in one process: its origin on a port of the
// loopback, named on the first line of the output, then its client against the URL that is read
// from the input. The results go to the file given. Further arguments name the only tests to run.

import fs from 'node:fs'
import http from 'node:http'

const [root, file, ...only] = process.argv.slice(2)
const load = async (module) => await import(`${root}/${module}`)

const handlers = {}
for (const name of ['config', 'state', 'test']) {
  handlers[name] = (await load(`package/server/handle-${name}.mjs`)).default
}

const origin = http.createServer((request, response) => {
  const [, name, ...rest] = new URL(request.url, 'http://localhost').pathname.split('/')
  if (name in handlers) {
    handlers[name](rest, request, response)
  } else {
    response.writeHead(404)
    response.end()
  }
})
origin.listen(0, '127.0.0.1', () => console.log(origin.address().port))

const base = await new Promise((resolve) => process.stdin.once('data', resolve))
const { runTests, getResults } = await load('package/client/runner.mjs')
const suites = (await load('package/tests/index.mjs')).default
const { default: fetch } = await load('node_modules/node-fetch/lib/index.mjs')
for (const suite of suites) {
  suite.tests = suite.tests.filter((test) => only.length === 0 || only.includes(test.id))
}
await runTests(suites, fetch, false, base.toString().trim())

const kinds = {}
for (const suite of suites) {
  for (const test of suite.tests) kinds[test.id] = test.kind ?? 'required'
}
const results = Object.entries(getResults()).map(([id, found]) => ({ id, kind: kinds[id], found }))
fs.writeFileSync(file, JSON.stringify(results))
process.exit(0)
