// Runs http-cache-tests (Mark Nottingham and others) through a gateway: its origin is here, and so is its client.
// Says the origin's port, reads the gateway's address, and says what came of each test, each on a line.
import http from 'node:http'
import path from 'node:path'
import readline from 'node:readline'
import { pathToFileURL } from 'node:url'

const suite = process.argv[2]
const load = file => import(pathToFileURL(path.resolve(suite, file)).href)
const handlers = {}
for (const name of ['config', 'state', 'test']) {
  handlers[name] = (await load(`server/handle-${name}.mjs`)).default
}
const { runTests, getResults } = await load('client/runner.mjs')
const { default: suites } = await load('tests/index.mjs')
const { default: fetch } = await load('node_modules/node-fetch/lib/index.mjs')

// What the origin complains about is in the results, too.
const say = line => process.stdout.write(line + '\n')
console.log = () => {}

const origin = http.createServer((request, response) => {
  const [kind, ...rest] = new URL(request.url, 'http://origin/').pathname.split('/').slice(1)
  const handler = handlers[kind]
  if (handler) return handler(rest, request, response)
  response.writeHead(404).end()
})
await new Promise(resolve => origin.listen(0, '127.0.0.1', resolve))
say(String(origin.address().port))

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const base = (await lines.next()).value
// All at once: they mostly wait for answers to grow old.
await runTests(suites, fetch, false, base, 1000)
const results = getResults()
for (const { tests } of suites) {
  for (const { id, kind, depends_on: needs } of tests) {
    if (id in results) say(JSON.stringify({ id, kind: kind ?? 'required', needs: needs ?? [], result: results[id] }))
  }
}
process.exit(0)
