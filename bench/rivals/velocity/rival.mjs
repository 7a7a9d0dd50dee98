// velocityjs renders the template: prints its output as JSON, then for each line of input how many nanoseconds a rendering took,
// over a second. The body is read for each rendering, and the template once.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createInterface } from 'node:readline';

const [, , modules, template, event] = process.argv;
const { Compile, parse } = createRequire(`${modules}/`)('velocityjs');
const tree = parse(readFileSync(template, 'utf8'));
const body = readFileSync(event, 'utf8');

function find(document, path) {
    return path.split('.').slice(1).reduce((value, name) => value?.[name], document);
}

function render() {
    let document;
    const read = () => (document ??= JSON.parse(body));
    return new Compile(tree).render({
        context: { requestId: '00000000-0000-4001-8000-000000000002' },
        stageVariables: { tier: 'gold' },
        util: { escapeJavaScript: (text) => text.replace(/['"\\/]/g, '\\$&') },
        input: { path: (path) => find(read(), path), json: (path) => JSON.stringify(find(read(), path)) },
    });
}

console.log(JSON.stringify(render()));
for await (const _ of createInterface({ input: process.stdin })) {
    const start = process.hrtime.bigint();
    let count = 0n;
    while (process.hrtime.bigint() - start < 1_000_000_000n) {
        for (let i = 0; i < 100; i++) render();
        count += 100n;
    }
    console.log(String((process.hrtime.bigint() - start) / count));
}
