// A client of HTTP/2 that sends trailers and prints those that it gets.
const http2 = require('node:http2');

const [address, path] = process.argv.slice(2);
const session = http2.connect(`http://${address}`);
session.on('error', fail);
const stream = session.request({ ':method': 'POST', ':path': path, te: 'trailers' }, { waitForTrailers: true });
let text = '';
stream.setEncoding('utf8');
stream.on('error', fail);
stream.on('wantTrailers', () => stream.sendTrailers({ 'x-checksum': 'abc' }));
stream.on('data', piece => { text += piece; });
stream.on('trailers', trailers => console.log('trailers', JSON.stringify(trailers)));
stream.on('end', () => { console.log('text', text); session.close(); });
stream.write('hello ');
stream.end('world');

function fail(error) {
  console.log('error', error.message);
  process.exit(1);
}
